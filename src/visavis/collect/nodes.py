"""Identifiers to nodes: normal values, one number each over all loads; what was seen together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from visavis.core.identifiers import family, squeezed
from visavis.core.nouns import IdentifierKind
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.warehouse import Warehouse

_PLAIN = IdentifierKind("")
_LONGEST = 1024


def strongest_first(names: Iterable[str], kinds: Mapping[str, IdentifierKind]) -> list[str]:
    """Kinds by strength: unique ones, then the smaller priority, then by name."""

    def strength(name: str) -> tuple[bool, int, str]:
        kind = kinds.get(kind_of(name), _PLAIN)
        return (not kind.unique, kind.priority, name)

    return sorted(names, key=strength)


def kind_of(name: str) -> str:
    """The kind in a column `id.NAME`: a row's further identifiers of a kind stand in `kind#2`."""
    return name.split("#")[0]


def normal(raw: str, kind: str) -> str:
    """SQL: the normal form of an identifier's text (trimmed and NFC already)."""
    return f"lower({raw})" if family(kind) == "email" else raw


def blocked(value: str, kind: IdentifierKind) -> str:
    """SQL: whether a normal value is nobody's.

    Blocked texts ignore case and white space; ^...$ is a pattern.
    """
    plain = [b for b in kind.blocked if not b.startswith("^")]
    tests = [f"length({value}) > {_LONGEST}"]
    if plain:
        bare = rf"regexp_replace(lower({value}), '[\s\p{{Z}}]+', '', 'g')"
        tests.append(f"{bare} IN ({', '.join(text_literal(squeezed(b)) for b in plain)})")
    for pattern in kind.blocked:
        if pattern.startswith("^"):
            re.compile(pattern)
            tests.append(f"regexp_full_match({value}, {text_literal(pattern)})")
    return f"({' OR '.join(tests)})"


def number(
    wh: Warehouse,
    names: Sequence[str],
    kinds: Mapping[str, IdentifierKind],
    known_files: Sequence[str],
) -> None:
    """Makes `collect_ids` (kind, raw, node) for the `id.*` columns of `collect_new`, and
    `collect_nodes` (node, kind, value) of identifiers that no earlier load has."""
    _raw_ids(wh, names, kinds)
    known = "SELECT NULL::BIGINT AS node, NULL::VARCHAR AS kind, NULL::VARCHAR AS value WHERE false"
    if known_files:
        listed = ", ".join(text_literal(f) for f in known_files)
        known = f"SELECT DISTINCT node, kind, value FROM read_parquet([{listed}])"
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_known AS {known}")
    last = wh.value("SELECT coalesce(max(node), 0) FROM collect_known")
    # numbered in the order of their values, so that a repeated load gives the same numbers
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_nodes AS "
        f"SELECT row_number() OVER (ORDER BY kind, value) + {int(last)} AS node, kind, value FROM "
        "(SELECT DISTINCT kind, value FROM collect_raw_ids ANTI JOIN collect_known USING "
        "(kind, value))"
    )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_ids AS SELECT kind, raw, node FROM collect_raw_ids "
        "JOIN (SELECT * FROM collect_known UNION ALL SELECT * FROM collect_nodes) USING "
        "(kind, value)"
    )


def _raw_ids(wh: Warehouse, names: Sequence[str], kinds: Mapping[str, IdentifierKind]) -> None:
    """Makes `collect_raw_ids` (kind, raw, value) of what is somebody's."""
    parts = [
        f"SELECT DISTINCT {text_literal(kind_of(name))} AS kind, "
        f"{identifier(f'id.{name}')} AS raw, "
        f"{normal(identifier(f'id.{name}'), kind_of(name))} AS value FROM collect_new "
        f"WHERE {identifier(f'id.{name}')} IS NOT NULL"
        for name in names
    ]
    none = "SELECT NULL::VARCHAR AS kind, NULL::VARCHAR AS raw, NULL::VARCHAR AS value WHERE false"
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_raw_ids AS {' UNION '.join(parts) or none}")
    tests = " ".join(
        f"WHEN {text_literal(name)} THEN {blocked('value', kinds.get(name, _PLAIN))}"
        for name in dict.fromkeys(map(kind_of, names))
    )
    if tests:
        wh.execute(f"DELETE FROM collect_raw_ids WHERE CASE kind {tests} END")


def with_nodes(query: str, names: Sequence[str]) -> str:
    """A query over one with `id.*` columns: adds `node`, the strongest, and `nodes` if more."""
    if not names:
        return f"SELECT *, NULL::BIGINT AS node, NULL::BIGINT[] AS nodes FROM ({query})"
    joins, picked = [], []
    for i, name in enumerate(names):
        column = f"q.{identifier(f'id.{name}')}"
        joins.append(
            "LEFT JOIN (SELECT raw, node FROM collect_ids WHERE kind = "
            f"{text_literal(kind_of(name))}) AS n{i} "
            f"ON n{i}.raw = {column}"
        )
        picked.append(f"n{i}.node")
    dropped = ", ".join(identifier(f"id.{name}") for name in names)
    several = "NULL::BIGINT[]"
    if len(names) > 1:
        listed = f"list_filter([{', '.join(picked)}], lambda x: x IS NOT NULL)"
        several = f"CASE WHEN len(list_distinct({listed})) > 1 THEN list_distinct({listed}) END"
    return (
        f"SELECT q.* EXCLUDE ({dropped}), coalesce({', '.join(picked)}, NULL) AS node, "
        f"{several} AS nodes FROM ({query}) AS q {' '.join(joins)}"
    )


def links_query(source: str) -> str:
    """Stars of evidence from each event's strongest identifier to its others."""
    return (
        "SELECT node AS node_a, other AS node_b, 'same row' AS rule, "
        f"{text_literal(source)} AS source, "
        "min(ts) AS first_seen, max(ts) AS last_seen FROM ("
        "SELECT node, unnest(nodes) AS other, CASE WHEN NOT timeless THEN ts END AS ts "
        "FROM collect_events WHERE nodes IS NOT NULL) WHERE other <> node GROUP BY ALL ORDER BY ALL"
    )


def sightings_query() -> str:
    """When each identifier was first and last seen; both null for records without a time."""
    return (
        "SELECT node, min(ts) AS first_seen, max(ts) AS last_seen FROM ("
        "SELECT node, CASE WHEN NOT timeless THEN ts END AS ts FROM collect_events "
        "WHERE nodes IS NULL AND node IS NOT NULL UNION ALL "
        "SELECT unnest(nodes), CASE WHEN NOT timeless THEN ts END FROM collect_events "
        "WHERE nodes IS NOT NULL) GROUP BY node ORDER BY node"
    )
