"""A stretch of what came since the published build, in memory: events, evidence and notes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import msgspec

from visavis.core.decisions import Identifier
from visavis.store.tail import Frame

Span = tuple[int, int]
"""First and last moment, UTC ms."""
Links = dict[tuple[Identifier, str], Span]
"""(other identifier, rule) -> when it was first and last said."""
Digests = Callable[[Identifier], Iterable[str]]
"""The hashes under which others may know an identifier."""


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


class Ref(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An event that is read from the tail when it is asked for: where its call lies, and when it
    was (UTC ms, its client's clock corrected) and came in."""

    segment: int
    begins: int
    length: int
    ts: int
    received_at: int


_FEW = 500
"""Entries given back at once."""
encode = msgspec.json.Encoder().encode


class _Together:
    """Identifiers that events named together, by which rule, and when first and last.

    Visitors come back with the same identifiers, so that most events change one of these only.
    """

    __slots__ = ("events", "high", "low", "names", "rule")

    def __init__(self, names: tuple[Identifier, ...], rule: str, ts: int) -> None:
        self.names, self.rule, self.low, self.high = names, rule, ts, ts
        self.events: list[bytes] | None = None
        """Those of the strongest, once there are any."""


class _Index:
    """Identifiers by texts that are worked out of them, as they are asked for."""

    __slots__ = ("held", "indexed")

    def __init__(self) -> None:
        self.held: dict[str, list[Identifier]] = {}
        self.indexed = 0

    def of(self, names: Iterable[Identifier], texts: Digests) -> dict[str, list[Identifier]]:
        new = list(islice(names, self.indexed, None))
        for name in new:
            for text in texts(name):
                self.held.setdefault(text, []).append(name)
        # last: another thread that asks meanwhile does the work twice, but misses nothing
        self.indexed += len(new)
        return self.held


class Part:
    """What came in one stretch of time; `last` is the frame of the tail that it goes through."""

    __slots__ = (
        "_digests", "_pids", "events", "last", "notes", "of", "size", "together", "whats",
    )  # fmt: skip

    def __init__(self) -> None:
        self.events: dict[Identifier, list[bytes]] = {}
        self.together: dict[tuple[tuple[Identifier, ...], str], _Together] = {}
        self.of: dict[Identifier, list[_Together]] = {}
        self.notes: dict[tuple[str, str], Any] = {}
        self.whats: set[str] = set()
        self.last: Frame | None = None
        self.size = 0
        self._pids, self._digests = _Index(), _Index()

    def add(self, names: tuple[Identifier, ...], rule: str, body: bytes, ts: int) -> None:
        """Takes an event of these identifiers, the strongest first, which `rule` links; `body` is
        a Kept or a Ref, encoded."""
        known = self.see(names, rule, ts)
        events = known.events
        if events is None:
            events = known.events = self.events.setdefault(names[0], [])
        events.append(body)
        self.size += 1 + (len(body) >> 8)

    def see(self, names: tuple[Identifier, ...], rule: str, ts: int) -> _Together:
        """Takes in identifiers seen together, the strongest first."""
        known = self.together.get((names, rule))
        if known is None:
            self.size += 1
            known = self.together[names, rule] = _Together(names, rule, ts)
            for name in names:
                self.of.setdefault(name, []).append(known)
        elif ts > known.high:
            known.high = ts
        elif ts < known.low:
            known.low = ts
        return known

    def put(self, what: str, key: str, value: Any) -> None:
        """Notes something of a key."""
        self.notes[what, key] = value
        self.whats.add(what)

    def seen(self, name: Identifier) -> Span | None:
        """When an identifier was first and last seen."""
        of = self.of.get(name)
        if not of:
            return None
        if len(of) == 1:
            return of[0].low, of[0].high
        return min(t.low for t in of), max(t.high for t in of)

    def links(self, name: Identifier, found: Links) -> None:
        """Adds what an identifier was seen together with: the strongest, or it is the strongest."""
        for t in self.of.get(name, ()):
            for far in t.names[1:] if t.names[0] == name else t.names[:1]:
                found[far, t.rule] = wider(found.get((far, t.rule)), t.low, t.high)

    def let_go(self, pause: Callable[[], None]) -> None:
        """Gives its memory back bit by bit, once nobody asks it any more: all at once would keep
        those waiting who ask for other things. Its notes, which may still be gone through, stay."""
        for held in (self.events, self.together, self.of):
            while held:
                for _ in range(min(len(held), _FEW)):
                    held.popitem()
                pause()

    def by_pid(self, pid: Callable[[str, str], str]) -> dict[str, list[Identifier]]:
        """Identifiers by their pid."""
        return self._pids.of(self.of, lambda name: (pid(*name),))

    def by_digest(self, digests: Digests) -> dict[str, list[Identifier]]:
        """Plain e-mails and phones by what they hash to."""
        return self._digests.of(self.of, digests)


def wider(span: Span | None, low: int, high: int) -> Span:
    """A span that reaches over another as well."""
    if span is None:
        return low, high
    return (span[0] if span[0] < low else low), (span[1] if span[1] > high else high)


def key_of(name: Identifier) -> str:
    """An identifier as one text."""
    return f"{name[0]}\x1f{name[1]}"


def name_of(key: str) -> Identifier:
    """The identifier of such a text."""
    kind, _, value = key.partition("\x1f")
    return kind, value
