"""Counting different values; see tests/laws/tallying.py."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.laws.tallying import SAMPLES, miscounted

VALUES = st.none() | st.integers(0, 200).map("值 {}".format)
ROWS = st.lists(st.tuples(st.integers(1, 5), VALUES), max_size=300)


@given(rows=ROWS, sample=st.sampled_from(SAMPLES))
def test_different_values_are_counted(rows: list[tuple[int, str | None]], sample: int) -> None:
    assert not miscounted(rows, sample)
