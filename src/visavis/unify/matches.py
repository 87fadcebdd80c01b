"""Matches as evidence: what people say of themselves, compared, where a project asks for it.

Each identifier with given values is a record. Pairs at or above the rule's threshold become links
of the rule "match", the weakest class of evidence; one that would put two ids of a unique kind
into one person joins nothing ("match refused"). Weights are a fit, named in the build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from visavis.core.nouns import IdentifierKind, MatchRule
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.warehouse import Warehouse
from visavis.unify.component import MATCH

if TYPE_CHECKING:
    from visavis.unify.batch import People
    from visavis.unify.matching.kept import Kept
    from visavis.unify.matching.match import Matched

REFUSED = "match refused"
TABLE = (
    "SELECT m.rule, a.kind AS kind_a, a.value AS value_a, b.kind AS kind_b, b.value AS value_b, "
    "m.weight, m.threshold, m.joins, m.why FROM found_matches AS m "
    "JOIN seen_identifiers AS a ON a.node = m.node_a "
    "JOIN seen_identifiers AS b ON b.node = m.node_b ORDER BY ALL"
)
_COLUMNS = (
    "rule VARCHAR, node_a BIGINT, node_b BIGINT, weight DOUBLE, threshold DOUBLE, joins BOOLEAN, "
    "why VARCHAR"
)


@dataclass(slots=True)
class MatchFits:
    """The fits of the match rules by name: those `before` are used for as long as they hold, or,
    if `frozen`, in any case; `used` are those of now, with why they were learned (None: kept).
    Into `folder` goes an index by which one record finds those that it matches."""

    before: Mapping[str, Kept] = field(default_factory=dict)
    frozen: bool = False
    folder: Path | None = None
    used: dict[str, tuple[Kept, str | None]] = field(default_factory=dict)


def no_matches(wh: Warehouse) -> None:
    """Makes an empty `found_matches`."""
    wh.execute(f"CREATE OR REPLACE TEMP TABLE found_matches ({_COLUMNS})")


def match_links(
    wh: Warehouse,
    rules: Mapping[str, MatchRule],
    kinds: Mapping[str, IdentifierKind],
    people: People,
    moment: datetime,
    fits: MatchFits,
) -> None:
    """Adds the matches of every rule to `seen_links`, and tells them in `found_matches`.

    `people` is who is who without them; `fits` is told what was used.
    """
    no_matches(wh)
    for name in sorted(rules):
        rule = rules[name]
        nodes = _records(wh, rule, moment)
        if len(nodes) > 1:
            _find(wh, rule, nodes, kinds, people, fits)
    wh.execute(
        "INSERT INTO seen_links BY NAME SELECT node_a, node_b, "
        f"CASE WHEN joins THEN '{MATCH}' ELSE '{REFUSED}' END AS rule, rule AS source, "
        "greatest(a.first_seen, b.first_seen) AS first_seen, "
        "greatest(a.last_seen, b.last_seen) AS last_seen FROM found_matches "
        "JOIN seen_identifiers AS a ON a.node = node_a "
        "JOIN seen_identifiers AS b ON b.node = node_b"
    )


def _records(wh: Warehouse, rule: MatchRule, moment: datetime) -> np.ndarray[Any, Any]:
    """Makes `match_records`: the latest values that each identifier gave; their nodes by row."""
    values = ", ".join(
        f"CAST(arg_max(e.{identifier('p_' + name)}, e.seq) AS VARCHAR) AS {identifier(name)}"
        for name in rule.on
    )
    filled = " OR ".join(f"{identifier(name)} IS NOT NULL" for name in rule.on)
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE match_records AS SELECT "
        "row_number() OVER (ORDER BY kind, value) - 1 AS _row, 0 AS _file, * FROM ("
        f"SELECT e.node, n.kind, n.value, {values} FROM lake_events AS e "
        "JOIN seen_identifiers AS n ON n.node = e.node WHERE e.event = 'identify' "
        f"AND e.void IS NOT TRUE AND e.ts <= $1 GROUP BY ALL) WHERE {filled}",
        [moment],
    )
    found = wh.arrow("SELECT node FROM match_records ORDER BY _row")
    return np.asarray(found["node"].to_numpy(), dtype=np.int64)


def _find(
    wh: Warehouse,
    rule: MatchRule,
    nodes: np.ndarray[Any, Any],
    kinds: Mapping[str, IdentifierKind],
    people: People,
    fits: MatchFits,
) -> None:
    from visavis.unify.matching.match import match

    before = fits.before.get(rule.name)
    found = match(wh, "match_records", rule.on, rule.threshold, kept=before, frozen=fits.frozen)
    if found.kept is not None:
        fits.used[rule.name] = (found.kept, found.learnt)
        if fits.folder is not None:
            _write_index(wh, found, fits.folder, rule)
    strong = (found.weight >= rule.threshold) & (
        found.groups[found.pairs.a] == found.groups[found.pairs.b]
    )
    order = np.flatnonzero(strong)
    order = order[np.lexsort((found.pairs.b[order], found.pairs.a[order], -found.weight[order]))]
    a, b = nodes[found.pairs.a[order]], nodes[found.pairs.b[order]]
    joins, wanted = _allowed(wh, a, b, kinds, people)
    order, a, b, joins = order[wanted], a[wanted], b[wanted], joins[wanted]
    made = pa.table(
        {
            "rule": pa.array([rule.name] * len(order), pa.string()),
            "node_a": a,
            "node_b": b,
            "weight": np.round(found.weight[order], 6),
            "threshold": np.full(len(order), rule.threshold),
            "joins": joins,
            "why": pa.array([_why(found, i) for i in order.tolist()], pa.string()),
        }
    )
    wh.register("made_matches", made)
    wh.execute("INSERT INTO found_matches SELECT * FROM made_matches")


def _write_index(wh: Warehouse, found: Matched, folder: Path, rule: MatchRule) -> None:
    from visavis.unify.matching.live import Index

    names = wh.arrow("SELECT kind, value FROM match_records ORDER BY _row")
    Index.of(wh, found, names).write(folder, index_name(rule))


def index_name(rule: MatchRule) -> str:
    """What the files of a rule's index are called."""
    return f"matching-{rule.name}"


