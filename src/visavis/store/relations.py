"""The lake as relations: views over the files of a fixed list of loads, superseded rows gone.

Views cost nothing until they are read. Overlays (rows of earlier loads that a later one replaced
or re-ranked) are joined only for the loads they touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis.core.lang.types import Type
from visavis.store.engines.duckdb_names import SQL_TYPES, identifier, text_literal
from visavis.store.warehouse import Warehouse

EVENT_COLUMNS: Mapping[str, str] = {
    "seq": "BIGINT",
    "message_id": "VARCHAR",
    "type": "VARCHAR",
    "event": "VARCHAR",
    "ts": "TIMESTAMP",
    "received_at": "TIMESTAMP",
    "source": "VARCHAR",
    "channel": "VARCHAR",
    "node": "BIGINT",
    "nodes": "BIGINT[]",
    "revision": "BIGINT",
    "cleared": "VARCHAR[]",
    "void": "BOOLEAN",
    "properties": "VARCHAR",
    "context": "VARCHAR",
}
LINE_COLUMNS: Mapping[str, str] = {
    "seq": "BIGINT",
    "line": "INTEGER",
    "event": "VARCHAR",
    "ts": "TIMESTAMP",
    "node": "BIGINT",
    "message_id": "VARCHAR",
    "source": "VARCHAR",
    "void": "BOOLEAN",
}
_PLAIN: Mapping[str, Mapping[str, str]] = {
    "nodes": {"node": "BIGINT", "kind": "VARCHAR", "value": "VARCHAR"},
    "links": {
        "node_a": "BIGINT",
        "node_b": "BIGINT",
        "rule": "VARCHAR",
        "source": "VARCHAR",
        "first_seen": "TIMESTAMP",
        "last_seen": "TIMESTAMP",
    },
    "sightings": {"node": "BIGINT", "first_seen": "TIMESTAMP", "last_seen": "TIMESTAMP"},
    "bots": {"node": "BIGINT", "since": "TIMESTAMP"},
    "overlay": {"load_id": "VARCHAR", "seq": "BIGINT", "new_seq": "BIGINT"},
    "quarantine": {
        "source": "VARCHAR",
        "reason": "VARCHAR",
        "file": "VARCHAR",
        "row_number": "BIGINT",
        "row": "VARCHAR",
        "received_at": "TIMESTAMP",
        "replayed": "BOOLEAN",
    },
}

_NODES = {name: EVENT_COLUMNS[name] for name in ("seq", "ts", "type", "source", "node", "nodes")}
_TIMED = "CASE WHEN ts > TIMESTAMP '0001-01-01' THEN ts END"
_LIVING = {
    "sightings": f"SELECT n, min({_TIMED}), max({_TIMED}) FROM (SELECT ts, "
    "unnest(coalesce(nodes, [node])) AS n FROM {events}) WHERE n IS NOT NULL GROUP BY n",
    "links": f"SELECT node, n, rule, source, min({_TIMED}), max({_TIMED}) FROM ("
    "SELECT node, ts, source, CASE type WHEN 'alias' THEN 'alias' ELSE 'same row' END AS rule, "
    "unnest(nodes) AS n FROM {events}) WHERE n <> node GROUP BY node, n, rule, source",
}
"""Sightings and links as the rows of a load show them; see collect for how they are written."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which loads of a lake are looked at, oldest first, and the columns that the project names.

    `dictionary`: every load ever made, for a load that no longer counts may have named a node.
    """

    path: Path
    loads: tuple[str, ...]
    dictionary: tuple[str, ...]
    properties: Mapping[str, Type]
    line_fields: Mapping[str, Type]
    attributed: Path | None = None
    """Events of shared identifiers (seq) and the identifier (node) that they count for."""

    def files(self, name: str) -> list[Path]:
        loads = self.dictionary if name == "nodes" else self.loads
        paths = (self.path / load / f"{name}.parquet" for load in loads)
        return [path for path in paths if path.exists()]


def texts(values: Iterable[object]) -> str:
    """A list of text constants for SQL."""
    return "[" + ", ".join(text_literal(str(v)) for v in values) + "]"


def columns_of(fixed: Mapping[str, str], prefix: str, fields: Mapping[str, Type]) -> dict[str, str]:
    """Column -> SQL type: the fixed ones, then a prefixed one for each field."""
    return {**fixed, **{f"{prefix}{name}": SQL_TYPES[kind] for name, kind in fields.items()}}


def create_views(wh: Warehouse, lake: Snapshot, prefix: str = "lake_") -> None:
    """Makes `lake_events`, `lake_lines`, `lake_nodes`, `lake_links`, `lake_sightings` and so on."""
    for name in ("nodes", "quarantine", "bots"):
        create_view(wh, prefix + name, scan(wh, lake.files(name), _PLAIN[name]))
    touched = _overlay(wh, lake, f"{prefix}overlay")
    for name, living in _LIVING.items():
        create_view(wh, prefix + name, _seen(wh, lake, name, living, f"{prefix}overlay", touched))
    for name, columns in (
        ("events", columns_of(EVENT_COLUMNS, "p_", lake.properties)),
        ("lines", columns_of(LINE_COLUMNS, "l_", lake.line_fields)),
    ):
        query = _current(wh, lake, name, columns, touched, f"{prefix}overlay")
        create_view(wh, prefix + name, query)
    if lake.attributed is not None:
        attribute(wh, f"read_parquet({text_literal(str(lake.attributed))})", prefix)


def attribute(wh: Warehouse, attributed: str, prefix: str = "lake_") -> None:
    """Lets events of shared identifiers count for the node that `attributed` (seq, node) names."""
    for name in ("events", "lines"):
        (query,) = (sql for (sql,) in wh.rows(_DEFINITION, [prefix + name]))
        create_view(wh, f"{prefix}{name}_given", query.partition(" AS ")[2].rstrip(" ;\n"))
        create_view(
            wh,
            prefix + name,
            "SELECT e.* REPLACE (coalesce(a.node, e.node) AS node) "
            f"FROM {prefix}{name}_given AS e LEFT JOIN {attributed} AS a ON a.seq = e.seq",
        )


_DEFINITION = "SELECT sql FROM duckdb_views() WHERE view_name = $1 AND temporary"


def create_view(wh: Warehouse, name: str, query: str) -> None:
    """A view of that name, in place of any before."""
    wh.execute(f"CREATE OR REPLACE TEMP VIEW {identifier(name)} AS {query}")


def scan(wh: Warehouse, files: Sequence[Path], columns: Mapping[str, str]) -> str:
    """A query for `columns` of all `files`; a column that a file lacks is null there."""
    if not files:
        return _nothing(columns)
    names = texts(files)
    found = wh.rows(f"SELECT DISTINCT name FROM parquet_schema({names})")
    present = {row[0] for row in found}
    return f"SELECT {_select(columns, present)} FROM read_parquet({names}, union_by_name = true)"


def _select(columns: Mapping[str, str], present: set[str]) -> str:
    return ", ".join(
        identifier(name) if name in present else f"NULL::{kind} AS {identifier(name)}"
        for name, kind in columns.items()
    )


def _nothing(columns: Mapping[str, str]) -> str:
    return f"SELECT {_select(columns, set())} WHERE false"


def _overlay(wh: Warehouse, lake: Snapshot, name: str) -> dict[str, bool]:
    """Makes the overlay table, of the latest word on each row; whether it voids rows, by load."""
    files = lake.files("overlay")
    if not files:
        return {}
    names = wh.rows(f"SELECT DISTINCT name FROM parquet_schema({texts(files)})")
    void = "coalesce(bool_or(void), false)" if ("void",) in names else "false"
    # the word of the latest load holds, but a row once replaced stays dead
    wh.execute(
        f"CREATE OR REPLACE TEMP TABLE {identifier(name)} AS "
        "SELECT load_id, seq, CASE WHEN bool_or(new_seq IS NULL) THEN NULL "
        f"ELSE max_by(new_seq, filename) END AS new_seq, {void} AS void "
        f"FROM read_parquet({texts(files)}, filename = true, union_by_name = true) "
        "GROUP BY load_id, seq"
    )
    rows = wh.rows(f"SELECT load_id, bool_or(void) FROM {identifier(name)} GROUP BY load_id")
    return {load: voids for load, voids in rows if load in lake.loads}


def _seen(
    wh: Warehouse, lake: Snapshot, name: str, living: str, overlay: str, touched: Mapping[str, bool]
) -> str:
    """Sightings or links; of loads with replaced rows only what the rows that hold still show.

    So it makes no difference whether a correction came in the same load or in a later one.
    """
    gone: dict[str, bool] = {}
    if touched:
        rows = wh.rows(f"SELECT DISTINCT load_id FROM {identifier(overlay)} WHERE new_seq IS NULL")
        dead = {row[0] for row in rows}
        gone = {load: voids for load, voids in touched.items() if load in dead}
    calm = [load for load in lake.loads if load not in gone]
    parts = [scan(wh, _files(lake, name, calm), _PLAIN[name])]
    for load in sorted(gone):
        events = _current(
            wh, Snapshot(lake.path, (load,), (), {}, {}), "events", _NODES, gone, overlay
        )
        parts.append(living.format(events=f"({events})"))
    return " UNION ALL ".join(parts)


def _current(
    wh: Warehouse,
    lake: Snapshot,
    name: str,
    columns: Mapping[str, str],
    touched: Mapping[str, bool],
    overlay: str,
) -> str:
    """The rows of events or lines that hold, at their present place in the log.

    An event that another source tells better is void, and its lines are gone. Where no row is, the
    column stays as it is, so that the files are read less.
    """
    calm = [load for load in lake.loads if load not in touched]
    parts = [scan(wh, _files(lake, name, calm), columns)]
    for load, voids in sorted(touched.items()):
        void = ", (o.void IS TRUE OR e.void) AS void" if voids and "void" in columns else ""
        beside = " AND o.void IS NOT TRUE" if voids and name == "lines" else ""
        rows = scan(wh, _files(lake, name, [load]), columns)
        parts.append(
            f"SELECT e.* REPLACE (coalesce(o.new_seq, e.seq) AS seq{void}) FROM ({rows}) AS e "
            f"LEFT JOIN {identifier(overlay)} AS o "
            f"ON o.load_id = {text_literal(load)} AND o.seq = e.seq "
            f"WHERE (o.seq IS NULL OR o.new_seq IS NOT NULL){beside}"
        )
    return " UNION ALL ".join(parts)


def _files(lake: Snapshot, name: str, loads: Sequence[str]) -> list[Path]:
    return Snapshot(lake.path, tuple(loads), (), {}, {}).files(name)
