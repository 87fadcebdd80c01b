"""Erasure in the lake: what names an erased person goes, and never comes in again.

A load in the making drops such rows before they are written; loads that are there are written
anew without them. Both tell them by keyed hashes, so doing it again changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis.core.identifiers import normal_value
from visavis.store import crash, erased
from visavis.store.disk import put
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.erased import hash_of
from visavis.store.key import project_key
from visavis.store.lake import Lake
from visavis.store.state import State
from visavis.store.warehouse import Warehouse

if TYPE_CHECKING:
    from visavis.collect.making import Making

FACT = "erasing"
"""Name of the state's fact: an erasure that is not done everywhere yet."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What still has to go: these nodes, events by their message ids, and builds by their ids."""

    nodes: Sequence[int] = ()
    messages: Sequence[str] = ()
    builds: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "nodes": list(self.nodes), "messages": list(self.messages), "builds": list(self.builds)
        }  # fmt: skip


def pending(state: State) -> Pending:
    """The erasure that is under way; empty where none is."""
    found = state.fact(FACT) or {}
    return Pending(found.get("nodes", ()), found.get("messages", ()), found.get("builds", ()))


def drop_erased(making: Making) -> None:
    """Takes rows out of `collect_new` that name somebody erased, dated up to then or undated."""
    state = making.context.state
    told = erased.noted(state.db)
    if not told:
        return
    wh, key = making.wh, project_key(making.context.lake.state)
    rows = wh.rows(
        "SELECT kind, raw, value, node FROM collect_raw_ids JOIN collect_ids USING (kind, raw)"
    )
    until = {
        int(node): told[text]
        for kind, _, value, node in rows
        if (text := hash_of(key, kind, value)) in told
    }
    if not until:
        return
    values = ", ".join(f"({node}, {at})" for node, at in until.items())
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_erased AS SELECT * FROM "
        f"(VALUES {values}) AS t(node, until)"
    )
    test = (
        "EXISTS (FROM collect_erased AS x WHERE (x.node = collect_new.node OR "
        "list_contains(collect_new.nodes, x.node)) AND collect_new.ms <= x.until)"
    )
    before = int(wh.value("SELECT count(*) FROM collect_new"))
    wh.execute(f"DELETE FROM collect_new WHERE {test}")
    making.counts["erased"] = before - int(wh.value("SELECT count(*) FROM collect_new"))
    # an identifier that nothing names any more is not kept either
    wh.execute(
        "DELETE FROM collect_nodes WHERE node IN (SELECT node FROM collect_erased) AND node NOT IN "
        "(SELECT node FROM collect_new WHERE node IS NOT NULL UNION ALL "
        "SELECT unnest(nodes) FROM collect_new WHERE nodes IS NOT NULL)"
    )


def rewrite(lake: Lake, state: State, wh: Warehouse, what: Pending, kinds: Collection[str]) -> int:
    """Writes every file of the lake anew that names what is to go; how many events went."""
    nodes = f"[{', '.join(str(int(n)) for n in what.nodes)}]::BIGINT[]"
    messages = f"[{', '.join(text_literal(m) for m in what.messages)}]::VARCHAR[]"
    wh.execute(
        f"CREATE OR REPLACE TEMP TABLE gone_nodes AS SELECT unnest({nodes}) AS node; "
        f"CREATE OR REPLACE TEMP TABLE gone_messages AS SELECT unnest({messages}) AS message_id; "
        "CREATE OR REPLACE TEMP TABLE gone_rows (load_id VARCHAR, seq BIGINT)"
    )
    told, key, went = erased.noted(state.db), project_key(lake.state), 0
    for load in state.loads(active_only=False):
        folder = lake.folder(load.load_id)
        gone = _events(wh, folder, load.load_id)
        if gone:
            counts = dict(load.counts)
            counts["events"] = max(0, int(counts.get("events", 0)) - gone)
            state.recount(load.load_id, counts)
        went += gone
        for name, where in _WHERE.items():
            _without(wh, folder / f"{name}.parquet", where)
        _quarantine(wh, folder / "quarantine.parquet", told, key, kinds)
        _costs(wh, folder / "costs.parquet", told, key)
        crash.point("erase-load")
    for load in state.loads(active_only=False):
        _without(
            wh, lake.folder(load.load_id) / "overlay.parquet",
            "EXISTS (FROM gone_rows AS g WHERE g.load_id = t.load_id AND g.seq = t.seq)",
        )  # fmt: skip
    return went


