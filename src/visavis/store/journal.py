"""The journal: events that visavis itself makes, kept with what caused them until they are in the
lake.

They are written in the same transaction as their cause, and read by everybody who must know of
them at once; a build moves them into the lake, once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

TABLE = """
CREATE TABLE IF NOT EXISTS journal(
  id INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE, ts INT NOT NULL,
  event TEXT NOT NULL, channel TEXT, identifiers TEXT NOT NULL, properties TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event of visavis' own. `ts_ms` in UTC ms; properties are named as in the vocabulary."""

    message_id: str
    ts_ms: int
    event: str
    identifiers: tuple[tuple[str, str], ...] = ()
    channel: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0


def record(db: sqlite3.Connection, events: Iterable[Recorded]) -> None:
    """Writes events in the caller's transaction; a message id that is there already stays."""
    db.executemany(
        "INSERT OR IGNORE INTO journal(message_id, ts, event, channel, identifiers, properties) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                e.message_id,
                e.ts_ms,
                e.event,
                e.channel,
                json.dumps(e.identifiers, ensure_ascii=False),
                json.dumps(dict(e.properties), ensure_ascii=False),
            )
            for e in events
        ),
    )


def waiting(
    db: sqlite3.Connection, after: int = 0, names: Collection[str] | None = None
) -> list[Recorded]:
    """Events that are not in the lake yet, in the order they were written; `names` of which."""
    listed = "" if names is None else f" AND event IN ({', '.join('?' * len(names))})"
    rows = db.execute(
        "SELECT id, message_id, ts, event, channel, identifiers, properties FROM journal "
        f"WHERE id > ?{listed} ORDER BY id",
        (after, *(names or ())),
    )
    return [
        Recorded(
            mid, ts, event, tuple((k, v) for k, v in json.loads(ids)), channel, json.loads(props), n
        )
        for n, mid, ts, event, channel, ids, props in rows
    ]


def last(db: sqlite3.Connection) -> int:
    """The id of the newest event."""
    return int(db.execute("SELECT coalesce(max(id), 0) FROM journal").fetchone()[0])


def forget(db: sqlite3.Connection, last: int) -> None:
    """Takes away what is in the lake: everything up to an id."""
    db.execute("DELETE FROM journal WHERE id <= ?", (last,))
