"""Quarantined rows that come back: repaired in a CSV, or as they are once a rate is there.

A replayed row is marked so in the load that put it aside, after the load that takes it in counts;
a crash between the two repeats the replay, which then adds nothing.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from visavis.collect import live_again
from visavis.collect.closing import close, counts_of, open_rows, rate_tables
from visavis.collect.context import Context
from visavis.collect.encodings import detect_encoding
from visavis.collect.intake import LOADERS, source_rows
from visavis.collect.live_load import SOURCE as LIVE
from visavis.collect.making import Making
from visavis.collect.namespaces import settle_namespaces
from visavis.collect.rows import Table
from visavis.collect.withdrawn import withdraw
from visavis.core.nouns import Project, Source
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.core.progress import Progress
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.lake import Lake
from visavis.store.state import FileMark, State
from visavis.store.warehouse import Warehouse

OWN_COLUMNS = ("_source", "_reason", "_file", "_row")
"""Columns of an exported CSV that say where a row came from; the others are the row itself."""


def replay(
    project: Project,
    lake: Lake,
    state: State,
    warehouse: Warehouse,
    now_ms: int,
    progress: Progress,
    repaired: Path,
) -> list[Mapping[str, Any]]:
    """Takes in the rows of an exported and repaired CSV; a summary for each source in it.

    Rows that are still bad stay in quarantine with their new reason. Raises ProblemsError when the
    file is none that was exported, or names rows that are not in quarantine.
    """
    context = Context(project, lake, state, warehouse, now_ms, progress)
    _read(context, repaired)
    summaries = []
    names = [
        row[0]
        for row in context.wh.rows("SELECT DISTINCT _source FROM collect_repaired ORDER BY 1")
    ]
    for name in names:
        if name == LIVE:
            summaries.append(live_again.replay(context, _repaired_of(context, LIVE)))
            continue
        if name not in project.sources:
            raise ProblemsError([_unknown(repaired, str(name), project)])
        summaries.append(_replay_source(context, project.sources[name]))
    withdraw(context)
    settle_namespaces(context)
    return summaries


def _unknown(path: Path, name: str, project: Project) -> Problem:
    message = f"'{path.name}' has rows of the source '{name}', which the project does not have."
    return Problem("unknown-name", message, hint=nearest(name, project.sources))


def _read(context: Context, path: Path) -> None:
    """Makes `collect_repaired` of the CSV, all text."""
    encoding = detect_encoding(path)[0]
    with path.open(encoding=encoding, newline="") as file:
        header = next(csv.reader(file), [])
    missing = [name for name in OWN_COLUMNS if name not in header]
    if missing:
        message = (
            f"'{path.name}' has no column '{missing[0]}', so it is no export of the quarantine."
        )
        hint = "Repair the file that `visavis quarantine export` wrote, and keep its columns."
        raise ProblemsError([Problem("missing-column", message, hint=hint)])
    if encoding not in ("utf-8", "utf-8-sig"):
        text = path.read_text(encoding=encoding)
        path = context.work() / "repaired.csv"
        path.write_text(text, encoding="utf-8")
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in header)
    context.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_repaired AS SELECT * REPLACE (CAST(_row AS "
        "BIGINT) AS _row) "
        f"FROM read_csv({text_literal(str(path))}, auto_detect = false, header = false, skip = 1, "
        f"columns = {{{columns}}}, delim = ',', quote = '\"', escape = '\"', null_padding = true)"
    )


def _replay_source(context: Context, source: Source) -> Mapping[str, Any]:
    columns = _repaired_of(context, source.name)
    count = context.wh.value("SELECT count(*) FROM collect_back")
    if not count:
        return {"source": source.name, "rows": 0, "events": 0, "quarantined": 0}
    summary = load_back(context, source, columns)
    return summary or {"source": source.name, "rows": count, "events": 0, "quarantined": count}


def _repaired_of(context: Context, source: str) -> list[str]:
    """Makes `collect_back` of a source's repaired rows that are still open; its columns."""
    context.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_back AS SELECT * FROM collect_repaired "
        f"WHERE _source = {text_literal(source)}"
    )
    context.wh.execute(
        "DELETE FROM collect_back WHERE (_file, _row) NOT IN "
        f"(SELECT (file, row_number) FROM ({open_rows(context, source)}))"
    )
    return [c for c in context.wh.columns("collect_back") if c not in (*OWN_COLUMNS, "_line")]


def replay_rateless(context: Context, source: Source) -> list[Mapping[str, Any]]:
    """Takes in what waited for a rate, when the rate tables have changed since."""
    loads = context.loads(source.name)
    waiting = [x for x in loads if x.counts.get("rates") not in (None, rate_tables(context))]
    if not waiting:
        return []
    query = open_rows(context, source.name)
    keys = context.wh.rows(f"SELECT DISTINCT unnest(json_keys(row)) AS k FROM ({query}) ORDER BY k")
    columns = [row[0] for row in keys if row[0] != "_line"]
    picked = "".join(
        f", row ->> {text_literal(chr(36) + '.' + json.dumps(c, ensure_ascii=False))} AS "
        f"{identifier(c)}"
        for c in columns
    )
    context.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_back AS SELECT file AS _file, row_number AS _row"
        f"{picked} FROM ({query}) WHERE reason LIKE 'no-rate%'"
    )
    summary = load_back(context, source, columns)
    for load in waiting:
        context.state.recount(
            load.load_id, {**counts_of(context, load), "rates": rate_tables(context)}
        )
    return [summary] if summary else []


def load_back(context: Context, source: Source, columns: Sequence[str]) -> Mapping[str, Any] | None:
    """Loads `collect_back` (_file, _row, the columns); None when all of it is still bad."""
    files = [
        row[0] for row in context.wh.rows("SELECT DISTINCT _file FROM collect_back ORDER BY 1")
    ]
    listed = ", ".join(text_literal(str(f)) for f in files)
    named = "".join(f", {identifier(c)}" for c in columns)
    context.wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_again AS SELECT "
        f"CAST(list_position([{listed}], _file) AS INTEGER) AS _file, _row{named} FROM collect_back"
    )
    number = context.state.next_number()
    # a contribution of its own beside the file's, closed with it when the file is replaced
    marks = [FileMark(f"{str(f).split('#')[0]}#{number}", 0, 0, "") for f in files]
    table = Table("collect_again", dict.fromkeys(columns, "VARCHAR"), [str(f) for f in files])
    rows = source_rows(context, source, table, context.work())
    making = Making(context, source, _definition(context, source), rows, marks, keep_bad=False)
    making.names = [str(f) for f in files]
    summary = LOADERS[source.kind](making)
    if "load_id" not in summary:
        return None
    earlier = [x for x in context.loads(source.name) if x.load_id != summary["load_id"]]
    # rows that are still bad stand in the new load's quarantine
    close(
        context, earlier, "SELECT _file AS file, _row AS row_number FROM collect_back", "replayed"
    )
    return summary


def _definition(context: Context, source: Source) -> str:
    """The definition that the source's loads were made with."""
    loads = context.loads(source.name)
    return loads[-1].definition if loads else context.definition(source)
