"""What a service needs before it answers: a build's history, without one the rates."""

from __future__ import annotations

from pathlib import Path

from visavis.collect.context import Context
from visavis.collect.intake import take_in
from visavis.collect.rates import make_rates, rates_of
from visavis.core.problems import Problem, ProblemsError
from visavis.core.progress import Progress
from visavis.flow.histories import write_history
from visavis.flow.projects import changing, load_project
from visavis.flow.published import published, state_folder
from visavis.flow.rates import keep_rates
from visavis.store import builds


def prepare(root: Path, now_ms: int, progress: Progress) -> Path:
    """Makes it, and says where it is; raises ProblemsError."""
    if builds.published(state_folder(root)) is None:
        return write_rates(root, now_ms, progress)
    with published(root) as at:
        return write_history(at, at.project())


def write_rates(root: Path, now_ms: int, progress: Progress) -> Path:
    """Loads the rate tables, as a build does, and writes them down for the live reader.

    Raises ProblemsError where one can't be read, after the others were.
    """
    project = load_project(root)
    with changing(project, "rates", now_ms) as (lake, db, wh):
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
        path = keep_rates(lake.state, rates_of(wh))
    if problems:
        raise ProblemsError(problems)
    return path
