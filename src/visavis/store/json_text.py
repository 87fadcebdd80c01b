"""Rows as JSON text, in SQL: how events show their properties and products to users."""

from __future__ import annotations

import json
from collections.abc import Mapping

from visavis.core.lang.types import Type
from visavis.store.engines.duckdb_names import identifier, text_literal


def time_text(column: str) -> str:
    """SQL for a UTC timestamp as '2011-12-09T12:50:00Z', with a fraction only when not zero."""
    fraction = f"rtrim(rtrim(strftime({column}, '.%g'), '0'), '.')"
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S') || {fraction} || 'Z'"


def decimal_text(column: str) -> str:
    """SQL for a decimal without needless zeros."""
    return f"rtrim(rtrim(CAST({column} AS VARCHAR), '0'), '.')"


def value_text(column: str, kind: Type) -> str:
    """SQL for a value as JSON text."""
    match kind:
        case Type.DECIMAL:
            return decimal_text(column)
        case Type.TIME:
            return f"'\"' || {time_text(column)} || '\"'"
        case Type.DATE:
            return f"'\"' || strftime({column}, '%Y-%m-%d') || '\"'"
        case _:
            return f"CAST(to_json({column}) AS VARCHAR)"


def members(alias: str, prefix: str, fields: Mapping[str, Type]) -> list[str]:
    """SQL for each field as `"name":value`, null where it has no value."""
    parts = []
    for name, kind in fields.items():
        column = f"{alias}.{identifier(prefix + name)}"
        key = text_literal(json.dumps(name, ensure_ascii=False) + ":")
        parts.append(f"{key} || {value_text(column, kind)}")
    return parts


def object_text(parts: list[str]) -> str:
    """SQL for a JSON object of the members that have a value."""
    return f"'{{' || concat_ws(',', {', '.join(parts)}) || '}}'" if parts else "'{}'"
