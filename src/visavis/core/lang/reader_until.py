"""When the clock changes an answer: midnights, hours, and the turns of a comparison."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import floor
from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang.reader_functions import HOUR_MS
from visavis.core.lang.types import DAY_MS, SCALE, Type

NEVER = 2**62
"""Later than every moment."""
_MIDNIGHTS_KEPT = 100_000
Thresholds = Sequence[int] | None
"""Whole numbers k such that an answer depends on `tick >= k` only; None: on the tick itself."""


class Clock:
    """A zone's days, with what is asked again and again kept.

    Where the clock goes back over midnight a date comes twice.
    """

    __slots__ = ("_midnights", "_returns", "_today", "zone")

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self._returns = [t for t in zone.transitions if zone.date_of(t) < zone.date_of(t - 1)]
        """Transitions at which the local date falls back."""
        self._midnights: dict[int, int] = {}
        self._today = (0, zone.date_of(0))

    def today(self, now: int) -> int:
        """The local date of now."""
        at, day = self._today
        if at != now:
            day = self.zone.date_of(now)
            self._today = now, day
        return day

    def changes(self, day: int | None, now: int) -> int:
        """When the local date reaches `day` (None: never), or falls back before that."""
        begin = NEVER
        if day is not None:
            begin = self._midnights.get(day) or self._midnight(day)
            if begin <= now:  # the clock went back over midnight, or it is the last day of all
                again = day * DAY_MS - self.zone.offset(now)
                begin = again if again > now else NEVER
        if self._returns:
            i = bisect_right(self._returns, now)
            return min([begin, *self._returns[i : i + 1]])
        return begin

    def _midnight(self, day: int) -> int:
        if len(self._midnights) > _MIDNIGHTS_KEPT:
            self._midnights.clear()
        begin = self._midnights[day] = self.zone.midnight(day)
        return begin


def hour_changes(zone: Zone, now: int) -> int:
    """When the local clock's hour changes next, by itself or because the clock is changed."""
    ahead = now + HOUR_MS - (now + zone.offset(now)) % HOUR_MS
    i = bisect_right(zone.transitions, now)
    return min(ahead, zone.transitions[i]) if i < len(zone.transitions) else ahead


def next_step(value: int, thresholds: Thresholds) -> int | None:
    """The next threshold that a rising value crosses."""
    if thresholds is None:
        return value + 1
    above = None
    for k in thresholds:
        if k > value and (above is None or k < above):
            above = k
    return above


_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "<>": "<>"}


def mirrored(operator: str) -> str:
    """The comparison that says the same with its sides exchanged."""
    return _MIRROR[operator]


def thresholds(operator: str, constant: Any, kind: Type, sign: int) -> list[int]:
    """The k for which `sign * value operator constant` depends on `value >= k`."""
    constant, operator = (constant, operator) if sign > 0 else (-constant, _MIRROR[operator])
    if kind is Type.DECIMAL:
        below, whole = constant // SCALE, constant % SCALE == 0
    else:
        below, whole = floor(constant), constant == floor(constant)
    if operator in ("=", "<>"):
        return [below, below + 1] if whole else []
    if operator in (">=", "<") and whole:
        return [below]
    return [below + 1]
