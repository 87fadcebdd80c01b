"""Words said by hand about who is who, as the state keeps them: nothing is ever overwritten."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

TABLE = """
CREATE TABLE IF NOT EXISTS identity_words(
  id INTEGER PRIMARY KEY AUTOINCREMENT, ts INT NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL,
  kind_a TEXT NOT NULL, value_a TEXT NOT NULL, kind_b TEXT NOT NULL, value_b TEXT NOT NULL,
  rule TEXT NOT NULL, note TEXT NOT NULL, undone_at INT, undone_by TEXT);
"""
COLUMNS = (
    "id", "ts", "who", "action", "kind_a", "value_a", "kind_b", "value_b", "rule", "note",
    "undone_at", "undone_by",
)  # fmt: skip
Row = tuple[Any, ...]


def say(db: sqlite3.Connection, row: Row) -> int:
    """Keeps a word: ts (UTC ms), who, action, both identifiers, rule, note; returns its id."""
    marks = ", ".join("?" * 9)
    said = db.execute(
        f"INSERT INTO identity_words({', '.join(COLUMNS[1:10])}) VALUES ({marks})", row
    )
    return int(said.lastrowid or 0)


def undo(db: sqlite3.Connection, word: int, at_ms: int, who: str) -> bool:
    """Takes a word back; False where there is none such, or it was taken back before."""
    done = db.execute(
        "UPDATE identity_words SET undone_at = ?, undone_by = ? WHERE id = ? AND undone_at IS NULL",
        (at_ms, who, word),
    )
    return done.rowcount == 1


def said(db: sqlite3.Connection) -> list[Row]:
    """Every word ever said, in the columns above."""
    return db.execute(f"SELECT {', '.join(COLUMNS)} FROM identity_words ORDER BY id").fetchall()


def said_in(state: Path) -> list[Row]:
    """The same of a state folder that may not exist yet, without writing to it."""
    path = state / "state.db"
    if not path.exists():
        return []
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)
    try:
        known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'identity_words'").fetchone()
        return said(db) if known else []
    finally:
        db.close()
