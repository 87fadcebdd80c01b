"""Which numbers are quantity, price, amount and discount: told by how they calculate.

amount = quantity x price (less discount) decides; failing that, whether a figure grows with the
quantity of the same product; failing that, the name.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from visavis.collect.guess_arithmetic import Found, Setting, by_arithmetic, could_count, free_for
from visavis.collect.guess_names import name_score
from visavis.collect.guess_structure import Groups
from visavis.collect.guess_totals import best_total, is_money, summed, without_order_totals
from visavis.collect.guess_values import Column
from visavis.collect.guess_words import meanings

Also = dict[str, tuple[Column, ...]]
"""role -> further columns that are added to it"""
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class Money:
    """The roles, further columns, what to tell the user, and whether the amount is the order's."""

    found: Found
    also: Also
    notes: tuple[str, ...]
    per_order: bool = False


def money(columns: Sequence[Column], setting: Setting) -> Money:
    """quantity, price, amount and discount among the numeric columns, and what to tell the user."""
    notes: list[str] = []
    numeric = [c for c in columns if _named(c) or (c.numeric and c.distinct > 1)]
    given = {c.name for c in setting.taken.values()}
    lines, repeated = without_order_totals(numeric, setting.order, given)
    found = (
        by_arithmetic(lines, setting)
        or _by_sums(lines, repeated, setting)
        or _by_name_and_content(lines, setting)
    )
    _add_discount(lines, found, setting, notes)
    per_order = bool(repeated) and not {"price", "amount"} & {*found, *setting.taken}
    if per_order:
        found["amount"] = (best_total(repeated), 0.7, "of the whole order, on each of its lines")
    elif repeated and "amount" not in found:
        names = ", ".join(f"'{c.name}'" for c in repeated)
        notes.append(f"Of the whole order, not of its lines, and so not the amount: {names}.")
    more = _more_discounts(lines, found, setting)
    return Money(found, {"discount": more} if more else {}, tuple(notes), per_order)


def _by_sums(lines: Sequence[Column], totals: Sequence[Column], setting: Setting) -> Found | None:
    """The line's figure whose sums over orders are one of their totals."""
    if not totals or setting.order is None or {"price", "amount"} & set(setting.taken):
        return None
    quantity = _quantity(lines, setting)
    others = [c for c in lines if (not quantity or c is not quantity[0]) and not _is_rate(c)]
    counts = quantity[0].numbers if quantity else None
    found = summed(others, counts, totals, Groups(setting.order.texts))
    if found is None:
        return None
    role, column, reason = found
    both: Found = {"quantity": quantity} if quantity else {}
    return both | {role: (column, 0.95, reason)}


def _named(column: Column) -> bool:
    """Called a figure, and mostly readable as one."""
    return (
        column.number_share >= 0.8
        and max(name_score(column.name, r) for r in ("quantity", "price", "amount")) >= 0.5
    )


def _by_name_and_content(columns: Sequence[Column], setting: Setting) -> Found:
    found: Found = {}
    quantity = _quantity(columns, setting)
    if quantity:
        found["quantity"] = quantity
    rest = [c for c in columns if not quantity or c is not quantity[0]]
    price, amount = (_best(free_for(rest, setting, r), r) for r in ("price", "amount"))
    if price and amount and price[0] is amount[0]:
        loser = "price" if price[1] < amount[1] else "amount"
        others = [c for c in rest if c is not price[0]]
        again = _best(free_for(others, setting, loser), loser)
        price, amount = (again, amount) if loser == "price" else (price, again)
    if amount is None or price is None:
        price, amount = _one_figure(price, amount, rest, quantity, setting)
    for role, choice in (("price", price), ("amount", amount)):
        if choice:
            found[role] = choice
    return found


def _best(columns: Sequence[Column], role: str) -> tuple[Column, float, str] | None:
    scored = [(name_score(c.name, role), c) for c in columns]
    score, column = max(scored, default=(0.0, None), key=lambda s: s[0])
    return (column, score, "by its name") if column is not None and score >= 0.3 else None


def _quantity(columns: Sequence[Column], setting: Setting) -> tuple[Column, float, str] | None:
    if "quantity" in setting.taken:
        return setting.taken["quantity"], 1.0, "given"
    free = free_for(columns, setting, "quantity")
    named = _best([c for c in free if could_count(c)], "quantity")
    if named and named[1] >= 0.5:
        return named
    counting = [c for c in free if _counts(c) and name_score(c.name, "price") < 0.9]
    money_left = [c for c in free if is_money(c) and not (_counts(c) and _few(c))]
    for column in counting:
        if any(c is not column for c in money_left) or not is_money(column):
            unnamed = not any(name_score(column.name, r) >= 0.5 for r in ("discount", "cost"))
            if unnamed and _few(column):
                return column, 0.6, "small whole numbers, mostly 1"
    return named


