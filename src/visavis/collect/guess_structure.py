"""Which columns are the order, the customer and the product: told by how their values go together.

An order's lines share the customer and the day; a customer has several orders; a product comes
back in many orders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import pairwise

from visavis.collect.guess_values import NOBODY, Column
from visavis.collect.guess_words import meanings

ENOUGH = 5
"""Groups of several rows from which something can be learnt."""


class Groups:
    """The rows that share each value of a key; rows without the key are left out."""

    def __init__(self, keys: Sequence[Hashable | None]) -> None:
        rows: dict[Hashable, list[int]] = defaultdict(list)
        for i, key in enumerate(keys):
            if key is not None:
                rows[key].append(i)
        self.rows = rows
        self.several = [g for g in rows.values() if len(g) > 1]

    def constant(self, values: Sequence[Hashable | None]) -> float | None:
        """Share of groups of several rows in which `values` is one; None if too few."""
        told = same = 0
        for group in self.several:
            seen = {values[i] for i in group} - {None}
            if seen:
                told += 1
                same += len(seen) == 1
        return same / told if told >= ENOUGH else None


def customers(column: Column) -> list[str | None]:
    """The customer of each row, None for guests."""
    return [None if t is None or t.lower() in NOBODY else t for t in column.texts]


def days(column: Column | None) -> list[str | None]:
    """The calendar day of each row, as far as the text shows it."""
    if column is None:
        return []
    form = column.dates.form if column.dates else ""
    if form.startswith("%Y%m%d"):
        return [t and t[:8] for t in column.texts]
    if form == "excel":
        return [t and t.split(".")[0] for t in column.texts]
    if form in ("unix", "unix_ms"):
        length = 86_400 if form == "unix" else 86_400_000
        return [None if t is None else str(int(float(t)) // length) for t in column.texts]
    return [t and t.replace("T", " ").split(" ")[0] for t in column.texts]


def like_id(column: Column) -> bool:
    """Whether the values could name things: no fractions, no sentences."""
    if not column.filled:
        return False
    if column.numeric and column.fraction_share > 0.001:
        return False
    return sum(len(t) <= 64 for t in column.filled) >= 0.97 * len(column.filled)


def is_row_number(column: Column) -> bool:
    """A number that goes up by one from row to row."""
    if not column.numeric or column.distinct < 0.999 * len(column.filled):
        return False
    numbers = [n for n in column.numbers if n is not None]
    steps = [b - a for a, b in pairwise(numbers)]
    return len(steps) >= ENOUGH and sum(s == 1 for s in steps) >= 0.98 * len(steps)


def is_line_number(column: Column, groups: Groups) -> bool:
    """Starts again at 1 (or 0) in every order."""
    numbers = column.numbers
    if not column.numeric or len(groups.several) < ENOUGH:
        return False
    good = 0
    for group in groups.several:
        seen = sorted(n for i in group if (n := numbers[i]) is not None)
        good += bool(seen) and seen[0] in (0, 1) and seen == [seen[0] + i for i in range(len(seen))]
    return good >= 0.9 * len(groups.several)


def order_by_structure(
    columns: Sequence[Column], customer: Column | None, time: Column | None
) -> tuple[Column, str] | None:
    """The coarsest column whose rows always share the customer and the day."""
    if time is None or customer is None:
        return None
    who, when = customers(customer), days(time)
    found = []
    for column in columns:
        if column.share < 0.9 or not like_id(column) or column.distinct < ENOUGH:
            continue
        groups = Groups(column.texts)
        same_who, same_when = groups.constant(who), groups.constant(when)
        if same_who is None or same_when is None or min(same_who, same_when) < 0.97:
            continue
        found.append((len(groups.rows), column))
    if not found:
        return None
    return min(found, key=lambda f: f[0])[1], "its rows share the customer and the day"


def customer_by_structure(
    columns: Sequence[Column], order: Column | None
) -> tuple[Column, str] | None:
    """The column with most values that is one per order and comes back in other orders."""
    if order is None:
        return None
    orders = Groups(order.texts)
    found = []
    for column in columns:
        if not like_id(column) or column.distinct < 10 or column.dates:
            continue
        if orders.constant(column.texts) is None and len(orders.several) >= ENOUGH:
            continue
        same = orders.constant(column.texts)
        spread = _orders_each(column, order)
        if (same is None or same >= 0.97) and 1.05 <= spread <= 60:
            found.append((column.distinct, column))
    if not found:
        return None
    return max(found, key=lambda f: f[0])[1], "one per order, and comes back in other orders"


def returning(columns: Sequence[Column], time: Column | None) -> tuple[Column, str] | None:
    """Without order ids: the id with most values that comes back on other days."""
    if time is None:
        return None
    when = days(time)
    found = []
    for column in columns:
        pairs = {(c, t) for c, t in zip(column.texts, when, strict=True) if c and t}
        visits = len(pairs) / max(1, column.distinct)
        named = "id" in meanings(column.name) or not column.numeric
        if named and column.distinct >= 10 and 1.05 <= visits <= 60 and not column.dates:
            found.append((column.distinct, column))
    if not found:
        return None
    return max(found, key=lambda f: f[0])[1], "an id that comes back on other days"


def _orders_each(column: Column, order: Column) -> float:
    pairs = {(c, o) for c, o in zip(column.texts, order.texts, strict=True) if c and o}
    return len(pairs) / max(1, len({c for c, _ in pairs}))


def product_by_structure(
    columns: Sequence[Column], order: Column | None, customer: Column | None
) -> tuple[Column, str] | None:
    """The column with most values that differs within orders and comes back in others."""
    key = order or customer
    if key is None:
        return None
    groups = Groups(key.texts)
    found = []
    for column in columns:
        if not like_id(column) or not 5 <= column.distinct <= 0.7 * len(column.filled):
            continue
        same = groups.constant(column.texts)
        if same is not None and same < 0.6 and column.share > 0.9 and not column.dates:
            found.append((column.distinct, column))
    if not found:
        return None
    return max(found, key=lambda f: f[0])[1], "differs within orders and comes back in others"


def one_to_one(one: Column, other: Column) -> bool:
    """Whether each value of one goes with one value of the other, and the other way round."""
    pairs = {(a, b) for a, b in zip(one.texts, other.texts, strict=True) if a and b}
    sides = len({a for a, _ in pairs}), len({b for _, b in pairs})
    return len(pairs) >= 50 and sides == (len(pairs), len(pairs))


def shared_order_numbers(order: Column, customer: Column) -> bool:
    """Whether the same number stands for orders of several customers (numbered per customer)."""
    same = Groups(order.texts).constant(customers(customer))
    return same is not None and same < 0.5
