"""One source: what is new in it becomes one load of the lake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from visavis.collect import clean, orders
from visavis.collect.context import Context
from visavis.collect.files import News, find, latest_marks, news
from visavis.collect.making import LoadMaker
from visavis.collect.reading import Raw, Reader
from visavis.collect.staging import Stage, check_columns, columns_of
from visavis.core.nouns import Source
from visavis.core.problems import Problem, ProblemsError
from visavis.store.state import FileMark, Load


def take_in(context: Context, source: Source) -> list[Mapping[str, Any]]:
    """Loads what is new in a source; the summary of the load, none when nothing is new."""
    earlier = context.loads(source.name)
    definition = context.definition(source)
    found = find(context.project.root, source.origin)
    if not found and not earlier:
        raise ProblemsError([_no_file(source)])
    again = any(load.definition != definition for load in earlier)
    new = news(found, {} if again else latest_marks(earlier), context.counter)
    if source.mode == "snapshot" and (new.fresh or again):
        new = news(found, {}, context.counter)
        again = True
    _remark(context, earlier, new.touched)
    if not new.fresh:
        return []
    with context.progress.step(f"load {source.name}"):
        return [_load(context, source, definition, new, earlier if again else [])]


def _no_file(source: Source) -> Problem:
    place = source.places.get("from", source.place)
    names = ", ".join(source.origin.splitlines())
    return Problem(
        "missing-file",
        f"there is no file '{names}' for the source '{source.name}'",
        place,
        "Paths are relative to the project folder.",
    )


def _remark(context: Context, loads: Sequence[Load], touched: Sequence[FileMark]) -> None:
    """Notes the new time of files whose content is known, so that they aren't opened again."""
    for mark in touched:
        for load in reversed(loads):
            same = [m for m in load.files if m.path == mark.path and m.sha256 == mark.sha256]
            if same:
                rest = [m for m in load.files if m.path != mark.path]
                files = [*rest, replace(mark, rows=same[0].rows)]
                context.state.mark_files(load.load_id, files)
                break
            if any(m.sha256 == mark.sha256 for m in load.files):
                context.state.mark_files(load.load_id, [*load.files, mark])
                break


def _load(
    context: Context, source: Source, definition: str, new: News, ended: Sequence[Load]
) -> Mapping[str, Any]:
    work = context.work()
    reader = Reader(context.wh, work, context.counter)
    raw = reader.open(source, new.fresh, new.paths)
    maker = LoadMaker(context, source, definition, raw, new.fresh, ended)
    return maker.make()


__all__ = ["Raw", "clean", "orders", "Stage", "check_columns", "columns_of", "take_in"]
