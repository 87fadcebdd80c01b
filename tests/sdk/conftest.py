"""What the tests of client libraries stand on: a served shop, node with the clients, a browser.

Where node or a browser is absent a test is skipped and says what to install; .ci/run installs
them and sets VISAVIS_CLIENTS=required, and then nothing is skipped.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "serve"))
sys.path.insert(0, str(Path(__file__).parent))

from live import Server, project
from shop import KEY, SECRET, Node, Pages

from visavis.flow.keys import create

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HERE = Path(__file__).parent
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync", "--disable-quic",
)  # fmt: skip


def _absent(what: str) -> None:
    if os.environ.get("VISAVIS_CLIENTS") == "required":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A shop without any data, served, with a write key and a secret key."""
    root = project(tmp_path / "shop")
    create(root, "write", KEY, 0)
    create(root, "secret", SECRET, 0)
    with Server(root) as running:
        yield running


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the pinned client libraries."""
    program = shutil.which("node")
    if program is None:
        _absent("needs node (Debian: apt-get install nodejs npm), then: make clients")
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        _absent("needs the client libraries: make clients")
    assert program is not None
    return Node(program, HERE)


@pytest.fixture(scope="module")  # its event loop must not outlive these tests
def browser() -> Iterator[Browser]:
    """A real headless Chromium."""
    program = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if program is None:
        _absent("needs a browser (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield running
        running.close()


@pytest.fixture
def pages() -> Iterator[Pages]:
    """A web server of another origin, for the pages that the clients run in."""
    with Pages() as running:
        yield running
