"""Rows in quarantine: those that are open, and closing them once replayed or replaced.

A load's other files never change; its quarantine is rewritten beside and renamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from visavis.collect import ranks
from visavis.collect.context import Context
from visavis.store.disk import put
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.state import Load


def open_rows(context: Context, source: str) -> str:
    """A query for a source's rows in quarantine: file, row_number, reason, row, received_at."""
    files = context.lake.files("quarantine", context.loads(source))
    if not files:
        return (
            "SELECT NULL::VARCHAR AS file, NULL::BIGINT AS row_number, NULL::VARCHAR AS reason, "
            "NULL::VARCHAR AS row, NULL::TIMESTAMP AS received_at WHERE false"
        )
    return (
        "SELECT file, row_number, reason, row, received_at FROM "
        f"read_parquet({ranks.listed(files)}, union_by_name = true) WHERE NOT replayed"
    )


def rate_tables(context: Context) -> list[str]:
    """Which loads of rate tables count now."""
    kinds = {s.name for s in context.project.sources.values() if s.kind == "rates"}
    return [load.load_id for load in context.loads() if load.source in kinds]


def counts_of(context: Context, load: Load) -> Mapping[str, Any]:
    """The counts of a load as they are now."""
    return next(x.counts for x in context.loads(load.source) if x.load_id == load.load_id)


def close_replaced(context: Context, loads: Sequence[Load], paths: Iterable[str]) -> None:
    """Closes the rows of earlier versions of files: the new version speaks for itself."""
    listed = ", ".join(text_literal(path) for path in paths)
    if not listed:
        return
    close(
        context,
        loads,
        f"SELECT DISTINCT file, row_number FROM collect_open WHERE file IN ({listed})",
        "file replaced",
    )


def close(context: Context, loads: Sequence[Load], rows: str, why: str) -> None:
    """Marks rows (a query of file, row_number) in the quarantine of these loads."""
    for load in loads:
        path = context.lake.folder(load.load_id) / "quarantine.parquet"
        if not path.exists():
            continue
        _mark(context, path, rows, why)
        left = context.wh.value(
            f"SELECT count(*) FROM read_parquet({text_literal(str(path))}) WHERE NOT replayed"
        )
        counts = {**counts_of(context, load), "quarantined": left}
        context.state.recount(load.load_id, counts)


def _mark(context: Context, path: Path, rows: str, why: str) -> None:
    wh = context.wh
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_open AS SELECT * FROM "
        f"read_parquet({text_literal(str(path))})"
    )
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_closed AS {rows}")
    found = wh.value(
        "SELECT count(*) FROM collect_open SEMI JOIN collect_closed USING (file, "
        "row_number) WHERE NOT replayed"
    )
    if not found:
        return
    new = path.with_suffix(".new")
    done = "(o.replayed OR c.file IS NOT NULL)"
    wh.write_parquet(
        f"SELECT o.* REPLACE ({done} AS replayed, CASE WHEN o.replayed THEN o.closed "
        f"WHEN c.file IS NOT NULL THEN {text_literal(why)} END AS closed) FROM collect_open AS o "
        "LEFT JOIN (SELECT DISTINCT file, row_number FROM collect_closed) AS c "
        "USING (file, row_number) ORDER BY file, row_number",
        new,
    )
    put(new, path)
