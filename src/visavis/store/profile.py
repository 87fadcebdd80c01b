"""How complete and how fresh profiles are, as relations over a build: `completeness`, `freshness`.

Both are views: worked out only when a query reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visavis.core.nouns import Trait
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal

KINDS = ("engagement", "psychographic", "behaviour", "response")
ALL = "all"
_ALWAYS = "TIMESTAMP '0001-01-01 00:00:00'"
_COMPLETENESS = "person_id VARCHAR, kind VARCHAR, filled BIGINT, traits BIGINT, score DECIMAL(18,6)"
_FRESHNESS = "person_id VARCHAR, trait VARCHAR, updated_at TIMESTAMP"


def described(traits: Mapping[str, Trait]) -> list[dict[str, Any]]:
    """What a build's manifest keeps of its traits, for these relations."""
    return [
        {
            "name": trait.name,
            "kind": trait.data_kind,
            "given": (trait.given or trait.name) if trait.kind == "given" else None,
            "event": trait.event if trait.kind == "computed" else None,
        }
        for trait in traits.values()
    ]


def completeness(traits: Sequence[Mapping[str, Any]]) -> str:
    """SQL over `people`: per person and kind of data, and for all, how many traits have a value.

    `score` is the share of them; null for a kind that no trait of the project is of.
    """
    parts = []
    for kind in (*KINDS, ALL):
        names = [t["name"] for t in traits if kind in (ALL, t["kind"])]
        filled = " + ".join(f"({identifier(n)} IS NOT NULL)::BIGINT" for n in names) or "0::BIGINT"
        score = (
            f"CAST(round(CAST({filled} AS DECIMAL(18,6)) / {len(names)}, 6) AS DECIMAL(18,6))"
            if names
            else "NULL::DECIMAL(18,6)"
        )
        parts.append(
            f"SELECT person_id, {text_literal(kind)} AS kind, {filled} AS filled, "
            f"{len(names)}::BIGINT AS traits, {score} AS score FROM people"
        )
    return " UNION ALL ".join(parts) if traits else nothing(_COMPLETENESS)


def freshness(traits: Sequence[Mapping[str, Any]], as_of_ms: int, known: Sequence[str]) -> str:
    """SQL over `lake_events` and `node_persons`: when each given or computed trait was last fed.

    Computed: by the person's last event of the trait's name; given: by the last row that gave it.
    `known` are the properties that the lake's events have.
    """
    seen = f"n.person_id IS NOT NULL AND e.void IS NOT TRUE AND e.ts <= {time_literal(as_of_ms)}"
    source = "lake_events AS e JOIN node_persons AS n ON n.node = e.node"
    when = f"nullif(max(e.ts), {_ALWAYS}) AS updated_at"
    parts = []
    fed = [t for t in traits if t["event"]]
    if fed:
        values = ", ".join(f"({text_literal(t['name'])}, {text_literal(t['event'])})" for t in fed)
        last = f"SELECT n.person_id, e.event, {when} FROM {source} WHERE {seen} GROUP BY ALL"
        parts.append(
            f"SELECT e.person_id, t.trait, e.updated_at FROM ({last}) AS e "
            f"JOIN (VALUES {values}) AS t(trait, event) ON t.event = e.event"
        )
    for t in traits:
        if t["given"] in known:
            column = f"e.{identifier('p_' + t['given'])}"
            given = (
                f"({column} IS NOT NULL OR list_contains(e.cleared, {text_literal(t['given'])}))"
            )
            parts.append(
                f"SELECT n.person_id, {text_literal(t['name'])} AS trait, {when} FROM {source} "
                f"WHERE {seen} AND e.event = 'identify' AND {given} GROUP BY n.person_id"
            )
    return " UNION ALL ".join(parts) if parts else nothing(_FRESHNESS)


def nothing(columns: str) -> str:
    """SQL of an empty relation with these columns."""
    listed = ", ".join(
        f"NULL::{kind} AS {name}" for name, kind in (c.split(" ", 1) for c in columns.split(", "))
    )
    return f"SELECT {listed} WHERE false"
