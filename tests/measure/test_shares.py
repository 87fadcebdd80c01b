"""Shares add up to 100.00 for any parts."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from visavis.measure.shares import percentages, ratio

PARTS = st.lists(st.decimals(0, 10**12, places=6), min_size=1, max_size=12)


@given(PARTS)
def test_percentages_sum_to_100(parts: list[Decimal]) -> None:
    shares = percentages(parts)
    if not any(parts):
        assert shares == [None] * len(parts)
        return
    assert sum(s for s in shares if s is not None) == 100
    whole = sum(parts)
    for part, share in zip(parts, shares, strict=True):
        assert share is not None
        assert abs(share - part * 100 / whole) <= Decimal("0.01")


def test_a_ratio_that_cannot_be_said_is_none() -> None:
    assert ratio(1, 0) is None
    assert ratio(None, 2) is None
    assert ratio(2, 3) == Decimal("0.666667")
