"""The place of events in the log: seq = milliseconds shifted, plus the rank among their equals.

Events of the same millisecond rank by message id, also against those of earlier loads; what must
move there goes to the overlay.
"""

from __future__ import annotations

from collections.abc import Sequence

from visavis.core.lang.types import TIME_MIN
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.lake import Lake
from visavis.store.state import Load
from visavis.store.warehouse import Warehouse

SHIFT = 1 << 22
EARLIEST = -(1 << 41)
"""Moments before this (1900, and records without a time) share one rank count."""
_FEW = 1000
_NO_CLASH = (
    "SELECT NULL::VARCHAR AS load_id, NULL::BIGINT AS old_seq, NULL::BIGINT AS tick, "
    "NULL::BIGINT AS ms, NULL::VARCHAR AS message_id WHERE false"
)


def clamped(ms: str) -> str:
    """SQL: the moment as seq counts it."""
    return f"greatest({ms}, {EARLIEST})"


def prior_views(wh: Warehouse, lake: Lake, loads: Sequence[Load]) -> None:
    """Makes `collect_overlay`: the latest word on each superseded or re-ranked row of the lake."""
    files = lake.files("overlay", loads)
    none = (
        "SELECT NULL::VARCHAR AS load_id, NULL::BIGINT AS seq, NULL::BIGINT AS new_seq WHERE false"
    )
    query = none
    if files:
        query = (
            "SELECT load_id, seq, CASE WHEN bool_or(new_seq IS NULL) THEN NULL "
            "ELSE max_by(new_seq, filename) END AS new_seq "
            f"FROM read_parquet({listed(files)}, filename = true, union_by_name = true) "
            "GROUP BY load_id, seq"
        )
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_overlay AS {query}")


def listed(paths: Sequence[object]) -> str:
    """Paths as a SQL list."""
    return "[" + ", ".join(text_literal(str(p)) for p in paths) + "]"


def alive(
    lake: Lake, loads: Sequence[Load], name: str, columns: str, where: str = "true"
) -> str | None:
    """A query for rows of earlier loads that still count: `load_id`, `old_seq`, the columns."""
    files = lake.files(name, loads)
    if not files:
        return None
    load_id = "parse_path(filename)[-2]"
    return (
        f"SELECT e.* EXCLUDE (seq), e.seq AS old_seq, coalesce(o.new_seq, e.seq) AS seq FROM ("
        f"SELECT {load_id} AS load_id, seq, {columns} FROM "
        f"read_parquet({listed(files)}, filename = true, union_by_name = true) WHERE {where}) AS e "
        "LEFT JOIN collect_overlay AS o ON o.load_id = e.load_id AND o.seq = e.seq "
        "WHERE o.seq IS NULL OR o.new_seq IS NOT NULL"
    )


def rank(wh: Warehouse, lake: Lake, loads: Sequence[Load]) -> None:
    """Ranks `collect_new`, for `seq_of_new`, and makes `collect_moved` (load_id, seq, new_seq).

    `collect_dead` (load_id, seq) are rows of earlier loads that `collect_new` replaces.
    """
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_shared AS SELECT tick FROM "
        f"(SELECT {clamped('ms')} AS tick FROM collect_new) GROUP BY tick HAVING count(*) > 1"
    )
    clash = _clash(wh, lake, loads) or _NO_CLASH
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_clash AS {clash}")
    shared = "SELECT tick FROM collect_shared UNION ALL SELECT tick FROM collect_clash"
    new = f"SELECT NULL::VARCHAR AS load_id, NULL::BIGINT AS old_seq, {clamped('ms')} AS tick"
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_ranked AS SELECT load_id, old_seq, tick, message_id, "
        "row_number() OVER (PARTITION BY tick ORDER BY ms, message_id, load_id) - 1 AS rank FROM ("
        f"{new}, ms, message_id FROM collect_new WHERE tick IN ({shared}) UNION ALL "
        "SELECT load_id, old_seq, tick, ms, message_id FROM collect_clash)"
    )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_moved AS "
        f"SELECT load_id, old_seq AS seq, tick * {SHIFT} + rank AS new_seq FROM collect_ranked "
        "WHERE load_id IS NOT NULL"
    )


def seq_of_new(wh: Warehouse) -> str:
    """A query for `collect_new` with its `seq`."""
    if not wh.value("SELECT count(*) FROM collect_ranked WHERE load_id IS NULL"):
        return f"SELECT n.*, {clamped('n.ms')} * {SHIFT} AS seq FROM collect_new AS n"
    return (
        f"SELECT n.*, {clamped('n.ms')} * {SHIFT} + coalesce(r.rank, 0) AS seq FROM "
        "collect_new AS n "
        f"LEFT JOIN (SELECT * FROM collect_ranked WHERE load_id IS NULL) AS r "
        f"ON r.tick = {clamped('n.ms')} AND r.message_id = n.message_id"
    )


def _clash(wh: Warehouse, lake: Lake, loads: Sequence[Load]) -> str | None:
    """Living rows of earlier loads at the very milliseconds of new events."""
    where = _meeting(wh, lake, loads)
    query = alive(lake, loads, "events", "ts, message_id", where) if where else None
    if query is None:
        return None
    return (
        f"SELECT load_id, old_seq, {clamped('epoch_ms(ts)')} AS tick, epoch_ms(ts) AS ms, "
        f"message_id FROM ({query}) AS p WHERE tick IN (SELECT {clamped('ms')} FROM collect_new) "
        "AND (load_id, old_seq) NOT IN (SELECT (load_id, seq) FROM collect_dead)"
    )


def _meeting(wh: Warehouse, lake: Lake, loads: Sequence[Load]) -> str | None:
    """SQL: which earlier rows may share a millisecond with new ones; None when none do.

    Times are looked at first and alone: message ids are dear to read.
    """
    ((low, high),) = wh.rows("SELECT min(ms), max(ms) FROM collect_new")
    if low is None:
        return None
    if low <= EARLIEST:
        low, high = TIME_MIN, max(high, EARLIEST)
    files = lake.files("events", [load for load in loads if _may_meet(load, low, high)])
    if not files:
        return None
    between = f"ts BETWEEN {_moment(low)} AND {_moment(high)}"
    new = f"SELECT {clamped('ms')} FROM collect_new"
    shared = wh.rows(
        f"SELECT DISTINCT epoch_ms(ts) FROM read_parquet({listed(files)}, union_by_name = true) "
        f"WHERE {between} AND {clamped('epoch_ms(ts)')} IN ({new}) "
        f"LIMIT {_FEW + 1}"
    )
    if len(shared) > _FEW:
        return between
    return f"ts IN ({', '.join(_moment(row[0]) for row in shared)})" if shared else None


def _moment(ms: int) -> str:
    return f"make_timestamp({int(ms)} * 1000)"


def _may_meet(load: Load, low: int, high: int) -> bool:
    """Whether a load may have events between the two moments; those without a time always may."""
    if load.min_ts is None or load.max_ts is None or low <= EARLIEST:
        return True
    return load.min_ts <= high and load.max_ts >= low
