"""`mode` by counting: how often each person has each value, and the value counted most.

An aggregate over sorted values costs several times as much as two over numbers. Values are
numbered in their order, so that the largest of (count, smallest number) decides ties.
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
_SHIFT = 1 << 31


def tallied(node: Aggregate) -> bool:
    """Whether an aggregate is worked out by a tally."""
    if node.function != "mode" or node.args[0].type not in _COUNTED:
        return False
    return any(isinstance(part, Property) for part in walk(node.args[0]))


@dataclass
class Tallies:
    """The tallies of one stream; each is a query of its own, joined by person."""

    prefix: str
    names: Names
    keys: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    def halves(self, node: Aggregate, keep: Sequence[str]) -> Halves:
        """The aggregate as a column of a tally: nothing of it is in the stream's GROUP BY."""
        if node.filter is not None:
            keep = [*keep, expression(node.filter, self.names)]
        key = (expression(node.args[0], self.names), tuple(keep))
        name = self.keys.setdefault(key, f"{self.prefix}t{len(self.keys)}")
        return Halves((), lambda _: f"{name}.value")

    def queries(self, person: str, tables: str, scanned: Sequence[str]) -> dict[str, str]:
        """Name -> query for person and value, over the rows of the stream."""
        return {
            name: _query(value, person, tables, [*scanned, *keep])
            for (value, keep), name in self.keys.items()
        }


def _query(value: str, person: str, tables: str, conditions: Sequence[str]) -> str:
    rows = f"FROM {tables} WHERE {' AND '.join([*conditions, f'{value} IS NOT NULL'])}"
    return (
        "WITH numbers AS MATERIALIZED ("
        "SELECT value, row_number() OVER (ORDER BY value) AS number"
        f" FROM (SELECT DISTINCT {value} AS value {rows})),"
        f" tally AS (SELECT person, max(n * {_SHIFT} - number) AS best FROM ("
        "SELECT r.person, numbers.number, count(*) AS n"
        f" FROM (SELECT {person} AS person, {value} AS value {rows}) AS r"
        " JOIN numbers ON numbers.value = r.value GROUP BY r.person, numbers.number"
        ") GROUP BY person)"
        " SELECT tally.person, numbers.value FROM tally"
        f" JOIN numbers ON numbers.number = -tally.best & {_SHIFT - 1}"
    )
