"""How names and constants are written in DuckDB's SQL: the one place where text becomes SQL."""

from __future__ import annotations

from visavis.core.clock import format_time, to_date
from visavis.core.lang.form import Value
from visavis.core.lang.types import SCALE, Type

SQL_TYPES = {
    Type.BOOLEAN: "BOOLEAN",
    Type.INTEGER: "BIGINT",
    Type.DECIMAL: "DECIMAL(18,6)",
    Type.FLOAT: "DOUBLE",
    Type.TEXT: "VARCHAR",
    Type.TIME: "TIMESTAMP",
    Type.DATE: "DATE",
}
"""How each type of the language is held in columns."""


def identifier(name: str) -> str:
    """A name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A text as a quoted constant; a NUL can't stand in SQL text, so it is joined in."""
    parts = ["'" + part.replace("'", "''") + "'" for part in text.split("\0")]
    return parts[0] if len(parts) == 1 else "(" + " || chr(0) || ".join(parts) + ")"


def literal(value: Value, kind: Type) -> str:
    """A value in the Python reader's representation as a constant of its type."""
    if value is None:
        return "NULL" if kind not in SQL_TYPES else f"CAST(NULL AS {SQL_TYPES[kind]})"
    match kind:
        case Type.BOOLEAN:
            return "true" if value else "false"
        case Type.INTEGER:
            return f"CAST({int(value)} AS BIGINT)"
        case Type.DECIMAL:
            return f"CAST({decimal_text(int(value))} AS DECIMAL(18,6))"
        case Type.FLOAT:
            return f"CAST({text_literal(repr(float(value)))} AS DOUBLE)"
        case Type.TEXT:
            return text_literal(str(value))
        case Type.TIME:
            return time_literal(int(value))
        case Type.DATE:
            return f"DATE '{_date_text(int(value))}'"
        case Type.INTERVAL:
            return f"to_milliseconds({int(value)})"
    raise TypeError(f"no constant of type {kind}")


def decimal_text(scaled: int) -> str:
    """Millionths as a plain number with six places."""
    whole, rest = divmod(abs(scaled), SCALE)
    return f"{'-' if scaled < 0 else ''}{whole}.{rest:06d}"


def time_literal(ms: int) -> str:
    """UTC milliseconds as a timestamp constant."""
    return f"TIMESTAMP '{format_time(ms)[:-1].replace('T', ' ')}'"


def _date_text(days: int) -> str:
    return to_date(days).isoformat()


def held(column: str, kind: Type) -> str:
    """SQL that brings a value to how the reader holds it: decimals and times as whole numbers."""
    match kind:
        case Type.DECIMAL:
            return f"CAST(CAST({column} AS DECIMAL(31,6)) * 1000000 AS BIGINT)"
        case Type.TIME:
            return f"epoch_ms({column})"
        case Type.DATE:
            return f"date_diff('day', DATE '1970-01-01', {column})"
        case _:
            return column
