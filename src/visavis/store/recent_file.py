"""The file of recent events: SQLite, beside the state, written part by part.

Each part goes in with one transaction, together with the frame that it goes through. A crash of
the process takes nothing that was committed; after one of the machine the file is not trusted, so
that nothing need wait for the disk.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from visavis.core.decisions import Identifier
from visavis.store.recent_part import Digests, Part, encode, key_of, name_of
from visavis.store.tail import Frame

FOLDER = "live"
"""The folder of the state that holds what only a serving process needs."""
_LAYOUT = 2
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_CHUNK, _FEW = 500, 50
"""Rows made at once, while whoever answers requests waits; of rows that are large."""
_TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE seen(name TEXT PRIMARY KEY, pid TEXT NOT NULL, low INT NOT NULL, high INT NOT NULL)
  WITHOUT ROWID;
CREATE INDEX pids ON seen(pid);
CREATE TABLE digests(digest TEXT, name TEXT, PRIMARY KEY(digest, name)) WITHOUT ROWID;
CREATE TABLE links(name TEXT, other TEXT, rule TEXT, low INT NOT NULL, high INT NOT NULL,
  PRIMARY KEY(name, other, rule)) WITHOUT ROWID;
CREATE TABLE notes(what TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY(what, key)) WITHOUT ROWID;
CREATE TABLE events(name TEXT, part INT, bodies TEXT NOT NULL,
  PRIMARY KEY(name, part)) WITHOUT ROWID;
"""
_ALL = "FROM json_each(?) WHERE true"
_SPAN = "DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)"
_SEEN = (
    f"INSERT INTO seen SELECT value->>0, value->>1, value->>2, value->>3 {_ALL} ON CONFLICT {_SPAN}"
)
_DIGESTS = f"INSERT INTO digests SELECT value->>0, value->>1 {_ALL} ON CONFLICT DO NOTHING"
_LINKS = (
    "INSERT INTO links SELECT value->>0, value->>1, value->>2, value->>3, value->>4 "
    f"{_ALL} ON CONFLICT {_SPAN}"
)
_NOTES = f"INSERT OR REPLACE INTO notes SELECT value->>0, value->>1, value->2 {_ALL}"
_EVENTS = f"INSERT INTO events SELECT value->>0, value->>1, value->2 {_ALL}"


class _Some:
    """Names that may be in the file: most of those asked about are not, and need not be looked for.

    A Bloom filter of one hash, 8 MiB: of a million names one other in seventy is taken for there.
    """

    __slots__ = ("_bits",)

    def __init__(self) -> None:
        self._bits = bytearray(1 << 23)

    def add(self, name: Identifier) -> None:
        """Takes a name in."""
        number = hash(name)
        self._bits[number >> 3 & 0x7FFFFF] |= 1 << (number & 7)

    def __contains__(self, name: Identifier) -> bool:
        number = hash(name)
        return bool(self._bits[number >> 3 & 0x7FFFFF] >> (number & 7) & 1)


@dataclass(frozen=True, slots=True)
class Mark:
    """A frame of the tail, and a checksum that tells it from another of its number."""

    number: int
    sum: int

    @classmethod
    def of(cls, frame: Frame) -> Mark:
        """The mark of a frame."""
        start = zlib.crc32(f"{frame.number} {frame.received_ms}".encode())
        return cls(frame.number, zlib.crc32(frame.body, zlib.crc32(frame.head, start)))


