"""The types of the definition language and how a value of each is held by the Python reader."""

from __future__ import annotations

from enum import StrEnum


class Type(StrEnum):
    """A value's type. In Python and in DuckDB respectively it is held as:

    - BOOLEAN: bool, BOOLEAN
    - INTEGER: int within 64 bits, BIGINT
    - DECIMAL: int scaled by 10**6 within +-(10**18 - 1), DECIMAL(18,6)
    - FLOAT: float (only from models), DOUBLE
    - TEXT: str in NFC, VARCHAR
    - TIME: int milliseconds since 1970 UTC, TIMESTAMP (UTC, whole milliseconds)
    - DATE: int days since 1970-01-01, DATE
    - INTERVAL: int milliseconds, literal only
    - NULL: the type of a bare `null`; fits every other
    """

    BOOLEAN = "boolean"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    TEXT = "text"
    TIME = "time"
    DATE = "date"
    INTERVAL = "interval"
    NULL = "null"


SCALE = 1_000_000
"""Decimals are held as integers of this many parts."""
DECIMAL_LIMIT = 10**18 - 1
"""Largest absolute scaled decimal; beyond it a result is null."""
INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1
TIME_MIN, TIME_MAX = -62_135_596_800_000, 253_402_300_799_999
"""0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999Z; beyond them a result is null."""
DAY_MS = 86_400_000
DATE_MIN, DATE_MAX = TIME_MIN // DAY_MS, TIME_MAX // DAY_MS
"""0001-01-01 and 9999-12-31, which every tool can hold."""
