"""Until when a value that reads the clock holds: the ticks of now() and of what is made of it.

A tick is a whole number that changes with the clock: a date, the days since a moment, an hour. It
answers when it changes next and, compared with a constant, when the answer changes next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import floor
from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang import reader_dates as dates
from visavis.core.lang.form import Call, Literal, Node, Now, reads_now
from visavis.core.lang.reader_functions import HOUR_MS, day_of, element
from visavis.core.lang.types import DAY_MS, SCALE, TIME_MAX, TIME_MIN, Type

NEVER = 2**62
"""Later than every moment."""
_MIDNIGHTS_KEPT = 100_000
Thresholds = Sequence[int] | None
"""Whole numbers k such that an answer depends on `tick >= k` only; None: on the tick itself."""


@dataclass(frozen=True, slots=True)
class Tick:
    """value(x, now) of an argument x that does not read the clock (`other`; None: there is none).

    change(x, value, thresholds, now) is the first moment after now at which the value may differ,
    or with thresholds, may lie on the other side of one. The tick itself is sign * value. Before
    `begins` it is null.
    """

    other: Node | None
    value: Callable[[Any, int], int | None]
    change: Callable[[Any, int, Thresholds, int], int]
    sign: int = 1
    begins: int = TIME_MIN


def tick_of(node: Node, clock: Clock) -> Tick | None:
    """The tick that a node is, if it is one."""
    if _shift(node) is not None:
        return _moment(_shift(node) or 0)
    if not isinstance(node, Call):
        return None
    if node.function == "negate" and (inner := tick_of(node.args[0], clock)):
        return replace(inner, sign=-inner.sign)
    if len(node.args) == 1:
        return _of_part(node, clock)
    if len(node.args) == 2 and node.function in _PAIRS:
        return _of_pair(node, clock)
    return None


def _shift(node: Node) -> int | None:
    """Milliseconds that a moment is off now: 0 for now() itself, None for anything else."""
    match node:
        case Now():
            return 0
        case Call(function="+" | "-" as sign, args=(inner, Literal(value=int() as by))):
            base = _shift(inner) if node.type is Type.TIME else None
            return None if base is None else base + (by if sign == "+" else -by)
    return None


def _clock_shift(node: Node) -> int | None:
    """The shift of a moment or of the date of one."""
    if isinstance(node, Call) and node.function == "date":
        return _shift(node.args[0])
    return _shift(node)


def _moved(shift: int, tick: Tick) -> Tick:
    """The tick read at now + shift; null where that is no time."""
    if not shift:
        return tick

    def value(x: Any, now: int) -> int | None:
        at = now + shift
        return tick.value(x, at) if TIME_MIN <= at <= TIME_MAX else None

    def change(x: Any, v: int, thresholds: Thresholds, now: int) -> int:
        then = tick.change(x, v, thresholds, now + shift) - shift
        return min(then, TIME_MAX + 1 - shift) if shift > 0 else then

    return replace(tick, value=value, change=change, begins=TIME_MIN - shift)


def next_step(value: int, thresholds: Thresholds) -> int | None:
    """The next threshold that a rising value crosses."""
    if thresholds is None:
        return value + 1
    above = None
    for k in thresholds:
        if k > value and (above is None or k < above):
            above = k
    return above


def _rising(other: Node | None, value: Any, reach: Callable[[Any, int, int], int]) -> Tick:
    """A tick that never falls; reach(x, k, now) is the first moment it is k or more."""

    def change(x: Any, v: int, thresholds: Thresholds, now: int) -> int:
        k = next_step(v, thresholds)
        return NEVER if k is None else reach(x, k, now)

    return Tick(other, value, change)


def _moment(shift: int) -> Tick:
    return _moved(shift, _rising(None, lambda x, now: now, lambda x, k, now: k))


# days: a zone whose clock goes back over midnight has a date twice


class Clock:
    """A zone's days, with what is asked again and again kept."""

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
            if begin <= now:  # the clock went back over midnight, and it comes again
                begin = day * DAY_MS - self.zone.offset(now)
        if self._returns:
            i = bisect_right(self._returns, now)
            return min(begin, *self._returns[i : i + 1])
        return begin

    def _midnight(self, day: int) -> int:
        if len(self._midnights) > _MIDNIGHTS_KEPT:
            self._midnights.clear()
        begin = self._midnights[day] = self.zone.midnight(day)
        return begin


def _calendar(
    clock: Clock, other: Node | None, value: Any, day_for: Callable[[Any, int], int]
) -> Tick:
    """A tick that rises with the local date; day_for(x, k) is the day on which it becomes k."""

    def change(x: Any, v: int, thresholds: Thresholds, now: int) -> int:
        k = next_step(v, thresholds)
        return clock.changes(None if k is None else day_for(x, k), now)

    return Tick(other, value, change)


