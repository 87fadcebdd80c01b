"""What each aggregate of the table makes of a column of values, for the Python reader.

A reducer gets the values of the kept rows in log order, nulls among them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from visavis.core.lang.form import Aggregate
from visavis.core.lang.reader_arithmetic import bounded, divide
from visavis.core.lang.types import DECIMAL_LIMIT, SCALE, Type

Reducer = Callable[[Sequence[Any]], Any]


def reducer(node: Aggregate) -> Reducer:
    """The reducer of an aggregate with an argument. Raises ValueError for what the table lacks."""
    if node.distinct and node.function != "count":
        raise ValueError(f"{node.function}() has no distinct")
    kind = node.args[0].type
    if node.function == "count":
        return _distinct if node.distinct else _count
    if node.function == "sum":
        return _float_sum if kind is Type.FLOAT else _sum(kind)
    if node.function == "avg":
        return _float_average if kind is Type.FLOAT else _average(kind)
    if node.function in ("quantile", "median"):
        q = node.parameter if node.function == "quantile" else SCALE // 2
        if not isinstance(q, int):
            raise ValueError("quantile() takes a constant from 0 to 1")
        return lambda values: _quantile(values, q)
    return _REDUCERS[node.function]


def _known(values: Sequence[Any]) -> Sequence[Any]:
    return [v for v in values if v is not None] if None in values else values


def _count(values: Sequence[Any]) -> int:
    return len(values) - values.count(None)


def _distinct(values: Sequence[Any]) -> int:
    found = set(values)
    return len(found) - (None in found)


def _sum(kind: Type) -> Reducer:
    """The exact sum; only the result is bounded."""

    def total(values: Sequence[Any]) -> int | None:
        try:
            found: int = sum(values)
        except TypeError:  # a null can't be added
            found = sum(_known(values))
        if -DECIMAL_LIMIT <= found <= DECIMAL_LIMIT:
            return found
        return found if bounded(found, kind) is not None else None

    return total


def _average(kind: Type) -> Reducer:
    scale = SCALE if kind is Type.INTEGER else 1

    def average(values: Sequence[Any]) -> int | None:
        try:
            total, count = sum(values), len(values)
        except TypeError:
            known = _known(values)
            total, count = sum(known), len(known)
        if not count:
            return None
        return bounded(divide(total * scale, count), Type.DECIMAL)  # type: ignore[no-any-return]

    return average


def _float_sum(values: Sequence[Any]) -> float | None:
    try:
        return bounded(math.fsum(_known(values)), Type.FLOAT)  # type: ignore[no-any-return]
    except (OverflowError, ValueError):
        return None


def _float_average(values: Sequence[Any]) -> float | None:
    known = _known(values)
    total = _float_sum(known) if known else None
    return None if total is None else total / len(known)


def _min(values: Sequence[Any]) -> Any:
    try:
        return min(values, default=None)
    except TypeError:  # a null can't be compared
        return min(_known(values), default=None)


def _max(values: Sequence[Any]) -> Any:
    try:
        return max(values, default=None)
    except TypeError:
        return max(_known(values), default=None)


def _first(values: Sequence[Any]) -> Any:
    for value in values:
        if value is not None:
            return value
    return None


def _last(values: Sequence[Any]) -> Any:
    for value in reversed(values):
        if value is not None:
            return value
    return None


def _mode(values: Sequence[Any]) -> Any:
    distinct = set(values)
    distinct.discard(None)
    if len(distinct) < 2:
        return distinct.pop() if distinct else None
    counts = Counter(values)
    counts.pop(None, 0)
    most = max(counts.values())
    return min([v for v, n in counts.items() if n == most])


def _quantile(values: Sequence[Any], q: int) -> Any:
    """Nearest rank, q in millionths: the value at ceil(q n), the smallest for 0."""
    try:
        known = sorted(values)
    except TypeError:
        known = sorted(_known(values))
    return known[max(-(-q * len(known) // SCALE), 1) - 1] if known else None


def mean_gap(days: int, rows: int) -> int | None:
    """Mean days between rows from the days between the first and the last."""
    return divide(days * SCALE, rows - 1) if rows > 1 else None


_REDUCERS: dict[str, Reducer] = {
    "min": _min,
    "max": _max,
    "first": _first,
    "last": _last,
    "mode": _mode,
}
