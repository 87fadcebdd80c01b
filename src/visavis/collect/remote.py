"""Sources that are no files: what they hold is fetched into files, and those are loaded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from visavis.collect import databases, pipelines, ranks
from visavis.collect.context import Context
from visavis.collect.files import News
from visavis.core.nouns import Source
from visavis.store.state import FileMark, Load

LoadFiles = Callable[
    [Context, Source, str, News, Sequence[Load], Mapping[str, Any]], Mapping[str, Any]
]


def take_remote(
    context: Context, source: Source, definition: str, load: LoadFiles
) -> list[Mapping[str, Any]]:
    """Fetches and loads what is new in a database table or a dlt resource."""
    earlier = context.loads(source.name)
    again = any(x.definition != definition for x in earlier)
    folder = context.lake.state / "tmp" / "fetched"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with context.progress.step(f"fetch {source.name}"):
        rows, digest, facts, path = _fetch(context, source, folder, again or not earlier)
    known = {m.sha256 for x in earlier for m in x.files}
    if (digest in known or (not rows and earlier)) and not again:
        return []
    name = source.table or source.origin.removeprefix(pipelines.MARK)
    if source.cursor is not None:
        # what comes later is no newer version of what came before
        name = f"{name}@{context.state.next_number()}"
    name = f"{' '.join(name.split())}{path.suffix}"
    mark = FileMark(name, path.stat().st_size, 0, digest)
    ended = earlier if again or source.mode == "snapshot" else []
    with context.progress.step(f"load {source.name}"):
        return [load(context, source, definition, News((mark,), (), {name: path}), ended, facts)]


def _fetch(
    context: Context, source: Source, folder: Path, anew: bool
) -> tuple[int, str, dict[str, Any], Path]:
    """Rows, digest of their content, facts to remember, and the file they are in."""
    root = context.project.root
    if pipelines.is_resource(source):
        path = folder / "rows.jsonl"
        rows, digest = pipelines.fetch(source, root, path)
        return rows, digest, {}, path
    fact = databases.marks_fact(source)
    by_cursor = source.cursor is not None and source.mode == "append"
    after = context.state.fact(fact) if by_cursor and not anew else None
    rows, last, digest = databases.fetch(source, root, after, folder)
    path = folder / "rows.parquet"
    parts = ranks.listed(sorted(folder.glob("part-*.parquet")))
    context.wh.write_parquet(f"SELECT * FROM read_parquet({parts}, union_by_name = true)", path)
    return rows, digest, {fact: last} if by_cursor else {}, path
