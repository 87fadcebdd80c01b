"""How live answers spell values: as `query` and `people` do, without a warehouse at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from visavis.core.clock import format_time, to_date
from visavis.core.lang.form import Value
from visavis.core.lang.types import SCALE, Type

_UNLIKE_JSON = frozenset((Type.DECIMAL, Type.TIME, Type.DATE))
_encoder = msgspec.json.Encoder(decimal_format="number")


def as_json(value: Any) -> bytes:
    """Compact JSON; decimals are numbers, exactly."""
    return _encoder.encode(value)


def spelled(value: Value, kind: Type) -> Any:
    """A value of the Python reader as JSON has it."""
    if value is None:
        return None
    match kind:
        case Type.DECIMAL:
            whole, rest = divmod(int(value), SCALE)
            return whole if not rest else (Decimal(int(value)) / SCALE).normalize()
        case Type.TIME:
            return format_time(int(value))
        case Type.DATE:
            return to_date(int(value)).isoformat()
        case _:
            return value


Ways = Sequence[tuple[str, Callable[[Any], Any] | None]]
"""Names, and how values of each are spelled where JSON has no such type."""


def ways_of(types: Mapping[str, Type]) -> Ways:
    """How values of these names are spelled, made once."""
    return [
        (name, partial(spelled, kind=kind) if kind in _UNLIKE_JSON else None)
        for name, kind in types.items()
    ]


def spelled_all(values: Mapping[str, Value], ways: Ways) -> dict[str, Any]:
    """All values of these names."""
    get = values.get
    return {
        name: value if (value := get(name)) is None or way is None else way(value)
        for name, way in ways
    }
