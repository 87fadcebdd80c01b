"""How what is on disk is laid out, by a number, and the steps from each earlier one.

One number stands for the state database (its `user_version`), the lake and the tail; a build's
manifest has its own. What is of an earlier number is brought up by the steps when it is opened for
writing; what is of a later one is refused, with words, before anything is touched.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from visavis.core.problems import Problem, ProblemsError
from visavis.store import erased, journal, words

Step = Callable[[sqlite3.Connection], None]

LOADS = """
CREATE TABLE IF NOT EXISTS loads(
  load_id TEXT PRIMARY KEY, source TEXT NOT NULL, definition TEXT NOT NULL,
  active INT NOT NULL, created_at INT NOT NULL, files TEXT NOT NULL, counts TEXT NOT NULL,
  min_ts INT, max_ts INT);
CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def _numbered(db: sqlite3.Connection) -> None:
    """From before states had a number: the tables that some of them lack."""
    for table in _statements(LOADS + journal.TABLE + words.TABLE):
        db.execute(table)


def _erased(db: sqlite3.Connection) -> None:
    """The list of who was erased."""
    for table in _statements(erased.TABLE):
        db.execute(table)


STEPS: tuple[Step, ...] = (_numbered, _erased)
"""Step i makes format i + 1 of format i."""
FORMAT = len(STEPS)
BUILD_FORMAT = 1
"""Builds are made anew, so an earlier one needs no step: it is read, or built again."""


def _statements(script: str) -> list[str]:
    return [part for part in script.split(";") if part.strip()]


def open_database(path: Path) -> sqlite3.Connection:
    """The state database, brought up to the present format; raises ProblemsError `too-new`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, timeout=60)
    try:
        _refuse_later(_number(db))
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA fullfsync=ON")
        upgrade(db)
    except BaseException:
        db.close()
        raise
    return db


def upgrade(db: sqlite3.Connection) -> None:
    """Takes the steps that are left, all in one transaction."""
    if _number(db) == FORMAT:
        return
    with transaction(db):
        number = _number(db)  # another process may just have taken them
        for step in STEPS[number:]:
            step(db)
        db.execute(f"PRAGMA user_version = {FORMAT}")


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Everything in the block, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _number(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def check_format(state: Path) -> None:
    """Raises ValueError, with words, when a state folder is of a later format than is known."""
    path = state / "state.db"
    if path.exists():
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as db:
            if _number(db) > FORMAT:
                raise ValueError(_words("state", _number(db), FORMAT))


def _refuse_later(number: int) -> None:
    if number > FORMAT:
        raise ProblemsError([too_new("state", number, FORMAT)])


def too_new(what: str, number: int, known: int) -> Problem:
    """The Problem of data that a later visavis wrote."""
    hint = "Install the visavis that wrote it, or a later one; nothing was changed."
    return Problem("too-new", f"{_words(what, number, known)}.", hint=hint)


def _words(what: str, number: int, known: int) -> str:
    return (
        f"The {what} is of format {number}, made by a later visavis; "
        f"this one knows formats up to {known}"
    )
