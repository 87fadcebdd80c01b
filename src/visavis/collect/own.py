"""What visavis itself records about people: events that go to the lake as a load of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from visavis.collect import nodes, ranks
from visavis.collect.context import Context
from visavis.core.lang.types import Type
from visavis.store import crash, journal
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.journal import Recorded
from visavis.store.lake import Lake
from visavis.store.state import FileMark, Load, State
from visavis.store.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

SOURCE = "visavis"
"""The source of these loads."""
_JOURNAL = "journal:"


def append(
    wh: Warehouse,
    lake: Lake,
    state: State,
    query: str,
    mark: str,
    moment_ms: int,
    new_nodes: bool = False,
) -> str | None:
    """Records events once: the id of the load, None when `mark` names one that is already there.

    `query` gives message_id, ms (UTC), event, channel, node and `p_...` columns.
    """
    loads = state.loads()
    if any(m.path == mark for load in loads if load.source == SOURCE for m in load.files):
        return None
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_new AS {query}")
    rows = int(wh.value("SELECT count(*) FROM collect_new"))
    if not rows:
        return None
    load_id = f"{state.next_number():06d}-{SOURCE}"
    marks = (FileMark(mark, 0, 0, "", rows),)
    counts = {"rows": rows, "events": rows}
    low, high = wh.rows("SELECT min(ms), max(ms) FROM collect_new")[0]
    _write(wh, lake, loads)
    if new_nodes:
        _write_nodes(wh, lake)
    load = Load(load_id, SOURCE, "", moment_ms, marks, counts, low, high)
    lake.publish(lake.state / "tmp" / "load", load_id, lambda: state.commit(load))
    return load_id


def _write_nodes(wh: Warehouse, lake: Lake) -> None:
    """Identifiers that the events name for the first time, and when they were seen."""
    draft = lake.state / "tmp" / "load"
    for name, query in (
        ("nodes", "SELECT node, kind, value FROM collect_nodes ORDER BY node"),
        (
            "sightings",
            "SELECT node, make_timestamp(min(ms) * 1000) AS first_seen, "
            "make_timestamp(max(ms) * 1000) AS last_seen FROM collect_journal "
            "WHERE node IS NOT NULL GROUP BY node ORDER BY node",
        ),
    ):
        path = draft / f"{name}.parquet"
        if not wh.write_parquet(query, path):
            path.unlink()


def take_journal(context: Context) -> str | None:
    """Moves the journal into the lake, once: the id of the load, None where it is empty.

    The load is marked with the last of the journal's ids in it; a crash between the load and the
    forgetting makes the next run find the mark, and forget.
    """
    state, wh = context.state, context.wh
    waiting = journal.waiting(state.db)
    done = max((_last(m.path) for load in state.loads() for m in load.files), default=0)
    if done:
        journal.forget(state.db, done)
    waiting = [event for event in waiting if event.id > done]
    if not waiting:
        return None
    _stage(context, waiting)
    crash.point("journal-staged")
    query = "SELECT * EXCLUDE (kind, raw) FROM collect_journal"
    mark = f"{_JOURNAL}{waiting[-1].id}"
    load_id = append(wh, context.lake, state, query, mark, context.now_ms, new_nodes=True)
    crash.point("journal-loaded")
    journal.forget(state.db, waiting[-1].id)
    return load_id


def _last(mark: str) -> int:
    return int(mark.removeprefix(_JOURNAL)) if mark.startswith(_JOURNAL) else 0


def _stage(context: Context, events: Sequence[Recorded]) -> None:
    """Makes `collect_journal` of the events, with nodes, and `collect_nodes` of new ones."""
    import pyarrow as pa

    names = sorted({name for e in events for name in e.properties})
    known = {n: t for of in context.project.properties.values() for n, t in of.items()}
    named = [e.identifiers[0] if e.identifiers else (None, None) for e in events]
    columns: dict[str, pa.Array[Any]] = {
        "message_id": pa.array([e.message_id for e in events], pa.string()),
        "ms": pa.array([e.ts_ms for e in events], pa.int64()),
        "event": pa.array([e.event for e in events], pa.string()),
        "channel": pa.array([e.channel for e in events], pa.string()),
        "kind": pa.array([kind for kind, _ in named], pa.string()),
        "raw": pa.array([value for _, value in named], pa.string()),
    }
    for name in names:
        if known.get(name) is Type.TEXT:
            values = [e.properties.get(name) for e in events]
            texts = [None if value is None else str(value) for value in values]
            columns[f"p_{name}"] = pa.array(texts, pa.string())
    wh = context.wh
    wh.register("journal_arrow", pa.table(columns))
    kinds = sorted({kind for kind, _ in named if kind})
    ids = "".join(
        f", CASE WHEN kind = {text_literal(kind)} THEN raw END AS {identifier(f'id.{kind}')}"
        for kind in kinds
    )
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_new AS SELECT *{ids} FROM journal_arrow")
    everything = [str(p) for p in context.lake.files("nodes", state_loads(context))]
    nodes.number(wh, kinds, context.project.kinds, everything)
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_journal AS SELECT j.*, i.node "
        "FROM journal_arrow AS j LEFT JOIN collect_ids AS i ON i.kind = j.kind AND i.raw = j.raw"
    )


def state_loads(context: Context) -> list[Load]:
    """Every load there ever was: any of them may have named a node."""
    return context.state.loads(active_only=False)


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
        "channel, node, NULL::BIGINT[] AS nodes, 0::BIGINT AS revision, "
        "NULL::VARCHAR[] AS cleared, false AS void, NULL::VARCHAR AS properties, "
        "NULL::VARCHAR AS context, COLUMNS('^p_.*') "
        f"FROM ({ranks.seq_of_new(wh)}) ORDER BY event, node, seq",
        draft / "events.parquet",
    )
    moved = wh.write_parquet("SELECT * FROM collect_moved", draft / "overlay.parquet")
    if not moved:
        (draft / "overlay.parquet").unlink()
