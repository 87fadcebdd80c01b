"""What visavis itself records about people: events that go to the lake as a load of their own."""

from __future__ import annotations

from visavis.collect import ranks
from visavis.store.lake import Lake
from visavis.store.state import FileMark, Load, State
from visavis.store.warehouse import Warehouse

SOURCE = "visavis"
"""The source of these loads."""


def append(
    wh: Warehouse, lake: Lake, state: State, query: str, mark: str, moment_ms: int
) -> str | None:
    """Records events once: the id of the load, None when `mark` names one that is already there.

    `query` gives message_id, ms (UTC), event, node and `p_...` columns.
    """
    loads = state.loads()
    if any(m.path == mark for load in loads if load.source == SOURCE for m in load.files):
        return None
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_new AS {query}")
    rows = int(wh.value("SELECT count(*) FROM collect_new"))
    if not rows:
        return None
    load_id = f"{state.next_number():06d}-{SOURCE}"
    _write(wh, lake, loads)
    marks = (FileMark(mark, 0, 0, "", rows),)
    counts = {"rows": rows, "events": rows}
    load = Load(load_id, SOURCE, "", moment_ms, marks, counts, moment_ms, moment_ms)
    lake.publish(lake.state / "tmp" / "load", load_id, lambda: state.commit(load))
    return load_id


def _write(wh: Warehouse, lake: Lake, loads: list[Load]) -> None:
    """Puts the events into the log's order, against all others, and writes the load's files."""
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_dead AS "
        "SELECT NULL::VARCHAR AS load_id, NULL::BIGINT AS seq WHERE false"
    )
    ranks.prior_views(wh, lake, loads)
    ranks.rank(wh, lake, loads)
    draft = lake.draft()
    wh.write_parquet(
        "SELECT seq, message_id, 'track' AS type, event, make_timestamp(ms * 1000) AS ts, "
        f"make_timestamp(ms * 1000) AS received_at, '{SOURCE}' AS source, "
        "NULL::VARCHAR AS channel, node, NULL::BIGINT[] AS nodes, 0::BIGINT AS revision, "
        "NULL::VARCHAR[] AS cleared, false AS void, NULL::VARCHAR AS properties, "
        "NULL::VARCHAR AS context, COLUMNS('^p_.*') "
        f"FROM ({ranks.seq_of_new()}) ORDER BY event, node, seq",
        draft / "events.parquet",
    )
    moved = wh.write_parquet("SELECT * FROM collect_moved", draft / "overlay.parquet")
    if not moved:
        (draft / "overlay.parquet").unlink()
