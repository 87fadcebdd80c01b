"""Histories at random: what one person did, with the edges that readers trip over.

Nulls, ties, equal times, window edges, clock changes, nothing at all, late and repeated events
with revisions, cleared traits, orders that count for nothing, lines without an item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from visavis.core.lang.form import Value
from visavis.core.lang.types import SCALE, TIME_MIN, Type
from visavis.testing import shop
from visavis.testing.values import Moments, maker

ITEMS = ("p1", "p2", "p3", "é", "p-unknown")
"""The last one is not in the catalogue."""
Event = Mapping[str, Any]
"""An event as `History.from_events` takes it."""
LIGHTEST, LATEST = -2_208_988_800_000, 2_145_916_800_000
"""Events themselves happen from 1900 to 2037; values of properties may lie anywhere."""


@dataclass(slots=True)
class Histories:
    """A source of histories around `moments`; `prefix` keeps message ids apart between people."""

    rng: Random
    moments: Moments

    def history(self, prefix: str, most: int = 24) -> list[Event]:
        """The events of one person, in order of arrival; message ids may repeat."""
        events: list[Event] = []
        ids = self._ids(prefix)
        for _ in range(self._size(most)):
            events.append(self._event(self.rng.choice(ids), events))
        for event in list(events):
            if self.rng.random() < 0.1:
                events.append(self._repeat(event))
        self.rng.shuffle(events)
        return events

    def catalogue(self) -> dict[str, dict[str, Value]]:
        """Items by product_id: some fields null, one product missing."""
        return {item: self._values(shop.CATALOGUE_FIELDS, 0.25) for item in ITEMS[:-1]}

    def _size(self, most: int) -> int:
        pick = self.rng.random()
        return 0 if pick < 0.06 else 1 if pick < 0.15 else self.rng.randint(1, most)

    def _ids(self, prefix: str) -> list[str]:
        stems = [str(n) for n in range(60)] + ["a", "B", "É", "é", "Z", "😀", "\uffff", "_"]
        return [f"{stem}:{prefix}" for stem in stems]

    def _event(self, message_id: str, before: Sequence[Event]) -> Event:
        pick = self.rng.random()
        name = self.rng.choice((*shop.PROPERTIES, "Order Completed"))
        known = next((e for e in before if e["message_id"] == message_id), None)
        if known is not None:
            return self._repeat(known)
        ts = self._at(before)
        if name == "identify":
            return self._identify(message_id, TIME_MIN if pick < 0.2 else ts)
        event = self._base(message_id, name, "track", ts)
        event["properties"] = self._values(shop.PROPERTIES[name], 0.12)
        if name == "Order Completed":
            event["products"] = [self._line() for _ in range(self.rng.choice((0, 1, 1, 2, 3)))]
            if pick < 0.05:
                event["void"] = True
        return event

    def _base(self, message_id: str, name: str, type: str, ts: int) -> dict[str, Any]:
        return {
            "message_id": message_id,
            "event": name,
            "type": type,
            "ts": ts,
            "received_at": ts + self.rng.choice((0, 0, 1000, 86_400_000 * 3)),
            "revision": 0,
            "source": self.rng.choice(("shop", "app", "Läden")),
            "channel": self.rng.choice(("web", "store", None)),
        }

    def _at(self, before: Sequence[Event]) -> int:
        if before and self.rng.random() < 0.25:
            ts: int = self.rng.choice(before)["ts"] + self.rng.choice((0, 0, *self._steps()))
        else:
            ts = self.moments.near(self.rng)
        return min(max(ts, LIGHTEST), LATEST)

    def _steps(self) -> list[int]:
        return [w + d for w in self.moments.windows[:4] for d in (-1, 0, 1)]

    def _identify(self, message_id: str, ts: int) -> Event:
        event = self._base(message_id, "identify", "identify", ts)
        some = {n: t for n, t in shop.GIVEN.items() if self.rng.random() < 0.75}
        values = self._values(some, 0.15)
        event["properties"] = {n: v for n, v in values.items() if v is not None}
        event["cleared"] = sorted(n for n, v in values.items() if v is None)
        return event

    def _line(self) -> dict[str, Value]:
        line = self._values(shop.LINE_FIELDS, 0.15)
        line["product_id"] = self.rng.choice((*ITEMS, None))
        line["quantity"] = self.rng.choice((SCALE, 2 * SCALE, 500_000, 0, None))
        return line

    def _values(self, fields: Mapping[str, Type], nulls: float) -> dict[str, Value]:
        return {
            name: None if self.rng.random() < nulls else maker(type, self.moments)(self.rng)
            for name, type in fields.items()
        }

    def _repeat(self, event: Event) -> Event:
        """The same message again: just the same, revised, or received later with other values."""
        again = dict(event)
        if self.rng.random() < 0.4:
            return again
        again["ts"] = min(max(self._at([event]), LIGHTEST), LATEST)
        if event["ts"] == TIME_MIN:
            again["ts"] = TIME_MIN
        if event["event"] != "identify":
            again["properties"] = self._values(shop.PROPERTIES[event["event"]], 0.2)
        if self.rng.random() < 0.5:
            again["revision"] = event["revision"] + self.rng.randint(1, 10**6)
        else:
            again["received_at"] = event["received_at"] + self.rng.randint(1, 10**6)
        return again


def moments_for(rng: Random, zone: Any) -> Moments:
    """A `now` worth asking about in a zone: often at a clock change, a midnight or a leap day."""
    base = Moments(zone, rng.randrange(1_420_070_400_000, 1_640_995_200_000), shop.WINDOWS)
    recent = [t for t in zone.transitions if 10**12 < t < 17 * 10**11]
    if recent and rng.random() < 0.5:
        turn = rng.choice(recent) + rng.choice((-1, 0, 1, 1_800_000, 5_400_000))
        return replace(base, now=turn)
    return replace(base, now=base.near(rng)) if rng.random() < 0.5 else base


def later(rng: Random, moments: Moments) -> list[int]:
    """Other moments to ask about: just before and after now, next midnight, a window later."""
    now, zone = moments.now, moments.zone
    choices = [
        now + 1,
        now - 1,
        zone.midnight(zone.date_of(now) + 1),
        now + rng.choice(moments.windows),
        now - rng.choice(moments.windows),
        now + rng.randrange(400 * 86_400_000),
    ]
    return rng.sample(choices, 2)
