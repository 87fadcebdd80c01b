"""How many people are in a segment now: the build's count, mended for everybody touched since.

What was worked out for one count is kept for the next, which looks only at those whom events, or
the clock, have touched in between.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from visavis.core.decisions import Identifier

if TYPE_CHECKING:
    from visavis.flow.profiles import Profiles

MOST_TOUCHED = 200_000
"""Identifiers touched between two counts beyond which the next one begins anew."""
_SLICE_SECONDS = 0.002
_NEVER = 1 << 62
_FEW_ENDS = 1_000


@dataclass(frozen=True, slots=True)
class _Person:
    members: tuple[Identifier, ...]
    segments: tuple[str, ...]
    base_persons: frozenset[int]
    until: int


class Counts:
    """The counts of one base. Nothing is remembered before the first count is asked for."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles
        self.lock = asyncio.Lock()
        self._touched: set[Identifier] | None = None
        self._begin()

    def _begin(self) -> None:
        self._people: dict[Identifier, _Person] = {}
        self._holder: dict[Identifier, Identifier] = {}
        self._before: Counter[int] = Counter()
        self._was: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._ends: list[tuple[int, Identifier]] = []
        self._at = 0

    def touched(self, names: Iterable[Identifier]) -> None:
        """Told of the identifiers of every event."""
        if self._touched is not None:
            self._touched.update(names)
            if len(self._touched) > MOST_TOUCHED:
                self._touched = None

    async def count(self, segment: str, at_ms: int) -> int:
        """Members of a segment as of a moment, not before the one of the count before it."""
        async with self.lock:
            waiting = self._waiting(at_ms)
            began, done = time.perf_counter(), set[Identifier]()
            while waiting:
                name = waiting.pop()
                if name not in done:
                    done.add(name)
                    waiting += self._look(name, at_ms)
                if time.perf_counter() - began > _SLICE_SECONDS:
                    await asyncio.sleep(0)
                    began = time.perf_counter()
            history = self._profiles.base.history
            total = history.sizes().get(segment, 0) if history else 0
            return total - self._was[segment] + self._now[segment]

    def _waiting(self, at_ms: int) -> list[Identifier]:
        """Who has to be looked at: those touched, and those whom the clock has changed."""
        if self._touched is None or at_ms < self._at:
            self._begin()
            self._touched = {*self._profiles.recent.names(), *self._profiles.orders.touched()}
        waiting, self._touched, self._at = list(self._touched), set(), at_ms
        while self._ends and self._ends[0][0] <= at_ms:
            waiting.append(heappop(self._ends)[1])
        return waiting

    def _look(self, name: Identifier, at_ms: int) -> list[Identifier]:
        """Counts the person of an identifier anew; who has to be looked at because of it."""
        made = self._profiles.look(name, at_ms)
        if made is None:
            # a shared identifier is nobody's, but what happens there may be of those around it
            around = [*self._profiles.around(name), *self._remove(name)]
            self._add(name, _Person((name,), (), self._profiles.base_persons((name,)), _NEVER))
            return around
        members = tuple(made.found.members)
        loose = [m for member in members for m in self._remove(member)]
        person = _Person(members, tuple(made.segments), made.found.base_persons, made.until)
        self._add(made.found.name, person)
        return [m for m in loose if m not in made.found.members]

    def _add(self, name: Identifier, person: _Person) -> None:
        self._people[name] = person
        self._holder.update(dict.fromkeys(person.members, name))
        self._now.update(person.segments)
        for one in person.base_persons:
            if not self._before[one]:
                self._was.update(self._segments(one))
            self._before[one] += 1
        if person.until < _NEVER:
            heappush(self._ends, (person.until, name))
        if len(self._ends) > 2 * len(self._people) + _FEW_ENDS:
            # most are of people who were counted anew since
            self._ends = [(p.until, n) for n, p in self._people.items() if p.until < _NEVER]
            heapify(self._ends)

    def _remove(self, member: Identifier) -> tuple[Identifier, ...]:
        """Takes back the person who was counted with an identifier; their identifiers."""
        name = self._holder.get(member)
        if name is None:
            return ()
        person = self._people.pop(name)
        for one in person.members:
            del self._holder[one]
        self._now.subtract(person.segments)
        for base_person in person.base_persons:
            self._before[base_person] -= 1
            if not self._before[base_person]:
                del self._before[base_person]
                self._was.subtract(self._segments(base_person))
        return person.members

    def _segments(self, base_person: int) -> list[str]:
        history = self._profiles.base.history
        return history.segments_of(base_person) if history else []
