"""How live answers spell values: as `query` and `people` do, without a warehouse at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from visavis.core.clock import format_time, to_date
from visavis.core.lang.form import Value
from visavis.core.lang.types import SCALE, Type

_encoder = msgspec.json.Encoder(decimal_format="number")


def as_json(value: Any) -> bytes:
    """Compact JSON; decimals are numbers, exactly."""
    return _encoder.encode(value)


def _decimal(value: int) -> float | Decimal:
    """A number as JSON writes it exactly. Of 15 digits the shortest text of a double is the
    decimal's own; the least are left out, as it would be written with an exponent."""
    whole, rest = divmod(value, SCALE)
    if not rest:
        return whole
    if _LEAST <= abs(value) < _FIFTEEN_DIGITS:
        return value / SCALE
    return (Decimal(value) / SCALE).normalize()


_LEAST, _FIFTEEN_DIGITS = 10, 10**15


def _date(days: int) -> str:
    return to_date(days).isoformat()


_UNLIKE_JSON: Mapping[Type, Callable[[Any], Any]] = {
    Type.DECIMAL: _decimal, Type.TIME: format_time, Type.DATE: _date,
}  # fmt: skip


Ways = Sequence[tuple[str, Callable[[Any], Any] | None]]
"""Names, and how values of each are spelled where JSON has no such type."""


def ways_of(types: Mapping[str, Type]) -> Ways:
    """How values of these names are spelled, made once."""
    return [(name, _UNLIKE_JSON.get(kind)) for name, kind in types.items()]


def spelled_all(values: Mapping[str, Value], ways: Ways) -> dict[str, Any]:
    """All values of these names."""
    get = values.get
    return {
        name: value if (value := get(name)) is None or way is None else way(value)
        for name, way in ways
    }
