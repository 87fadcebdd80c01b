"""Arithmetic of the Python reader: every operation is exact, then its result is bounded."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from visavis.core.lang.types import (
    DECIMAL_LIMIT,
    INTEGER_MAX,
    INTEGER_MIN,
    SCALE,
    TIME_MAX,
    TIME_MIN,
    Type,
)

Element = Callable[..., Any]


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
    return lambda a, b: bounded(toward_zero(a, b), result) if b else None


def toward_zero(a: int, b: int) -> int:
    """The quotient of integers, cut off."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder(types: list[Type], result: Type) -> Element:
    return lambda a, b: a - b * toward_zero(a, b) if b else None


def _round(types: list[Type], result: Type) -> Element:
    return lambda a, places=0: bounded(_rounded(a, places), result)


def _rounded(a: int, places: int) -> int:
    unit: int = 10 ** (6 - places)
    return divide(a, unit) * unit


def _to_decimal(types: list[Type], result: Type) -> Element:
    return lambda a: bounded(a * SCALE, Type.DECIMAL)


def _to_float(types: list[Type], result: Type) -> Element:
    return (lambda a: a / SCALE) if types[0] is Type.DECIMAL else float


ARITHMETIC: dict[str, Callable[[list[Type], Type], Element]] = {
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
