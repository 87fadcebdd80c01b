"""What foreign currencies are worth before the first build, for the service that runs already."""

from __future__ import annotations

import json
import os
from pathlib import Path

from visavis.collect.live_values import Rate
from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError
from visavis.core.progress import Progress
from visavis.store import recent

_FILE = "rates.json"


def has_rates(project: Project) -> bool:
    """Whether the project has rate tables."""
    return any(source.kind == "rates" for source in project.sources.values())


def write_rates(root: Path, now_ms: int, progress: Progress) -> Path:
    """Loads the rate tables, as a build does, and writes them down for the live reader.

    Raises ProblemsError where one can't be read, after the others were.
    """
    from visavis.collect.context import Context
    from visavis.collect.intake import take_in
    from visavis.collect.rates import make_rates, rates_of
    from visavis.flow.build import load_project, open_warehouse, state_of
    from visavis.store.lake import Lake
    from visavis.store.locks import writing
    from visavis.store.state import State

    project = load_project(root)
    state = state_of(project)
    with writing(state, "rates", now_ms), State(state / "state.db") as db:
        lake = Lake(state)
        lake.sweep(db)
        with open_warehouse(project) as wh:
            context = Context(project, lake, db, wh, now_ms, progress)
            problems: list[Problem] = []
            for source in project.sources.values():
                if source.kind == "rates":
                    try:
                        take_in(context, source)
                    except ProblemsError as error:
                        problems += error.problems
            files = [str(path) for path in lake.files("costs", context.loads())]
            make_rates(wh, files, project.currency)
            path = _kept(state / recent.FOLDER, rates_of(wh))
    if problems:
        raise ProblemsError(problems)
    return path


def _kept(folder: Path, rates: list[Rate]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{_FILE}.{os.getpid()}.new"
    new.write_text(json.dumps(rates), encoding="utf-8")
    return new.replace(folder / _FILE)


def written_rates(state: Path) -> list[Rate]:
    """The rates that were written down; none where there are none."""
    try:
        text = (state / recent.FOLDER / _FILE).read_text(encoding="utf-8")
        return [(str(c), int(day), int(rate)) for c, day, rate in json.loads(text)]
    except (FileNotFoundError, ValueError):
        return []
