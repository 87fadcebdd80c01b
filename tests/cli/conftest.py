"""Runs the command line in this process: `run("init", "shop", ...)`."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from shops import ORDERS, Run

from visavis.cli.main import cli


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls visavis in an empty folder; standard output and error come apart."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISAVIS_NOW", "2018-03-10T00:00:00Z")

    def call(*args: str, exit_code: int = 0) -> Result:
        result = CliRunner().invoke(cli, list(args))
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == exit_code, result.output
        return result

    return call


@pytest.fixture
def shop(run: Run, tmp_path: Path) -> Path:
    """A project made by `init --orders`, not built yet."""
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    run("init", "shop", "--orders", "orders.csv", "--yes")
    return tmp_path / "shop"
