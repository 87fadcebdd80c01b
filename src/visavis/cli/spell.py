"""How values are spelled in CSV, JSON and tables: whole columns at a time, the same everywhere.

Integers without point, decimals plain and without trailing zeros, times `2011-12-09T12:50:00Z`
with a fraction only when it is not zero, dates ISO, booleans true and false.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any

import pyarrow as pa
from pyarrow import compute

pc: Any = compute  # its stubs know fewer argument types than it takes

_TRAILING_ZEROS = r"\.?0+$"
_NEEDS_QUOTES = r'[",\r\n]'
_NEEDS_ESCAPE = r'["\\\x00-\x1f]'


def csv_cells(column: pa.Array[Any]) -> Any:
    """The column as CSV fields: null is empty, an empty text is "" so that the two stay apart."""
    text = pc.cast(_text(_decoded(column)), pa.large_string())
    quoted = pc.or_(pc.match_substring_regex(text, _NEEDS_QUOTES), pc.equal(text, ""))
    if pc.any(quoted).as_py():
        doubled = pc.replace_substring(text, '"', '""')
        text = pc.if_else(quoted, _joined('"', doubled, '"'), text)
    return pc.fill_null(text, "")


def json_cells(column: pa.Array[Any]) -> Any:
    """The column as JSON values; decimals are numbers, exactly; NaN and infinity are null."""
    column = _decoded(column)
    if pa.types.is_nested(column.type):
        cells = [None if v is None else dump(v) for v in column.to_pylist()]
        return pc.fill_null(pa.array(cells, pa.large_string()), "null")
    text = pc.cast(_text(column), pa.large_string())
    if pa.types.is_floating(column.type):
        text = pc.if_else(pc.is_finite(column), text, pa.scalar(None, text.type))
    elif not (_is_number(column.type) or pa.types.is_boolean(column.type)):
        text = _json_text(text)
    return pc.fill_null(text, "null")


def text_cells(column: pa.Array[Any]) -> list[str]:
    """The column for human eyes: null is empty."""
    return [v if v is not None else "" for v in _text(_decoded(column)).to_pylist()]


def is_number(kind: pa.DataType) -> bool:
    """Whether a column stands on the right in a table."""
    return _is_number(kind)


def dump(value: Any) -> str:
    """One compact line of JSON for plain values: mappings, sequences, decimals, times, dates."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_quote(str(k))}:{dump(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return "[" + ",".join(dump(v) for v in items) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, Enum):
        finite = isinstance(value, int) or math.isfinite(value)
        return plain(value) if finite else "null"
    return _quote(plain(value))


def plain(value: Any) -> str:
    """One value as text, spelled as in the columns; null is empty."""
    for kinds, spell in _SPELL:
        if isinstance(value, kinds):
            return spell(value)
    return dump(value) if isinstance(value, (Mapping, list, tuple)) else str(value)


def _plain_number(value: int | float | Decimal) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        value = Decimal(repr(value))
    text = str(value) if isinstance(value, int) else format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _plain_time(value: datetime) -> str:
    moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    text = moment.isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


_SPELL: Sequence[tuple[Any, Callable[[Any], str]]] = (
    (type(None), lambda v: ""),
    (bool, lambda v: "true" if v else "false"),
    (Enum, lambda v: str(v.value)),
    ((int, float, Decimal), _plain_number),
    (datetime, _plain_time),
    ((date, time), lambda v: str(v.isoformat())),
    (bytes, lambda v: str(v.hex())),
    ((str, PurePath), str),
)


def _decoded(column: Any) -> pa.Array[Any]:
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    decoded: pa.Array[Any] = column
    return decoded


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def _text(column: pa.Array[Any]) -> Any:
    kind = column.type
    if pa.types.is_decimal(kind):
        return _decimal_text(column)
    if pa.types.is_floating(kind):
        return _float_text(column)
    if pa.types.is_timestamp(kind):
        return _time_text(column)
    if pa.types.is_time(kind):
        text = pc.cast(pc.cast(column, pa.time64("us")), pa.string())
        return pc.replace_substring_regex(text, _TRAILING_ZEROS, "")
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if v is None else plain(v) for v in column.to_pylist()], pa.string())
    if pa.types.is_interval(kind):
        return pa.array([None if v is None else _interval(v) for v in column.to_pylist()])
    return pc.cast(column, pa.string())


def _decimal_text(column: pa.Array[Any]) -> Any:
    if column.type.scale <= 0:
        return pc.cast(column, pa.string())
    text = pc.replace_substring_regex(pc.cast(column, pa.string()), _TRAILING_ZEROS, "")
    # beyond 6 places arrow writes small numbers with an exponent
    return _respelled(text, column, "E") if column.type.scale > 6 else text


def _float_text(column: pa.Array[Any]) -> Any:
    text = pc.cast(column, pa.string())
    return _respelled(pc.if_else(pc.equal(text, "-0"), "0", text), column, "e")


def _respelled(text: Any, column: pa.Array[Any], mark: str) -> Any:
    """`text` with the rows that contain `mark` spelled one by one."""
    odd = pc.fill_null(pc.match_substring(text, mark), False)
    if not pc.any(odd).as_py():
        return text
    values = [plain(v) for v in column.filter(odd).to_pylist()]
    return pc.replace_with_mask(text, odd, pa.array(values, text.type))


def _time_text(column: pa.Array[Any]) -> Any:
    # a nanosecond is never more than the microsecond it is in: cut, as everywhere
    moments = pc.cast(column, pa.timestamp("us"), safe=False)
    text = pc.replace_substring(pc.cast(moments, pa.string()), " ", "T")
    text = pc.replace_substring_regex(text, _TRAILING_ZEROS, "")
    return _joined(text, "Z")


def _interval(value: Any) -> str:
    seconds = Decimal(value.nanoseconds) / 1_000_000_000
    parts = ((value.months, "months"), (value.days, "days"), (seconds, "seconds"))
    return " ".join(f"{plain(n)} {unit}" for n, unit in parts if n) or "0 days"


def _json_text(text: Any) -> Any:
    odd = pc.fill_null(pc.match_substring_regex(text, _NEEDS_ESCAPE), False)
    if pc.any(odd).as_py():
        values = [_quote(v)[1:-1] for v in text.filter(odd).to_pylist()]
        text = pc.replace_with_mask(text, odd, pa.array(values, text.type))
    return _joined('"', text, '"')


def _joined(*parts: Any) -> Any:
    kind = next(p.type for p in parts if not isinstance(p, str))
    parts = tuple(pa.scalar(p, kind) if isinstance(p, str) else p for p in (*parts, ""))
    return pc.binary_join_element_wise(*parts)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
