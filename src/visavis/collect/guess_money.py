"""Which numbers are quantity, price, amount and discount: told by how they calculate.

amount = quantity x price (less discount) decides; failing that, whether a figure grows with the
quantity of the same product; failing that, the name.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import median

from visavis.collect.guess_names import name_score
from visavis.collect.guess_structure import Groups
from visavis.collect.guess_totals import best_total, is_money, summed, without_order_totals
from visavis.collect.guess_values import Column
from visavis.collect.guess_words import meanings

Found = dict[str, tuple[Column, float, str]]
"""role -> (column, confidence, reason)"""
Also = dict[str, tuple[Column, ...]]
"""role -> further columns that are added to it"""
Numbers = Sequence[float | None]
_SURE = 0.5
_ROWS, _FIRST_LOOK, _LONG_LOOK = 8, 40, 2000


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of the table already."""

    order: Column | None
    product: Column | None
    taken: Mapping[str, Column]


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
        _by_arithmetic(lines, setting)
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


def _free(columns: Sequence[Column], setting: Setting, role: str) -> list[Column]:
    """The columns that can have a role: the user's own choice, else all he gave no other role."""
    if role in setting.taken:
        return [setting.taken[role]]
    mine = {c.name for c in setting.taken.values()}
    return [c for c in columns if c.name not in mine]


def _by_arithmetic(columns: Sequence[Column], setting: Setting) -> Found | None:
    """The best quantity x price = amount there is."""
    best: tuple[float, Found] | None = None
    for q in _free(columns, setting, "quantity"):
        if not _could_count(q):
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
    return p in _free(columns, setting, "price") and a in _free(columns, setting, "amount")


def _could_count(column: Column) -> bool:
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


def _by_name_and_content(columns: Sequence[Column], setting: Setting) -> Found:
    found: Found = {}
    quantity = _quantity(columns, setting)
    if quantity:
        found["quantity"] = quantity
    rest = [c for c in columns if not quantity or c is not quantity[0]]
    price, amount = (_best(_free(rest, setting, r), r) for r in ("price", "amount"))
    if price and amount and price[0] is amount[0]:
        loser = "price" if price[1] < amount[1] else "amount"
        others = [c for c in rest if c is not price[0]]
        again = _best(_free(others, setting, loser), loser)
        price, amount = (again, amount) if loser == "price" else (price, again)
    if amount is None or price is None:
        price, amount = _one_figure(price, amount, rest, quantity, setting)
    for role, choice in (("price", price), ("amount", amount)):
        if choice:
            found[role] = choice
    return found


def _best(columns: Sequence[Column], role: str) -> tuple[Column, float, str] | None:
    scored = [(name_score(c.name, role), -i, c) for i, c in enumerate(columns)]
    score, _, column = max(scored, default=(0.0, 0, None), key=lambda s: s[:2])
    return (column, score, "by its name") if column is not None and score >= 0.3 else None


def _quantity(columns: Sequence[Column], setting: Setting) -> tuple[Column, float, str] | None:
    if "quantity" in setting.taken:
        return setting.taken["quantity"], 1.0, "given"
    free = _free(columns, setting, "quantity")
    named = _best([c for c in free if _could_count(c)], "quantity")
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
    free = _free(columns, setting, "amount")
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
        rest = [c for c in _free(columns, setting, "discount") if id(c) not in used]
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
        for c in _free(columns, setting, "discount")
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
