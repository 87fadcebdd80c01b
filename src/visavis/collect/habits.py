"""How a text column writes its numbers, dates and ids, decided once from all of its content.

`cells` is a query of the filled cells as `x`; `before` what an earlier load of the source showed.
"""

from __future__ import annotations

from dataclasses import replace

from visavis.collect.clean import ISO, OFFSET, PLAIN, Habit, Mark
from visavis.store.warehouse import Warehouse


def id_habit(wh: Warehouse, cells: str) -> Habit:
    """Whether every id is a whole number written as a float; stops at the first other."""
    like = "regexp_full_match(x, '\\d+\\.0')"
    if wh.rows(f"SELECT 1 FROM ({cells}) WHERE NOT {like} LIMIT 1"):
        return PLAIN
    return replace(PLAIN, floats=bool(wh.rows(f"SELECT 1 FROM ({cells}) LIMIT 1")))


def number_habit(wh: Warehouse, cells: str, declared: Mark | None, before: Habit) -> Habit:
    """The decimal mark: declared, or shown by numbers that read one way only, else as before."""
    ((odd, commas, points),) = wh.rows(
        "SELECT count_if(TRY_CAST(x AS DOUBLE) IS NULL), "
        r"count_if(regexp_matches(x, ',\d{1,2}\D*$|,\d{4,}\D*$|\.\d{3},\d|\.\d{3}\.\d{3}')), "
        r"count_if(regexp_matches(x, '\.\d{1,2}\D*$|\.\d{4,}\D*$|,\d{3}\.\d|,\d{3},\d{3}')) "
        f"FROM ({cells})"
    )
    if declared:
        return Habit(mark=declared, plain=declared == "." and not odd)
    if not odd:
        return before if before.mark == "," else PLAIN
    if commas == points == 0:
        return replace(before, plain=False) if not before.plain else Habit(mark=None, plain=False)
    return Habit(mark="," if commas > points else ".", plain=False)


def time_habit(wh: Warehouse, cells: str, declared: str | None, before: Habit) -> Habit:
    """The order of day and month: shown by a day above 12, else as before; ISO always reads."""
    cell = "trim(x)"
    ((odd, day_first, month_first),) = wh.rows(
        f"SELECT count_if(NOT regexp_matches({cell}, '{ISO}') "
        f"OR TRY_CAST({cell} AS TIMESTAMP) IS NULL OR regexp_matches({cell}, "
        f"'{OFFSET}')), "
        f"count_if(regexp_matches({cell}, '^(1[3-9]|2\\d|3[01])[/.-]\\d{{1,2}}[/.-]\\d')), "
        f"count_if(regexp_matches({cell}, '^\\d{{1,2}}[/.-](1[3-9]|2\\d|3[01])[/.-]\\d')) "
        f"FROM ({cells})"
    )
    if not odd:
        return PLAIN
    if declared:
        return Habit(iso=False, time_format=declared)
    if day_first and month_first:
        return Habit(iso=False, order=None)
    if day_first or month_first:
        return Habit(iso=False, order="dmy" if day_first else "mdy")
    return Habit(iso=False, order=before.order)
