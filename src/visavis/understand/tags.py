"""Tags: labels of people in a tree. Whoever has a tag has every tag above it, until it expires."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from visavis.core.clock import Zone
from visavis.core.lang.form import Node
from visavis.core.lang.types import TIME_MAX
from visavis.core.nouns import Tag
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.warehouse import Warehouse

PREFIX = "tag "
"""Names of tags' conditions in the table of since when, apart from those of segments."""
_COLUMNS = "person_id, tag, weight, since"


def in_force(tags: Mapping[str, Tag], as_of_ms: int, zone: Zone) -> dict[str, Tag]:
    """The tags whose definition is not retired on the date of the moment."""
    today = zone.date_of(as_of_ms)
    return {
        path: tag for path, tag in tags.items() if tag.expires_on is None or today < tag.expires_on
    }


def lineage(path: str) -> list[str]:
    """A tag's path and every path above it, the nearest first: 'a/b/c', 'a/b', 'a'."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]


def expires_at(tag: Tag, since_ms: int | None) -> int | None:
    """The moment a tag held since then comes off by itself, None for never.

    Who has met the condition from the very start has no moment to count from.
    """
    if tag.lasts_ms is None or since_ms is None:
        return None
    return min(since_ms + tag.lasts_ms, TIME_MAX)


def with_lineage(
    held: Iterable[tuple[str, int | None, int | None]],
) -> dict[str, tuple[int | None, int | None]]:
    """Each tag held (path, weight, since) and those above it: largest weight, earliest since."""
    found: dict[str, tuple[int | None, int | None]] = {}
    for path, weight, since in held:
        for name in lineage(path):
            was = found.get(name)
            found[name] = (weight, since) if was is None else _both(was, (weight, since))
    return found


def _both(
    one: tuple[int | None, int | None], other: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    weights = [w for w in (one[0], other[0]) if w is not None]
    since = None if one[1] is None or other[1] is None else min(one[1], other[1])
    return (max(weights) if weights else None, since)


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
