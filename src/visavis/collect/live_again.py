"""Live events that come back from quarantine: repaired in a CSV, or once there is a rate.

They become a load of their own, and are closed where they were; what is still bad stands in its
quarantine. Live orders that wait for a rate come back when a rate table changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from visavis.collect import kept
from visavis.collect.calls import Bad, event_of
from visavis.collect.closing import close, counts_of, open_rows, rate_tables
from visavis.collect.context import Context
from visavis.collect.live_columns import Placed, tables_of
from visavis.collect.live_load import (
    MOST_KEPT,
    SOURCE,
    definition_of,
    load,
    read_again,
    wanted_names,
)
from visavis.collect.live_values import NO_RATE
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.state import FileMark


def replay(context: Context, columns: Sequence[str]) -> Mapping[str, Any]:
    """Takes in the repaired rows of `collect_back` (_file, _row, the columns of a call)."""
    picked = "".join(f", b.{identifier(c)}" for c in columns)
    rows = context.wh.rows(
        f"SELECT b._file, b._row, epoch_ms(o.received_at){picked} FROM collect_back AS b JOIN "
        f"({open_rows(context, SOURCE)}) AS o ON o.file = b._file AND o.row_number = b._row "
        "ORDER BY 1, 2"
    )
    calls: list[Placed] = []
    for file, number, received, *cells in rows:
        raw = kept.of_cells(dict(zip(columns, cells, strict=True)))
        fallback = f"{file}:{number}"
        calls.append((file, number, event_of(raw, received, None, "", None, fallback, MOST_KEPT)))
    return _take(context, calls)


def replay_rateless(context: Context) -> list[Mapping[str, Any]]:
    """Takes in the orders that waited for a rate, when the rate tables have changed since."""
    now = rate_tables(context)
    waiting = [x for x in context.loads(SOURCE) if x.counts.get("rates") not in (None, now)]
    if not waiting:
        return []
    rows = context.wh.rows(
        "SELECT file, row_number, reason, row, epoch_ms(received_at) FROM "
        f"({open_rows(context, SOURCE)}) WHERE reason = {text_literal(NO_RATE)} ORDER BY 1, 2"
    )
    told = _take(context, [(file, n, read_again(file, n, *rest)) for file, n, *rest in rows])
    for old in waiting:
        context.state.recount(old.load_id, {**counts_of(context, old), "rates": now})
    return [told] if told["events"] else []


def _take(context: Context, calls: Sequence[Placed]) -> Mapping[str, Any]:
    tables = tables_of(calls, wanted_names(context), context.project.kinds)
    if not tables.events.num_rows:
        bad = sum(isinstance(call, Bad) for *_, call in calls)
        return {"source": SOURCE, "rows": len(calls), "events": 0, "quarantined": bad}
    earlier = context.loads(SOURCE)
    mark = FileMark(f"replay:{context.state.next_number()}", 0, 0, "", len(calls))
    summary = load(context, tables, definition_of(context), [mark], {})
    places = {"file": [file for file, *_ in calls], "row_number": [n for _, n, _ in calls]}
    context.wh.register("live_taken", pa.table(places))
    close(context, earlier, "SELECT file, row_number FROM live_taken", "replayed")
    return summary
