"""The file of a published history: its tables, and how it is written, once.

One SQLite file beside a build. All of a person is one row: who it is, the identifiers, and the
events as columns, in msgpack, so that what is asked of somebody is found at once and read by one
call. Also in it: what links identifiers, the segments' members and the catalogue.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from visavis.core.lang.types import Type

VERSION = 6
FILE = f"history.{VERSION}.db"
"""Its name has the version of its layout: one of another version is made anew."""
HASHED = "#"
"""In place of a family: the key is a hash, of whatever it was made from."""
PIDS, PLAIN = "pids", "plain"
"""Prefix indexes: of the ids that each identifier gives, and of the hashes of plain ones."""
_RUN = 4096
encode = msgspec.msgpack.Encoder().encode
_NOTHING = encode([])
_MUCH = 16_384
"""Bytes: whose events take more has them in rows of their own, one for each identifier and name."""
_TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE owners(owner INTEGER PRIMARY KEY, person_id TEXT, settled INT NOT NULL,
  said INT NOT NULL, members BLOB NOT NULL, events BLOB);
CREATE TABLE events(owner INT NOT NULL, node INT NOT NULL, event INT NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY(owner, node, event)) WITHOUT ROWID;
CREATE TABLE identifiers(kind TEXT NOT NULL, value TEXT NOT NULL, owner INT NOT NULL,
  PRIMARY KEY(kind, value)) WITHOUT ROWID;
CREATE TABLE names(node INTEGER PRIMARY KEY, owner INT NOT NULL, kind TEXT NOT NULL,
  value TEXT NOT NULL);
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
_PARTS = """
CREATE TABLE parts.nodes(owner INT NOT NULL, node INT NOT NULL, kind TEXT NOT NULL,
  value TEXT NOT NULL, first_seen INT, last_seen INT, bot INT, PRIMARY KEY(owner, node))
  WITHOUT ROWID;
CREATE TABLE parts.persons(person INTEGER PRIMARY KEY, person_id TEXT NOT NULL,
  settled INT NOT NULL);
CREATE TABLE parts.streams(owner INT NOT NULL, node INT NOT NULL, event INT NOT NULL,
  body BLOB NOT NULL, PRIMARY KEY(owner, node, event)) WITHOUT ROWID;
"""
"""What owners are put together from, in a file beside that goes in the end."""
_INDEXES = """
CREATE INDEX orders_of ON orders(key);
CREATE INDEX words_of ON words(person);
CREATE INDEX named_by ON named(node);
CREATE INDEX logins_on ON logins(shared);
CREATE INDEX pids ON owners(person_id);
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
        self._parts.unlink(missing_ok=True)
        self.db = sqlite3.connect(self.path, isolation_level=None)
        self.db.execute("ATTACH ? AS parts", (str(self._parts),))
        for part in ("main", "parts"):
            self.db.execute(f"PRAGMA {part}.journal_mode=OFF")
            self.db.execute(f"PRAGMA {part}.synchronous=OFF")
        self.db.executescript(_TABLES + _PARTS)
        self.db.execute("BEGIN")

    @property
    def _parts(self) -> Path:
        return self.path.with_name(self.path.name + ".parts")

    def rows(self, table: str, width: int, rows: Iterable[Sequence[Any]]) -> None:
        """Adds rows to one of the tables; what `nodes`, `persons` and `streams` get goes into the
        rows of owners."""
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
            "CREATE TEMP TABLE forms AS SELECT f.family, n.value AS key, n.owner FROM names AS n "
            "JOIN families AS f USING (kind) UNION ALL SELECT f.family, k.key, n.owner "
            "FROM keys AS k JOIN names AS n USING (node) JOIN families AS f USING (kind)"
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
        self.db.execute("INSERT INTO names SELECT node, owner, kind, value FROM nodes ORDER BY 1")
        self._unsettle()
        self._put_together()
        self.db.execute("COMMIT")
        self.db.executescript(_INDEXES)
        self.db.close()
        self._parts.unlink()
        descriptor = os.open(self.path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        os.replace(self.path, target)
        for earlier in target.parent.glob("history.*.db"):
            if earlier != target:  # of another version: nobody reads it any more
                earlier.unlink()

    def _put_together(self) -> None:
        """Makes the rows of owners."""
        self.db.execute(
            "INSERT INTO events SELECT * FROM streams WHERE owner IN (SELECT owner FROM streams "
            "GROUP BY owner HAVING sum(length(body)) > ?)",
            (_MUCH,),
        )
        self.rows("owners", 6, self._owners())

    def _owners(self) -> Iterator[tuple[Any, ...]]:
        streams = groupby(
            self.db.execute("SELECT owner, body FROM streams ORDER BY owner, node, event"),
            itemgetter(0),
        )
        said = {person for (person,) in self.db.execute("SELECT DISTINCT person FROM words")}
        rows = self.db.execute(
            "SELECT n.owner, p.person_id, p.settled, n.node, n.first_seen, n.last_seen, n.bot, "
            "n.kind, n.value FROM nodes AS n LEFT JOIN persons AS p ON p.person = n.owner "
            "ORDER BY n.owner, n.kind, n.value"
        )
        having, bodies = next(streams, (None, ()))
        for (owner, person_id, settled), members in groupby(rows, itemgetter(0, 1, 2)):
            person = None if owner < 0 else owner
            held = encode([(node, person, *rest) for _, _, _, node, *rest in members])
            told: bytes | None = _NOTHING
            while having is not None and having < owner:
                having, bodies = next(streams, (None, ()))
            if having == owner:
                pieces = [msgspec.Raw(body) for _, body in bodies]
                told = encode(pieces) if sum(map(len, pieces)) <= _MUCH else None
            yield owner, person_id, bool(settled), owner in said, held, told


class Past(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One identifier's events of one name as columns, as the reader holds them, in log order."""

    node: int
    event: int
    """Its number among the file's shapes."""
    ts: list[int]
    ids: list[str]
    columns: list[list[Any]]
    parents: list[int] = []
    """The event of each line, by its row."""
    lines: list[list[Any]] = []


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