class RecentFile:
    """The open file. One thread reads, and at most one other writes."""

    def __init__(self, path: Path, stamp: str, trusted: Callable[[Mark], bool]) -> None:
        """Opens what an earlier process left, if it was made for the same `stamp` since the
        machine was started and its mark can be trusted; else begins anew."""
        self.path = path
        self.stamp = f"{_LAYOUT} {_boot()} {stamp}"
        self.mark: Mark | None = None
        """Through which frame it goes."""
        self.parts = 0
        self.whats: set[str] = set()
        """Of what there are notes."""
        self.names = _Some()
        """Names that something may be told of; of others nothing is."""
        self.db = self._again(trusted) or self._begin()

    def _again(self, trusted: Callable[[Mark], bool]) -> sqlite3.Connection | None:
        if not self.path.exists() or not _boot():
            return None
        db: sqlite3.Connection | None = None
        try:
            db = _connect(self.path)
            meta = dict(db.execute("SELECT name, value FROM meta"))
            mark = Mark(*msgspec.json.decode(meta["mark"])) if "mark" in meta else None
            if meta.get("stamp") == self.stamp and mark is not None and trusted(mark):
                self.mark = mark
                self.parts = int(meta["parts"])
                self.whats = {what for (what,) in db.execute("SELECT DISTINCT what FROM notes")}
                for (key,) in db.execute("SELECT name FROM seen"):
                    self.names.add(name_of(key))
                return db
        except (sqlite3.Error, msgspec.DecodeError, TypeError, ValueError, KeyError):
            pass
        if db is not None:
            db.close()
        return None

    def _begin(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        remove(self.path)
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        db = _connect(self.path)
        db.executescript(_TABLES)
        db.execute("INSERT INTO meta VALUES ('stamp', ?)", (self.stamp,))
        return db

    def rows(self, query: str, *values: str) -> Iterable[tuple[Any, ...]]:
        """What a query finds."""
        return self.db.execute(query, values)

    def store(
        self,
        part: Part,
        pid: Callable[[str, str], str],
        digests: Digests,
        pause: Callable[[], None],
    ) -> None:
        """Writes a part, all or nothing; raises sqlite3.Error. On a thread of its own.

        Takes a `pause` again and again, so that whoever answers requests goes first.
        """
        db = _connect(self.path)
        try:
            # before anything of it can be read
            names = iter(part.of)
            while few := list(islice(names, _CHUNK)):
                for one in few:
                    self.names.add(one)
                pause()
            db.execute("BEGIN IMMEDIATE")
            for statement, rows in _statements(part, self.parts, pid, digests):
                while some := list(islice(rows, _FEW if statement is _EVENTS else _CHUNK)):
                    db.execute(statement, (encode(some).decode(),))
                    pause()
            mark = Mark.of(part.last) if part.last is not None else self.mark
            facts: dict[str, Any] = {"parts": self.parts + 1}
            if mark is not None:
                facts["mark"] = [mark.number, mark.sum]
            for name, value in facts.items():
                text = encode(value).decode()
                db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, text))
            db.execute("COMMIT")
        finally:
            db.close()
        self.parts, self.mark = self.parts + 1, mark
        self.whats |= part.whats

    def close(self) -> None:
        """Closes it; it stays for the next process."""
        self.db.close()


def clear(folder: Path, but: str = "") -> None:
    """Removes all files of recent events in a folder but one."""
    for path in folder.glob("recent-*.db"):
        if path.name != but:
            remove(path)


def remove(path: Path) -> None:
    """Removes a file of recent events with what SQLite keeps beside it."""
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _boot() -> str:
    """A text that another start of the machine does not have; empty where it can't be known."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA cache_size=-16384")
    return db


def _statements(
    part: Part, number: int, pid: Callable[[str, str], str], digests: Digests
) -> Iterator[tuple[str, Iterator[Any]]]:
    """Each statement with its rows, which are made as they are taken."""
    names = part.of
    yield _SEEN, ((key_of(n), pid(*n), *(part.seen(n) or ())) for n in names)
    yield _DIGESTS, ((digest, key_of(n)) for n in names for digest in digests(n))
    yield _LINKS, _links(part)
    yield _NOTES, ((*note, body) for note, body in part.notes.items())
    yield (
        _EVENTS,
        (
            (key_of(n), number, msgspec.Raw(b"[%b]" % b",".join(bodies)))
            for n, bodies in part.events.items()
        ),
    )


def _links(part: Part) -> Iterator[tuple[Any, ...]]:
    """What was seen together, told of both; the same once more where spans are to be joined."""
    for seen in part.together.values():
        first, span = key_of(seen.names[0]), (seen.rule, seen.low, seen.high)
        for name in seen.names[1:]:
            other = key_of(name)
            yield first, other, *span
            yield other, first, *span
