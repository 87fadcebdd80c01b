"""Words by hand, and values blocked since they were loaded, in the tables of who is who."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from visavis.core.clock import to_datetime
from visavis.core.identifiers import squeezed
from visavis.core.nouns import IdentifierKind
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.warehouse import Warehouse
from visavis.unify.component import FORGOTTEN, JOINED
from visavis.unify.words import Word, Words


def apply_words(wh: Warehouse, words: Words) -> None:
    """Adds to `seen_links` what was joined by hand; what was forgotten gets a rule of its own."""
    if words.forgotten:
        _register(wh, words.forgotten)
        wh.execute(
            f"UPDATE seen_links SET rule = {text_literal(FORGOTTEN)} FROM words_nodes AS w WHERE "
            "((seen_links.node_a = w.node_a AND seen_links.node_b = w.node_b) OR "
            "(seen_links.node_a = w.node_b AND seen_links.node_b = w.node_a)) "
            "AND (w.rule = '' OR w.rule = seen_links.rule)"
        )
    if words.joins:
        _register(wh, words.joins)
        wh.execute(
            "INSERT INTO seen_links BY NAME SELECT node_a, node_b, "
            f"{text_literal(JOINED)} AS rule, 'by ' || who AS source, said_at AS first_seen, "
            "said_at AS last_seen FROM words_nodes"
        )


def _register(wh: Warehouse, said: Sequence[Word]) -> None:
    """Makes `words_nodes`: the words about identifiers that were seen."""
    columns = {
        "kind_a": [w.a[0] for w in said],
        "value_a": [w.a[1] for w in said],
        "kind_b": [w.b[0] for w in said],
        "value_b": [w.b[1] for w in said],
        "rule": [w.rule for w in said],
        "who": [w.who for w in said],
    }
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    at = [to_datetime(w.ts_ms).replace(tzinfo=None) for w in said]
    wh.register("words_arrow", table.append_column("said_at", pa.array(at, pa.timestamp("us"))))
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE words_nodes AS SELECT a.node AS node_a, b.node AS node_b, "
        "w.rule, w.who, w.said_at FROM words_arrow AS w "
        "JOIN seen_identifiers AS a ON a.kind = w.kind_a AND a.value = w.value_a "
        "JOIN seen_identifiers AS b ON b.kind = w.kind_b AND b.value = w.value_b"
    )


def drop_blocked(wh: Warehouse, kinds: Mapping[str, IdentifierKind]) -> None:
    """Takes out of `seen_identifiers` what identity.yml blocks now and did not when it was loaded:
    nobody's, so whatever it joined comes apart. They are the table `blocked_nodes`."""
    wh.execute("CREATE OR REPLACE TEMP TABLE blocked_nodes (node BIGINT)")
    test = blocked_sql("kind", "value", kinds)
    wh.execute(f"INSERT INTO blocked_nodes SELECT node FROM seen_identifiers WHERE {test}")
    if wh.value("SELECT count(*) FROM blocked_nodes"):
        wh.execute("DELETE FROM seen_identifiers WHERE node IN (FROM blocked_nodes)")


def blocked_sql(kind: str, value: str, kinds: Mapping[str, IdentifierKind]) -> str:
    """SQL: whether an identifier is one that its kind blocks, for a WHERE.

    Blocked texts ignore case and white space; ^...$ is a pattern.
    """
    by_test: dict[str, list[str]] = {}
    for known in kinds.values():
        if known.blocked:
            by_test.setdefault(_blocked(value, known.blocked), []).append(text_literal(known.name))
    if not by_test:
        return "false"
    tests = (f"WHEN {kind} IN ({', '.join(names)}) THEN {test}" for test, names in by_test.items())
    whole = f"CASE {' '.join(tests)} ELSE false END"
    texts = {text for known in kinds.values() for text in known.blocked}
    if any(text.startswith("^") for text in texts):
        return whole
    # loads took out most: a value that has no spaces and another length costs nothing here
    lengths = ", ".join(str(n) for n in sorted({len(squeezed(text)) for text in texts}))
    return f"(length({value}) IN ({lengths}) OR contains({value}, ' ')) AND {whole}"


def _blocked(value: str, blocked: Sequence[str]) -> str:
    tests = [f"regexp_full_match({value}, {text_literal(b)})" for b in blocked if b.startswith("^")]
    plain = [text_literal(squeezed(b)) for b in blocked if not b.startswith("^")]
    if plain:
        bare = rf"regexp_replace(lower({value}), '[\s\p{{Z}}]+', '', 'g')"
        simple = f"CASE WHEN contains({value}, ' ') THEN {bare} ELSE lower({value}) END"
        tests.append(f"{simple} IN ({', '.join(plain)})")
    return f"({' OR '.join(tests)})"


def drop_bots(wh: Warehouse, bots: str, moment: datetime) -> bool:
    """Takes the identifiers of robots out of `seen_identifiers`: they are nobody's. Whether there
    were any."""
    robots = f"node IN (SELECT node FROM {bots} WHERE since <= $1)"
    found = wh.rows(f"SELECT 1 FROM seen_identifiers WHERE {robots} LIMIT 1", [moment])
    if found:
        wh.execute(f"DELETE FROM seen_identifiers WHERE {robots}", [moment])
    return bool(found)
