"""A person's history: the build's events of their identifiers, and what came since."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from visavis.core.decisions import Identifier
from visavis.core.lang.history import History, Stream
from visavis.flow.base import Base
from visavis.flow.live_orders import Orders
from visavis.flow.naming import Naming
from visavis.store.history import Held
from visavis.store.history_streams import history_of, picked
from visavis.store.recent import Recent
from visavis.store.recent_part import Kept

_NEVER = 1 << 62


class Gathering:
    """Puts together the events of identifiers, also those that a shared one gives to a person."""

    def __init__(
        self,
        base: Base,
        recent: Recent,
        orders: Orders,
        held: Callable[[Identifier], Held | None],
        naming: Naming,
        nobodys: Callable[[int], Callable[[Identifier], bool]],
    ) -> None:
        """`held` is what the build knows of an identifier, `nobodys` which are nobody's when."""
        self._base, self._recent, self._orders = base, recent, orders
        self._held, self._naming, self._nobodys = held, naming, nobodys

    def history(
        self,
        members: Iterable[Identifier],
        shared: Iterable[Identifier] = (),
        at_ms: int = _NEVER,
    ) -> History:
        """The events of these identifiers, the build's and those since; of shared ones what the
        last login before it gives to these."""
        return self.joined(*self.gathered(members, shared, at_ms))

    def gathered(
        self, members: Iterable[Identifier], shared: Iterable[Identifier], at_ms: int
    ) -> tuple[list[tuple[str, Stream]], list[Mapping[str, Any]]]:
        """Of `history`, the build's streams and the events since."""
        parts: list[tuple[str, Stream]] = []
        events: list[Mapping[str, Any]] = []
        held = set(members)
        parts += self.built(held)
        for name in held:
            events += [e.plain() for e in self._since(name)]
        nobodys = self._nobodys(at_ms) if shared else _no_name
        for name in shared:
            blocked = self._naming.blocks(name)
            mine, named = _no_login if blocked else self._logins(name, held), self._named(name)
            for event, stream in self.built((name,)):
                places = zip(stream.ts, stream.message_ids, strict=True)
                rows = [
                    i
                    for i, place in enumerate(places)
                    if _counts(place, named.get(place[1], ()), held, nobodys, mine)
                ]
                if rows:
                    parts.append((event, picked(stream, rows)))
            for e in self._since(name):
                if _counts((e.ts, e.message_id), e.others, held, nobodys, mine):
                    events.append(e.plain())
        return parts, events

    def joined(
        self, parts: list[tuple[str, Stream]], events: Sequence[Mapping[str, Any]]
    ) -> History:
        """One history of what was gathered."""
        if events:
            # what came again since the build was received later, so it counts
            again = {e["message_id"] for e in events}
            parts = [(event, _without(stream, again)) for event, stream in parts]
            project = self._base.project
            since = History.from_events(events, project.properties, project.line_fields)
            parts += since.streams.items()
        return history_of(parts)

    def as_built(self, person: int, names: Iterable[Identifier]) -> list[tuple[str, Stream]]:
        """The events of a person of the build who has just these identifiers."""
        history = self._base.history
        if history is None or self._orders.any_beaten():
            return self.built(names)
        return history.streams_of(person)

    def built(self, names: Iterable[Identifier]) -> list[tuple[str, Stream]]:
        """The build's events of these identifiers, less those that are told better since."""
        history = self._base.history
        if history is None:
            return []
        of = {name: held for name in names if (held := self._held(name)) is not None}
        streams = history.streams(of.values())
        if not self._orders.any_beaten():
            return [(event, stream) for _, event, stream in streams]
        beaten = {held.node: self._orders.beaten(name) for name, held in of.items()}
        return [(event, _without(stream, beaten[node])) for node, event, stream in streams]

    def _since(self, name: Identifier) -> list[Kept]:
        """What came of an identifier since the build, of events that definitions read."""
        needed, beaten = self._base.needed, self._orders.beaten(name)
        found = self._recent.events(name)
        return [e for e in found if e.event in needed and e.message_id not in beaten]

    def _named(self, name: Identifier) -> dict[str, list[Identifier]]:
        history, held = self._base.history, self._held(name)
        found = history.named(held.node) if history is not None and held else {}
        return {mid: list(self._naming.of(others)) for mid, others in found.items()}

    def _logins(self, name: Identifier, held: set[Identifier]) -> Callable[[tuple[int, str]], bool]:
        """Tells of a place in the log whether the last login on a shared identifier at or before
        it was by one of `held`."""
        found: set[tuple[int, str, Identifier]] = set()
        history, held_there = self._base.history, self._held(name)
        if history is not None and held_there is not None:
            logins_there = history.logins(held_there.node)
            found |= {(at, mid, (kind, value)) for at, mid, kind, value in logins_there}
        for other in {other for other, _ in self._recent.links(name)}:
            kind = self._base.project.kinds.get(other[0])
            if kind is not None and kind.unique:
                found |= {
                    (e.ts, e.message_id, other)
                    for e in self._recent.events(other)
                    if name in e.others
                }
        logins = sorted(found)

        def mine(place: tuple[int, str]) -> bool:
            at = bisect_right(logins, (*place, ("\U0010ffff", "")))
            return at > 0 and logins[at - 1][2] in held

        return mine


def _without(stream: Stream, beaten: Collection[str]) -> Stream:
    """A stream without events that are told better elsewhere."""
    if not any(mid in beaten for mid in stream.message_ids):
        return stream
    rows = [i for i, mid in enumerate(stream.message_ids) if mid not in beaten]
    return picked(stream, rows)


def _counts(
    place: tuple[int, str],
    others: Iterable[Identifier],
    held: set[Identifier],
    nobodys: Callable[[Identifier], bool],
    mine: Callable[[tuple[int, str]], bool],
) -> bool:
    """Whether an event whose strongest identifier is shared is one of these people's: that of the
    strongest other identifier that is somebody's, else of the last login."""
    for name in others:
        if name in held:
            return True
        if not nobodys(name):
            return False
    return mine(place)


def _no_name(name: Identifier) -> bool:
    """Nothing is shared, so nobody is asked about."""
    return False


def _no_login(place: tuple[int, str]) -> bool:
    """A blocked identifier was never logged in on."""
    return False
