"""Whether a build of an earlier moment is still the answer now: what the clock alone can change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from visavis.core.clock import zone
from visavis.core.lang.form import Node
from visavis.core.nouns import Project
from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.lake import Lake
from visavis.store.relations import texts
from visavis.store.state import Load
from visavis.store.warehouse import Warehouse
from visavis.understand.steady import moves_by_day


def still_holds(
    project: Project,
    loads: Sequence[Load],
    lake: Lake,
    wh: Warehouse,
    build: Build,
    now_ms: int,
) -> bool:
    """Whether the clock, moving from the build's moment to now, changes nothing; if in doubt, no.

    The date must be the same, no event may come into or leave a window, and no tag may expire.
    """
    before, local = build.as_of, zone(project.time_zone)
    if now_ms < before or local.date_of(before) != local.date_of(now_ms):
        return False
    if not all(moves_by_day(node) for node in _expressions(project)):
        return False
    edges = {0, *_windows(project)}
    if any(_passes(loads, lake, wh, before - edge, now_ms - edge) for edge in sorted(edges)):
        return False
    return not _tags_expire(wh, project, build, now_ms)


def _passes(loads: Sequence[Load], lake: Lake, wh: Warehouse, before: int, after: int) -> bool:
    """Whether an event lies in (before, after]."""
    near = [
        load
        for load in loads
        if load.max_ts is not None
        and load.max_ts > before
        and (load.min_ts is None or load.min_ts <= after)
    ]
    files = lake.files("events", near)
    if not files:
        return False
    return bool(
        wh.value(
            f"SELECT count(*) FROM read_parquet({texts(files)}, union_by_name = true) "
            f"WHERE ts > {time_literal(before)} AND ts <= {time_literal(after)}"
        )
    )


def _tags_expire(wh: Warehouse, project: Project, build: Build, now_ms: int) -> bool:
    """Whether anybody's tag comes off by itself after the build and up to now."""
    tests = [
        f"(tag = {text_literal(path)} AND since + to_milliseconds({tag.lasts_ms}) "
        f"<= {time_literal(now_ms)})"
        for path, tag in project.tags.items()
        if tag.lasts_ms is not None
    ]
    tags = text_literal(str(build.table("tags")))
    query = f"SELECT count(*) FROM read_parquet({tags}) WHERE {' OR '.join(tests)}"
    return bool(tests) and bool(wh.value(query))


def _windows(project: Project) -> Iterator[int]:
    for trait in project.traits.values():
        for part in (trait, trait.then, trait.without):
            if part is not None and part.within_ms is not None:
                yield part.within_ms


def _expressions(project: Project) -> Iterator[Node]:
    for trait in project.traits.values():
        steps = [step.where for step in (trait.then, trait.without) if step is not None]
        yield from (node for node in (trait.value, trait.where, *steps) if node is not None)
    yield from (segment.condition for segment in project.segments.values())
    for tag in project.tags.values():
        yield from (node for node in (tag.condition, tag.weight) if node is not None)
