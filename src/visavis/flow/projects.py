"""A project opened: its definitions, its state, its warehouse; for reading, or to change it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visavis.core.nouns import Project
from visavis.core.problems import ProblemsError
from visavis.store import crash
from visavis.store.lake import Lake
from visavis.store.locks import writing
from visavis.store.state import State
from visavis.store.warehouse import Warehouse, connect

_LARGEST_DEFAULT = 3 * 1024**3


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
