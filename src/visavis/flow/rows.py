"""Rows of the lake as the Python reader holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visavis.core.lang.form import Value
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.store.engines.duckdb_names import held, identifier
from visavis.store.warehouse import Warehouse


def events_of(
    wh: Warehouse, project: Project, events: str, lines: str, where: str, also: str = ""
) -> list[dict[str, Any]]:
    """The chosen rows of two relations like the lake's, as `History.from_events` takes them."""
    properties = {n: kind for of in project.properties.values() for n, kind in of.items()}
    rows = wh.arrow(
        f"SELECT {also}seq, message_id, type, event, epoch_ms(ts) AS ts, source, channel, cleared, "
        f"{held_columns('p_', properties)} FROM {events} WHERE {where} ORDER BY seq"
    ).to_pylist()
    items = wh.arrow(
        f"SELECT seq, {held_columns('l_', project.line_fields)} FROM {lines} "
        f"WHERE {where} ORDER BY seq, line"
    ).to_pylist()
    products: dict[int, list[dict[str, Value]]] = {}
    for item in items:
        products.setdefault(item.pop("seq"), []).append(as_held(item, "l_"))
    for row in rows:
        row["properties"] = as_held(row, "p_")
        row["products"] = products.get(row["seq"], [])
    return rows


def as_held(row: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """The fields of a row without the prefix of their columns."""
    return {name[len(prefix) :]: value for name, value in row.items() if name.startswith(prefix)}


def held_columns(prefix: str, fields: Mapping[str, Type]) -> str:
    """SQL that brings columns to values of the reader: whole numbers for decimals and times."""
    parts = []
    for name, kind in fields.items():
        column = identifier(prefix + name)
        parts.append(f"{held(column, kind)} AS {column}")
    return ", ".join(parts) or "NULL AS nothing"
