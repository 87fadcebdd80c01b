"""Segments for everybody: members with since when, and who came and went between two builds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from visavis.store.engines.duckdb_names import text_literal
from visavis.store.warehouse import Warehouse

PREFIX = "segment "
"""Names of segments' conditions in the table of since when, apart from those of tags."""
MEMBERS = "segment, person_id, since"


def write_members(wh: Warehouse, target: Path) -> dict[str, int]:
    """Writes `segment_members` from the tables `since` and `persons`; members by segment."""
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE segment_members AS "
        f"SELECT substr(s.name, {len(PREFIX) + 1}) AS segment, p.person_id, s.since "
        f"FROM since AS s JOIN persons AS p USING (person) WHERE starts_with(s.name, '{PREFIX}')"
    )
    wh.write_parquet(f"SELECT {MEMBERS} FROM segment_members ORDER BY segment, person_id", target)
    rows = wh.rows("SELECT segment, count(*) FROM segment_members GROUP BY segment")
    return {str(segment): int(count) for segment, count in rows}


def write_changes(
    wh: Warehouse, target: Path, before: Path | None, shared: Sequence[str], at: str
) -> int:
    """Writes `segment_changes`: who entered and who left since the members in `before`.

    Only segments of both builds (`shared`) have changes: where there was no segment
    nobody came. `at` is the moment of this build as a timestamp constant. Returns the changes.
    """
    if before is None or not shared:
        return wh.write_parquet(_no_changes(at), target)
    names = ", ".join(text_literal(name) for name in shared)
    old = (
        f"SELECT segment, person_id FROM read_parquet({text_literal(str(before))}) "
        f"WHERE segment IN ({names})"
    )
    new = f"SELECT segment, person_id FROM segment_members WHERE segment IN ({names})"
    return wh.write_parquet(
        f"SELECT segment, person_id, change, {at} AS timestamp FROM ("
        f"SELECT *, 'entered' AS change FROM ({new} EXCEPT {old}) UNION ALL "
        f"SELECT *, 'exited' AS change FROM ({old} EXCEPT {new})) "
        "ORDER BY segment, person_id, change",
        target,
    )


def _no_changes(at: str) -> str:
    return (
        "SELECT ''::VARCHAR AS segment, ''::VARCHAR AS person_id, ''::VARCHAR AS change, "
        f"{at} AS timestamp WHERE false"
    )
