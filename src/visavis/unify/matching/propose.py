"""Settings for a table of people, proposed from its data alone, with the reasons in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from visavis.store.warehouse import Warehouse
from visavis.unify.matching.blocking import Rule, choose_rules
from visavis.unify.matching.columns import Column
from visavis.unify.matching.levels import Comparison, Prepared, compare, prepared_sql
from visavis.unify.matching.repeats import Repeats, find_repeats

PREPARED = "matching_prepared"
_PAIRS_PER_ROW = (30, 100, 300, 1000)
_LEAST_PAIRS = 200_000
_MOST_PAIRS = 20_000_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to compare, which pairs to look at, which to learn from, and why, in sentences."""

    columns: tuple[Column, ...]
    comparisons: tuple[Comparison, ...]
    items: tuple[Prepared, ...]
    rules: tuple[Rule, ...]
    training: tuple[Rule, ...]
    notes: tuple[str, ...]
    rows: int


def propose(wh: Warehouse, clean: str, columns: Sequence[Column], seed: int) -> Proposal:
    """Looks at a cleaned table (columns.make_clean) and makes the table PREPARED from it."""
    useful = [c for c in columns if c.kind not in ("id", "empty")]
    repeats = find_repeats(wh, clean, useful, seed)
    kept = [c for c in useful if c.name not in repeats.dropped]
    items = _prepare(wh, clean, kept, repeats)
    comparisons = _comparisons(items, repeats)
    rows = int(wh.value(f"SELECT count(*) FROM {PREPARED}"))
    budgets = [min(max(each * rows, _LEAST_PAIRS), _MOST_PAIRS) for each in _PAIRS_PER_ROW]
    rules, training = choose_rules(wh, PREPARED, items, rows, budgets, seed)
    return Proposal(
        tuple(columns), tuple(comparisons), tuple(items), tuple(rules), tuple(training),
        tuple(_notes(columns, repeats)), rows,
    )  # fmt: skip


def _prepare(wh: Warehouse, clean: str, kept: Sequence[Column], repeats: Repeats) -> list[Prepared]:
    numbers = {c.name: i for i, c in enumerate(kept)}
    items = [
        Prepared(c, numbers[c.name], numbers.get(repeats.swapped.get(c.name, ""))) for c in kept
    ]
    prepare(wh, clean, items)
    return items


def prepare(wh: Warehouse, clean: str, items: Sequence[Prepared]) -> None:
    """Makes the table PREPARED: the columns of a cleaned table as they are compared."""
    listed = "".join(f", {sql}" for item in items for sql in prepared_sql(item))
    wh.execute(
        f"CREATE OR REPLACE TABLE {PREPARED} AS SELECT _row{listed} FROM {clean} ORDER BY _row"
    )


def _comparisons(items: Sequence[Prepared], repeats: Repeats) -> list[Comparison]:
    by_name = {item.column.name: item for item in items}
    followers = {name for listed in repeats.followers.values() for name in listed}
    return [
        compare(item, [by_name[f] for f in repeats.followers.get(name, ())])
        for name, item in by_name.items()
        if name not in followers
    ]


def _notes(columns: Sequence[Column], repeats: Repeats) -> list[str]:
    notes = []
    for column in columns:
        if column.kind == "id":
            notes.append(f"{column.name} numbers the records: not compared")
        elif column.kind == "empty":
            notes.append(f"{column.name} has too few values: not compared")
        elif column.name in repeats.dropped:
            by = " and ".join(repeats.dropped[column.name])
            notes.append(f"{column.name} repeats {by}: counts once")
        else:
            notes.append(f"{column.name} is compared as {column.kind}")
    for leader, followers in repeats.followers.items():
        listed = ", ".join(followers)
        notes.append(f"{leader} determines {listed}: together they count once")
    for one, two in repeats.swapped.items():
        if one < two:
            notes.append(f"{one} and {two} are swapped in some records: compared crosswise too")
    return notes
