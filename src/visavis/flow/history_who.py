"""What the live reader knows of who is who: the evidence of a build's lake, and its indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from visavis.core.identifiers import email_key_sql, family, hash_of, key_of
from visavis.core.nouns import IdentifierKind, Project
from visavis.flow.published import Published
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.history_file import HASHED, PIDS, PLAIN, HistoryWriter
from visavis.store.key import project_key
from visavis.store.warehouse import Warehouse
from visavis.unify.component import MATCH
from visavis.unify.hand import drop_blocked
from visavis.unify.rules import pid_blocks, pid_sql

_PLAIN_KIND = IdentifierKind("")


def write_evidence(wh: Warehouse, at: Published, project: Project, writer: HistoryWriter) -> None:
    """Links, comparing forms, confirmations, and indexes of hashes and of the ids of people."""
    _ties(wh, at, project, writer)
    _confirmed(wh, project, writer)
    present = [str(row[0]) for row in wh.rows("SELECT DISTINCT kind FROM lake_nodes ORDER BY 1")]
    contacts = [kind for kind in present if family(kind) in ("email", "phone")]
    hashes = _keys(wh, present, project.kinds, writer)
    _digests(wh, contacts, project.kinds, writer)
    _pids(wh, project_key(at.state), writer)
    by_family: dict[str, list[str]] = {}
    for kind in present:
        if family(kind) != "other":
            by_family.setdefault(kind.split("_")[0], []).append(kind)
    wh.execute("CREATE OR REPLACE TEMP TABLE seen_identifiers AS FROM lake_nodes")
    drop_blocked(wh, project.kinds)
    blocked = wh.value("SELECT count(*) FROM blocked_nodes")
    wh.execute("DROP TABLE seen_identifiers")
    writer.meta({"kinds": by_family, "hashes": hashes, "blocked": blocked})


def owner(node: str) -> str:
    """Where an identifier's rows lie: with its person's, or in a place of their own; SQL over
    node_persons as p."""
    return f"coalesce(p.person, -1 - {node})"


def _ties(wh: Warehouse, at: Published, project: Project, writer: HistoryWriter) -> None:
    """The links of each identifier, those in which the other comes first before the others."""
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE history_links AS SELECT *, row_number() OVER "
        f"(ORDER BY rank, node_a, node_b, rule, source) AS place FROM ({_links(at, project)})"
    )
    for mine, other, after in (("b", "a", 0), ("a", "b", 1 << 40)):
        rows = wh.rows(
            f"SELECT {owner(f'l.node_{mine}')}, l.node_{mine}, l.place + {after}, o.kind, o.value, "
            "l.rule, l.first_seen FROM history_links AS l "
            f"JOIN lake_nodes AS o ON o.node = l.node_{other} "
            f"LEFT JOIN node_persons AS p ON p.node = l.node_{mine} ORDER BY 1, 2, 3"
        )
        writer.rows("ties", 7, rows)
    wh.execute("DROP TABLE history_links")


def persons(at: Published, project: Project) -> str:
    """Every person, and whether it is settled: no link leads to anything that is not the person's,
    or was there only after the build's moment, and no robot is in it."""
    late = f"l.first_seen > {int(at.build.as_of)}"
    ends = " UNION ALL ".join(
        f"SELECT p.person FROM ({_links(at, project)}) AS l "
        f"JOIN node_persons AS p ON p.node = l.node_{one} "
        f"LEFT JOIN node_persons AS q ON q.node = l.node_{other} "
        f"WHERE {late} OR q.person IS DISTINCT FROM p.person"
        for one, other in ("ab", "ba")
    )
    robots = "SELECT p.person FROM lake_bots JOIN node_persons AS p USING (node)"
    return (
        "SELECT person, any_value(person_id), NOT bool_or(loose) FROM ("
        "SELECT person, person_id, false AS loose FROM node_persons UNION ALL "
        f"SELECT person, NULL, true FROM ({ends} UNION ALL {robots})) "
        "GROUP BY person"
    )


def _links(at: Published, project: Project) -> str:
    """Every link of the lake, and the build's matches; `rank`: those to strong ones first."""
    ranks = " ".join(
        f"WHEN {text_literal(kind.name)} THEN {0 if kind.unique else 1}"
        for kind in project.kinds.values()
        if kind.unique or kind.strong
    )
    rank = f"CASE %s.kind {ranks} ELSE 2 END" if ranks else "0"
    order = " + ".join(rank % side if ranks else rank for side in ("a", "b"))
    evidence = text_literal(str(at.build.table("evidence")))
    return (
        f"SELECT node_a, node_b, rule, source, first_seen, {order} AS rank FROM ("
        "SELECT node_a, node_b, rule, source, epoch_ms(CASE WHEN NOT bool_or(first_seen IS "
        "NULL) THEN min(first_seen) END) AS first_seen, epoch_ms(max(last_seen)) AS last_seen "
        "FROM lake_links GROUP BY node_a, node_b, rule, source UNION ALL "
        "SELECT a.node, b.node, e.rule, e.source, epoch_ms(e.first_seen), epoch_ms(e.last_seen) "
        f"FROM read_parquet({evidence}) AS e "
        "JOIN lake_nodes AS a ON a.kind = e.kind_a AND a.value = e.value_a "
        "JOIN lake_nodes AS b ON b.kind = e.kind_b AND b.value = e.value_b "
        f"WHERE e.rule = {text_literal(MATCH)}) AS l JOIN lake_nodes AS a ON a.node = l.node_a "
        "JOIN lake_nodes AS b ON b.node = l.node_b"
    )