_NODES = "(SELECT node FROM gone_nodes)"
_WHERE: Mapping[str, str] = {
    "nodes": f"node IN {_NODES}",
    "links": f"node_a IN {_NODES} OR node_b IN {_NODES}",
    "sightings": f"node IN {_NODES}",
}
"""File of a load -> which of its rows go."""


def _events(wh: Warehouse, folder: Path, load_id: str) -> int:
    """Takes the events and their lines out of a load; how many events."""
    path = folder / "events.parquet"
    if not path.exists():
        return 0
    source = f"read_parquet({text_literal(str(path))})"
    wh.execute(
        f"CREATE OR REPLACE TEMP TABLE gone_here AS SELECT seq FROM {source} "
        f"WHERE node IN {_NODES} OR (nodes IS NOT NULL AND "
        "list_has_any(nodes, (SELECT list(node) FROM gone_nodes))) "
        "OR message_id IN (SELECT message_id FROM gone_messages)"
    )
    count = int(wh.value("SELECT count(*) FROM gone_here"))
    if count:
        wh.execute(f"INSERT INTO gone_rows SELECT {text_literal(load_id)}, seq FROM gone_here")
        # first the lines: without their events nothing would tell them any more
        for name in ("lines", "events"):
            _without(wh, folder / f"{name}.parquet", "seq IN (SELECT seq FROM gone_here)")
    return count


def _without(wh: Warehouse, path: Path, where: str) -> None:
    """Writes a file anew without some of its rows, in its order."""
    if not path.exists():
        return
    source = f"read_parquet({text_literal(str(path))}, file_row_number = true) AS t"
    if not wh.value(f"SELECT count(*) FROM {source} WHERE {where}"):
        return
    new = path.with_suffix(".new")
    wh.execute("SET preserve_insertion_order = true")
    kept = wh.write_parquet(
        f"SELECT * EXCLUDE (file_row_number) FROM {source} WHERE ({where}) IS NOT TRUE "
        "ORDER BY file_row_number",
        new,
    )
    wh.execute("SET preserve_insertion_order = false")
    if not kept:
        path.unlink()
        new.unlink()
        return
    put(new, path)


def _quarantine(
    wh: Warehouse, path: Path, told: Mapping[str, int], key: bytes, kinds: Collection[str]
) -> None:
    """Takes rows out of a quarantine that hold an erased identifier as one of their values."""
    if not path.exists():
        return
    rows = wh.rows(
        f"SELECT file_row_number, row FROM read_parquet({text_literal(str(path))}, "
        "file_row_number = true)"
    )
    gone = [
        int(number)
        for number, row in rows
        if any(
            hash_of(key, kind, normal_value(kind, value)) in told
            for value in _texts(row)
            for kind in kinds
        )
    ]
    if gone:
        _without(wh, path, f"file_row_number IN ({', '.join(map(str, gone))})")


def _texts(row: str | None) -> set[str]:
    """Every text and number in a row's JSON."""
    try:
        left = [json.loads(row or "null")]
    except ValueError:
        return set()
    found: set[str] = set()
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value
        elif value is not None and not isinstance(value, bool):
            found.add(str(value).strip())
    return found


def _costs(wh: Warehouse, path: Path, told: Mapping[str, int], key: bytes) -> None:
    """Takes what an erased customer cost out of a cost table."""
    if not path.exists():
        return
    source = f"read_parquet({text_literal(str(path))})"
    names = [
        str(name)
        for (name,) in wh.rows(f"SELECT DISTINCT customer FROM {source} WHERE customer IS NOT NULL")
        if hash_of(key, "customer_id", normal_value("customer_id", str(name))) in told
    ]
    if names:
        _without(wh, path, f"customer IN ({', '.join(map(text_literal, names))})")
