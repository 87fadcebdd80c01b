"""A zone's offset table as SQL: a binary search over its transitions, written as nested CASEs."""

from __future__ import annotations

from collections.abc import Sequence

from visavis.core.clock import Zone
from visavis.core.lang.types import DAY_MS, Type
from visavis.store.engines.duckdb_names import literal, time_literal


def zone_macros(zone: Zone) -> tuple[str, str, str]:
    """Macros `visavis_local(t)`, the local clock as a TIMESTAMP, `visavis_date(t)`, its date, and

    `visavis_midnight(d)`, the first moment whose local date is d or later.
    """
    moved = _moved("t", [time_literal(t) for t in zone.transitions], zone.offsets)
    days, shifts = _midnights(zone)
    back = _moved("d", [literal(day, Type.DATE) for day in days], shifts)
    return (
        f"visavis_local(t) AS {moved}",
        f"visavis_date(t) AS CAST({moved} AS DATE)",
        f"visavis_midnight(d) AS CAST({back} AS TIMESTAMP)",
    )


def _moved(name: str, turns: Sequence[str], shifts: Sequence[int]) -> str:
    if not any(shifts):
        return name
    return f"{name} + to_milliseconds({_search(name, turns, shifts, 0, len(turns))})"


def _search(name: str, turns: Sequence[str], shifts: Sequence[int], low: int, high: int) -> str:
    """The shift in force, known to be one of shifts[low .. high]."""
    if len(set(shifts[low : high + 1])) == 1:
        return str(shifts[low])
    middle = (low + high) // 2
    before = _search(name, turns, shifts, low, middle)
    after = _search(name, turns, shifts, middle + 1, high)
    return f"CASE WHEN {name} < {turns[middle]} THEN {before} ELSE {after} END"


def _midnights(zone: Zone) -> tuple[list[int], list[int]]:
    """Days from which on midnight (UTC) is so many ms after the day's number times 24 h."""
    first = zone.transitions[0] // DAY_MS - 3 if zone.transitions else 0
    days: list[int] = []
    shifts = [zone.midnight(first) - first * DAY_MS]
    for turn in zone.transitions:
        # away from a transition the offset stands still
        for day in range(turn // DAY_MS - 2, turn // DAY_MS + 4):
            shift = zone.midnight(day) - day * DAY_MS
            if shift != shifts[-1] and (not days or day > days[-1]):
                days.append(day)
                shifts.append(shift)
    return days, shifts
