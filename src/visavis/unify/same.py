"""Identifiers that are the same one written differently: `Jane.Doe+x@gmail.com` and
`janedoe@gmail.com`, `030 123456` and `+4930123456`, an e-mail and its SHA-256.

They stay identifiers of their own, so nothing in the lake changes; the evidence between them has
the rules below, which come before all others. A function of the values: which side came first
makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from visavis.core.identifiers import email_key_sql, family, hash_of, hashes_of, key_of
from visavis.core.nouns import IdentifierKind
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.warehouse import Warehouse
from visavis.unify.component import HASH_OF, SAME_VALUE, UNCONFIRMED

_PLAIN = IdentifierKind("")


def same_links(wh: Warehouse, kinds: Mapping[str, IdentifierKind]) -> None:
    """Adds to `seen_links` what joins the same identifiers of `seen_identifiers`.

    A link holds from the moment that both its ends were seen.
    """
    present = [str(row[0]) for row in wh.rows("SELECT DISTINCT kind FROM seen_identifiers")]
    wh.execute("CREATE OR REPLACE TEMP TABLE same_keys (node BIGINT, kind VARCHAR, key VARCHAR)")
    emails = [kind for kind in sorted(present) if family(kind) == "email"]
    _email_keys(wh, emails)
    for kind in sorted(present):
        if family(kind) in ("phone", "social"):
            _keys(wh, kind, kinds.get(kind, _PLAIN))
    _link(wh, SAME_VALUE, _SAME)
    _hashes(wh, [kind for kind in sorted(present) if family(kind) in ("email", "phone")], kinds)


_SAME = (
    "SELECT first AS node_a, node AS node_b FROM (SELECT node, "
    "first_value(node) OVER (PARTITION BY family, key ORDER BY i.value, i.kind) AS first "
    "FROM (SELECT *, split_part(kind, '_', 1) AS family FROM same_keys "
    "QUALIFY count(*) OVER (PARTITION BY family, key) > 1) "
    "JOIN seen_identifiers AS i USING (node)) WHERE node <> first"
)


def _keys(wh: Warehouse, kind: str, rules: IdentifierKind) -> None:
    """The comparing form of every identifier of a kind that has one of its own."""
    values = wh.arrow(
        f"SELECT node, kind, value FROM seen_identifiers WHERE kind = {text_literal(kind)}"
    )
    keys = [key_of(kind, str(v), rules.country) for v in values["value"].to_pylist()]
    made = pa.array(keys, pa.string())
    wh.register("made_keys", values.drop_columns(["value"]).append_column("key", made))
    wh.execute("INSERT INTO same_keys SELECT node, kind, key FROM made_keys")


def _email_keys(wh: Warehouse, emails: Sequence[str]) -> None:
    """The forms that several e-mails share; of one kind no two have one form and one value."""
    if not emails:
        return
    wanted = "" if len(emails) > 1 else "WHERE key IN (SELECT key FROM k WHERE key <> value) "
    wh.execute(
        f"WITH k AS (SELECT node, kind, value, {email_key_sql('lower(value)')} AS key "
        f"FROM seen_identifiers WHERE kind IN ({_texts(emails)})) "
        f"INSERT INTO same_keys SELECT node, kind, key FROM k {wanted}"
        "QUALIFY count(*) OVER (PARTITION BY split_part(kind, '_', 1), key) > 1"
    )


def unconfirmed_links(wh: Warehouse, kinds: Mapping[str, IdentifierKind], moment: datetime) -> None:
    """Links of identifiers that must be confirmed and are not, up to the moment, join nothing.

    They stay in `seen_links` under the rule "unconfirmed".
    """
    for kind in sorted(kinds.values(), key=lambda k: k.name):
        wanted = f"SELECT node FROM seen_identifiers WHERE kind = {text_literal(kind.name)}"
        if not kind.confirmed_by or not wh.rows(f"{wanted} LIMIT 1"):
            continue
        events = f"FROM lake_events WHERE event IN ({_texts(kind.confirmed_by)}) AND ts <= $1"
        confirmed = (
            f"SELECT node {events} AND nodes IS NULL AND node IS NOT NULL "
            f"UNION SELECT unnest(nodes) AS node {events}"
        )
        open_ones = f"SELECT node FROM ({wanted}) WHERE node NOT IN ({confirmed})"
        wh.execute(
            f"UPDATE seen_links SET rule = {text_literal(UNCONFIRMED)} "
            f"WHERE node_a IN ({open_ones}) OR node_b IN ({open_ones})",
            [moment],
        )


def _hashes(wh: Warehouse, present: Sequence[str], kinds: Mapping[str, IdentifierKind]) -> None:
    """Joins hashed e-mails and phones to the plain ones that are known, if there are any."""
    hashed = (
        f"SELECT node, value FROM seen_identifiers WHERE kind IN ({_texts(present)}) "
        "AND length(value) IN (32, 64) AND regexp_full_match(value, '[0-9a-fA-F]+')"
    )
    if not present or not wh.value(f"SELECT count(*) FROM ({hashed})"):
        return
    plain = wh.rows(
        f"SELECT node, kind, value FROM seen_identifiers WHERE kind IN ({_texts(present)})"
    )
    made = [
        (node, hex_digits)
        for node, kind, value in plain
        if not hash_of(value)
        for hex_digits in sorted(hashes_of(kind, value, kinds.get(kind, _PLAIN).country))
    ]
    nodes = pa.array([node for node, _ in made], pa.int64())
    hashes = pa.array([digits for _, digits in made], pa.string())
    wh.register("made_hashes", pa.table({"node": nodes, "hash": hashes}))
    _link(
        wh,
        HASH_OF,
        "SELECT DISTINCT p.node AS node_a, h.node AS node_b FROM made_hashes AS p "
        f"JOIN ({hashed}) AS h ON lower(h.value) = p.hash",
    )


def _texts(values: Iterable[str]) -> str:
    return ", ".join(text_literal(value) for value in values)


def _link(wh: Warehouse, rule: str, pairs: str) -> None:
    wh.execute(
        "INSERT INTO seen_links BY NAME SELECT node_a, node_b, "
        f"{text_literal(rule)} AS rule, '' AS source, "
        "greatest(a.first_seen, b.first_seen) AS first_seen, "
        "greatest(a.last_seen, b.last_seen) AS last_seen "
        f"FROM ({pairs}) JOIN seen_identifiers AS a ON a.node = node_a "
        "JOIN seen_identifiers AS b ON b.node = node_b"
    )
