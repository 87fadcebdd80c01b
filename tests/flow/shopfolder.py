"""A small shop's project folder for tests: orders in CSV, customers told by number and e-mail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visavis.core.clock import parse_time, zone
from visavis.core.progress import SILENT
from visavis.flow import ask
from visavis.flow.build import build
from visavis.flow.published import published
from visavis.store.views import open_views
from visavis.store.warehouse import connect

FILES = {
    "visavis.yml": "name: Shop\ntime_zone: UTC\ncurrency: EUR\n",
    "identity.yml": (
        "kinds:\n"
        "  customer_id: {unique: true, priority: 1}\n"
        "  email: {priority: 2}\n"
    ),
    "sources/orders.yml": """\
sources:
  shop:
    from: data/orders*.csv
    kind: orders
    map:
      {customer: customer, order: order, time: time, product: product, amount: amount, email: mail}
    constants: {channel: web}
""",
    "catalogue/products.yml": """\
catalogue:
  products:
    from: data/products.csv
    key: sku
    fields: {category: {column: kind, type: text}, shelf: {type: integer}}
""",
    "traits/traits.yml": """\
traits:
  orders: {event: Order Completed, value: count()}
  revenue: {event: Order Completed, value: sum(revenue)}
  last_order_at: {event: Order Completed, value: max(timestamp)}
  days_away: days_since(last_order_at)
  favourite:
    event: Order Completed
    each: products
    value: mode(category)
  orders_30d: {event: Order Completed, within: 30 days, value: count()}
  spending: bucket(revenue, 2)
""",
    "segments/segments.yml": """\
segments:
  regulars: orders >= 2
  away:
    condition: days_away > 90 and orders > 0
    use: sending
""",
    "tags/tags.yml": """\
tags:
  taste/tea: {condition: favourite = 'tea', weight: orders}
  fresh: {condition: orders > 0, expires: 30 days}
""",
    "data/products.csv": "sku,kind,shelf\nT1,tea,3\nC1,coffee,4\n",
}  # fmt: skip
HEAD = "order,customer,mail,time,product,amount"
FIRST = (
    "1,ann,ann@x.co,2024-01-01T10:00:00,T1,10.00",
    "1,ann,ann@x.co,2024-01-01T10:00:00,C1,5.50",
    "2,bob,,2024-01-05T10:00:00,C1,20.00",
    "3,,,2024-01-06T10:00:00,T1,3.00",
    "4,ann,ANN@x.co,2024-03-01T10:00:00,T1,7.25",
)
SECOND = (
    "5,bob,,2024-03-20T10:00:00,C1,2.00",
    "6,cat,cat@x.co,2024-03-21T10:00:00,T1,9.00",
    "7,dan,cat@x.co,2024-03-22T10:00:00,C1,4.00",
)


def at(text: str) -> int:
    return parse_time(text, zone("UTC"))


def shop(root: Path, rows: Sequence[str] = FIRST, **changes: str) -> Path:
    """The folder with its first orders; `changes` replace files, named with _ for / and ."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changes.get(name.replace("/", "_").replace(".", "_"), text))
    orders(root, 1, rows)
    return root


def orders(root: Path, number: int, rows: Sequence[str]) -> Path:
    """One more file of orders."""
    path = root / "data" / f"orders{number}.csv"
    path.write_text("\n".join([HEAD, *rows]) + "\n")
    return path


def run(root: Path, as_of: str | None = None, now: str = "2024-04-01T00:00:00Z") -> dict[str, Any]:
    return build(root, at(as_of) if as_of else None, at(now), SILENT)


def rows(root: Path, sql: str) -> list[tuple[Any, ...]]:
    """The answer to a query as tuples."""
    with ask.query(root, sql) as batches:
        return [tuple(row.values()) for row in batches.read_all().to_pylist()]


TABLES = {
    "people": "select * from people order by all",
    "identifiers": "select * from identifiers order by all",
    "evidence": "select * from evidence order by all",
    "tags": "select * from tags order by all",
    "segment_members": "select * from segment_members order by all",
    "order_lines": "select * from order_lines order by all",
    "events": "select type, event, timestamp, source, channel, person_id, identifiers, "
    "properties from events order by all",
    "quarantine": "select source, reason from quarantine order by all",
}


def everything(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What a build says, but for names and times of making; opened once for all tables."""
    with published(root) as at, connect() as wh:
        open_views(wh, at.build, at.lake.path)
        return {name: wh.rows(sql) for name, sql in TABLES.items()}
