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
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.warehouse import Warehouse
from visavis.unify.accounts import no_accounts
from visavis.unify.batch import NOBODY, Identifiers, Links, People, who_is_who
from visavis.unify.component import MOST
from visavis.unify.hand import apply_words, drop_blocked, drop_bots
from visavis.unify.matches import MatchFits, match_links, no_matches
from visavis.unify.rules import ALWAYS, pid_blocks, pid_sql
from visavis.unify.same import same_links, unconfirmed_links
from visavis.unify.words import Words

if TYPE_CHECKING:
    import pyarrow as pa

NO_WORDS = Words()
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
    words: Words = NO_WORDS,
    bots: str | None = None,
    fits: MatchFits | None = None,
    most: int = MOST,
) -> bool:
    """Makes the tables `persons`, `seen_identifiers`, `seen_links`, `refused` and `attributed`;
    whether any identifier's person is not itself.

    `matching` are the rules by which what people say of themselves is evidence too, and `fits`
    what they learned before.
    `bots` is a relation of the identifiers (node) of robots, and since when each is told to be one.
    A person has `most` identifiers at most. `known` (person, person_id) of an earlier build of the
    same lake and key saves hashing again.
    """
    moment = to_datetime(as_of_ms).replace(tzinfo=None)
    _strengths(wh, kinds)
    _seen_identifiers(wh, kinds, moment)
    drop_blocked(wh, kinds)
    robots = bots is not None and drop_bots(wh, bots, moment)
    _seen_links(wh, moment)
    unconfirmed_links(wh, kinds, moment)
    same_links(wh, kinds)
    apply_words(wh, words)
    seen = Identifiers.from_table(
        wh.arrow(
            "SELECT node, kind, value, CASE WHEN NOT always THEN epoch_ms(first_seen) END "
            "AS first_seen FROM seen_identifiers ORDER BY node"
        )
    )
    links = _links(wh)
    people = who_is_who(seen, links, kinds, words.apart(), most)
    no_matches(wh)
    if matching:
        match_links(wh, matching, kinds, people, moment, fits or MatchFits())
        apply_words(wh, Words(forgotten=words.forgotten))
        links = _links(wh)
        people = who_is_who(seen, links, kinds, words.apart(), most)
    _persons(wh, people, key, known)
    _refused(wh, people, links)
    _attributed(wh, people)
    return people.merged or robots


def _persons(wh: Warehouse, people: People, key: bytes, known: pa.Table | None) -> None:
    """Makes `node_persons` and `persons`; ids in `known` are not hashed again."""
    import pyarrow as pa

    held = people.person != NOBODY
    wh.register("held_arrow", pa.table({"node": people.node[held], "person": people.person[held]}))
    none = pa.table({"person": pa.array([], pa.int64()), "person_id": pa.array([], pa.string())})
    wh.register("known_arrow", none if known is None else known)
    # a person is named by one of its own nodes
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE person_names AS SELECT i.node AS person, "
        f"coalesce(k.person_id, {pid_sql('i.kind', 'i.value')}) AS person_id "
        "FROM (SELECT node FROM held_arrow WHERE node = person) AS h "
        "JOIN seen_identifiers AS i USING (node) LEFT JOIN known_arrow AS k ON k.person = i.node",
        pid_blocks(key),
    )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE node_persons AS SELECT h.node, h.person, n.person_id "
        "FROM held_arrow AS h JOIN person_names AS n USING (person)"
    )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE persons AS SELECT person, person_id, first_seen "
        "FROM person_names JOIN (SELECT person, "
        "CASE WHEN NOT bool_or(always) THEN min(first_seen) END AS first_seen "
        "FROM held_arrow JOIN seen_identifiers USING (node) GROUP BY person) USING (person) "
        "ORDER BY person"
    )


def _strengths(wh: Warehouse, kinds: Mapping[str, IdentifierKind]) -> None:
    rows = ", ".join(
        f"({text_literal(name)}, {str(kind.unique).lower()}, {kind.priority})"
        for name, kind in sorted(kinds.items())
    )
    values = f"(VALUES {rows})" if rows else "(SELECT '', false, 0 WHERE false)"
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE kind_strength AS "
        f"SELECT * FROM {values} AS k(kind, is_unique, priority)"
    )


def _links(wh: Warehouse) -> Links:
    rules = [str(row[0]) for row in wh.rows("SELECT DISTINCT rule FROM seen_links ORDER BY 1")]
    listed = ", ".join(text_literal(rule) for rule in rules)
    table = wh.arrow(
        f"SELECT node_a, node_b, list_position([{listed}]::VARCHAR[], rule) - 1 AS rule, "
        "CASE WHEN NOT coalesce(always, false) THEN epoch_ms(first_seen) END AS first_seen "
        "FROM seen_links"
    )
    return Links.from_table(table, rules)


