"""Formats of the state: each earlier one is brought up, a later one is refused with words."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from visavis.core.clock import parse_time, zone
from visavis.core.problems import ProblemsError
from visavis.core.progress import SILENT
from visavis.flow import ask
from visavis.flow.build import build
from visavis.store import builds, formats
from visavis.store.outbox import Outbox
from visavis.store.state import Load, State


def rows(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with ask.query(root, sql) as batches:
        return [tuple(row.values()) for row in batches.read_all().to_pylist()]


def number(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def made(path: Path, steps: int) -> None:
    """A database as it was after so many steps, with a load in it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(formats.LOADS)
        for step in formats.STEPS[:steps]:
            step(db)
        db.execute("INSERT INTO loads VALUES ('000001-a', 'a', '', 1, 5, '[]', '{}', 1, 2)")
        db.execute(f"PRAGMA user_version = {steps}")


@pytest.mark.parametrize("earlier", range(formats.FORMAT + 1))
def test_every_earlier_format_is_brought_up(tmp_path: Path, earlier: int) -> None:
    made(tmp_path / "state.db", earlier)
    with Outbox(tmp_path) as outbox:
        assert outbox.arms(["x"]) == {"x": {}}
    with State(tmp_path / "state.db") as state:
        assert state.loads() == [Load("000001-a", "a", "", 5, (), {}, 1, 2)]
        new = {row[0] for row in state.db.execute("SELECT name FROM sqlite_master")}
    assert {"erased", "journal", "identity_words"} <= new
    assert number(tmp_path / "state.db") == formats.FORMAT


def test_a_step_that_fails_leaves_the_format_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half(x INT)")
        raise OSError("the disk is full")

    State(tmp_path / "state.db").close()
    monkeypatch.setattr(formats, "STEPS", (*formats.STEPS, half))
    monkeypatch.setattr(formats, "FORMAT", formats.FORMAT + 1)
    with pytest.raises(OSError):
        State(tmp_path / "state.db")
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchall()
    assert number(tmp_path / "state.db") == formats.FORMAT - 1


@pytest.mark.parametrize("door", [lambda p: State(p / "state.db"), Outbox])
def test_a_later_format_is_refused_untouched(tmp_path: Path, door: type[Outbox]) -> None:
    made(tmp_path / "state.db", formats.FORMAT)
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        db.execute("PRAGMA user_version = 99")
    before = (tmp_path / "state.db").read_bytes()
    with pytest.raises(ProblemsError) as problem:
        door(tmp_path)
    (told,) = problem.value.problems
    assert told.code == "too-new"
    assert "format 99" in told.message
    assert (tmp_path / "state.db").read_bytes() == before


STATES = sorted((Path(__file__).parent / "formats").glob("*.tar.gz"))
"""Whole projects with the state as earlier versions of the code left it."""


@pytest.mark.parametrize("file", STATES, ids=lambda path: path.name)
def test_a_project_of_every_earlier_version_goes_on(file: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with tarfile.open(file) as tar:
        if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and later
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(old)
    assert len(builds.listed(old / ".visavis")) == 1
    shutil.copytree(old, new, ignore=shutil.ignore_patterns(".visavis"))
    (new / ".visavis").mkdir()
    shutil.copy(old / ".visavis" / "key", new / ".visavis" / "key")
    now = parse_time("2024-04-01T00:00:00Z", zone("UTC"))
    everybody = "select * from people order by person_id"
    assert sorted(row[1:] for row in rows(old, everybody)) == [(1, 20), (2, 40)]
    for root in (old, new):
        with (root / "till.csv").open("a") as till:
            till.write("c2,,o5,2024-03-05T10:00:00Z,5,p1\n")
        build(root, None, now, SILENT)
    assert rows(old, everybody) == rows(new, everybody)
    assert sorted(row[1:] for row in rows(old, everybody)) == [(2, 25), (2, 40)]
    assert number(old / ".visavis" / "state.db") == formats.FORMAT


def test_a_build_of_a_later_version_is_refused(tmp_path: Path) -> None:
    folder = builds.start(tmp_path, "000001-x")
    builds.publish(tmp_path, folder, {"build_id": "000001-x", "format": 99})
    with pytest.raises(ProblemsError) as problem:
        builds.published(tmp_path)
    assert [p.code for p in problem.value.problems] == ["too-new"]
