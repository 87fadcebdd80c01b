"""`build`: takes in what is new, works everything out as of a moment, publishes in one step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visavis.core.nouns import Project
from visavis.core.problems import ProblemsError
from visavis.core.progress import Progress
from visavis.flow.erasing import settle
from visavis.flow.inputs import answers, gather, summary
from visavis.store import builds, crash
from visavis.store.lake import Lake, room_on_disk
from visavis.store.locks import writing
from visavis.store.state import State
from visavis.store.tail import forget
from visavis.store.warehouse import Warehouse, connect

_LARGEST_DEFAULT = 3 * 1024**3


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


@contextmanager
def changing(project: Project, what: str, now_ms: int) -> Iterator[tuple[Lake, State, Warehouse]]:
    """The state of a project for the one command that may change it now.

    What a killed one left in the lake is gone. Raises ProblemsError `locked`.
    """
    state = state_of(project)
    with writing(state, what, now_ms), State(state / "state.db") as db:
        crash.point(f"{what}-locked")
        lake = Lake(state)
        lake.sweep(db)
        with open_warehouse(project) as wh:
            yield lake, db, wh


def load_project(root: Path) -> Project:
    """The project in a folder; raises ProblemsError with everything that is wrong with it."""
    from visavis.project.load import load

    project, problems = load(root)
    if project is None or any(p.severity == "error" for p in problems):
        raise ProblemsError(problems)
    return project


def state_of(project: Project) -> Path:
    """The project's state directory."""
    return project.root / project.state


def open_warehouse(project: Project) -> Warehouse:
    """A warehouse that spills into the project's own state and keeps to its memory limit."""
    state = state_of(project)
    spill = state / "tmp" / "spill"
    spill.mkdir(parents=True, exist_ok=True)
    wh = connect(project.memory_limit or default_memory(), spill)
    wh.execute("SET preserve_insertion_order = false")
    wh.execute("SET parquet_metadata_cache = true")
    return wh


def default_memory() -> str:
    """Half of what the machine has, at most 3 GiB: a build then stays under 4 GiB in all."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(installed // 2, _LARGEST_DEFAULT) // 1024**2}MiB"
