"""Orders and events that several sources tell under one namespace exist once.

The most trusted source's word counts, among equals the latest load's. The losing rows are named
in the overlay of a load without events, made anew whenever a source of the namespace changes.
What comes in live is the namespace `live`: an order that a browser and a server tell exists once,
and a file of orders joins them by `namespace: live`. A row of a file that loses is gone; an event
that came in live stays in the log, where it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visavis.collect import ranks
from visavis.collect.context import Context
from visavis.collect.live_names import LIVE, LIVE_TRUST, ORDER_KEYS, SEVERAL
from visavis.core.nouns import Source
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.state import Load

MARK = "~"
"""First sign of the `source` of such a load."""


def settle_namespaces(context: Context) -> None:
    """Marks what another source of the same namespace tells better."""
    spaces: dict[str, list[Source]] = {}
    for source in context.project.sources.values():
        if source.kind in ("orders", "events", "records"):
            spaces.setdefault(source.namespace or source.name, []).append(source)
    spaces.setdefault(LIVE, [])
    for name, sources in spaces.items():
        _settle(context, name, sources)


def real(loads: Sequence[Load]) -> list[Load]:
    """The loads that hold what sources said."""
    return [load for load in loads if not load.source.startswith(MARK)]


def _settle(context: Context, name: str, sources: Sequence[Source]) -> None:
    names = {source.name for source in sources} | ({LIVE} if name == LIVE else set())
    loads = context.loads()
    old = [load for load in loads if load.source == MARK + name]
    told = [load for load in real(loads) if load.source in names]
    fact = f"namespace:{name}"
    signature = [[s.name, s.trust] for s in sources] + [[x.load_id for x in told]]
    if len({load.source for load in told}) < 2 and not any(x.source == LIVE for x in told):
        if old:
            context.state.commit(None, [x.load_id for x in old], {fact: None})
        return
    if context.state.fact(fact) != signature:
        _make(context, name, sources, told, old, {fact: signature})


def _make(
    context: Context,
    name: str,
    sources: Sequence[Source],
    told: Sequence[Load],
    old: Sequence[Load],
    facts: Mapping[str, Any],
) -> None:
    lost = _losers(context, sources, told)
    ended = [load.load_id for load in old]
    if old and _still_lost(context, old):
        # what is marked stays marked, so that a build can stand on the one before
        ended, lost = [], _only_new(context, old)
    if not lost:
        context.state.commit(None, ended, facts)
        return
    load_id = f"{context.state.next_number():06d}-{MARK}namespace"
    draft = context.lake.draft()
    context.wh.write_parquet(
        # what came in live stays to be seen, but counts for nothing
        f"SELECT load_id, old_seq AS seq, CASE WHEN source = {text_literal(LIVE)} THEN seq END AS "
        f"new_seq, source = {text_literal(LIVE)} AS void FROM collect_lost ORDER BY ALL",
        draft / "overlay.parquet",
    )
    load = Load(load_id, MARK + name, "", context.now_ms, counts={"told_better_elsewhere": lost})
    state = context.state
    context.lake.publish(draft, load_id, lambda: state.commit(load, ended, facts))


def _marked(context: Context, old: Sequence[Load]) -> str:
    files = context.lake.files("overlay", old)
    return f"SELECT load_id, seq AS old_seq FROM read_parquet({ranks.listed(files)})"


def _still_lost(context: Context, old: Sequence[Load]) -> bool:
    """Whether everything that is marked would be marked again."""
    query = (
        f"SELECT 1 FROM ({_marked(context, old)}) ANTI JOIN collect_lost USING (load_id, old_seq)"
    )
    return not context.wh.rows(f"{query} LIMIT 1")


def _only_new(context: Context, old: Sequence[Load]) -> int:
    """Leaves in `collect_lost` what is not marked yet; how many."""
    context.wh.execute(
        f"CREATE OR REPLACE TEMP TABLE collect_lost AS SELECT * FROM collect_lost ANTI JOIN "
        f"({_marked(context, old)}) USING (load_id, old_seq)"
    )
    return int(context.wh.value("SELECT count(*) FROM collect_lost"))


def _losers(context: Context, sources: Sequence[Source], told: Sequence[Load]) -> int:
    """Makes `collect_lost`: rows that say what another row of the namespace says better.

    Of the sources that tell it the most trusted, among equals the latest loaded; of its words the
    latest by its own time, which no retry changes. Refunds that came live one by one are several.
    """
    ranks.prior_views(context.wh, context.lake, real(context.loads()))
    files = [x for x in told if x.source != LIVE]
    parts = [_told_by_files(context, sources, files), _told_live(context, told)]
    context.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_told AS "
        f"{' UNION ALL '.join(part for part in parts if part) or _NOTHING}"
    )
    first = "ORDER BY trust DESC, last DESC, source"
    context.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_lost AS "
        "SELECT load_id, old_seq, seq, source FROM (SELECT *, "
        "max(load_id) OVER (PARTITION BY key, source) AS last FROM collect_told SEMI JOIN "
        "(SELECT key FROM collect_told GROUP BY key HAVING count(*) > 1) USING (key)) "
        f"QUALIFY source <> first_value(source) OVER (PARTITION BY key {first}) OR (NOT many AND "
        "row_number() OVER (PARTITION BY key, source ORDER BY ts DESC, message_id DESC, "
        "load_id DESC, old_seq) > 1)"
    )
    context.wh.execute("DROP TABLE collect_told")
    return int(context.wh.value("SELECT count(*) FROM collect_lost"))


_NOTHING = (
    "SELECT NULL::VARCHAR AS load_id, NULL::BIGINT AS old_seq, NULL::BIGINT AS seq, "
    "NULL::VARCHAR AS key, "
    "NULL::VARCHAR AS source, NULL::BIGINT AS trust, NULL::TIMESTAMP AS ts, "
    "NULL::VARCHAR AS message_id, NULL::BOOLEAN AS many WHERE false"
)


def _told_by_files(
    context: Context, sources: Sequence[Source], loads: Sequence[Load]
) -> str | None:
    query = ranks.alive(context.lake, loads, "events", "message_id, source, ts")
    if query is None:
        return None
    trust = " ".join(f"WHEN {text_literal(s.name)} THEN {s.trust}" for s in sources)
    return (
        "SELECT load_id, old_seq, seq, message_id AS key, source, "
        f"CASE source {trust} END::BIGINT AS trust, ts, message_id, false AS many "
        f"FROM ({query})"
    )


def _told_live(context: Context, told: Sequence[Load]) -> str | None:
    """A query for the orders that came in live, by the ids that files would give them."""
    loads = [x for x in told if x.source == LIVE]
    files = context.lake.files("events", loads)
    if not files:
        return None
    names = context.wh.rows(f"SELECT DISTINCT name FROM parquet_schema({ranks.listed(files)})")
    if ("p_order_id",) not in names:
        return None
    events = ", ".join(map(text_literal, ORDER_KEYS))
    where = f"event IN ({events}) AND p_order_id IS NOT NULL AND bot IS NULL"
    query = ranks.alive(context.lake, loads, "events", "message_id, event, p_order_id, ts", where)
    return (
        f"SELECT load_id, old_seq, seq, {order_key('event', 'p_order_id')} AS key, "
        f"{text_literal(LIVE)} AS source, {LIVE_TRUST}::BIGINT AS trust, ts, message_id, "
        f"event = {text_literal(SEVERAL)} AS many FROM ({query})"
    )


def order_key(event: str, order_id: str) -> str:
    """SQL: the message id that a file of orders in the namespace would give a live event."""
    cases = " ".join(
        f"WHEN {text_literal(e)} THEN {text_literal(s)}" for e, s in ORDER_KEYS.items()
    )
    return f"{text_literal(LIVE + ':')} || {order_id} || CASE {event} {cases} END"
