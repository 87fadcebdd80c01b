"""The project that the build benchmarks run: five sources of events and 40 typical traits."""

from __future__ import annotations

from pathlib import Path

from invented import KINDS

TRAITS = """traits:
  orders: {event: Order Completed, value: count()}
  revenue: {event: Order Completed, value: sum(revenue)}
  average_order_value: {event: Order Completed, value: avg(revenue)}
  largest_order: {event: Order Completed, value: max(revenue)}
  smallest_order: {event: Order Completed, value: min(revenue)}
  usual_order: {event: Order Completed, value: median(revenue)}
  first_order_at: {event: Order Completed, value: min(timestamp)}
  last_order_at: {event: Order Completed, value: max(timestamp)}
  mean_days_between_orders: {event: Order Completed, value: mean_gap()}
  favourite_channel: {event: Order Completed, value: mode(channel)}
  favourite_category: {event: Order Completed, value: mode(category)}
  last_category: {event: Order Completed, value: last(category)}
  discounted_orders: {event: Order Completed, value: count(), where: discount > 0}
  discounts: {event: Order Completed, value: sum(discount)}
  orders_30d: {event: Order Completed, value: count(), within: 30 days}
  revenue_90d: {event: Order Completed, value: sum(revenue), within: 90 days}
  revenue_365d: {event: Order Completed, value: sum(revenue), within: 365 days}
  web_revenue: {event: Order Completed, value: sum(revenue), where: channel = 'web'}
  weekend_orders: {event: Order Completed, value: count(), where: day_of_week(timestamp) >= 6}
  items_bought: {event: Order Completed, value: sum(quantity)}
  views: {event: Product Viewed, value: count()}
  views_7d: {event: Product Viewed, value: count(), within: 7 days}
  views_30d: {event: Product Viewed, value: count(), within: 30 days}
  viewed_category: {event: Product Viewed, value: mode(category)}
  last_brand: {event: Product Viewed, value: last(brand)}
  first_brand: {event: Product Viewed, value: first(brand)}
  brands_viewed: {event: Product Viewed, value: count(distinct brand)}
  dearest_view: {event: Product Viewed, value: max(price)}
  upper_price: {event: Product Viewed, value: 'quantile(price, 0.9)'}
  basket_adds: {event: Product Added, value: count()}
  basket_value: {event: Product Added, value: sum(price)}
  basket_adds_30d: {event: Product Added, value: count(), within: 30 days}
  pages: {event: Page Viewed, value: count()}
  pages_90d: {event: Page Viewed, value: count(), within: 90 days}
  last_seen_at: {event: Page Viewed, value: max(timestamp)}
  opens: {event: Email Opened, value: count()}
  opens_90d: {event: Email Opened, value: count(), within: 90 days}
  days_since_last_order: {value: days_since(last_order_at)}
  discount_share: {value: discounted_orders / orders}
  lifecycle:
    value: |
      case when orders = 0 then 'prospect'
           when days_since(last_order_at) > 365 then 'inactive'
           when days_since(last_order_at) > 90 then 'defecting'
           when orders = 1 then 'first_time' else 'active' end
"""
SEGMENTS = """segments:
  active: lifecycle in ('first_time', 'active')
  browsing: views_7d > 0 and orders = 0
  worth_keeping: revenue_365d >= 500 and days_since_last_order > 90
"""
FIELDS = {
    "Product Viewed": ("category", "brand", "price"),
    "Page Viewed": ("category",),
    "Product Added": ("category", "price", "quantity"),
    "Email Opened": (),
    "Order Completed": ("category", "revenue", "discount", "quantity"),
}
TYPES = {"category": "text", "brand": "text", "quantity": "decimal"}
AS_OF = "2025-01-01T00:00:00Z"
"""Just after the last invented event."""


def file_name(event: str) -> str:
    """The stem of the files of an event name."""
    return event.lower().replace(" ", "_")


def write(root: Path, folder: Path, traits: str = TRAITS, segments: str = SEGMENTS) -> None:
    """A project in `root` over the files of `folder`, its state beside it."""
    for name in ("sources", "traits", "segments"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "visavis.yml").write_text("name: Bench\ntime_zone: UTC\n", encoding="utf-8")
    (root / "traits" / "shop.yml").write_text(traits, encoding="utf-8")
    (root / "segments" / "shop.yml").write_text(segments, encoding="utf-8")
    (root / "identity.yml").write_text("kinds: {user_id: {unique: true}}\n", encoding="utf-8")
    text = "sources:\n" + "".join(_source(event, folder) for event in KINDS)
    (root / "sources" / "shop.yml").write_text(text, encoding="utf-8")


def _source(event: str, folder: Path) -> str:
    fields = "".join(
        f"      {name}: {{type: {TYPES.get(name, 'decimal')}}}\n" for name in FIELDS[event]
    )
    return (
        f"  {file_name(event)}:\n    from: {folder}/{file_name(event)}*.parquet\n"
        f"    kind: events\n    event: {event}\n"
        "    map: {time: time, id: id, channel: channel}\n"
        "    identifiers: {user_id: user_id}\n" + (f"    fields:\n{fields}" if fields else "")
    )
