"""Tags, the pure rules: which definitions are in force, and what comes with a tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from visavis.core.clock import Zone
from visavis.core.lang.types import TIME_MAX
from visavis.core.nouns import Tag


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