def _refused(wh: Warehouse, people: People, links: Links) -> None:
    """Makes the table `refused`: evidence that joins nothing, with the guard that says so."""
    import pyarrow as pa

    edges = [r.edge for r in people.refused]
    always = [None if e.first_seen == ALWAYS else e.first_seen for e in edges]
    texts = {
        "kind_a": [e.a[0] for e in edges], "value_a": [e.a[1] for e in edges],
        "kind_b": [e.b[0] for e in edges], "value_b": [e.b[1] for e in edges],
        "rule": [e.rule for e in edges],
        "guard": [r.guard for r in people.refused], "about": [r.detail for r in people.refused],
    }  # fmt: skip
    columns = {name: pa.array(values, pa.string()) for name, values in texts.items()}
    wh.register("refused_arrow", pa.table({**columns, "first_ms": pa.array(always, pa.int64())}))
    at = people.passed
    names = pa.array(links.rules, pa.string())
    passed = {
        "node_a": links.node_a[at], "node_b": links.node_b[at],
        "rule": names.take(pa.array(links.rule[at], pa.int64())), "first_ms": links.first_seen[at],
    }  # fmt: skip
    wh.register("passed_arrow", pa.table(passed))
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE refused AS SELECT * EXCLUDE (first_ms), "
        "make_timestamp(first_ms * 1000) AS first_seen FROM refused_arrow "
        f"UNION ALL BY NAME ({_PASSED})"
    )


# evidence about a shared identifier: of each pair and rule the earliest, the smaller end first
_PASSED = f"""
WITH nobody AS (SELECT node FROM seen_identifiers ANTI JOIN node_persons USING (node)),
named AS (SELECT p.rule, p.first_ms, a.kind AS ka, a.value AS va, b.kind AS kb, b.value AS vb,
  CASE WHEN x.node IS NULL THEN b.kind WHEN y.node IS NULL THEN a.kind
    ELSE least(a.kind, b.kind) END AS about, (a.kind, a.value) < (b.kind, b.value) AS ordered
  FROM passed_arrow AS p JOIN seen_identifiers AS a ON a.node = p.node_a
  JOIN seen_identifiers AS b ON b.node = p.node_b
  LEFT JOIN nobody AS x ON x.node = p.node_a LEFT JOIN nobody AS y ON y.node = p.node_b)
SELECT kind_a, value_a, kind_b, value_b, rule, 'shared' AS guard, about,
  make_timestamp(CASE WHEN min(first_ms) > {ALWAYS} THEN min(first_ms) END * 1000) AS first_seen
FROM (SELECT rule, first_ms, about,
  CASE WHEN ordered THEN ka ELSE kb END AS kind_a, CASE WHEN ordered THEN va ELSE vb END AS value_a,
  CASE WHEN ordered THEN kb ELSE ka END AS kind_b, CASE WHEN ordered THEN vb ELSE va END AS value_b
  FROM named) GROUP BY kind_a, value_a, kind_b, value_b, rule, about
"""


def _attributed(wh: Warehouse, people: People) -> None:
    """Makes the table `attributed`: events of a shared identifier alone, each with the node of the
    last login on it at or before the event, if there was one."""
    import pyarrow as pa

    shared = people.node[people.person == NOBODY]
    wh.register("shared_arrow", pa.table({"node": shared}))
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE shared_nodes AS SELECT node, true AS logins "
        "FROM shared_arrow UNION ALL SELECT node, false FROM blocked_nodes"
    )
    if not wh.value("SELECT count(*) FROM shared_nodes"):
        wh.execute(
            "CREATE OR REPLACE TEMP TABLE attributed AS "
            "SELECT NULL::BIGINT AS seq, NULL::BIGINT AS node WHERE false"
        )
        return
    wh.execute(_ATTRIBUTED)


# an event's node is its strongest identifier: a login's is unique and belongs to somebody; an
# event whose strongest is shared counts for the strongest other one that it names, else by login
_ATTRIBUTED = """
CREATE OR REPLACE TEMP TABLE attributed AS
WITH parts AS (SELECT seq, node, unnest(nodes) AS other FROM lake_events WHERE nodes IS NOT NULL),
known AS (SELECT i.node, i.kind, i.value, coalesce(k.is_unique, false) AS is_unique,
  coalesce(k.priority, 50) AS priority FROM seen_identifiers AS i
  JOIN node_persons USING (node) LEFT JOIN kind_strength AS k USING (kind)),
logins AS (SELECT p.other AS shared, p.seq, p.node FROM parts AS p
  JOIN shared_nodes AS s ON s.node = p.other AND s.logins
  JOIN known AS k ON k.node = p.node AND k.is_unique),
alone AS (SELECT e.seq, e.node FROM lake_events AS e JOIN shared_nodes USING (node)),
named AS (SELECT p.seq, arg_min(k.node, (NOT k.is_unique, k.priority, k.kind, k.value)) AS node
  FROM parts AS p JOIN shared_nodes AS s ON s.node = p.node JOIN known AS k ON k.node = p.other
  GROUP BY p.seq)
SELECT seq, node FROM named UNION ALL
SELECT a.seq, l.node FROM (SELECT * FROM alone ANTI JOIN named USING (seq)) AS a
ASOF JOIN logins AS l ON l.shared = a.node AND l.seq <= a.seq
"""


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
        "max(last_seen) AS last_seen, bool_or(first_seen IS NULL) AS always "
        f"FROM lake_links WHERE {VISIBLE} GROUP BY node_a, node_b, rule, source",
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
REVIEW = "SELECT * FROM refused ORDER BY ALL"
ATTRIBUTED = "SELECT seq, node FROM attributed ORDER BY seq"
