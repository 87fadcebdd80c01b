"""Tags: labels of people in a tree. Whoever has a tag has every tag above it, until it expires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from visavis.core.lang.form import Node
from visavis.core.nouns import Tag
from visavis.core.tagging import expires_at as expires_at
from visavis.core.tagging import in_force as in_force
from visavis.core.tagging import lineage
from visavis.core.tagging import with_lineage as with_lineage
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.warehouse import Warehouse

PREFIX = "tag "
"""Names of tags' conditions in the table of since when, apart from those of segments."""
_COLUMNS = "person_id, tag, weight, since"


def write_tags(
    wh: Warehouse,
    target: Path,
    tags: Mapping[str, Tag],
    as_of_ms: int,
    sql_of: Callable[[Node], str],
) -> int:
    """Writes `tags` of the tables `since`, `persons` and `people_traits`; returns the rows.

    `tags` are those in force; `sql_of` gives the SQL of a weight over `people_traits`.
    """
    parts = [_held(path, tag, as_of_ms, sql_of) for path, tag in tags.items()]
    held = " UNION ALL ".join(parts) or _nobody()
    # nobody's since is earlier than "from the start", so a null there wins
    return wh.write_parquet(
        f"SELECT p.person_id, h.tag, max(h.weight) AS weight, "
        "CASE WHEN bool_or(h.since IS NULL) THEN NULL ELSE min(h.since) END AS since "
        f"FROM ({held}) AS h JOIN persons AS p USING (person) "
        f"GROUP BY p.person_id, h.tag ORDER BY p.person_id, h.tag",
        target,
    )


def _held(path: str, tag: Tag, as_of_ms: int, sql_of: Callable[[Node], str]) -> str:
    weight = "1" if tag.weight is None else sql_of(tag.weight)
    names = ", ".join(text_literal(name) for name in lineage(path))
    fresh = ""
    if tag.lasts_ms is not None:
        first = time_literal(as_of_ms)
        fresh = f" AND (s.since IS NULL OR s.since + to_milliseconds({tag.lasts_ms}) > {first})"
    return (
        f"SELECT s.person, unnest([{names}]) AS tag, t.weight, s.since FROM since AS s "
        f"JOIN (SELECT person, CAST({weight} AS DECIMAL(18,6)) AS weight FROM people_traits) AS t "
        "ON t.person = s.person "
        f"WHERE s.name = {text_literal(PREFIX + path)}{fresh}"
    )


def _nobody() -> str:
    return (
        "SELECT 0::BIGINT AS person, '' AS tag, 0::DECIMAL(18,6) AS weight, "
        "NULL::TIMESTAMP AS since WHERE false"
    )
