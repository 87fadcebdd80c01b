"""Tables of order lines of many shapes, each with the truth about its columns."""

# ruff: noqa: E501

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]
Write = Callable[[Any], Any]


@dataclass(frozen=True)
class Shape:
    """A column each: name -> what of a line it holds, as a key of `line` or a function of it."""

    name: str
    columns: Mapping[str, str | Callable[[Row], Any]]
    truth: Mapping[str, str]
    write: Mapping[str, Write] = field(default_factory=dict)
    keep: Callable[[Row], bool] = lambda row: True
    totals: bool = False
    loose: frozenset[str] = frozenset()

    def table(self, seed: int = 1, orders: int = 400) -> dict[str, list[Any]]:
        """Column -> values, as they stand in the file."""
        rows = [r for r in lines(seed, orders) if self.keep(r)]
        if self.totals:
            rows = _totals(rows)
        return {name: [self._cell(name, of, r) for r in rows] for name, of in self.columns.items()}

    def _cell(self, name: str, of: str | Callable[[Row], Any], row: Row) -> Any:
        value = of(row) if callable(of) else row[of]
        return None if value is None else self.write.get(name, str)(value)


def lines(seed: int, orders: int) -> list[Row]:
    """The lines of an invented shop in the order of time; a twentieth are of guests."""
    rng = random.Random(seed)
    catalogue = [_product(rng, i) for i in range(60)]
    people = [_person(rng, i) for i in range(120)]
    at, rows = datetime(2023, 1, 3, 8, 12, 5), []
    visits: Counter[int | None] = Counter()
    for number in range(orders):
        at += timedelta(minutes=rng.randint(40, 1900), seconds=rng.randint(0, 59))
        person = rng.choice(people) if rng.random() > 0.05 else dict.fromkeys(people[0])
        visits[person["customer"]] += 1
        order = _order(rng, number, at, person) | {"visit": visits[person["customer"]]}
        total = 0.0
        mine = []
        for position in range(1, rng.choice((1, 1, 2, 3, 4, 6)) + 1):
            row = _line(rng, order, rng.choice(catalogue), position)
            mine.append(row)
            total += row["amount"]
        for row in mine:
            row["order_total"] = round(total, 2)
        rows += mine
    for index, row in enumerate(rows):
        row["row"] = index
    return rows


def _product(rng: random.Random, i: int) -> Row:
    category = rng.choice(("Toys", "Books", "Garden", "Kitchen", "Wine"))
    return {
        "product": f"{rng.choice('ABX')}{10_000 + 37 * i}",
        "product_number": 500_000 + 113 * i,
        "product_name": f"{category} thing no. {i}, {rng.choice(('red', 'blue', 'large'))}",
        "category": category,
        "brand": f"Brand{i % 7}",
        "price": round(rng.uniform(0.4, 60), 2),
        "weight": round(rng.uniform(0.1, 4), 3),
    }


def _person(rng: random.Random, i: int) -> Row:
    city, country = rng.choice((("Graz", "AT"), ("Köln", "DE"), ("Lyon", "FR"), ("Porto", "PT")))
    return {
        "customer": 12_000 + 17 * i,
        "customer_code": f"C-{1000 + i}",
        "customer_name": f"{rng.choice(('Anna', 'Bela', 'Chloé', 'Dörte'))} {rng.choice('KLMN')}ova{i}",
        "email": f"person{i}@example.{rng.choice(('com', 'org'))}",
        "phone": f"+43 660 {100_000 + 7919 * i}",
        "city": city,
        "country": country,
        "age": rng.randint(18, 90),
        "birthday": datetime(1950, 1, 1) + timedelta(days=rng.randint(0, 20_000)),
        "postcode": 1000 + 13 * (i % 40),
    }


def _order(rng: random.Random, number: int, at: datetime, person: Row) -> Row:
    return {
        **person,
        "order": 536_365 + number,
        "order_code": f"SO-{2023}-{number:06d}",
        "at": at,
        "shipped": at + timedelta(days=rng.randint(1, 5)),
        "store": rng.choice(("S01", "S02", "S03", "S07")),
        "channel": rng.choice(("web", "store", "app", "phone")),
        "payment": rng.choice(("cash", "credit card", "paypal", "invoice")),
        "status": rng.choice(("completed",) * 9 + ("cancelled",)),
        "currency": rng.choice(("EUR",) * 5 + ("USD",)),
        "coupon": rng.choice((None, None, None, "SPRING10", "WELCOME")),
    }


def _line(rng: random.Random, order: Row, product: Row, position: int) -> Row:
    quantity = rng.choice((1, 1, 1, 1, 2, 2, 3, 6, 12))
    gross = round(quantity * product["price"], 2)
    discount = round(gross * rng.choice((0, 0, 0, 0.1, 0.25)), 2)
    return {
        **order,
        **product,
        "position": position,
        "quantity": quantity,
        "gross": gross,
        "discount": discount,
        "discount_rate": rng.choice((0, 0, 0.1, 0.2)),
        "amount": round(gross - discount, 2),
        "tax": round(gross * 0.2, 2),
        "cost": round(product["price"] * 0.6, 2),
        "line_id": f"{order['order']}-{position}",
    }


def _totals(rows: list[Row]) -> list[Row]:
    seen: dict[int, Row] = {}
    for row in rows:
        first = seen.setdefault(row["order"], {**row, "quantity": 0})
        first["quantity"] += row["quantity"]
    return list(seen.values())


def when(form: str) -> Write:
    """Times written like strftime; "%-d" (no leading zero) works everywhere."""

    def write(value: datetime) -> str:
        plain = form.replace("%-d", str(value.day)).replace("%-m", str(value.month))
        return value.strftime(plain.replace("%-H", str(value.hour)))

    return write


def comma(value: float) -> str:
    """1234.5 as 1.234,50."""
    return f"{value:,.2f}".replace(",", " ").replace(".", ",").replace(" ", ".")


def serial(value: datetime) -> str:
    """An Excel serial number."""
    return str(round((value - datetime(1899, 12, 30)) / timedelta(days=1), 5))


ISO = when("%Y-%m-%d %H:%M:%S")
