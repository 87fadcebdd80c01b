"""The file of a published history: its tables, and how it is written, once.

One SQLite file beside a build. A row is one identifier's events of one name, as arrays of whole
numbers: moments, columns (texts by their code), lines. Also in it: identifiers, who holds them, the
segments' members and the catalogue. All of a person lies in one place, whatever table it is in:
what is read of somebody is few pages.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visavis.core.lang.types import Type

VERSION = 5
FILE = f"history.{VERSION}.db"
"""Its name has the version of its layout: one of another version is made anew."""
NULL = -(2**63)
"""Stands for null in the arrays."""
HASHED = "#"
"""In place of a family: the key is a hash, of whatever it was made from."""
PIDS, PLAIN = "pids", "plain"
"""Prefix indexes: of the ids that each identifier gives, and of the hashes of plain ones."""
_RUN = 4096
HEAD = struct.Struct("<III")
_TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE events(owner INT NOT NULL, node INT NOT NULL, event INT NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY(owner, node, event)) WITHOUT ROWID;
CREATE TABLE texts(code INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE identifiers(kind TEXT NOT NULL, value TEXT NOT NULL, owner INT NOT NULL,
  PRIMARY KEY(kind, value)) WITHOUT ROWID;
CREATE TABLE nodes(owner INT NOT NULL, node INT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
  first_seen INT, last_seen INT, bot INT, PRIMARY KEY(owner, node)) WITHOUT ROWID;
CREATE TABLE persons(person INTEGER PRIMARY KEY, person_id TEXT NOT NULL, settled INT NOT NULL);
CREATE TABLE ties(owner INT NOT NULL, node INT NOT NULL, place INT NOT NULL, kind TEXT NOT NULL,
  value TEXT NOT NULL, rule TEXT NOT NULL, first_seen INT,
  PRIMARY KEY(owner, node, place)) WITHOUT ROWID;
CREATE TABLE keys(family TEXT NOT NULL, key TEXT NOT NULL, node INT NOT NULL,
  PRIMARY KEY(family, key, node)) WITHOUT ROWID;
CREATE TABLE confirmed(node INTEGER PRIMARY KEY, at INT NOT NULL);
CREATE TABLE prefixes(what TEXT NOT NULL, first INT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY(what, first)) WITHOUT ROWID;
CREATE TABLE items(product_id TEXT PRIMARY KEY, fields TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE logins(shared INT NOT NULL, at INT NOT NULL, message_id TEXT NOT NULL,
  node INT NOT NULL);
CREATE TABLE named(node INT NOT NULL, message_id TEXT NOT NULL, others TEXT NOT NULL);
CREATE TABLE words(person INT NOT NULL, at INT NOT NULL, says TEXT NOT NULL, kind TEXT NOT NULL,
  value TEXT NOT NULL, channel TEXT, purpose TEXT, message_id TEXT NOT NULL);
CREATE TABLE orders(key TEXT NOT NULL, message_id TEXT NOT NULL, source TEXT NOT NULL,
  ts INT NOT NULL, node INT);
CREATE TABLE sizes(segment TEXT PRIMARY KEY, members INT NOT NULL) WITHOUT ROWID;
CREATE TABLE members(person INT NOT NULL, segment TEXT NOT NULL,
  PRIMARY KEY(person, segment)) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX orders_of ON orders(key);
CREATE INDEX words_of ON words(person);
CREATE INDEX named_by ON named(node);
CREATE INDEX logins_on ON logins(shared);
CREATE INDEX node ON nodes(node);
CREATE INDEX pids ON persons(person_id);
"""


@dataclass(frozen=True, slots=True)
class EventShape:
    """The columns of one event in the file, in order."""

    event: str
    columns: tuple[tuple[str, Type], ...]
    lines: tuple[tuple[str, Type], ...] | None

    def as_json(self) -> list[Any]:
        lines = None if self.lines is None else [[n, str(t)] for n, t in self.lines]
        return [self.event, [[n, str(t)] for n, t in self.columns], lines]


@dataclass(slots=True)
class HistoryWriter:
    """Writes a new file; nothing is durable before `finish`."""

    path: Path
    db: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        self.path.unlink(missing_ok=True)
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode=OFF")
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.executescript(_TABLES)
        self.db.execute("BEGIN")

    def rows(self, table: str, width: int, rows: Iterable[Sequence[Any]]) -> None:
        """Adds rows to one of the file's tables."""
        marks = ", ".join("?" * width)
        self.db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)

    def meta(self, values: Mapping[str, Any]) -> None:
        """Sets facts about the file."""
        self.rows("meta", 2, [(name, json.dumps(value)) for name, value in values.items()])

    def _unsettle(self) -> None:
        """Settles nobody of whom somebody else has an identifier with the same comparing form."""
        self.db.execute(
            "CREATE TEMP TABLE families AS SELECT k.value AS kind, f.key AS family FROM meta, "
            "json_each(meta.value) AS f, json_each(f.value) AS k WHERE meta.name = 'kinds'"
        )
        # a value that is not its own form may be taken for one: that settles fewer, and is no harm
        self.db.execute(
            "CREATE TEMP TABLE forms AS SELECT f.family, n.value AS key, n.owner FROM nodes AS n "
            "JOIN families AS f USING (kind) UNION ALL SELECT f.family, k.key, n.owner "
            "FROM keys AS k JOIN nodes AS n USING (node) JOIN families AS f USING (kind)"
        )
        self.db.execute(
            "UPDATE persons SET settled = 0 WHERE person IN (SELECT owner FROM forms JOIN "
            "(SELECT family, key FROM forms GROUP BY 1, 2 HAVING min(owner) <> max(owner)) "
            "USING (family, key))"
        )

    def prefixes(self, what: str, numbers: Any, nodes: Any) -> None:
        """Adds an index: 8-byte numbers, sorted, and the node of each."""
        for start in range(0, len(numbers), _RUN):
            run = slice(start, start + _RUN)
            row = (what, int(numbers[start]), numbers[run].tobytes() + nodes[run].tobytes())
            self.db.execute("INSERT OR IGNORE INTO prefixes VALUES (?, ?, ?)", row)

    def finish(self, target: Path) -> None:
        """Makes the file durable under its name, in one step."""
        import os

        self.meta({"version": VERSION})
        self.db.execute("COMMIT")
        self.db.executescript(_INDEXES)
        self._unsettle()
        self.db.close()
        descriptor = os.open(self.path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        os.replace(self.path, target)


def body(
    moments: bytes, ids: Sequence[bytes], columns: Sequence[bytes], lines: Sequence[bytes] | None
) -> bytes:
    """One row's arrays; `ids` are the lengths (4 bytes each) and the joined texts of message ids,
    `lines` the parents' rows and then the columns, all as 8-byte numbers."""
    count = len(moments) // 8
    many = len(lines[0]) // 8 if lines else 0
    head = HEAD.pack(count, many, len(ids[1]))
    return b"".join((head, moments, *ids, *columns, *(lines or ())))


def unfinished(process_id: int) -> str:
    """What the file is called while a process makes it."""
    return f"{FILE}.{process_id}.new"


def is_made(folder: Path) -> bool:
    """Whether a build's folder has a history, in the form that this version reads."""
    path = folder / FILE
    if not path.exists():
        return False
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        row = db.execute("SELECT value FROM meta WHERE name = 'version'").fetchone()
    except sqlite3.Error:
        return False
    finally:
        db.close()
    return row is not None and json.loads(row[0]) == VERSION
