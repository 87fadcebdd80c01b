"""Aggregates of the definition language as DuckDB SQL, in two halves.

`parts` are what the GROUP BY computes; `finish` makes the value of them after people without any
row were joined (all parts null), so that nobody's count is 0 and nobody's average null.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from visavis.core.lang.form import Aggregate, Property, walk
from visavis.core.lang.types import Type
from visavis.store.engines.duckdb_names import decimal_text
from visavis.store.engines.duckdb_sql import Names, expression

I, D, F = Type.INTEGER, Type.DECIMAL, Type.FLOAT  # noqa: E741


@dataclass(frozen=True)
class Halves:
    """`parts` are aggregate SQL, `finish` takes their column names in order and gives the value."""

    parts: tuple[str, ...]
    finish: Callable[[Sequence[str]], str]


@dataclass(frozen=True)
class Rows:
    """The rows that aggregates range over: SQL for their leaves, and their order."""

    names: Names
    time: str = "ts"
    order: tuple[str, ...] = ("seq",)


def halves(node: Aggregate, rows: Rows, keep: Sequence[str] = (), over: str = "") -> Halves:
    """SQL of an aggregate over rows for which all of `keep` is true, as a window with `over`."""
    args = [expression(arg, rows.names) for arg in node.args]
    if node.filter is not None:
        keep = [*keep, expression(node.filter, rows.names)]
    call = _Call(node, args, rows, tuple(keep), over)
    return _BUILDERS[node.function](call)


@dataclass(frozen=True)
class _Call:
    node: Aggregate
    args: list[str]
    rows: Rows
    keep: tuple[str, ...]
    over: str

    def aggregate(self, inner: str, *more: str) -> str:
        """`inner` as an aggregate over the rows kept, those for which `more` holds too."""
        keep = [*self.keep, *more]
        kept = f" FILTER (WHERE {' AND '.join(keep)})" if keep else ""
        return f"{inner}{kept}{self.over}"

    @property
    def distinct(self) -> str:
        return "DISTINCT " if self.node.distinct else ""

    @property
    def kind(self) -> Type:
        return self.node.args[0].type


def _single(sql: str) -> Halves:
    return Halves((sql,), lambda names: names[0])


def _count(call: _Call) -> Halves:
    inner = f"count({call.distinct}{call.args[0]})" if call.args else "count(*)"
    return Halves((call.aggregate(inner),), lambda names: f"coalesce({names[0]}, 0)")


def _total(call: _Call) -> str:
    return call.aggregate(f"sum({call.distinct}{call.args[0]})")


def _sum(call: _Call) -> Halves:
    if call.kind is F:
        finish = "visavis_finite(coalesce({}, 0))"
    else:
        kind = "BIGINT" if call.kind is I else "DECIMAL(18,6)"
        finish = f"TRY_CAST(coalesce({{}}, 0) AS {kind})"
    return Halves((_total(call),), lambda names: finish.format(names[0]))


def _avg(call: _Call) -> Halves:
    count = call.aggregate(f"count({call.distinct}{call.args[0]})")
    finish = {
        I: "visavis_quotient({0} * 1000000, CAST({1} AS HUGEINT))",
        D: "visavis_mean({0}, {1})",
        F: "visavis_finite({0} / {1})",
    }[call.kind]
    return Halves((_total(call), count), lambda names: finish.format(*names))


def _extreme(call: _Call) -> Halves:
    return _single(call.aggregate(f"{call.node.function}({call.args[0]})"))


def _end(call: _Call) -> Halves:
    """first and last: by the log's order; arg_min and arg_max pass over null values."""
    name = "arg_min" if call.node.function == "first" else "arg_max"
    order = call.rows.order
    key = order[0] if len(order) == 1 else f"({', '.join(order)})"
    return _single(call.aggregate(f"{name}({call.args[0]}, {key})"))


def _mode(call: _Call) -> Halves:
    if not any(isinstance(node, Property) for node in walk(call.node.args[0])):
        # all values are equal, and the engine takes ORDER BY a constant for a percentile
        return _single(call.aggregate(f"mode({call.args[0]})"))
    return _single(call.aggregate(f"mode({call.args[0]} ORDER BY {call.args[0]})"))


def _quantile(call: _Call) -> Halves:
    millionths = call.node.parameter if call.node.function == "quantile" else 500_000
    if not isinstance(millionths, int):
        raise TypeError("quantile() takes a constant, in millionths")
    # a decimal constant keeps the engine's ceil(q n) in whole numbers
    return _single(call.aggregate(f"quantile_disc({call.args[0]}, {decimal_text(millionths)})"))


def _mean_gap(call: _Call) -> Halves:
    time = call.rows.time
    parts = tuple(call.aggregate(sql) for sql in (f"min({time})", f"max({time})", "count(*)"))
    return Halves(parts, _gap)


def _gap(names: Sequence[str]) -> str:
    days = f"(visavis_date({names[1]}) - visavis_date({names[0]}))"
    quotient = (
        f"visavis_quotient(CAST({days} AS HUGEINT) * 1000000, CAST({names[2]} - 1 AS HUGEINT))"
    )
    return f"CASE WHEN {names[2]} > 1 THEN {quotient} END"


_BUILDERS: dict[str, Callable[[_Call], Halves]] = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "min": _extreme,
    "max": _extreme,
    "first": _end,
    "last": _end,
    "mode": _mode,
    "quantile": _quantile,
    "median": _quantile,
    "mean_gap": _mean_gap,
}
