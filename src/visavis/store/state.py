"""The state: which loads the lake is made of, and small facts that must change together with them.

SQLite in WAL mode with synchronous=FULL; every change is one transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visavis.store.formats import open_database, transaction

_COLUMNS = "load_id, source, definition, active, created_at, files, counts, min_ts, max_ts"


@dataclass(frozen=True, slots=True)
class FileMark:
    """A file as it was when it was taken in; `path` is relative to the project where it can be."""

    path: str
    size: int
    mtime_ns: int
    sha256: str
    rows: int = 0

    def as_json(self) -> dict[str, object]:
        return {
            "path": self.path,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "sha256": self.sha256,
            "rows": self.rows,
        }


@dataclass(frozen=True, slots=True)
class Load:
    """One load of the lake. `counts` has rows, events, lines, quarantined, dropped_fields, ...

    `min_ts`, `max_ts` (UTC ms) span its events that have a time.
    """

    load_id: str
    source: str
    definition: str
    created_at: int
    files: tuple[FileMark, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)
    min_ts: int | None = None
    max_ts: int | None = None
    active: bool = True

    def row(self) -> tuple[object, ...]:
        files = json.dumps([f.as_json() for f in self.files], ensure_ascii=False)
        counts = json.dumps(self.counts, ensure_ascii=False)
        head = (self.load_id, self.source, self.definition, int(self.active), self.created_at)
        return (*head, files, counts, self.min_ts, self.max_ts)


class State:
    """The open state database of a project; raises ProblemsError `too-new`."""

    def __init__(self, path: Path) -> None:
        self._db = open_database(path)

    @property
    def db(self) -> sqlite3.Connection:
        """The connection itself, for the journal."""
        return self._db

    def loads(self, active_only: bool = True) -> list[Load]:
        """The loads in the order they were made."""
        where = "WHERE active = 1" if active_only else ""
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM loads {where} ORDER BY load_id")
        return [_load(row) for row in rows]

    def next_number(self) -> int:
        """The number of the next load; numbers are never used twice."""
        row = self._db.execute("SELECT max(load_id) FROM loads").fetchone()
        return int(row[0].split("-")[0]) + 1 if row[0] else 1

    def commit(
        self, load: Load | None, ended: Iterable[str] = (), facts: Mapping[str, Any] | None = None
    ) -> None:
        """In one step: the load counts, the `ended` ones no longer do, and facts are set."""
        with transaction(self._db):
            for load_id in ended:
                self._db.execute("UPDATE loads SET active = 0 WHERE load_id = ?", (load_id,))
            if load is not None:
                marks = ",".join("?" * 9)
                self._db.execute(f"INSERT INTO loads({_COLUMNS}) VALUES ({marks})", load.row())
            for name, value in (facts or {}).items():
                text = json.dumps(value, ensure_ascii=False)
                self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, text))

    def mark_files(self, load_id: str, files: Iterable[FileMark]) -> None:
        """Replaces the marks of a load's files: touched or moved, but of known content."""
        text = json.dumps([f.as_json() for f in files], ensure_ascii=False)
        with transaction(self._db):
            self._db.execute("UPDATE loads SET files = ? WHERE load_id = ?", (text, load_id))

    def recount(self, load_id: str, counts: Mapping[str, Any]) -> None:
        """Replaces the counts of a load."""
        text = json.dumps(counts, ensure_ascii=False)
        with transaction(self._db):
            self._db.execute("UPDATE loads SET counts = ? WHERE load_id = ?", (text, load_id))

    def fact(self, name: str) -> Any:
        """A fact by its name, None when it was never set."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> State:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _load(row: tuple[Any, ...]) -> Load:
    load_id, source, definition, active, created_at, files, counts, min_ts, max_ts = row
    marks = tuple(FileMark(**mark) for mark in json.loads(files))
    return Load(
        load_id,
        source,
        definition,
        created_at,
        marks,
        json.loads(counts),
        min_ts,
        max_ts,
        bool(active),
    )
