"""An invented shop's orders, and what any true reading of them must give, in plain Python."""

# ruff: noqa: E501

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

CENT = Decimal("0.01")
NOW = datetime(2018, 6, 1)
"""The moment that the people are described at."""


@dataclass(frozen=True)
class Line:
    """A line of an order; money after discount is `amount`, all positive but in a refund."""

    product: str
    name: str
    category: str
    quantity: int
    price: Decimal
    discount: Decimal = Decimal(0)

    @property
    def gross(self) -> Decimal:
        return self.quantity * self.price

    @property
    def amount(self) -> Decimal:
        return self.gross - self.discount


@dataclass(frozen=True)
class Order:
    """An order as the shop knows it; `refund` lines stand in it with negative quantities."""

    number: int
    customer: int | None
    at: datetime
    lines: tuple[Line, ...]
    status: str = "completed"
    currency: str = "EUR"
    payment: str = "card"
    channel: str = "web"
    coupon: str | None = None

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def email(self) -> str | None:
        return None if self.customer is None else f"person{self.customer}@example.org"

    @property
    def phone(self) -> str | None:
        return None if self.customer is None else f"+43660{7_000_000 + 37 * self.customer}"

    @property
    def who(self) -> str | None:
        if self.customer is None:
            return None
        return f"{FIRST[self.customer % len(FIRST)]} {LAST[self.customer % len(LAST)]}"


FIRST = ("Anna", "Béla", "Chloé", "Dörte", "Émile", "François", "Greta")
LAST = (
    "Kovács", "Müller", "Nuñez", "O'Neill", "Peeters", "Quist", "Rossi", "Sørensen", "Turner",
    "Ueda", "Völker", "Weiß", "Xu",
)  # fmt: skip


def shop(
    seed: int,
    orders: int = 260,
    people: int = 70,
    guests: float = 0.0,
    cancelled: float = 0.0,
    discounts: float = 0.0,
    free: float = 0.0,
    currencies: tuple[str, ...] = ("EUR",),
    top: int = 60,
) -> list[Order]:
    """Orders in the order of time over fourteen months, at most one a minute."""
    rng = random.Random(seed)
    products = [
        (f"{rng.choice('ABCK')}{10_000 + 37 * i}", f"{rng.choice(('red', 'blue', 'large'))} "
         f"{rng.choice(('mug', 'lamp', 'chair', 'pen'))} no {i}", rng.choice(("Toys", "Garden", "Wine")),
         Decimal(rng.randint(40, 100 * top)) * CENT)
        for i in range(50)
    ]  # fmt: skip
    at, made = datetime(2017, 1, 2, 8, 12, 5), []
    for number in range(orders):
        at += timedelta(minutes=rng.randint(60, 4200), seconds=rng.randint(0, 59))
        lines = []
        for product, name, category, price in rng.sample(products, rng.choice((1, 1, 2, 3, 5))):
            if rng.random() < free:
                price = Decimal(0)
            quantity = rng.choice((1, 1, 1, 2, 2, 3, 6))
            off = Decimal(0)
            if rng.random() < discounts:
                off = (quantity * price * Decimal(rng.choice((5, 10, 25))) / 100).quantize(CENT)
            lines.append(Line(product, name, category, quantity, price, off))
        made.append(
            Order(
                number=100_234 + number,
                customer=None if rng.random() < guests else 1200 + 17 * rng.randrange(people),
                at=at,
                lines=tuple(lines),
                status="cancelled" if rng.random() < cancelled else "completed",
                currency=rng.choice(currencies),
                payment=rng.choice(("card", "cash", "paypal")),
                channel=rng.choice(("web", "store", "app")),
                coupon=rng.choice((None, None, "SPRING10")),
            )
        )
    return made


def with_refunds(orders: Iterable[Order], every: int = 12) -> list[Order]:
    """Beside every so many orders, one that gives back its first line some days later."""
    made: list[Order] = []
    for n, order in enumerate(orders):
        made.append(order)
        if n % every == every - 1 and order.customer is not None:
            back = replace(order.lines[0], quantity=-order.lines[0].quantity, discount=Decimal(0))
            later = order.at + timedelta(days=6)
            made.append(replace(order, number=order.number + 500_000, at=later, lines=(back,)))
    return sorted(made, key=lambda o: o.at)


Truth = dict[str, Any]


@dataclass
class _Person:
    orders: int = 0
    revenue: Decimal = Decimal(0)
    refunds: Decimal = Decimal(0)
    times: list[datetime] = field(default_factory=list)


def truth(
    orders: Iterable[Order],
    who: Callable[[Order], object] = lambda o: o.customer,
    currency: str = "EUR",
    money: Callable[[Line], Decimal] = lambda line: line.amount,
    days_only: bool = False,
) -> Truth:
    """People, orders, revenue, refunds and lifecycle classes at NOW."""
    people: dict[object, _Person] = defaultdict(_Person)
    brand = Decimal(0)
    for order in orders:
        if order.currency != currency:
            continue
        person = _Person() if who(order) is None else people[who(order)]
        if order.status != "completed":
            continue
        sold = sum((money(x) for x in order.lines if x.quantity > 0), Decimal(0))
        back = -sum((money(x) for x in order.lines if x.quantity < 0), Decimal(0))
        person.refunds += back
        if sold > 0:
            brand += sold
            person.orders += 1
            person.revenue += sold
            person.times.append(order.at)
    classes: dict[str, int] = defaultdict(int)
    for person in people.values():
        classes[_class(person)] += 1
    return {
        "people": len(people),
        "orders": sum(p.orders for p in people.values()),
        "revenue": sum((p.revenue for p in people.values()), Decimal(0)),
        "refunds": sum((p.refunds for p in people.values()), Decimal(0)),
        "classes": dict(classes),
        "brand": brand,
    }


def _class(person: _Person) -> str:
    if not person.orders:
        return "prospect"
    days = (NOW.date() - max(person.times).date()).days
    if days > 365:
        return "inactive"
    if days > 90:
        return "defecting"
    return "first_time" if person.orders == 1 else "active"


Row = dict[str, Any]
Cell = Callable[[Order, Line, int], Any]


def rows(orders: Iterable[Order], columns: dict[str, Cell]) -> list[Row]:
    """One row a line; a cell is a function of order, line and position from 1."""
    return [
        {name: cell(order, line, n) for name, cell in columns.items()}
        for order in orders
        for n, line in enumerate(order.lines, 1)
    ]


def write_csv(
    path: Path, table: list[Row], delimiter: str = ",", encoding: str = "utf-8",
    end: str = "\n", header: list[str] | None = None, quote_all: bool = False,
) -> None:  # fmt: skip
    """A table as a shop's system would write it; missing values are empty."""

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        if quote_all or any(c in text for c in f'{delimiter}"\n\r'):
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [delimiter.join(cell(n) for n in (header or list(table[0])))]
    lines += [delimiter.join(cell(v) for v in row.values()) for row in table]
    path.write_bytes((end.join(lines) + end).encode(encoding))
