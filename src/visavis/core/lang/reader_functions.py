"""What each scalar function of the table does to values, for the Python reader.

`element(call, zone)` gives a function of the arguments' values; a null is None and every rule for
nulls, zero and overflow is inside. Nothing here knows rows, traits or the clock.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang import reader_dates as dates
from visavis.core.lang.form import Call
from visavis.core.lang.reader_arithmetic import ARITHMETIC, aligned, toward_zero
from visavis.core.lang.reader_text import TEXT, like
from visavis.core.lang.types import DATE_MAX, DATE_MIN, SCALE, Type

Element = Callable[..., Any]
HOUR_MS = 3_600_000
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def element(call: Call, zone: Zone) -> Element:
    """The function of a call's argument values. Raises KeyError for a name outside the table."""
    if call.function in _LENIENT:
        return _LENIENT[call.function]
    if call.function == "like":
        return like(call)
    types = [arg.type for arg in call.args]
    return _strict(_plain(call.function, types, call.type, zone), len(types))


def _plain(name: str, types: list[Type], result: Type, zone: Zone) -> Element:
    """The function for arguments none of which is null."""
    if name in COMPARISONS:
        return _comparison(name, types)
    if name in ARITHMETIC:
        return ARITHMETIC[name](types, result)
    if name in _DATE_PARTS:
        return _part(_DATE_PARTS[name], types[0], zone)
    if name in _DATE_PAIRS:
        return _pair(_DATE_PAIRS[name], types, zone)
    if name == "date":
        return lambda t: min(max(zone.date_of(t), DATE_MIN), DATE_MAX)
    if name == "hour":
        return lambda t: (t + zone.offset(t)) // HOUR_MS % 24
    return _SIMPLE[name]


def _strict(plain: Element, count: int) -> Element:
    if count == 1:
        return lambda a: None if a is None else plain(a)
    if count == 2:
        return lambda a, b: None if a is None or b is None else plain(a, b)
    return lambda *args: None if None in args else plain(*args)


def _comparison(name: str, types: list[Type]) -> Element:
    compare, (left, right) = COMPARISONS[name], types
    fix, fix_other = aligned(left, right), aligned(right, left)
    if fix:
        return lambda a, b: compare(fix(a), b)
    if fix_other:
        return lambda a, b: compare(a, fix_other(b))
    return compare


# nulls and logic


def _both(*values: Any) -> Any:
    result: bool | None = True
    for value in values:
        if value is None:
            result = None
        elif not value:
            return False
    return result


def _either(*values: Any) -> Any:
    result: bool | None = False
    for value in values:
        if value is None:
            result = None
        elif value:
            return True
    return result


def _in(first: Any, *rest: Any) -> Any:
    if first is None:
        return None
    if any(value == first for value in rest):
        return True
    return None if None in rest else False


def _least(*values: Any) -> Any:
    return min((v for v in values if v is not None), default=None)


def _greatest(*values: Any) -> Any:
    return max((v for v in values if v is not None), default=None)


def _coalesce(*values: Any) -> Any:
    return next((v for v in values if v is not None), None)


def _nullif(a: Any, b: Any) -> Any:
    return None if a == b else a


_LENIENT: dict[str, Element] = {
    "and": _both,
    "or": _either,
    "is null": lambda a: a is None,
    "in": _in,
    "least": _least,
    "greatest": _greatest,
    "coalesce": _coalesce,
    "nullif": _nullif,
}

_SIMPLE: dict[str, Element] = {
    "not": operator.not_,
    "floor": lambda a: a // SCALE,
    "ceil": lambda a: -(-a // SCALE),
    "sign": lambda a: (a > 0) - (a < 0),
    **TEXT,
    "hours_between": lambda a, b: toward_zero(b - a, HOUR_MS),
}

# dates

_DATE_PARTS: dict[str, Callable[[int], int]] = {
    "year": dates.year,
    "quarter": dates.quarter,
    "month": dates.month,
    "week": dates.week,
    "day": dates.day,
    "day_of_year": dates.day_of_year,
    "day_of_week": dates.day_of_week,
}
_DATE_PAIRS: dict[str, Callable[[int, int], int]] = {
    "days_between": lambda a, b: b - a,
    "years_between": dates.years_between,
    "days_to_anniversary": dates.days_to_anniversary,
}


def _part(part: Callable[[int], int], kind: Type, zone: Zone) -> Element:
    return part if kind is Type.DATE else lambda t: part(zone.date_of(t))


def _pair(pair: Callable[[int, int], int], types: list[Type], zone: Zone) -> Element:
    left, right = (day_of(t, zone) for t in types)
    return lambda a, b: pair(left(a), right(b))


def day_of(kind: Type, zone: Zone) -> Element:
    """The local date of a time, a date as it is."""
    return zone.date_of if kind is Type.TIME else lambda days: days
