"""What replaced rows said of identifiers is taken back: people are made of what still counts.

A load notes in the state, together with its commit, which earlier loads have rows that it
replaced; their sightings and links are then written anew from the rows that are left.
"""

from __future__ import annotations

from visavis.collect import ranks
from visavis.collect.context import Context
from visavis.collect.making import WITHDRAWN
from visavis.collect.namespaces import real
from visavis.store.disk import put
from visavis.store.state import Load


def withdraw(context: Context) -> None:
    """Does what is noted; safe to repeat."""
    noted = set(context.state.fact(WITHDRAWN) or [])
    if not noted:
        return
    ranks.prior_views(context.wh, context.lake, real(context.loads()))
    for load in context.loads():
        if load.load_id in noted:
            _rewrite(context, load)
    context.state.commit(None, facts={WITHDRAWN: []})


def _rewrite(context: Context, load: Load) -> None:
    query = ranks.alive(context.lake, [load], "events", "node, nodes, ts, source, type")
    if query is None:
        return
    context.wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_left AS {query}")
    seen = (
        "SELECT node, ts FROM collect_left WHERE nodes IS NULL AND node IS NOT NULL UNION ALL "
        "SELECT unnest(nodes), ts FROM collect_left WHERE nodes IS NOT NULL"
    )
    pairs = (
        "SELECT node, unnest(nodes) AS other, source, ts, CASE type WHEN 'alias' THEN 'alias' "
        "ELSE 'same row' END AS rule FROM collect_left WHERE nodes IS NOT NULL"
    )
    _replace(
        context,
        load,
        "sightings",
        "SELECT node, min(ts) AS first_seen, max(ts) AS last_seen FROM "
        f"({_timed(seen)}) GROUP BY node ORDER BY node",
    )
    _replace(
        context,
        load,
        "links",
        "SELECT node AS node_a, other AS node_b, rule, source, "
        f"min(ts) AS first_seen, max(ts) AS last_seen FROM ({_timed(pairs)}) "
        "WHERE other <> node GROUP BY ALL ORDER BY ALL",
    )


def _timed(query: str) -> str:
    """The rows with the stand-in of rows without a time as null."""
    return (
        f"SELECT * REPLACE (CASE WHEN ts > TIMESTAMP '0001-01-01' THEN ts END AS ts) FROM ({query})"
    )


def _replace(context: Context, load: Load, name: str, query: str) -> None:
    path = context.lake.folder(load.load_id) / f"{name}.parquet"
    if not path.exists():
        return
    new = path.with_suffix(".new")
    context.wh.write_parquet(query, new)
    put(new, path)
