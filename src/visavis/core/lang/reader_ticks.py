"""Ticks: now() and what is made of it, whole numbers that change with the clock.

A tick is a date, the days since a moment, an hour. It answers when it changes next and, compared
with a constant, when the answer changes next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from visavis.core.lang import reader_dates as dates
from visavis.core.lang.form import Call, Literal, Node, Now, reads_now
from visavis.core.lang.reader_functions import HOUR_MS, day_of, element
from visavis.core.lang.reader_until import NEVER, Clock, Thresholds, hour_changes, next_step
from visavis.core.lang.types import TIME_MAX, TIME_MIN, Type

_STEPS_AHEAD = 24
"""Steps of a tick looked ahead for the one at which a comparison turns: the hours of a day."""


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
            base = _shift(inner)
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


def _rising(other: Node | None, value: Any, reach: Callable[[Any, int, int], int]) -> Tick:
    """A tick that never falls; reach(x, k, now) is the first moment it is k or more."""

    def change(x: Any, v: int, thresholds: Thresholds, now: int) -> int:
        k = next_step(v, thresholds)
        return NEVER if k is None else reach(x, k, now)

    return Tick(other, value, change)


def _moment(shift: int) -> Tick:
    return _moved(shift, _rising(None, lambda x, now: now, lambda x, k, now: k))


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
        return _moved(shift, _stepping(None, value, lambda now: hour_changes(clock.zone, now)))
    following = _NEXT_DAY[node.function]
    step = lambda now: clock.changes(following(clock.today(now)), now)  # noqa: E731
    return _moved(shift, _stepping(None, value, step))


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
    return _stepping(
        other,
        lambda x, now: value(x, clock.today(now)),
        lambda now: clock.changes(clock.today(now) + 1, now),
    )


def _stepping(other: Node | None, value: Any, step: Callable[[int], int]) -> Tick:
    """A tick that may rise and fall, but only at the moments that step(now) gives."""

    def change(x: Any, v: int, thresholds: Thresholds, now: int) -> int:
        at = step(now)
        if thresholds is None:
            return at
        side = [v >= k for k in thresholds]
        for _ in range(_STEPS_AHEAD):
            if at > TIME_MAX or [value(x, at) >= k for k in thresholds] != side:
                break
            at = step(at)
        return at

    return Tick(other, value, change)


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
