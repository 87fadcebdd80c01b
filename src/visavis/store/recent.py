"""What came since the published build, by identifier: the newest in memory, the rest in a file
beside the state.

Memory stays bounded however much comes between two builds: when enough is gathered it is written
to the file on a thread of its own, by statements that run without Python's lock. The file says
through which frame of the tail it goes, so that the next process begins there. It is derived from
the tail and no place of truth: one that does not fit what it is asked for is made anew.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from visavis.core.decisions import Identifier
from visavis.store.recent_file import FOLDER, Mark, RecentFile, clear, remove
from visavis.store.recent_part import (
    Digests,
    Kept,
    Links,
    Part,
    Ref,
    Span,
    encode,
    key_of,
    name_of,
    wider,
)
from visavis.store.tail import Frame

__all__ = ["FOLDER", "LIMIT", "Kept", "Mark", "Recent", "clear"]

LIMIT = 100_000
"""Events gathered in memory before they are written to the file; a large one counts as several."""
_log = logging.getLogger("visavis.live")
_RETRY_SECONDS = 1.0
_MOST_PARTS = 4
_WAIT_SECONDS = 0.05
_PAUSES = (0.04, 0.005)
"""Seconds between two chunks that are written, while the next part is not yet half full, and not
yet full: as little as may be is written at a time beside those who answer requests."""
_kept = msgspec.json.Decoder(Kept).decode
_ref = msgspec.json.Decoder(Ref).decode
_pieces = msgspec.json.Decoder(list[msgspec.Raw]).decode


def _no_digests(name: Identifier) -> Iterable[str]:
    return ()


def _nowhere(ref: Ref) -> Kept:
    raise LookupError("there is no tail to read from")


def _never(mark: Mark) -> bool:
    return False


class Recent:
    """All that is known since the build. One thread adds and reads; close it in the end.

    Without a `path` everything stays in memory. `stamp` tells what the file is made for; one that
    an earlier process left goes on if the tail still has the frame of its `mark` (`trusted`).
    `pid` gives an identifier's pid, `digests` the hashes that it may be known by, `read` an event
    that lies in the tail.
    """

    def __init__(
        self,
        pid: Callable[[str, str], str],
        path: Path | None = None,
        stamp: str = "",
        limit: int = LIMIT,
        digests: Digests = _no_digests,
        trusted: Callable[[Mark], bool] = _never,
        read: Callable[[Ref], Kept] = _nowhere,
    ) -> None:
        self.pid, self.digests, self.limit, self.read = pid, digests, limit, read
        self._file = None if path is None else RecentFile(path, stamp, trusted)
        self._hot = Part()
        self._writing: Part | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    @property
    def mark(self) -> Mark | None:
        """Through which frame of the tail the file goes; None for none."""
        return self._file.mark if self._file is not None else None

    # in

    def add(self, names: tuple[Identifier, ...], rule: str, kept: Kept) -> None:
        """Takes an event of these identifiers, the strongest first, which `rule` links."""
        self._hot.add(names, rule, encode(kept), kept.ts)

    def refer(self, names: tuple[Identifier, ...], ref: Ref) -> None:
        """Takes a usual event of these identifiers, which lies in the tail."""
        self._hot.add(names, "same row", encode(ref), ref.ts)

    def see(self, name: Identifier, ts: int) -> None:
        """Takes in that an identifier was seen, and nothing else."""
        self._hot.see((name,), "", ts)

    def put(self, what: str, key: str, value: Any) -> None:
        """Notes something (what JSON can say) in place of what was noted of that key before."""
        self._hot.put(what, key, value)

    def taken(self, frame: Frame) -> None:
        """Told after all that a frame holds was taken in."""
        self._hot.last = frame
        if self._hot.size < self.limit or self._file is None:
            return
        if self._thread is not None and self._hot.size >= _MOST_PARTS * self.limit:
            # more comes in than is written down: whoever sends waits, and memory stays bounded
            self._thread.join(_WAIT_SECONDS)
        if self._writing is None:
            self._writing, self._hot = self._hot, Part()
            self._thread = threading.Thread(target=self._write, name="recent", daemon=True)
            self._thread.start()

    # out

    def seen(self, name: Identifier) -> Span | None:
        """When an identifier was first and last seen since the build."""
        found = None
        for part in self._memory():
            span = part.seen(name)
            if span is not None:
                found = wider(found, *span)
        for low, high in self._of(name, "SELECT low, high FROM seen WHERE name = ?"):
            found = wider(found, low, high)
        return found

    def links(self, name: Identifier) -> Links:
        """What an identifier was seen together with."""
        found: Links = {}
        for part in self._memory():
            part.links(name, found)
        query = "SELECT other, rule, low, high FROM links WHERE name = ?"
        for other, rule, low, high in self._of(name, query):
            far = (name_of(other), rule)
            found[far] = wider(found.get(far), low, high)
        return found

    def events(self, name: Identifier) -> list[Kept]:
        """The events whose strongest identifier this is, in no order, maybe some of them twice."""
        found: list[bytes | msgspec.Raw] = []
        for part in self._memory():
            found += part.events.get(name, ())
        query = "SELECT bodies FROM events WHERE name = ?"
        for (bodies,) in self._of(name, query):
            found += _pieces(bodies)
        return [self._event(bytes(body)) for body in found]

    def _event(self, body: bytes) -> Kept:
        if body.startswith(b'["'):
            return _kept(body)
        return self.read(_ref(body))

    def note(self, what: str, key: str) -> Any:
        """What was noted last; None for nothing."""
        for part in self._memory():
            found = part.notes.get((what, key))
            if found is not None:
                return found
        if self._file is not None and what in self._file.whats:
            query = "SELECT body FROM notes WHERE what = ? AND key = ?"
            for (body,) in self._file.rows(query, what, key):
                return msgspec.json.decode(body)
        return None

    def has(self, what: str) -> bool:
        """Whether anything of the kind was noted."""
        if self._file is not None and what in self._file.whats:
            return True
        return any(what in part.whats for part in self._memory())

    def noted(self, what: str) -> Iterator[str]:
        """Every key of which something of the kind was noted, once or more often."""
        for part in self._memory():
            yield from [key for of, key in part.notes if of == what]
        for (key,) in self._rows("SELECT key FROM notes WHERE what = ?", what):
            yield key

    def by_pid(self, pid: str) -> Identifier | None:
        """The identifier of a pid, if it was seen since the build."""
        for part in self._memory():
            found = part.by_pid(self.pid).get(pid)
            if found is not None:
                return found[0]
        for (name,) in self._rows("SELECT name FROM seen WHERE pid = ?", pid):
            return name_of(name)
        return None

    def by_digest(self, digest: str) -> set[Identifier]:
        """The plain identifiers seen since the build that hash to this."""
        found: set[Identifier] = set()
        for part in self._memory():
            found.update(part.by_digest(self.digests).get(digest, ()))
        query = "SELECT name FROM digests WHERE digest = ?"
        found.update(name_of(name) for (name,) in self._rows(query, digest))
        return found

    def names(self) -> Iterator[Identifier]:
        """Every identifier seen since the build, once or more often; safe while more come in."""
        for part in self._memory():
            yield from list(part.of)
        after = ""
        while rows := list(
            self._rows("SELECT name FROM seen WHERE name > ? ORDER BY name LIMIT 1000", after)
        ):
            yield from (name_of(name) for (name,) in rows)
            after = rows[-1][0]

    def _memory(self) -> tuple[Part, ...]:
        # taken before the file is read: what is being written is then in one of the two or in both
        writing = self._writing
        return (self._hot,) if writing is None else (self._hot, writing)

    def _of(self, name: Identifier, query: str) -> Iterable[tuple[Any, ...]]:
        file = self._file
        if file is None or not file.parts or name not in file.names:
            return ()
        return file.rows(query, key_of(name))

    def _rows(self, query: str, value: str) -> Iterable[tuple[Any, ...]]:
        file = self._file
        return () if file is None or not file.parts else file.rows(query, value)

    # to the file

    def _write(self) -> None:
        part = self._writing
        assert part is not None
        while not self._stored(part):
            if self._closing.is_set():
                return
            _log.warning("recent events stay in memory: their file can't be written")
            self._closing.wait(_RETRY_SECONDS)
        part.let_go(self._pause)

    def _stored(self, part: Part) -> bool:
        assert self._file is not None
        try:
            self._file.store(part, self.pid, self.digests, self._pause)
        except (sqlite3.Error, OSError):
            return False
        self._writing = None
        return True

    def _pause(self) -> None:
        """Keeps a part from being written faster than the next one fills."""
        filled = int(2 * self._hot.size / self.limit)
        if filled < len(_PAUSES):
            self._closing.wait(_PAUSES[filled])

    def settle(self) -> None:
        """Waits until what is being written is in the file."""
        if self._thread is not None:
            self._thread.join()

    def close(self, keep: bool = False) -> None:
        """Ends it; `keep` leaves the file, with everything in it, for the next process."""
        self._closing.set()
        self.settle()
        if self._file is None:
            return
        # parts go in one after the other: what could not be written, the next process reads again
        if keep and self._writing is None and self._hot.last is not None:
            self._stored(self._hot)
        self._file.close()
        if not keep:
            remove(self._file.path)
        self._file = None
