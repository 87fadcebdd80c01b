"""Which numbers are quantity, price, amount and discount by how they calculate:
amount = quantity x price, less a discount."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import median

from visavis.collect.guess_names import name_score
from visavis.collect.guess_values import Column

Found = dict[str, tuple[Column, float, str]]
"""role -> (column, confidence, reason)"""
_ROWS, _FIRST_LOOK, _LONG_LOOK = 8, 40, 2000


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of the table already."""

    order: Column | None
    product: Column | None
    taken: Mapping[str, Column]


def free_for(columns: Sequence[Column], setting: Setting, role: str) -> list[Column]:
    """The columns that can have a role: the user's choice for it, else all without another."""
    if role in setting.taken:
        return [setting.taken[role]]
    mine = {c.name for c in setting.taken.values()}
    return [c for c in columns if c.name not in mine]


def by_arithmetic(columns: Sequence[Column], setting: Setting) -> Found | None:
    """The best quantity x price = amount there is."""
    best: tuple[float, Found] | None = None
    for q in free_for(columns, setting, "quantity"):
        if not could_count(q):
            continue
        for p, a in permutations(columns, 2):
            if q in (p, a) or not _allowed(p, a, columns, setting):
                continue
            share, minus = _fits(q, p, a, columns)
            if share < 0.9:
                continue
            names = sum(name_score(c.name, r) for c, r in _pairs(q, p, a))
            score = share + names / 3 + (0.3 if minus else 0.0) + 0.2 * q.integer_share
            if best is None or score > best[0]:
                best = (score, _found(q, p, a, minus, share))
    return best[1] if best else None


def _pairs(q: Column, p: Column, a: Column) -> Sequence[tuple[Column, str]]:
    return ((q, "quantity"), (p, "price"), (a, "amount"))


def _allowed(p: Column, a: Column, columns: Sequence[Column], setting: Setting) -> bool:
    return p in free_for(columns, setting, "price") and a in free_for(columns, setting, "amount")


def could_count(column: Column) -> bool:
    """Whether its numbers are of the size of quantities."""
    values = [abs(n) for n in column.numbers if n is not None]
    return bool(values) and median(values) <= 1000 and max(values) < 1e7


def _fits(
    q: Column, p: Column, a: Column, columns: Sequence[Column]
) -> tuple[float, Column | None]:
    """How often a = q x p, and the discount that makes it so, if one does."""
    for d in columns:
        named = name_score(d.name, "discount") >= 0.3
        if d in (q, p, a) or not named:
            continue
        share = max(_share(_less(sign), q, p, a, d) for sign in (-1.0, 1.0))
        share = max(share, _share(_rated, q, p, a, d))
        if share >= 0.9:
            return share, d
    return _share(_times, q, p, a, None), None


def _times(q: float, p: float, d: float) -> float:
    return q * p


def _less(sign: float) -> Callable[[float, float, float], float]:
    return lambda q, p, d: q * p + sign * d


def _rated(q: float, p: float, d: float) -> float:
    return q * p * (1 - (d / 100 if abs(d) > 1 else d))


def _share(
    formula: Callable[[float, float, float], float],
    q: Column,
    p: Column,
    a: Column,
    d: Column | None,
) -> float:
    told = good = 0
    less = d.numbers if d else [0.0] * len(q.numbers)
    for x, y, z, minus in zip(q.numbers, p.numbers, a.numbers, less, strict=True):
        # one piece, or no discount, would fit anything
        if x is None or y is None or z is None or y == 0 or x in (0, 1, -1):
            continue
        if d is not None and not minus:
            continue
        told += 1
        tolerance = 0.006 * (abs(x) + 1) + 1e-6 * abs(z)
        good += abs(formula(x, y, minus or 0.0) - z) <= tolerance and y != z
        if told == _FIRST_LOOK and good < told / 2:
            return 0.0
        if told == _LONG_LOOK:
            break
    return good / told if told >= _ROWS else 0.0


def _found(q: Column, p: Column, a: Column, minus: Column | None, share: float) -> Found:
    less = " - discount" if minus else ""
    reason = f"amount = quantity × price{less} in {share:.0%} of the rows that tell"
    found = {role: (c, 0.97, reason) for c, role in _pairs(q, p, a)}
    if minus is not None:
        found["discount"] = (minus, 0.97, reason)
    return found
