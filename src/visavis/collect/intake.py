"""One source: what is new in it becomes one load of the lake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from visavis.collect.closing import close_replaced
from visavis.collect.context import Context
from visavis.collect.costs import COST_KINDS, load_costs
from visavis.collect.databases import is_database
from visavis.collect.events_load import load_events
from visavis.collect.files import Found, News, find, latest_marks, news
from visavis.collect.lookups import with_lookups
from visavis.collect.making import Making
from visavis.collect.orders_load import load_orders
from visavis.collect.pipelines import is_resource
from visavis.collect.reading import Reader
from visavis.collect.remote import take_remote
from visavis.collect.rows import Base, Rows
from visavis.core.nouns import Source
from visavis.core.problems import Problem, ProblemsError
from visavis.store.state import FileMark, Load

LOADERS: Mapping[str, Callable[[Making], Mapping[str, Any]]] = {
    "orders": load_orders,
    "events": load_events,
    "records": load_events,
    "consents": load_events,
    "suppressions": load_events,
    **dict.fromkeys(COST_KINDS, load_costs),
}
"""How the rows of each kind of source become a load."""


def take_in(context: Context, source: Source) -> list[Mapping[str, Any]]:
    """Loads what is new in a source; the summary of the load, none when nothing is new."""
    definition = context.definition(source)
    if is_database(source) or is_resource(source):
        return take_remote(context, source, definition, _load)
    return _take_files(context, source, definition)


def _take_files(context: Context, source: Source, definition: str) -> list[Mapping[str, Any]]:
    earlier = context.loads(source.name)
    found = find(context.project.root, source.origin)
    if not found and not earlier:
        raise ProblemsError([_no_file(source)])
    again = any(load.definition != definition for load in earlier)
    new = news(found, {} if again else latest_marks(earlier), context.counter)
    if source.mode == "snapshot" and not again:
        again = bool(new.fresh) or _fewer(found, earlier)
        new = news(found, {}, context.counter) if again else new
    ended = earlier if again else _replaced_costs(source, earlier, new)
    if ended and not again:
        new = news(found, {}, context.counter)
    _note_gone(context, source, found, ended)
    _remark(context, earlier, new.touched)
    if not new.fresh:
        return []
    with context.progress.step(f"load {source.name}"):
        return [_load(context, source, definition, new, ended)]


def _replaced_costs(source: Source, earlier: Sequence[Load], new: News) -> Sequence[Load]:
    """A changed cost file takes the place of its older version: its rows have no ids to tell by."""
    known = {m.path for load in earlier for m in load.files}
    changed = source.kind in COST_KINDS and any(m.path in known for m in new.fresh)
    return earlier if changed else []


def _note_gone(
    context: Context, source: Source, found: Sequence[Found], ended: Sequence[Load]
) -> None:
    """Tells of files that are no longer there to be loaded anew."""
    there = {file.name for file in found}
    files = {m.path for load in ended for m in load.files if m.sha256}
    gone = sorted(files - there)
    if gone and source.mode != "snapshot":
        context.progress.note(
            f"'{source.name}' is loaded anew without files that are gone: {', '.join(gone)}"
        )


def _fewer(found: Sequence[Found], earlier: Sequence[Load]) -> bool:
    """Whether a file of a snapshot is gone, and with it what it said."""
    there = {file.name for file in found}
    return bool(there) and any(m.path not in there for x in earlier for m in x.files if m.sha256)


def _no_file(source: Source) -> Problem:
    place = source.places.get("from", source.place)
    names = ", ".join(source.origin.splitlines())
    return Problem(
        "missing-file",
        f"There is no file '{names}' for the source '{source.name}'.",
        place,
        "Paths are relative to the project folder.",
    )


def _remark(context: Context, loads: Sequence[Load], touched: Sequence[FileMark]) -> None:
    """Notes the new time of files whose content is known, so that they aren't opened again."""
    for mark in touched:
        for load in reversed(loads):
            same = [m for m in load.files if m.path == mark.path and m.sha256 == mark.sha256]
            if same:
                # in its old place: rows name their file by its number
                files = [replace(mark, rows=m.rows) if m in same else m for m in load.files]
                context.state.mark_files(load.load_id, files)
                break
            if any(m.sha256 == mark.sha256 for m in load.files):
                context.state.mark_files(load.load_id, [*load.files, mark])
                break


def _load(
    context: Context,
    source: Source,
    definition: str,
    new: News,
    ended: Sequence[Load],
    facts: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    work = context.work()
    raw = Reader(context.wh, work, context.counter).open(source, new.fresh, new.paths)
    rows = source_rows(context, source, raw, work)
    making = Making(context, source, definition, rows, new.fresh, ended, facts=dict(facts or {}))
    summary = LOADERS[source.kind](making)
    close_replaced(context, making.own, [mark.path for mark in new.fresh])
    return summary


def source_rows(context: Context, source: Source, base: Base, work: Path) -> Rows:
    """The rows of a source, look-ups joined."""
    return with_lookups(context, source, base, work)
