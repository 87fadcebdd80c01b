"""The relations that people are worked out from: `ev`, `li`, `catalogue_products`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.core.progress import Progress
from visavis.store.engines.duckdb_names import SQL_TYPES, identifier, text_literal
from visavis.store.lake import Lake
from visavis.store.relations import Snapshot, create_view, create_views
from visavis.store.warehouse import Warehouse

_EVENT = "seq, ts, event, type, message_id, source, channel, cleared"
_LINE = "seq, line, ts, event, source"


def snapshot(
    wh: Warehouse, project: Project, lake: Lake, loads: Iterable[str], dictionary: Iterable[str]
) -> None:
    """Makes the `lake_...` views over these loads, with the columns of the project."""
    properties = {n: kind for of in project.properties.values() for n, kind in of.items()}
    create_views(
        wh, Snapshot(lake.path, tuple(loads), tuple(dictionary), properties, project.line_fields)
    )


def make_relations(wh: Warehouse, project: Project, merged: bool, only: str | None = None) -> None:
    """Makes `ev` and `li`: what counts of people's events; `persons` must be there.

    Where nobody was merged a node is its person, and no join is paid. `only` tells in SQL whose
    events are wanted: what stands behind `person`, like `BETWEEN 1 AND 9`.
    """
    properties = dict.fromkeys(n for of in project.properties.values() for n in of)
    for name, table, columns in (
        ("ev", "lake_events", [*_EVENT.split(", "), *(f"p_{n}" for n in properties)]),
        ("li", "lake_lines", [*_LINE.split(", "), *(f"l_{n}" for n in project.line_fields)]),
    ):
        taken = ", ".join(f"e.{identifier(column)}" for column in columns)
        person = "n.person" if merged else "e.node AS person"
        column = "n.person" if merged else "e.node"
        chosen = f" AND {column} {only}" if only else ""
        join = " JOIN node_persons AS n ON n.node = e.node" if merged else ""
        create_view(
            wh,
            name,
            f"SELECT {taken}, {person} FROM {table} AS e{join} "
            f"WHERE e.node IS NOT NULL AND e.void IS NOT TRUE{chosen}",
        )


def catalogue_fields(project: Project) -> dict[str, Type]:
    """The fields of all catalogues."""
    return {f.name: f.type for c in project.catalogues.values() for f in c.fields}


def use_catalogue(wh: Warehouse, path: Path) -> None:
    """Makes `catalogue_products` of a build's file."""
    create_view(wh, "catalogue_products", f"SELECT * FROM read_parquet({text_literal(str(path))})")


def make_catalogue(
    wh: Warehouse, project: Project, target: Path, work: Path, progress: Progress
) -> dict[str, str]:
    """Writes the catalogues as one table by product_id, and makes `catalogue_products` of it.

    Where catalogues name the same item, the last value given for a field holds.
    """
    from visavis.collect.catalogue import read_catalogue

    fields = catalogue_fields(project)
    parts = []
    for number, catalogue in enumerate(project.catalogues.values()):
        table = f"catalogue_{number}"
        nameless, unread = read_catalogue(wh, project, catalogue, table, work)
        if nameless or unread:
            progress.note(
                f"catalogue '{catalogue.name}': {nameless} rows name no item and are left out, "
                f"{unread} have a value that can't be read"
            )
        own = {f.name for f in catalogue.fields}
        columns = "".join(", " + _or_null(name, kind, name in own) for name, kind in fields.items())
        parts.append(f"SELECT product_id, {number} AS catalogue, n{columns} FROM {table}")
    wh.write_parquet(_one_row_each(parts, fields), target)
    use_catalogue(wh, target)
    return {name: str(kind) for name, kind in fields.items()}


def _or_null(name: str, kind: Type, own: bool) -> str:
    column = identifier(f"c_{name}")
    return column if own else f"NULL::{SQL_TYPES[kind]} AS {column}"


def _one_row_each(parts: list[str], fields: Mapping[str, Type]) -> str:
    """A row an item: of each field the last value that a catalogue gives."""
    if not parts:
        return "SELECT ''::VARCHAR AS product_id WHERE false"
    merged = "".join(
        f", max_by({identifier(f'c_{n}')}, (catalogue, n)) AS {identifier(f'c_{n}')}"
        for n in fields
    )
    rows = " UNION ALL ".join(parts)
    return f"SELECT product_id{merged} FROM ({rows}) GROUP BY product_id ORDER BY product_id"
