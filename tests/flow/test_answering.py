"""How live answers spell values: exactly, whatever carries them on the way."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from visavis.core.clock import format_time, to_datetime
from visavis.core.lang.types import DECIMAL_LIMIT, SCALE, TIME_MAX, TIME_MIN, Type
from visavis.flow.answering import as_json, spelled_all, ways_of


@given(
    st.integers(-DECIMAL_LIMIT, DECIMAL_LIMIT)
    | st.integers(-(10**15) - 10, 10**15 + 10)
    | st.integers(-10_000_000, 10_000_000)
)
@example(1)
@example(-9)
@example(10)
@example(-(10**15) + 1)
@example(10**15 - 1)
@example(10**15 + 1)
@example(123_456_789_012_345)
def test_decimals_are_written_exactly(value: int) -> None:
    told = as_json(spelled_all({"a": value}, ways_of({"a": Type.DECIMAL}))["a"]).decode()
    assert Decimal(told) == Decimal(value) / SCALE
    assert told == f"{Decimal(value) / SCALE:f}".rstrip("0").rstrip(".") or value % SCALE == 0


@given(st.integers(TIME_MIN, TIME_MAX))
@example(0)
@example(-1)
@example(1_700_000_000_120)
def test_times_are_written_as_iso_8601_has_them(ms: int) -> None:
    told = format_time(ms)
    whole = to_datetime(ms).isoformat().removesuffix("+00:00")
    assert told == (whole.rstrip("0") if ms % 1000 else whole) + "Z"
