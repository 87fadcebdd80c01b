from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from live import Server, key, project


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with the write key wk."""
    root = project(tmp_path / "shop")
    key(root)
    return root


@pytest.fixture
def server(shop: Path) -> Iterator[Server]:
    with Server(shop) as running:
        yield running
