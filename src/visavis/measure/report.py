"""What a report is: named tables with typed columns, notes, and how each table is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Report:
    """One report as of a moment (UTC ms). `tables` in reading order; the first is the main one."""

    name: str
    title: str
    as_of_ms: int
    tables: Mapping[str, Sequence[Row]]
    totals: Row = field(default_factory=dict)
    notes: tuple[str, ...] = ()
