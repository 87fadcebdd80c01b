"""Formats of the state: each earlier one is brought up, a later one is refused with words."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from visavis.core.problems import ProblemsError
from visavis.store import formats
from visavis.store.outbox import Outbox
from visavis.store.state import Load, State


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
