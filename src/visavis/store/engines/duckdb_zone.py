"""A zone's offset table as SQL: a binary search over its transitions, written as nested CASEs."""

from __future__ import annotations

from visavis.core.clock import Zone
from visavis.store.engines.duckdb_names import time_literal


def zone_macros(zone: Zone) -> tuple[str, str]:
    """Macros `visavis_local(t)`, the local clock as a TIMESTAMP, and `visavis_date(t)`, its date."""
    moved = "t" if not any(zone.offsets) else f"t + to_milliseconds({_search(zone, 0, len(zone.transitions))})"
    return f"visavis_local(t) AS {moved}", f"visavis_date(t) AS CAST({moved} AS DATE)"


def _search(zone: Zone, low: int, high: int) -> str:
    """The offset in force at t, known to be one of offsets[low .. high]."""
    if len(set(zone.offsets[low : high + 1])) == 1:
        return str(zone.offsets[low])
    middle = (low + high) // 2
    before, after = _search(zone, low, middle), _search(zone, middle + 1, high)
    turn = time_literal(zone.transitions[middle])
    return f"CASE WHEN t < {turn} THEN {before} ELSE {after} END"
