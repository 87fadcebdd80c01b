"""Who is who as tables: from the lake's nodes, sightings and links as of a moment to
`node_persons` (node, person, person_id), `persons`
(person, person_id, first_seen), `identifiers` and `evidence`.

Reads the views `lake_nodes`, `lake_sightings`, `lake_links` and, for moments in the past,
`lake_events`. A link or sighting counts from the moment it was first seen; without a time, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from visavis.core.clock import to_datetime
from visavis.core.nouns import IdentifierKind, MatchRule
from visavis.store.warehouse import Warehouse
from visavis.unify.accounts import no_accounts
from visavis.unify.batch import Identifiers, People, person_ids, who_is_who
from visavis.unify.matches import REFUSED, match_links, no_matches
from visavis.unify.same import UNCONFIRMED, same_links, unconfirmed_links

if TYPE_CHECKING:
    import pyarrow as pa

VISIBLE = "(first_seen IS NULL OR first_seen <= $1)"
_LAST = {
    "nodes": (
        "SELECT node, max(ts) AS last_seen FROM ("
        "SELECT node, ts FROM lake_events WHERE nodes IS NULL AND ts <= $1 UNION ALL "
        "SELECT unnest(nodes) AS node, ts FROM lake_events WHERE nodes IS NOT NULL AND ts <= $1"
        ") GROUP BY node"
    ),
    "links": (
        "SELECT node_a, node_b, source, max(ts) AS last_seen FROM ("
        "SELECT node AS node_a, unnest(nodes) AS node_b, source, ts FROM lake_events "
        "WHERE nodes IS NOT NULL AND ts <= $1) GROUP BY ALL"
    ),
}


def identify_people(
    wh: Warehouse,
    kinds: Mapping[str, IdentifierKind],
    key: bytes,
    as_of_ms: int,
    known: pa.Table | None = None,
    matching: Mapping[str, MatchRule] | None = None,
) -> bool:
    """Makes the tables `persons`, `seen_identifiers` and `seen_links`; whether anybody was merged.

    `matching` are the rules by which what people say of themselves is evidence too.
    `known` (person, person_id) of an earlier build of the same lake and key saves hashing again.
    """
    moment = to_datetime(as_of_ms).replace(tzinfo=None)
    _seen_identifiers(wh, kinds, moment)
    _seen_links(wh, moment)
    unconfirmed_links(wh, kinds, moment)
    same_links(wh, kinds)
    seen = Identifiers.from_table(
        wh.arrow(
            "SELECT node, kind, value, CASE WHEN NOT always THEN epoch_ms(first_seen) END "
            "AS first_seen FROM seen_identifiers ORDER BY node"
        )
    )
    people = _solved(wh, seen, kinds)
    no_matches(wh)
    if matching:
        match_links(wh, matching, kinds, people, moment)
        people = _solved(wh, seen, kinds)
    table = person_ids(seen, people, key, known)
    wh.register("persons_arrow", table)
    wh.execute("CREATE OR REPLACE TEMP TABLE node_persons AS SELECT * FROM persons_arrow")
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE persons AS "
        "SELECT person, any_value(person_id) AS person_id, "
        "CASE WHEN NOT bool_or(always) THEN min(first_seen) END AS first_seen "
        "FROM node_persons JOIN seen_identifiers USING (node) GROUP BY person ORDER BY person"
    )
    return people.merged


def _solved(wh: Warehouse, seen: Identifiers, kinds: Mapping[str, IdentifierKind]) -> People:
    listed = ", ".join(f"'{rule}'" for rule in (UNCONFIRMED, REFUSED))
    ends = wh.arrow(f"SELECT node_a, node_b FROM seen_links WHERE rule NOT IN ({listed})")
    return who_is_who(seen, ends["node_a"].to_numpy(), ends["node_b"].to_numpy(), kinds)


def _seen_identifiers(wh: Warehouse, kinds: Mapping[str, IdentifierKind], moment: Any) -> None:
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE seen_identifiers AS "
        "WITH s AS (SELECT node, min(first_seen) AS first_seen, max(last_seen) AS last_seen, "
        "bool_or(first_seen IS NULL) AS always "
        f"FROM lake_sightings WHERE {VISIBLE} GROUP BY node) "
        "SELECT n.node, n.kind, n.value, s.first_seen, s.last_seen, s.always "
        f"FROM lake_nodes AS n JOIN s USING (node) WHERE {no_accounts(kinds)}",
        [moment],
    )
    _as_of(wh, "seen_identifiers", "nodes", ("node",), moment)


def _seen_links(wh: Warehouse, moment: Any) -> None:
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE seen_links AS "
        "SELECT node_a, node_b, rule, source, min(first_seen) AS first_seen, "
        f"max(last_seen) AS last_seen FROM lake_links WHERE {VISIBLE} GROUP BY ALL",
        [moment],
    )
    _as_of(wh, "seen_links", "links", ("node_a", "node_b", "source"), moment)


def _as_of(wh: Warehouse, table: str, what: str, keys: tuple[str, ...], moment: Any) -> None:
    """Sets `last_seen` back where the load's last sighting is later than the moment."""
    if not wh.value(f"SELECT count(*) FROM {table} WHERE last_seen > $1", [moment]):
        return
    same = " AND ".join(f"t.{key} = p.{key}" for key in keys)
    wh.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS "
        "SELECT t.* REPLACE (CASE WHEN t.last_seen > $1 "
        "THEN greatest(p.last_seen, t.first_seen) ELSE t.last_seen END AS last_seen) "
        f"FROM {table} AS t LEFT JOIN ({_LAST[what]}) AS p ON {same}",
        [moment],
    )


IDENTIFIERS = (
    "SELECT p.person_id, i.kind, i.value, i.first_seen, i.last_seen "
    "FROM seen_identifiers AS i JOIN node_persons AS p USING (node) "
    "ORDER BY p.person_id, i.kind, i.value"
)
EVIDENCE = (
    "SELECT a.kind AS kind_a, a.value AS value_a, b.kind AS kind_b, b.value AS value_b, "
    "l.rule, l.source, l.first_seen, l.last_seen FROM seen_links AS l "
    "JOIN seen_identifiers AS a ON a.node = l.node_a "
    "JOIN seen_identifiers AS b ON b.node = l.node_b "
    "ORDER BY ALL"
)
