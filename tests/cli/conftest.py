"""Runs the command line in this process: `run("init", "shop", ...)`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from shops import NOW, ORDERS, Run

from visavis.cli.main import cli


def call(*args: str, exit_code: int = 0) -> Result:
    result = CliRunner().invoke(cli, list(args))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == exit_code, result.output
    return result


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls visavis in an empty folder; standard output and error come apart."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISAVIS_NOW", NOW)
    return call


@pytest.fixture
def shop(run: Run, tmp_path: Path) -> Path:
    """A project made by `init --orders`, not built yet."""
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    run("init", "shop", "--orders", "orders.csv", "--yes")
    return tmp_path / "shop"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built project that tests only read."""
    folder = tmp_path_factory.mktemp("built")
    bad = "10,e,2018-03-06 12:00:00,pen,many,1.50,office,shop\n"
    (folder / "orders.csv").write_text(ORDERS + bad, encoding="utf-8")
    before = os.environ.get("VISAVIS_NOW")
    os.environ["VISAVIS_NOW"] = NOW
    try:
        call("init", str(folder / "shop"), "--orders", str(folder / "orders.csv"), "--yes")
        call("-p", str(folder / "shop"), "build", "--quiet")
    finally:
        os.environ.pop("VISAVIS_NOW") if before is None else os.environ.update(VISAVIS_NOW=before)
    return folder / "shop"


@pytest.fixture
def ask(run: Run, built: Path) -> Run:
    """Calls visavis on the built project."""

    def on_it(*args: str, exit_code: int = 0) -> Result:
        return call("-p", str(built), *args, exit_code=exit_code)

    return on_it
