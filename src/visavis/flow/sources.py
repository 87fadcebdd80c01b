"""The scored register of sources, for `report sources` and `evaluate sources`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visavis.collect.batch import collect
from visavis.collect.register import register
from visavis.core.progress import SILENT, Progress
from visavis.flow.projects import changing, load_project, open_warehouse, state_of
from visavis.store.lake import Lake
from visavis.store.state import State


def source_register(root: Path, now_ms: int, progress: Progress = SILENT) -> list[dict[str, Any]]:
    """Takes in what is new, publishes nothing, and scores every source as of `now_ms`."""
    project = load_project(root)
    with changing(project, "evaluate sources", now_ms) as (lake, db, wh):
        collect(project, lake, db, wh, now_ms, progress)
        return register(project, lake, db, wh, now_ms)


def loaded_register(root: Path, moment_ms: int) -> list[dict[str, Any]]:
    """Scores every source by what is loaded, as of a moment; takes nothing in."""
    project = load_project(root)
    state = state_of(project)
    with State(state / "state.db") as db, open_warehouse(project) as wh:
        return register(project, Lake(state), db, wh, moment_ms)