def _allowed(
    wh: Warehouse,
    a: np.ndarray[Any, Any],
    b: np.ndarray[Any, Any],
    kinds: Mapping[str, IdentifierKind],
    people: People,
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Per pair, best first: whether it joins, and whether it tells anything that is not known."""
    from visavis.unify.batch import NOBODY

    own = np.where(people.person == NOBODY, people.node, people.person)
    person = dict(zip(people.node.tolist(), own.tolist(), strict=True))
    unique = ", ".join(text_literal(k.name) for k in kinds.values() if k.unique) or "''"
    rows = wh.rows(f"SELECT node, kind FROM seen_identifiers WHERE kind IN ({unique})")
    has: dict[int, dict[str, set[int]]] = {}
    for node, kind in rows:
        has.setdefault(person[node], {}).setdefault(str(kind), set()).add(node)
    joined: dict[int, int] = {}

    def root(x: int) -> int:
        while (above := joined.get(x, x)) != x:
            joined[x] = joined.get(above, above)
            x = above
        return x

    joins, wanted = np.zeros(len(a), dtype=bool), np.zeros(len(a), dtype=bool)
    for i, (x, y) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        p, q = root(person[x]), root(person[y])
        if p == q:
            continue
        wanted[i] = True
        ids_p, ids_q = has.get(p, {}), has.get(q, {})
        if any(len(ids_p[k] | ids_q[k]) > 1 for k in ids_p.keys() & ids_q.keys()):
            continue
        joins[i] = True
        keep, gone = min(p, q), max(p, q)
        joined[gone] = keep
        has[keep] = {k: ids_p.get(k, set()) | ids_q.get(k, set()) for k in {*ids_p, *ids_q}}
    return joins, wanted


def _why(found: Matched, pair: int) -> str:
    """The level that each field is on, in words."""
    told = []
    comparisons = found.proposal.comparisons
    for comparison, level in zip(comparisons, found.pairs.levels[pair].tolist(), strict=True):
        labels = [*(lv.label for lv in comparison.levels), "different"]
        told.append(f"{comparison.name}: {'missing' if level < 0 else labels[level]}")
    return "; ".join(told)
