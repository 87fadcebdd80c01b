"""Entries into segments and exits as events, recorded once by the build that saw them."""

from __future__ import annotations

from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.lake import Lake
from visavis.store.state import State
from visavis.store.warehouse import Warehouse


def record_entries(build: Build, lake: Lake, state: State, wh: Warehouse) -> None:
    """Appends `Segment Entered` and `Segment Exited` events of a published build to the lake.

    Only a build of the present that came after another records any; doing it again, after a crash
    between the two, changes nothing.
    """
    manifest = build.manifest
    if not manifest["of_now"] or manifest["before"] is None:
        return
    from visavis.collect.own import append

    changes, persons = (
        text_literal(str(build.table(name))) for name in ("segment_changes", "persons")
    )
    query = (
        f"SELECT 'visavis:{build.id}:' || c.change || ':' || c.segment || ':' || c.person_id "
        f"AS message_id, {build.as_of}::BIGINT AS ms, "
        "CASE c.change WHEN 'entered' THEN 'Segment Entered' ELSE 'Segment Exited' END AS event, "
        f"NULL::VARCHAR AS channel, p.person AS node, c.segment AS p_segment "
        f"FROM read_parquet({changes}) AS c "
        f"JOIN read_parquet({persons}) AS p ON p.person_id = c.person_id AND p.node = p.person"
    )
    append(wh, lake, state, query, f"build:{build.id}", build.as_of)