def _confirmed(wh: Warehouse, project: Project, writer: HistoryWriter) -> None:
    for kind in project.kinds.values():
        wanted = f"SELECT node FROM lake_nodes WHERE kind = {text_literal(kind.name)}"
        if not kind.confirmed_by or not wh.rows(f"{wanted} LIMIT 1"):
            continue
        named = ", ".join(text_literal(event) for event in kind.confirmed_by)
        events = f"FROM lake_events WHERE event IN ({named})"
        rows = wh.rows(
            "SELECT node, epoch_ms(min(ts)) FROM ("
            f"SELECT node, ts {events} AND nodes IS NULL UNION ALL "
            f"SELECT unnest(nodes) AS node, ts {events} AND nodes IS NOT NULL) "
            f"WHERE node IN ({wanted}) GROUP BY node"
        )
        writer.rows("confirmed", 2, rows)


def _keys(
    wh: Warehouse, present: list[str], kinds: Mapping[str, IdentifierKind], writer: HistoryWriter
) -> bool:
    """Comparing forms that differ from the value; whether any identifier is a hash."""
    hashed = False
    for kind in present:
        of = family(kind)
        if of == "other":
            continue
        chosen = f"FROM lake_nodes WHERE kind = {text_literal(kind)}"
        if of == "email":  # most are their own form
            key = email_key_sql("lower(value)")
            chosen = f"{chosen} AND (value <> {key} OR length(value) IN (32, 64))"
        rows = wh.rows(f"SELECT node, value {chosen}")
        country = kinds.get(kind, _PLAIN_KIND).country
        head = kind.split("_")[0]
        forms = [(head, key_of(kind, v, country), n, v) for n, v in rows]
        writer.rows("keys", 3, ((f, key, n) for f, key, n, v in forms if key != v))
        if of in ("email", "phone"):
            found = [(HASHED, v.lower(), n) for n, v in rows if hash_of(v)]
            hashed = hashed or bool(found)
            writer.rows("keys", 3, found)
    return hashed


def _digests(
    wh: Warehouse, contacts: list[str], kinds: Mapping[str, IdentifierKind], writer: HistoryWriter
) -> None:
    """The index of what plain e-mails and phones hash to, as core.identifiers.hashes_of."""
    wh.execute("CREATE OR REPLACE TEMP TABLE plain_forms (node BIGINT, form VARCHAR)")
    for kind in contacts:
        chosen = (
            f"FROM lake_nodes WHERE kind = {text_literal(kind)} AND NOT (length(value) IN (32, 64) "
            "AND regexp_full_match(value, '[0-9a-fA-F]+'))"
        )
        if family(kind) == "email":
            key = email_key_sql("lower(value)")
            wh.execute(
                f"INSERT INTO plain_forms SELECT node, value {chosen} UNION ALL "
                f"SELECT node, {key} {chosen} AND {key} <> value"
            )
            continue
        rows = wh.rows(f"SELECT node, value {chosen}")
        country = kinds.get(kind, _PLAIN_KIND).country
        forms = {
            (node, form.removeprefix(bare))
            for node, value in rows
            for form in (value, key_of(kind, value, country))
            for bare in ("", "+")
        }
        nodes = pa.array([node for node, _ in forms], pa.int64())
        texts = pa.array([form for _, form in forms], pa.string())
        wh.register("phone_forms", pa.table({"node": nodes, "form": texts}))
        wh.execute("INSERT INTO plain_forms SELECT * FROM phone_forms")
    digest = "unhex(substring({hash}(form), 1, 16))"
    parts = (
        f"SELECT {digest.format(hash=h)} AS n, node FROM plain_forms" for h in ("sha256", "md5")
    )
    _index(wh, " UNION ALL ".join(parts), PLAIN, writer)


def _pids(wh: Warehouse, key: bytes, writer: HistoryWriter) -> None:
    """The index of the ids that identifiers give."""
    prefix = f"unhex(left({pid_sql('kind', 'value')}, 16))"
    query = f"SELECT {prefix} AS n, node FROM lake_nodes"
    _index(wh, query, PIDS, writer, pid_blocks(key))


def _index(
    wh: Warehouse, query: str, what: str, writer: HistoryWriter, words: Sequence[bytes] = ()
) -> None:
    table = wh.arrow(query, words)
    numbers = _big_endian(table["n"])
    nodes = np.asarray(table["node"].to_numpy(), dtype=np.int64)
    order = np.lexsort((nodes, numbers))
    writer.prefixes(what, numbers[order], nodes[order])


def _big_endian(column: pa.ChunkedArray[Any]) -> np.ndarray[Any, Any]:
    """Blobs of 8 bytes as the numbers they spell."""
    held: Any = column.combine_chunks()
    raw = held.buffers()[2].to_pybytes()[: 8 * len(held)] if len(held) else b""
    return np.frombuffer(raw, dtype=">i8").astype(np.int64)
