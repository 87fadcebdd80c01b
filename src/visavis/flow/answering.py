"""How live answers spell values: as `query` and `people` do, without a warehouse at hand."""

from __future__ import annotations

from collections.abc import Mapping
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


def spelled_all(values: Mapping[str, Value], types: Mapping[str, Type]) -> dict[str, Any]:
    """All values of these names."""
    return {name: spelled(values.get(name), kind) for name, kind in types.items()}
