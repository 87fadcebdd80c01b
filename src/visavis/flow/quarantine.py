"""`quarantine`: what could not be used and why; out for repair, and in again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from visavis.collect import quarantine as kept
from visavis.collect.kept import as_text
from visavis.collect.live_load import SOURCE as LIVE
from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.core.progress import Progress
from visavis.flow.projects import changing, load_project, open_warehouse, state_of
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.lake import Lake
from visavis.store.state import State
from visavis.store.warehouse import Warehouse


def summary(root: Path, source: str | None = None) -> list[dict[str, Any]]:
    """Open rows by source and reason, most first: source, reason, rows, and the first of them."""
    with _open_rows(root, source) as wh:
        found = wh.rows(
            "SELECT source, reason, count(*), arg_min(file, (file, row_number)), "
            "arg_min(row_number, (file, row_number)) FROM open_rows "
            "GROUP BY source, reason ORDER BY 3 DESC, 1, 2"
        )
    names = ("source", "reason", "rows", "first_file", "first_row")
    return [dict(zip(names, row, strict=True)) for row in found]


def export(root: Path, source: str | None = None) -> str:
    """The open rows as CSV: their own columns after where they came from and what is wrong."""
    with _open_rows(root, source) as wh:
        found = wh.rows(
            'SELECT source, reason, file, row_number, "row" FROM open_rows '
            "ORDER BY source, file, row_number"
        )
    rows = [(place, json.loads(row, parse_float=Decimal)) for *place, row in found]
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*kept.OWN_COLUMNS, *names])
    for place, row in rows:
        writer.writerow([*place, *(_cell(row.get(name)) for name in names)])
    return out.getvalue()


def replay(root: Path, repaired: Path, now_ms: int, progress: Progress) -> list[dict[str, Any]]:
    """Takes an exported and repaired CSV in again; tells source, rows, events and quarantined.

    Rows that are still bad stay where they are, with their new reason; the next build has the rest.
    """
    project = load_project(root)
    with changing(project, "quarantine replay", now_ms) as (lake, db, wh):
        made = kept.replay(project, lake, db, wh, now_ms, progress, repaired)
    return [{name: told.get(name) for name in REPLAYED} for told in made]


REPLAYED = ("source", "rows", "events", "quarantined")
"""What a replay tells of each source."""


def _cell(value: Any) -> Any:
    return as_text(value) if isinstance(value, (bool, dict, list)) else value


@contextmanager
def _open_rows(root: Path, source: str | None) -> Iterator[Warehouse]:
    """A warehouse with the view `open_rows`: quarantined rows that were not taken in since."""
    project = load_project(root)
    _check_source(project, source)
    with open_warehouse(project) as wh:
        files = _files(project)
        listed = ", ".join(text_literal(str(path)) for path in files)
        table = (
            f"SELECT * FROM read_parquet([{listed}], union_by_name = true) WHERE NOT replayed"
            if files
            else "SELECT '' AS source, '' AS reason, '' AS file, 0 AS row_number, '' AS \"row\" "
            "WHERE false"
        )
        kept = f" AND source = {text_literal(source)}" if source and files else ""
        wh.execute(f"CREATE TEMP VIEW open_rows AS {table}{kept}")
        yield wh


def _files(project: Project) -> list[Path]:
    state = state_of(project)
    if not (state / "state.db").exists():
        return []
    with State(state / "state.db") as db:
        return Lake(state).files("quarantine", db.loads())


def _check_source(project: Project, source: str | None) -> None:
    if source is not None and source not in (*project.sources, LIVE):
        message = f"There is no source '{source}'."
        hint = nearest(source, project.sources)
        raise ProblemsError([Problem("unknown-name", message, hint=hint)])
