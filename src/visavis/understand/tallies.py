"""`mode` and `count(distinct)` by counting: which values each person has, and how often.

An aggregate over sorted values, or over a set of them for each person, costs several times as much
as two over numbers. For `mode` values are numbered in their order, so that the largest of (count,
smallest number) decides ties; person and number are one key, for one is cheaper than two. To count
different values, those of a sample of rows are numbered, and 64 of them are one word of bits: a row
a person and word instead of one a person and value. Values that are not in the sample stay as they
are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from visavis.core.lang.form import Aggregate, Property, walk
from visavis.core.lang.types import Type
from visavis.store.engines.duckdb_aggregates import Halves
from visavis.store.engines.duckdb_sql import Names, expression

_COUNTED = (Type.TEXT, Type.BOOLEAN, Type.INTEGER, Type.DATE)
"""Values of other types are mostly all different."""
_BITS = 31
_SHIFT = 1 << _BITS
_WORD = 6
"""A word of 2^6 bits."""
_SAMPLE = 65_536
"""Rows whose values are numbered: most rows say one of them, unless each says its own."""
_Key = tuple[str, str, tuple[str, ...]]
"""What is worked out (`mode` or `count`), of which value, over which rows."""


def tallied(node: Aggregate) -> bool:
    """Whether an aggregate is worked out by a tally."""
    distinct = node.function == "count" and node.distinct
    if not (distinct or node.function == "mode") or node.args[0].type not in _COUNTED:
        return False
    return any(isinstance(part, Property) for part in walk(node.args[0]))


@dataclass
class Tallies:
    """The tallies of one stream; each is a query of its own, joined by person."""

    prefix: str
    names: Names
    keys: dict[_Key, str] = field(default_factory=dict)

    def halves(self, node: Aggregate, keep: Sequence[str]) -> Halves:
        """The aggregate as a column of a tally: nothing of it is in the stream's GROUP BY."""
        if node.filter is not None:
            keep = [*keep, expression(node.filter, self.names)]
        key = (node.function, expression(node.args[0], self.names), tuple(keep))
        name = self.keys.setdefault(key, f"{self.prefix}t{len(self.keys)}")
        if node.function == "count":
            return Halves((), lambda _: f"coalesce({name}.value, 0)")
        return Halves((), lambda _: f"{name}.value")

    def queries(self, person: str, tables: str, scanned: Sequence[str]) -> dict[str, str]:
        """Name -> query for person and value, over the rows of the stream."""
        return {
            name: _QUERIES[function](value, person, tables, [*scanned, *keep])
            for (function, value, keep), name in self.keys.items()
        }


def _rows(value: str, tables: str, conditions: Sequence[str]) -> str:
    return f"FROM {tables} WHERE {' AND '.join([*conditions, f'{value} IS NOT NULL'])}"


def _most(value: str, person: str, tables: str, conditions: Sequence[str]) -> str:
    rows = _rows(value, tables, conditions)
    return (
        "WITH numbers AS MATERIALIZED ("
        "SELECT value, row_number() OVER (ORDER BY value) AS number"
        f" FROM (SELECT DISTINCT {value} AS value {rows})),"
        f" tally AS (SELECT key >> {_BITS} AS person,"
        f" max(n * {_SHIFT} - (key & {_SHIFT - 1})) AS best FROM ("
        f"SELECT r.person * {_SHIFT} + numbers.number AS key, count(*) AS n"
        f" FROM (SELECT {person} AS person, {value} AS value {rows}) AS r"
        " JOIN numbers ON numbers.value = r.value GROUP BY key"
        ") GROUP BY person)"
        " SELECT tally.person, numbers.value FROM tally"
        f" JOIN numbers ON numbers.number = -tally.best & {_SHIFT - 1}"
    )


def _distinct(value: str, person: str, tables: str, conditions: Sequence[str]) -> str:
    rows = _rows(value, tables, conditions)
    number = "coalesce(numbers.number, 0)"
    return (
        "WITH numbers AS MATERIALIZED (SELECT value, row_number() OVER () AS number"
        f" FROM (SELECT DISTINCT value FROM (SELECT {value} AS value {rows} LIMIT {_SAMPLE}))),"
        f" seen AS (SELECT (r.person * {_SHIFT} + {number}) >> {_WORD} AS word,"
        " CASE WHEN numbers.number IS NULL THEN r.value END AS rare,"
        f" bit_or(1::UBIGINT << ({number} & {(1 << _WORD) - 1})::UBIGINT) AS bits"
        f" FROM (SELECT {person} AS person, {value} AS value {rows}) AS r"
        " LEFT JOIN numbers ON numbers.value = r.value GROUP BY word, rare)"
        f" SELECT word >> {_BITS - _WORD} AS person, sum(bit_count(bits))::BIGINT AS value"
        f" FROM seen GROUP BY word >> {_BITS - _WORD}"
    )


_QUERIES = {"mode": _most, "count": _distinct}
