"""`build`: takes in what is new, works everything out as of a moment, publishes in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visavis.core.nouns import Project
from visavis.core.progress import Progress
from visavis.flow.erasing import settle
from visavis.flow.inputs import answers, gather, summary
from visavis.flow.projects import changing, load_project
from visavis.store import builds, crash
from visavis.store.lake import Lake, room_on_disk
from visavis.store.state import State
from visavis.store.tail import forget
from visavis.store.warehouse import Warehouse


def build(
    root: Path,
    as_of_ms: int | None,
    now_ms: int,
    progress: Progress,
    accept_joins: bool = False,
) -> dict[str, Any]:
    """Builds the project in `root` as of a moment (None: now) and says what was built.

    The same inputs as of the same moment give the published build back, untouched. Raises
    ProblemsError for mistakes of the project or its data, and `too-many-joins` where more people
    would become one than identity.yml allows, unless `accept_joins`; then the last build stays
    published.
    """
    return build_project(load_project(root), as_of_ms, now_ms, progress, accept_joins)


def build_project(
    project: Project,
    as_of_ms: int | None,
    now_ms: int,
    progress: Progress,
    accept_joins: bool = False,
) -> dict[str, Any]:
    """Builds a project that is loaded already, into its state directory."""
    with room_on_disk("the build"), changing(project, "build", now_ms) as (lake, db, wh):
        return _build(project, lake, db, wh, as_of_ms, now_ms, progress, accept_joins)


def _build(
    project: Project,
    lake: Lake,
    db: State,
    wh: Warehouse,
    as_of_ms: int | None,
    now_ms: int,
    progress: Progress,
    accept_joins: bool,
) -> dict[str, Any]:
    from visavis.collect.batch import collect
    from visavis.collect.erasing import pending, rewrite
    from visavis.flow.entries import record_entries
    from visavis.flow.making import Making
    from visavis.flow.quality import withheld

    before = builds.published(lake.state)
    if before is not None:
        record_entries(before, lake, db, wh)
    erasing = pending(db)
    if erasing.nodes:
        with progress.step("erase"):
            rewrite(lake, db, wh, erasing, project.kinds)
        # nothing may be taken over from a build that still has the person
        before = None
    collect(project, lake, db, wh, now_ms, progress)
    crash.point("build-collected")
    inputs = gather(project, db, before)
    if before is not None and answers(before, inputs, project, lake, wh, as_of_ms, now_ms):
        forget(lake.state, int(before.manifest.get("through_frame", 0)))
        settle(lake, db, erasing, inputs.tail)
        return summary(before.manifest)
    moment = now_ms if as_of_ms is None else as_of_ms
    held_back = withheld(project, lake, db, wh, moment, progress)
    making = Making(project, lake, wh, inputs, moment, held_back, accept_joins)
    made = making.make(before, of_now=as_of_ms is None, progress=progress)
    record_entries(made, lake, db, wh)
    crash.point("build-recorded")
    builds.prune(lake.state, project.keep_builds)
    forget(lake.state, inputs.tail)
    settle(lake, db, erasing, inputs.tail)
    return summary(made.manifest)
