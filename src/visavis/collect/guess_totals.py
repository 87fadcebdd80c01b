"""Figures of whole orders, repeated on their lines or standing on the first of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from visavis.collect.guess_names import name_score
from visavis.collect.guess_structure import ENOUGH, Groups
from visavis.collect.guess_values import Column
from visavis.collect.guess_words import meanings

_CENT = 0.006


def is_money(column: Column) -> bool:
    """Whether the name says money."""
    return max(name_score(column.name, r) for r in ("price", "amount")) >= 0.3


def without_order_totals(
    columns: Sequence[Column], order: Column | None, given: Collection[str]
) -> tuple[list[Column], list[Column]]:
    """Figures of the lines, and those of whole orders, which would count several times."""
    if order is None:
        return list(columns), []
    groups = Groups(order.texts)
    big = groups.several
    if len(big) < ENOUGH:
        return list(columns), []
    alone = not any(is_money(c) for c in columns if (groups.constant(c.numbers) or 0) < 0.8)
    kept: list[Column] = []
    out: list[Column] = []
    for column in columns:
        constant = (groups.constant(column.numbers) or 0) >= 0.98
        repeated = constant and (_all_filled(column, big) or _on_one_line(column, big))
        drop = repeated and column.name not in given and is_money(column)
        # the one figure there is may be a unit's price, the same by chance
        drop = drop and not (alone and name_score(column.name, "price") >= 0.5)
        (out if drop else kept).append(column)
    return kept, out


def _all_filled(column: Column, groups: Sequence[Sequence[int]]) -> bool:
    full = sum(all(column.numbers[i] is not None for i in g) for g in groups)
    return full >= 0.9 * len(groups)


def _on_one_line(column: Column, groups: Sequence[Sequence[int]]) -> bool:
    once = sum(sum(column.numbers[i] is not None for i in g) == 1 for g in groups)
    return once >= 0.9 * len(groups)


def best_total(totals: Sequence[Column]) -> Column:
    """The order's worth among figures of the order: not tax or freight, then by its name."""

    def rank(column: Column) -> tuple[bool, float]:
        names = set(meanings(column.name))
        return not names & {"tax", "shipping"}, name_score(column.name, "amount")

    return max(totals, key=rank)


def summed(
    lines: Sequence[Column],
    counts: Sequence[float | None] | None,
    totals: Sequence[Column],
    groups: Groups,
) -> tuple[str, Column, str] | None:
    """(role, column, reason) of the figure that adds up to a total, alone or times the count."""
    for role, factor in (("amount", None), ("price", counts)):
        if role == "price" and counts is None:
            continue
        for column in lines:
            for total in totals:
                if column.integer_share < 1 and _adds_up(column, factor, total, groups):
                    times = "quantity × " if factor else ""
                    return role, column, f"{times}it adds up to the order's '{total.name}'"
    return None


def _adds_up(
    column: Column, factor: Sequence[float | None] | None, total: Column, groups: Groups
) -> bool:
    good = 0
    for group in groups.several:
        parts = [
            (column.numbers[i] or 0.0) * (1.0 if factor is None else factor[i] or 0.0)
            for i in group
        ]
        whole = next((t for i in group if (t := total.numbers[i]) is not None), None)
        good += whole is not None and abs(sum(parts) - whole) <= _CENT * len(group)
    return good >= 0.9 * len(groups.several)
