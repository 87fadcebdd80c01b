"""What each scalar function of the table does to values, for the Python reader.

`element(call, zone)` gives a function of the arguments' values; a null is None and every rule for
nulls, zero and overflow is inside. Nothing here knows rows, traits or the clock.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang import reader_dates as dates
from visavis.core.lang.form import Call, Literal
from visavis.core.lang.types import (
    DECIMAL_LIMIT,
    INTEGER_MAX,
    INTEGER_MIN,
    SCALE,
    TIME_MAX,
    TIME_MIN,
    Type,
)
from visavis.core.text import lower, upper

Element = Callable[..., Any]
HOUR_MS = 3_600_000
_SPACE = " \t\r\n\v\f\u00a0\u3000"
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def divide(dividend: int, divisor: int) -> int:
    """The quotient of integers, rounded half away from zero."""
    quotient, rest = divmod(abs(dividend), abs(divisor))
    quotient += 2 * rest >= abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def bounded(value: Any, kind: Type) -> Any:
    """The value, or null where its type can't hold it."""
    if kind is Type.INTEGER:
        return value if INTEGER_MIN <= value <= INTEGER_MAX else None
    if kind is Type.DECIMAL:
        return value if -DECIMAL_LIMIT <= value <= DECIMAL_LIMIT else None
    if kind is Type.FLOAT:
        return value if math.isfinite(value) else None
    return value if TIME_MIN <= value <= TIME_MAX else None


def aligned(kind: Type, other: Type) -> Element | None:
    """How a number of one type becomes comparable with the other's; None: as it is."""
    if kind is Type.INTEGER and other is Type.DECIMAL:
        return lambda a: a * SCALE
    if other is Type.FLOAT and kind is Type.INTEGER:
        return float
    if other is Type.FLOAT and kind is Type.DECIMAL:
        return lambda a: a / SCALE
    return None


def element(call: Call, zone: Zone) -> Element:
    """The function of a call's argument values. Raises KeyError for a name outside the table."""
    if call.function in _LENIENT:
        return _LENIENT[call.function]
    if call.function == "like":
        return _like(call)
    types = [arg.type for arg in call.args]
    return _strict(_plain(call.function, types, call.type, zone), len(types))


def _plain(name: str, types: list[Type], result: Type, zone: Zone) -> Element:
    """The function for arguments none of which is null."""
    if name in COMPARISONS:
        return _comparison(name, types)
    if name in _ARITHMETIC:
        return _ARITHMETIC[name](types, result)
    if name in _DATE_PARTS:
        return _part(_DATE_PARTS[name], types[0], zone)
    if name in _DATE_PAIRS:
        return _pair(_DATE_PAIRS[name], types, zone)
    if name == "date":
        return zone.date_of
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


# arithmetic: every operation is exact, then its result is bounded


def _as(kind: Type, result: Type) -> Element:
    """An operand in the units of the result."""
    return aligned(kind, result) or (lambda a: a)


def _add(types: list[Type], result: Type, sign: int = 1) -> Element:
    left, right = (_as(t, result) for t in types)
    return lambda a, b: bounded(left(a) + sign * right(b), result)


def _subtract(types: list[Type], result: Type) -> Element:
    return _add(types, result, -1)


def _multiply(types: list[Type], result: Type) -> Element:
    if types == [Type.DECIMAL, Type.DECIMAL]:
        return lambda a, b: bounded(divide(a * b, SCALE), result)
    if result is Type.FLOAT:
        left, right = (_as(t, result) for t in types)
        return lambda a, b: bounded(float(left(a)) * float(right(b)), result)
    return lambda a, b: bounded(a * b, result)


def _divide(types: list[Type], result: Type) -> Element:
    if result is Type.FLOAT:
        left, right = (_as(t, result) for t in types)
        return lambda a, b: bounded(left(a) / right(b), result) if b else None
    up = SCALE * (SCALE if types[1] is Type.DECIMAL else 1)
    if types[0] is Type.DECIMAL:
        up //= SCALE
    return lambda a, b: bounded(divide(a * up, b), result) if b else None


def _quotient(types: list[Type], result: Type) -> Element:
    return lambda a, b: bounded(_toward_zero(a, b), result) if b else None


def _toward_zero(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder(types: list[Type], result: Type) -> Element:
    return lambda a, b: a - b * _toward_zero(a, b) if b else None


def _round(types: list[Type], result: Type) -> Element:
    return lambda a, places=0: bounded(_rounded(a, places), result)


def _rounded(a: int, places: int) -> int:
    unit: int = 10 ** (6 - min(places, 6))
    return divide(a, unit) * unit


def _to_decimal(types: list[Type], result: Type) -> Element:
    return lambda a: bounded(a * SCALE, Type.DECIMAL)


def _to_float(types: list[Type], result: Type) -> Element:
    return (lambda a: a / SCALE) if types[0] is Type.DECIMAL else float


_ARITHMETIC: dict[str, Callable[[list[Type], Type], Element]] = {
    "+": _add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "//": _quotient,
    "%": _remainder,
    "negate": lambda types, result: lambda a: bounded(-a, result),
    "abs": lambda types, result: lambda a: bounded(abs(a), result),
    "round": _round,
    "to_decimal": _to_decimal,
    "to_float": _to_float,
}

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
    if any(value is not None and value == first for value in rest):
        return True
    return None if None in rest else False


def _least(*values: Any) -> Any:
    return min((v for v in values if v is not None), default=None)


def _greatest(*values: Any) -> Any:
    return max((v for v in values if v is not None), default=None)


def _coalesce(*values: Any) -> Any:
    return next((v for v in values if v is not None), None)


def _nullif(a: Any, b: Any) -> Any:
    return None if a is None or (b is not None and a == b) else a


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

# text


def _like(call: Call) -> Element:
    pattern = call.args[1]
    if isinstance(pattern, Literal) and isinstance(pattern.value, str):
        match = matcher(pattern.value)
        return lambda a, _: None if a is None else match(a)
    return lambda a, b: None if a is None or b is None else matcher(b)(a)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches a LIKE pattern; linear tries, so no pattern is slow."""
    parts = [_piece(part) for part in pattern.split("%")]
    if len(parts) == 1:
        return lambda text: parts[0].fullmatch(text) is not None
    lengths = [len(part) for part in pattern.split("%")]

    def match(text: str) -> bool:
        if len(text) < lengths[0] + lengths[-1] or not parts[0].match(text):
            return False
        end = len(text) - lengths[-1]
        if not parts[-1].match(text, end):
            return False
        at = lengths[0]
        for part in parts[1:-1]:
            found = part.search(text, at, end)
            if not found:
                return False
            at = found.end()
        return at <= end

    return match


def _piece(text: str) -> re.Pattern[str]:
    return re.compile("".join("." if c == "_" else re.escape(c) for c in text), re.DOTALL)


_SIMPLE: dict[str, Element] = {
    "not": operator.not_,
    "floor": lambda a: a // SCALE,
    "ceil": lambda a: -(-a // SCALE),
    "sign": lambda a: (a > 0) - (a < 0),
    "lower": lower,
    "upper": upper,
    "trim": lambda a: a.strip(_SPACE),
    "length": len,
    "concat": lambda *texts: "".join(texts),
    "left": lambda a, n: a[:n] if n > 0 else "",
    "right": lambda a, n: a[-n:] if n > 0 else "",
    "replace": lambda a, old, new: a.replace(old, new) if old else a,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": operator.contains,
    "hours_between": lambda a, b: _toward_zero(b - a, HOUR_MS),
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
