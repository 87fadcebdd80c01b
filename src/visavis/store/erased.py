"""Who was erased: keyed hashes of identifiers, and until when what is dated does not come back.

The hashes tell nothing without the project's key. An event that names an erased identifier and is
dated up to the erasure, or has no date, is dropped wherever it comes from; what somebody does
later begins a new history.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path

TABLE = """
CREATE TABLE IF NOT EXISTS erased(hash TEXT PRIMARY KEY, at INT NOT NULL) WITHOUT ROWID;
"""


def hash_of(key: bytes, kind: str, value: str) -> str:
    """What is kept of an erased identifier (a normal value) under the project's key."""
    return hmac.digest(key, f"erased\x1f{kind}\x1f{value}".encode(), "sha256").hex()


def note(db: sqlite3.Connection, hashes: Iterable[str], at_ms: int) -> None:
    """Notes hashes as erased at a moment (UTC ms), in the caller's transaction."""
    db.executemany(
        "INSERT INTO erased VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        [(text, at_ms) for text in hashes],
    )


def noted(db: sqlite3.Connection) -> Mapping[str, int]:
    """Hash -> moment of the erasure, UTC ms."""
    return dict(db.execute("SELECT hash, at FROM erased"))


def noted_in(state: Path) -> Mapping[str, int]:
    """The same of a state folder that may not exist yet, without writing to it."""
    path = state / "state.db"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as db:
        known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'erased'").fetchone()
        return noted(db) if known else {}
