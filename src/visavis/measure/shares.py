"""Shares that add up: percentages of two places whose sum is exactly 100."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
SIX = Decimal("0.000001")


def percentages(parts: Sequence[Decimal | int]) -> list[Decimal | None]:
    """Each part in percent of the whole, rounded by largest remainder so that they sum to 100.00.

    None for every part when the whole is zero or a part is negative (shares mean nothing then).
    """
    whole = sum((Decimal(p) for p in parts), Decimal(0))
    if whole <= 0 or any(p < 0 for p in parts):
        return [None] * len(parts)
    exact = [Decimal(p) * 100 / whole for p in parts]
    floors = [share.quantize(CENT, rounding=ROUND_FLOOR) for share in exact]
    left = int((Decimal(100) - sum(floors)) / CENT)
    by_rest = sorted(range(len(parts)), key=lambda i: (floors[i] - exact[i], i))
    for i in by_rest[:left]:
        floors[i] += CENT
    return list(floors)


def ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    """part / whole at 6 places, half away from zero; None where it can't be said."""
    if part is None or not whole:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(SIX, rounding=ROUND_HALF_UP)
