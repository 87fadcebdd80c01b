"""A load of order lines: stage, resolve, convert, group, number, write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visavis.collect import orders, ranks
from visavis.collect.making import FILES_SHIFT, Making, columns_sql, paths_of
from visavis.collect.orders import Shape
from visavis.collect.rates import convert_lines, make_rates
from visavis.collect.resolve import Resolver
from visavis.core.clock import zone
from visavis.store import crash
from visavis.store.engines.duckdb_names import text_literal, time_literal

_NO_RATE = "no-rate: there is no rate for the currency of this order at its date"
_TOO_LARGE = "bad-amount: the order's total is too large: it must stay under 1,000,000,000,000"


def load_orders(making: Making) -> Mapping[str, Any]:
    """Makes and commits the load; its summary."""
    columns = making.stage(orders.REQUIRED, lambda sql: orders.checked(sql, making.source))
    shape = orders.shape_of(columns)
    wh, project = making.wh, making.context.project
    currency = making.source.currency or project.currency
    lines = orders.lines_query(making.source, columns, shape, currency)
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_lines AS {lines}")
    _count_statuses(making, {column.key for column in columns})
    wh.execute("DROP TABLE IF EXISTS collect_stage")
    making.nothing_dead()
    _resolve(making, shape)
    left_out = [*_convert(making, shape), *_group(making, shape)]
    making.number_nodes(shape.kinds)
    making.rank()
    _write(making, shape)
    making.quarantine(left_out)
    making.write_identity()
    crash.point("load-made")
    return making.commit("SELECT min(epoch_ms(ts)), max(epoch_ms(ts)) FROM collect_events")


def _count_statuses(making: Making, there: set[str]) -> None:
    """Counts statuses that the source's `statuses` does not explain; they count as completed."""
    if "role.status" not in there:
        return
    known = {v.strip().lower() for values in making.source.statuses.values() for v in values}
    rows = making.wh.rows(
        'SELECT "role.status", count(*) FROM collect_stage WHERE _reason IS NULL '
        'AND "role.status" IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1'
    )
    other = {str(s): int(n) for s, n in rows if str(s).strip().lower() not in known}
    if other:
        making.counts["other_statuses"] = dict(list(other.items())[:50])


def _resolve(making: Making, shape: Shape) -> None:
    new = {making.number * FILES_SHIFT + i: m.path for i, m in enumerate(making.marks, 1)}
    everything = making.context.state.loads(active_only=False)
    resolver = Resolver(making, shape, {**paths_of(everything), **new})
    corrected, some = resolver.resolve(len(making.marks))
    making.counts["corrections"] = corrected
    if some:
        making.counts["corrected_orders"] = some


def _convert(making: Making, shape: Shape) -> list[tuple[str, str]]:
    """Turns amounts into the project's currency; table and reason of the orders left out."""
    project = making.context.project
    files = [str(p) for p in making.context.lake.files("costs", making.prior)]
    make_rates(making.wh, files, project.currency)
    making.wh.use_zone(zone(project.time_zone))
    left_out = convert_lines(making.wh, shape, project.currency)
    if not left_out:
        return []
    making.counts["orders_without_rate"] = left_out
    kinds = {s.name for s in project.sources.values() if s.kind == "rates"}
    making.counts["rates"] = [x.load_id for x in making.prior if x.source in kinds]
    _keep_former(making, "collect_norate")
    return [("collect_norate", _NO_RATE)]


def _keep_former(making: Making, left_out: str) -> None:
    """What orders in the table `left_out` were before stays as it is."""
    if making.wh.value("SELECT count(*) FROM collect_dead"):
        making.wh.execute(
            "DELETE FROM collect_dead WHERE (load_id, seq) IN (SELECT (load_id, old_seq) "
            f"FROM fold_events SEMI JOIN {left_out} USING (order_id))"
        )


def _group(making: Making, shape: Shape) -> list[tuple[str, str]]:
    """Makes orders of lines; table and reason of those left out, as their total does not fit."""
    source, wh = making.source, making.wh
    # with earlier loads at hand an order may be joined from theirs too
    several = len(making.marks) > 1 or bool(making.own)
    statements = orders.grouping(source.namespace or source.name, shape, several)
    for statement in statements:
        wh.execute(statement)
    if not wh.value("SELECT count(*) FROM collect_new WHERE p_revenue IS NULL"):
        return []
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_unfit AS "
        "SELECT DISTINCT order_id FROM collect_new WHERE p_revenue IS NULL"
    )
    wh.execute("DELETE FROM collect_lines WHERE order_id IN (FROM collect_unfit)")
    _keep_former(making, "collect_unfit")
    for statement in statements:
        wh.execute(statement)
    return [("collect_unfit", _TOO_LARGE)]


def _write(making: Making, shape: Shape) -> None:
    there = making.wh.columns("collect_new")
    props = [c for c in there if c.startswith("p_")]
    channel = "channel" if "channel" in there else "NULL::VARCHAR"
    test = f"class = {orders.TEST}"
    making.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_events AS SELECT seq, message_id, 'track' AS type, "
        f"{orders.event_name()} AS event, make_timestamp(ms * 1000) AS ts, "
        f"{time_literal(making.context.now_ms)} AS received_at, "
        f"{text_literal(making.source.name)} AS source, {channel} AS channel, "
        f"CASE WHEN NOT {test} THEN node END AS node, CASE WHEN NOT {test} THEN nodes END "
        "AS nodes, "
        "origin AS revision, NULL::VARCHAR[] AS cleared, coalesce(p_revenue = 0, false) "
        f"OR {test} AS void, "
        "NULL::VARCHAR AS properties, NULL::VARCHAR AS context, order_id AS p_order_id"
        f"{columns_sql(props)}, class, false AS timeless FROM ({ranks.seq_of_new(making.wh)})"
    )
    making.wh.execute("DROP TABLE collect_new")
    counts = making.counts
    counts["events"] = making.write(
        "events",
        "SELECT * EXCLUDE (class, timeless) FROM collect_events ORDER BY event, node, seq",
    )
    counts["lines"] = making.write("lines", _lines_query(making, shape))
    for name, count in making.wh.rows("SELECT event, count(*) FROM collect_events GROUP BY event"):
        if name == orders.EVENT_NAMES[orders.TEST]:
            counts["test_orders"] = count
    counts["guests"] = making.wh.value(
        f"SELECT count(*) FROM collect_events WHERE node IS NULL AND NOT {test}"
    )


def _lines_query(making: Making, shape: Shape) -> str:
    """The lines in the order of the log; `line` counts within an event."""
    extra = [c for c in making.wh.columns("collect_lines") if c.startswith("given_")]
    kept = columns_sql([*shape.line, *extra], "l")
    place = orders.canonical_order(shape, "l")
    return (
        "SELECT e.seq, CAST(row_number() OVER (PARTITION BY e.seq ORDER BY "
        f"{place}) - 1 AS INTEGER) AS line, e.event, e.ts, e.node, e.message_id, e.source, e.void"
        f"{kept}, make_timestamp(l.ms * 1000) AS line_ts, l.origin "
        "FROM collect_lines AS l JOIN collect_events AS e "
        "ON e.p_order_id = l.order_id AND e.class = l.class ORDER BY event, node, seq, line"
    )
