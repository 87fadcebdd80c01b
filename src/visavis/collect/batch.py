"""The door of collect to everything: what is new in each source goes to the lake as one load each.

A source that can't be read is a Problem; the others are still taken in, and what was loaded
before stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visavis.collect import live_again
from visavis.collect.context import Context
from visavis.collect.intake import take_in
from visavis.collect.live_load import SOURCE as LIVE
from visavis.collect.live_load import flush
from visavis.collect.namespaces import real, settle_namespaces
from visavis.collect.own import SOURCE, take_journal
from visavis.collect.quarantine import replay_rateless
from visavis.collect.withdrawn import withdraw
from visavis.core.nouns import Project, Source
from visavis.core.problems import Problem, ProblemsError
from visavis.core.progress import Progress
from visavis.store.lake import Lake
from visavis.store.state import State
from visavis.store.warehouse import Warehouse

_FIRST = (
    "rates",
    "margins",
    "acquisition_costs",
    "campaign_costs",
    "records",
    "consents",
    "suppressions",
    "events",
    "orders",
)


def collect(
    project: Project,
    lake: Lake,
    state: State,
    warehouse: Warehouse,
    now_ms: int,
    progress: Progress,
) -> list[Mapping[str, Any]]:
    """Takes in what is new and says what each new load holds.

    Raises ProblemsError, after all sources were tried, when some could not be read.
    """
    context = Context(project, lake, state, warehouse, now_ms, progress)
    _end_removed(context)
    withdraw(context)
    summaries: list[Mapping[str, Any]] = []
    problems: list[Problem] = []
    # what others need comes first
    for source in sorted(project.sources.values(), key=lambda s: _FIRST.index(s.kind)):
        summaries += _tried(context, source, problems)
    summaries += flush(context)
    summaries += live_again.replay_rateless(context)
    withdraw(context)
    settle_namespaces(context)
    take_journal(context)
    if problems:
        raise ProblemsError(problems)
    return summaries


def _end_removed(context: Context) -> None:
    """Loads of sources that the project no longer has count no more."""
    kept = {*context.project.sources, SOURCE, LIVE}
    gone = [x for x in real(context.loads()) if x.source not in kept]
    if gone:
        context.state.commit(None, [load.load_id for load in gone])
        names = ", ".join(sorted({load.source for load in gone}))
        context.progress.note(f"no longer in the project, so not counted any more: {names}")


def _tried(context: Context, source: Source, problems: list[Problem]) -> list[Mapping[str, Any]]:
    try:
        loaded = take_in(context, source)
        return [*loaded, *(replay_rateless(context, source) if source.kind == "orders" else [])]
    except ProblemsError as error:
        problems.extend(error.problems)
        return []