def _counts(column: Column) -> bool:
    """Small whole numbers, many of them 1, as quantities are."""
    values = [abs(n) for n in column.numbers if n is not None]
    ones = sum(v == 1 for v in values)
    return bool(values) and column.integer_share >= 0.99 and ones >= 0.25 * len(values)


def _few(column: Column) -> bool:
    values = [abs(n) for n in column.numbers if n is not None]
    return median(values) <= 12 and len({v for v in values if v > 1}) >= 2


def _one_figure(
    price: tuple[Column, float, str] | None,
    amount: tuple[Column, float, str] | None,
    columns: Sequence[Column],
    quantity: tuple[Column, float, str] | None,
    setting: Setting,
) -> tuple[tuple[Column, float, str] | None, tuple[Column, float, str] | None]:
    """With one figure only: an amount if it grows with the quantity, else a price."""
    single = price or amount or _unnamed_money(columns, setting)
    if single is None or {"price", "amount"} & set(setting.taken):
        return price, amount
    column, score, reason = single
    if quantity is None:
        return None, (column, score, f"{reason}; no quantity, so it is the line's amount")
    slope = _growth(column, quantity[0], setting)
    if slope is not None and slope > 0.6:
        return None, (column, max(score, 0.85), "grows with the quantity of the same product")
    if slope is not None and slope < 0.4:
        return (column, max(score, 0.85), "stays the same whatever the quantity"), None
    return price, amount or (None if price else single)


def _unnamed_money(columns: Sequence[Column], setting: Setting) -> tuple[Column, float, str] | None:
    free = free_for(columns, setting, "amount")
    cost = [c for c in free if name_score(c.name, "cost") >= 0.4]
    if cost:
        return cost[0], 0.5, "the only figure that can be money"
    fractions = [c for c in free if c.integer_share < 0.9 and _unclaimed(c)]
    return (fractions[0], 0.4, "the only figure with fractions") if len(fractions) == 1 else None


def _unclaimed(column: Column) -> bool:
    claimed = {"discount", "tax", "shipping", "profit", "weight", "rate", "person", "part"}
    return not claimed & set(meanings(column.name))


def _growth(value: Column, quantity: Column, setting: Setting) -> float | None:
    """Slope of log(value) on log(quantity) within products: near 1 an amount, near 0 a price."""
    keys = setting.product.texts if setting.product else ["all"] * len(value.texts)
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for key, v, q in zip(keys, value.numbers, quantity.numbers, strict=True):
        if key is not None and v and q and v * q > 0:
            groups[key].append((math.log(abs(q)), math.log(abs(v))))
    above = below = 0.0
    points = 0
    for pairs in groups.values():
        if len({x for x, _ in pairs}) > 1:
            mx = sum(x for x, _ in pairs) / len(pairs)
            my = sum(y for _, y in pairs) / len(pairs)
            above += sum((x - mx) * (y - my) for x, y in pairs)
            below += sum((x - mx) ** 2 for x, _ in pairs)
            points += len(pairs)
    return above / below if points >= 20 and below else None


def _add_discount(
    columns: Sequence[Column], found: Found, setting: Setting, notes: list[str]
) -> None:
    if "discount" not in found and "discount" not in setting.taken:
        used = {id(c) for c, _, _ in found.values()}
        rest = [c for c in free_for(columns, setting, "discount") if id(c) not in used]
        best = _best([c for c in rest if any(c.numbers)], "discount")
        if best and best[1] >= 0.5:
            found["discount"] = best
    if "discount" in found and _is_rate(found["discount"][0]):
        name = found.pop("discount")[0].name
        notes.append(
            f"'{name}' is a share, not money: it is kept as promotion, not taken off any amount."
        )
        column = next(c for c in columns if c.name == name)
        found["promotion"] = (column, 0.6, "a discount rate shows that there was a promotion")


def _more_discounts(
    columns: Sequence[Column], found: Found, setting: Setting
) -> tuple[Column, ...]:
    """Discounts of other kinds beside the first, unless one column is the sum of the others."""
    if "discount" not in found or "discount" in setting.taken:
        return ()
    first = found["discount"][0]
    used = {id(c) for c, _, _ in found.values()}
    others = [
        c
        for c in free_for(columns, setting, "discount")
        if id(c) not in used and name_score(c.name, "discount") >= _SURE and any(c.numbers)
    ]
    totals = [c for c in (first, *others) if "total" in meanings(c.name)]
    same = any(c.numbers == first.numbers for c in others)
    rates = any(_is_rate(c) for c in others)
    # where the first alone makes the amount what it is, the others are something else
    told = "quantity" in found["discount"][2]
    return () if totals or same or rates or told else tuple(others)


def _is_rate(column: Column) -> bool:
    values = [abs(n) for n in column.numbers if n is not None]
    part = bool(values) and max(values) <= 1 and len(set(values)) <= 100
    rounded = all(round(v * 100, 6) == int(round(v * 100, 6)) for v in values)
    return (part and rounded and max(values) > 0) or "%" in "".join(column.filled[:5])
