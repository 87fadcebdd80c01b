"""Events that the published build does not have yet, by identifier: the newest in memory, the rest
in a file beside the state.

Memory stays bounded however many events come between two builds: when enough are gathered they are
written to the file on a thread of its own, by statements that run without Python's lock. The file
is derived from the tail, is made anew by each process, and is no place of truth.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from visavis.core.decisions import Identifier

LIMIT = 10_000
"""Events gathered in memory before they are written to the file."""
_log = logging.getLogger("visavis.live")
_RETRY_SECONDS = 1.0
_CHUNK = 2_000
Span = tuple[int, int]
"""First and last moment, UTC ms."""
Links = dict[tuple[Identifier, str], Span]
"""(other identifier, rule) -> when it was first and last said."""
_TABLES = """
CREATE TABLE seen(name TEXT PRIMARY KEY, low INT NOT NULL, high INT NOT NULL) WITHOUT ROWID;
CREATE TABLE pids(pid TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE links(name TEXT, other TEXT, rule TEXT, low INT NOT NULL, high INT NOT NULL,
  PRIMARY KEY(name, other, rule)) WITHOUT ROWID;
CREATE TABLE events(name TEXT, part INT, place INT, body TEXT NOT NULL,
  PRIMARY KEY(name, part, place)) WITHOUT ROWID;
"""
_SEEN = (
    "INSERT INTO seen SELECT value->>0, value->>1, value->>2 FROM json_each(?) WHERE true "
    "ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)"
)
_PIDS = (
    "INSERT INTO pids SELECT value->>0, value->>1 FROM json_each(?) WHERE true "
    "ON CONFLICT DO NOTHING"
)
_LINKS = (
    "INSERT INTO links SELECT value->>0, value->>1, value->>2, value->>3, value->>4 "
    "FROM json_each(?) WHERE true "
    "ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high)"
)
_EVENTS = "INSERT INTO events SELECT value->>0, value->>1, value->>2, value->3 FROM json_each(?)"


class Kept(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An event as the reader wants it; `others` are its further identifiers, the strongest first.

    Of an event that no definition reads only its place in the log and its identifiers are kept.
    """

    event: str
    ts: int
    message_id: str
    others: list[Identifier]
    type: str = ""
    received_at: int = 0
    channel: str | None = None
    void: bool = True
    properties: dict[str, Any] = {}
    products: list[dict[str, Any]] = []
    cleared: list[str] = []
    digest: str = ""

    def plain(self) -> dict[str, Any]:
        """The event as History.from_events takes it."""
        return {
            "message_id": self.message_id, "event": self.event, "type": self.type, "ts": self.ts,
            "received_at": self.received_at, "content_hash": self.digest, "source": "live",
            "channel": self.channel,
            "void": self.void, "properties": self.properties, "products": self.products,
            "cleared": self.cleared,
        }  # fmt: skip


_decode = msgspec.json.Decoder(Kept).decode
_encode = msgspec.json.Encoder().encode


class _Together:
    """Identifiers that events named together, by which rule, and when first and last.

    Visitors come back with the same identifiers, so that most events change one of these only.
    """

    __slots__ = ("high", "low", "names", "rule")

    def __init__(self, names: tuple[Identifier, ...], rule: str, ts: int) -> None:
        self.names, self.rule, self.low, self.high = names, rule, ts, ts


class _Part:
    """Events of one stretch of time."""

    __slots__ = ("events", "indexed", "of", "pids", "size", "together")

    def __init__(self) -> None:
        self.events: dict[Identifier, list[bytes]] = {}
        self.together: dict[tuple[tuple[Identifier, ...], str], _Together] = {}
        self.of: dict[Identifier, list[_Together]] = {}
        self.pids: dict[str, Identifier] = {}
        self.indexed = 0
        self.size = 0

    def see(self, names: tuple[Identifier, ...], rule: str, ts: int) -> None:
        """Takes in identifiers seen together, the strongest first."""
        known = self.together.get((names, rule))
        if known is None:
            known = self.together[names, rule] = _Together(names, rule, ts)
            for name in names:
                self.of.setdefault(name, []).append(known)
        elif ts > known.high:
            known.high = ts
        elif ts < known.low:
            known.low = ts

    def seen(self, name: Identifier) -> Span | None:
        """When an identifier was first and last seen."""
        of = self.of.get(name)
        return (min(t.low for t in of), max(t.high for t in of)) if of else None

    def links(self, name: Identifier, found: Links) -> None:
        """Adds what an identifier was seen together with: the strongest, or it is the strongest."""
        for t in self.of.get(name, ()):
            for far in t.names[1:] if t.names[0] == name else t.names[:1]:
                found[far, t.rule] = _wider(found.get((far, t.rule)), t.low, t.high)

    def index(self, pid: Callable[[str, str], str]) -> dict[str, Identifier]:
        """Identifiers by their pid."""
        new = list(islice(self.of, self.indexed, None))
        self.indexed += len(new)
        self.pids.update((pid(*name), name) for name in new)
        return self.pids


class Recent:
    """All that is known since the build. One thread adds and reads; close it in the end.

    Without a `folder` everything stays in memory. `pid` gives an identifier's pid.
    """

    def __init__(
        self, pid: Callable[[str, str], str], folder: Path | None = None, limit: int = LIMIT
    ) -> None:
        self.pid, self.folder, self.limit = pid, folder, limit
        self._hot = _Part()
        self._writing: _Part | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._parts = 0
        self._path: Path | None = None
        self._disk: sqlite3.Connection | None = None

    # in

    def add(self, names: tuple[Identifier, ...], rule: str, kept: Kept) -> None:
        """Takes an event of these identifiers, the strongest first, which `rule` links."""
        hot, strongest = self._hot, names[0]
        events = hot.events.get(strongest)
        if events is None:
            hot.events[strongest] = [_encode(kept)]
        else:
            events.append(_encode(kept))
        hot.size += 1
        hot.see(names, rule, kept.ts)
        self._watch()

    def _watch(self) -> None:
        if self._hot.size >= self.limit and self.folder is not None and self._writing is None:
            self._write_down()

    def see(self, name: Identifier, ts: int) -> None:
        """Takes in that an identifier was seen, and nothing else."""
        hot = self._hot
        before = len(hot.together)
        hot.see((name,), "", ts)
        hot.size += len(hot.together) - before
        self._watch()

    # out

    def seen(self, name: Identifier) -> Span | None:
        """When an identifier was first and last seen since the build."""
        found = None
        for part in self._memory():
            span = part.seen(name)
            if span is not None:
                found = _wider(found, *span)
        for low, high in self._rows("SELECT low, high FROM seen WHERE name = ?", _key(name)):
            found = _wider(found, low, high)
        return found

    def links(self, name: Identifier) -> Links:
        """What an identifier was seen together with."""
        found: Links = {}
        for part in self._memory():
            part.links(name, found)
        query = "SELECT other, rule, low, high FROM links WHERE name = ?"
        for other, rule, low, high in self._rows(query, _key(name)):
            far = (_name(other), rule)
            found[far] = _wider(found.get(far), low, high)
        return found

    def events(self, name: Identifier) -> list[Kept]:
        """The events whose strongest identifier this is, in no order, maybe some of them twice."""
        found: list[bytes | str] = []
        for part in self._memory():
            found += part.events.get(name, ())
        query = "SELECT body FROM events WHERE name = ?"
        found += [body for (body,) in self._rows(query, _key(name))]
        return [_decode(body) for body in found]

    def by_pid(self, pid: str) -> Identifier | None:
        """The identifier of a pid, if it was seen since the build."""
        for part in self._memory():
            found = part.index(self.pid).get(pid)
            if found is not None:
                return found
        for (name,) in self._rows("SELECT name FROM pids WHERE pid = ?", pid):
            return _name(name)
        return None

    def names(self) -> Iterator[Identifier]:
        """Every identifier seen since the build, once or more often; safe while more come in."""
        for part in self._memory():
            yield from list(part.of)
        after = ""
        while rows := list(
            self._rows("SELECT name FROM seen WHERE name > ? ORDER BY name LIMIT 1000", after)
        ):
            yield from (_name(name) for (name,) in rows)
            after = rows[-1][0]

    def _memory(self) -> tuple[_Part, ...]:
        # taken before the file is read: what is being written is then in one of the two or in both
        writing = self._writing
        return (self._hot,) if writing is None else (self._hot, writing)

    def _rows(self, query: str, value: str) -> Iterable[tuple[Any, ...]]:
        return () if self._disk is None else self._disk.execute(query, (value,))

    # to the file

    def _write_down(self) -> None:
        if self._disk is None:
            self._open()
        self._writing, self._hot = self._hot, _Part()
        self._thread = threading.Thread(target=self._write, name="recent", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path = self.folder / f"recent-{os.getpid()}-{id(self):x}.db"
        remove(self._path)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        self._disk = _connect(self._path)
        self._disk.executescript(_TABLES)

    def _write(self) -> None:
        part, number = self._writing, self._parts
        self._parts += 1
        assert part is not None
        assert self._path is not None
        while not self._closing.is_set():
            try:
                db = _connect(self._path)
                try:
                    _store(db, part, number, self.pid)
                finally:
                    db.close()
            except sqlite3.Error:
                _log.warning("recent events stay in memory: their file can't be written")
                self._closing.wait(_RETRY_SECONDS)
            else:
                break
        self._writing = None

    def settle(self) -> None:
        """Waits until what is being written is in the file."""
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Ends the writing and removes the file."""
        self._closing.set()
        self.settle()
        if self._disk is not None:
            self._disk.close()
            self._disk = None
        if self._path is not None:
            remove(self._path)


def clear(folder: Path) -> None:
    """Removes what processes that were killed left behind."""
    for path in folder.glob("recent-*.db"):
        remove(path)


def remove(path: Path) -> None:
    """Removes a file of recent events with what SQLite keeps beside it."""
    for ending in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    db.execute("PRAGMA journal_mode=WAL")
    # a crash of the machine takes the process with it, and the file is made anew by the next one
    db.execute("PRAGMA synchronous=OFF")
    db.execute("PRAGMA cache_size=-16384")
    return db


def _store(
    db: sqlite3.Connection, part: _Part, number: int, pid: Callable[[str, str], str]
) -> None:
    keys = {name: _key(name) for name in part.of}
    seen = sorted((key, *(part.seen(name) or ())) for name, key in keys.items())
    pids = sorted((one, keys[name]) for one, name in part.index(pid).items())
    links: list[tuple[Any, ...]] = []
    for name, key in keys.items():
        found: Links = {}
        part.links(name, found)
        links += [(key, keys[far], rule, *span) for (far, rule), span in found.items()]
    db.execute("BEGIN IMMEDIATE")
    events = _events(part, keys, number)
    statements = (_SEEN, seen), (_PIDS, pids), (_LINKS, sorted(links)), (_EVENTS, events)
    for statement, rows in statements:
        for some in _chunks(rows):
            db.execute(statement, (_text(some),))
    db.execute("COMMIT")


def _events(
    part: _Part, keys: Mapping[Identifier, str], number: int
) -> list[tuple[str, int, int, msgspec.Raw]]:
    return [
        (key, number, i, msgspec.Raw(body))
        for key, name in sorted((keys[name], name) for name in part.events)
        for i, body in enumerate(part.events[name])
    ]


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]
        time.sleep(0)  # whoever answers requests goes first


def _text(rows: Sequence[Any]) -> str:
    return _encode(rows).decode()


def _wider(span: Span | None, low: int, high: int) -> Span:
    if span is None:
        return low, high
    return (span[0] if span[0] < low else low), (span[1] if span[1] > high else high)


def _key(name: Identifier) -> str:
    return f"{name[0]}\x1f{name[1]}"


def _name(key: str) -> Identifier:
    kind, _, value = key.partition("\x1f")
    return kind, value
