"""What `explain` tells of a profile beside its values: those that lost, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from visavis.core.clock import to_date, to_datetime
from visavis.core.lang.form import Value
from visavis.core.lang.history import IDENTIFY, History, Stream
from visavis.core.lang.reader_given import chosen_row, setting_rows
from visavis.core.lang.reader_rows import Rows
from visavis.core.lang.types import SCALE, TIME_MIN, Type
from visavis.core.nouns import Project, Trait
from visavis.store.profile import ALL, KINDS


def given_values(history: History, trait: Trait, now: int) -> list[dict[str, Any]]:
    """Every value that sources gave for a given trait, the losing ones too, the latest first."""
    stream = history.streams.get(IDENTIFY)
    if trait.kind != "given" or stream is None:
        return []
    rows = Rows(IDENTIFY, stream, now)
    chosen = chosen_row(rows, trait)
    every, _ = setting_rows(rows, trait.given or trait.name)
    return [_given(rows, trait, row, row == chosen) for row in reversed(every)]


def _given(rows: Rows, trait: Trait, row: int, counts: bool) -> dict[str, Any]:
    stream: Stream = rows.stream
    value = rows.property(trait.given or trait.name, "property")[row]
    return {
        "value": shown_value(value, trait.type),
        "counts": counts,
        "source": rows.property("source", "property")[row],
        "timestamp": None if rows.time(row) == TIME_MIN else to_datetime(rows.time(row)),
        "message_id": stream.message_ids[row],
    }


def completeness(project: Project, values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Per kind of data, and for all, how many of the project's traits have a value."""
    found = []
    for kind in (*KINDS, ALL):
        names = [t.name for t in project.traits.values() if kind in (ALL, t.data_kind)]
        filled = sum(values[name] is not None for name in names)
        score = Decimal(filled) / len(names) if names else None
        if score is not None:
            score = score.quantize(Decimal("0.000001"), ROUND_HALF_UP)
        found.append({"kind": kind, "filled": filled, "traits": len(names), "score": score})
    return found


def shown_value(value: Value, kind: Type) -> Any:
    """A value of the Python reader as users see it: decimals, times and dates as such."""
    if value is None:
        return None
    match kind:
        case Type.DECIMAL:
            return Decimal(int(value)) / SCALE
        case Type.TIME:
            return to_datetime(int(value))
        case Type.DATE:
            return to_date(int(value))
        case _:
            return value