_NEXT_DAY: dict[str, Callable[[int], int]] = {
    "quarter": lambda d: dates.first_of_next_month(d, 3),
    "month": dates.first_of_next_month,
    "week": lambda d: d - dates.day_of_week(d) + 8,
    "day": lambda d: d + 1,
    "day_of_year": lambda d: d + 1,
    "day_of_week": lambda d: d + 1,
}


def _of_part(node: Call, clock: Clock) -> Tick | None:
    """date, year, month, ... of now."""
    shift = _clock_shift(node.args[0])
    if shift is None or node.function not in {"date", "year", "hour"} | _NEXT_DAY.keys():
        return None
    part = element(Call(node.type, node.function, (Now(Type.TIME),)), clock.zone)

    def value(x: Any, now: int) -> int:
        return int(part(now))

    if node.function == "date":
        return _moved(shift, _calendar(clock, None, value, lambda x, k: k))
    if node.function == "year":
        return _moved(shift, _calendar(clock, None, value, lambda x, k: dates.days_of(k, 1, 1)))
    if node.function == "hour":
        return _moved(shift, Tick(None, value, lambda x, v, ks, now: hour_changes(clock.zone, now)))
    following = _NEXT_DAY[node.function]
    return _moved(
        shift,
        Tick(
            None,
            value,
            lambda x, v, ks, now: clock.changes(following(clock.today(now)), now),
        ),
    )


def hour_changes(zone: Zone, now: int) -> int:
    """When the local clock's hour changes next, by itself or because the clock is changed."""
    ahead = now + HOUR_MS - (now + zone.offset(now)) % HOUR_MS
    i = bisect_right(zone.transitions, now)
    return min(ahead, zone.transitions[i]) if i < len(zone.transitions) else ahead


_PAIRS = ("days_between", "hours_between", "years_between", "days_to_anniversary")


def _of_pair(node: Call, clock: Clock) -> Tick | None:
    """A difference one side of which is now and the other does not read the clock."""
    first, second = node.args
    shifts = _clock_shift(first), _clock_shift(second)
    if (shifts[0] is None) == (shifts[1] is None):
        return None
    to_now = shifts[0] is None
    other, shift = (first, shifts[1]) if to_now else (second, shifts[0])
    if reads_now(other):
        return None
    made = _PAIR_TICKS[node.function](other, clock, to_now)
    return _moved(shift or 0, made)


def _days(other: Node, clock: Clock, to_now: bool) -> Tick:
    day = day_of(other.type, clock.zone)
    tick = _calendar(
        clock, other, lambda x, now: clock.today(now) - day(x), lambda x, k: day(x) + k
    )
    return replace(tick, sign=1 if to_now else -1)


def _hours(other: Node, clock: Clock, to_now: bool) -> Tick:
    def value(x: int, now: int) -> int:
        return (now - x) // HOUR_MS if now >= x else -((x - now) // HOUR_MS)

    def reach(x: int, k: int, now: int) -> int:
        return x + k * HOUR_MS if k > 0 else x + (k - 1) * HOUR_MS + 1

    tick = _rising(other, value, reach)
    return replace(tick, sign=1 if to_now else -1)


def _years(other: Node, clock: Clock, to_now: bool) -> Tick:
    day = day_of(other.type, clock.zone)
    if not to_now:
        return _daily(other, clock, lambda x, today: dates.years_between(today, day(x)))

    def day_for(x: int, k: int) -> int:
        born = dates.civil(day(x))
        return dates.anniversary(born, born[0] + k)

    return _calendar(
        clock, other, lambda x, now: dates.years_between(day(x), clock.today(now)), day_for
    )


def _daily(other: Node, clock: Clock, value: Callable[[Any, int], int]) -> Tick:
    """A tick of which no more is known than that it holds for a day."""
    return Tick(
        other,
        lambda x, now: value(x, clock.today(now)),
        lambda x, v, ks, now: clock.changes(clock.today(now) + 1, now),
    )


def _anniversary(other: Node, clock: Clock, to_now: bool) -> Tick:
    day = day_of(other.type, clock.zone)
    if not to_now:
        return _daily(other, clock, lambda x, today: dates.days_to_anniversary(today, day(x)))

    def change(x: int, v: int, thresholds: Thresholds, now: int) -> int:
        # falls by one a day down to 0, then leaps: below k on day v - k + 1 from today
        falls = [v - k + 1 for k in thresholds or () if 0 < k <= v]
        ahead = 1 if thresholds is None else min([v + 1, *falls])
        return clock.changes(clock.today(now) + ahead, now)

    return Tick(other, lambda x, now: dates.days_to_anniversary(day(x), clock.today(now)), change)


_PAIR_TICKS: dict[str, Callable[[Node, Clock, bool], Tick]] = {
    "days_between": _days,
    "hours_between": _hours,
    "years_between": _years,
    "days_to_anniversary": _anniversary,
}

# a tick compared with a constant

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
