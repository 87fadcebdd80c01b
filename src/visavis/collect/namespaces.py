"""Orders and events that several sources tell under one namespace exist once.

The most trusted source's word counts, among equals the latest load's. The losing rows are named
in the overlay of a load without events, made anew whenever a source of the namespace changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visavis.collect import ranks
from visavis.collect.context import Context
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
    for name, sources in spaces.items():
        _settle(context, name, sources)


def real(loads: Sequence[Load]) -> list[Load]:
    """The loads that hold what sources said."""
    return [load for load in loads if not load.source.startswith(MARK)]


def _settle(context: Context, name: str, sources: Sequence[Source]) -> None:
    names = {source.name for source in sources}
    loads = context.loads()
    old = [load for load in loads if load.source == MARK + name]
    told = [load for load in real(loads) if load.source in names]
    fact = f"namespace:{name}"
    signature = [[s.name, s.trust] for s in sources] + [[x.load_id for x in told]]
    if len({load.source for load in told}) < 2:
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
    if not lost:
        context.state.commit(None, ended, facts)
        return
    load_id = f"{context.state.next_number():06d}-{MARK}namespace"
    draft = context.lake.draft()
    context.wh.write_parquet(
        "SELECT load_id, old_seq AS seq, NULL::BIGINT AS new_seq FROM collect_lost ORDER BY ALL",
        draft / "overlay.parquet",
    )
    load = Load(load_id, MARK + name, "", context.now_ms, counts={"told_better_elsewhere": lost})
    state = context.state
    context.lake.publish(draft, load_id, lambda: state.commit(load, ended, facts))


def _losers(context: Context, sources: Sequence[Source], told: Sequence[Load]) -> int:
    """Makes `collect_lost`: rows whose message id a better source, or a later load, has too."""
    ranks.prior_views(context.wh, context.lake, real(context.loads()))
    query = ranks.alive(context.lake, told, "events", "message_id, source")
    trust = " ".join(f"WHEN {text_literal(s.name)} THEN {s.trust}" for s in sources)
    context.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_told AS "
        f"SELECT load_id, old_seq, message_id, CASE source {trust} END AS trust FROM ({query})"
    )
    context.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_lost AS SELECT load_id, old_seq FROM collect_told "
        "SEMI JOIN (SELECT message_id FROM collect_told GROUP BY message_id HAVING count(*) > 1) "
        "USING (message_id) QUALIFY row_number() OVER (PARTITION BY message_id "
        "ORDER BY trust DESC, load_id DESC, old_seq) > 1"
    )
    context.wh.execute("DROP TABLE collect_told")
    return int(context.wh.value("SELECT count(*) FROM collect_lost"))
