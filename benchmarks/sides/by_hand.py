"""The peer: the same traits in SQL written by hand for DuckDB, one GROUP BY an event name."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

SQL = """
copy (
with o as (
  select node,
    count(*) orders, sum(p_revenue) revenue, count(p_revenue) paid,
    max(p_revenue) largest_order, min(p_revenue) smallest_order,
    quantile_disc(p_revenue, 0.5) usual_order,
    min(ts) first_order_at, max(ts) last_order_at,
    mode(channel order by channel) favourite_channel,
    mode(p_category order by p_category) favourite_category,
    arg_max(p_category, seq) last_category,
    count(*) filter (where p_discount > 0) discounted_orders, sum(p_discount) discounts,
    count(*) filter (where ts > $day - interval 30 day) orders_30d,
    sum(p_revenue) filter (where ts > $day - interval 90 day) revenue_90d,
    sum(p_revenue) filter (where ts > $day - interval 365 day) revenue_365d,
    sum(p_revenue) filter (where channel = 'web') web_revenue,
    count(*) filter (where isodow(ts) >= 6) weekend_orders,
    sum(p_quantity) items_bought
  from read_parquet('{order_completed}') where ts <= $day group by node
), v as (
  select node, count(*) views,
    count(*) filter (where ts > $day - interval 7 day) views_7d,
    count(*) filter (where ts > $day - interval 30 day) views_30d,
    mode(p_category order by p_category) viewed_category,
    arg_max(p_brand, seq) last_brand, arg_min(p_brand, seq) first_brand,
    count(distinct p_brand) brands_viewed,
    max(p_price) dearest_view, quantile_disc(p_price, 0.9) upper_price
  from read_parquet('{product_viewed}') where ts <= $day group by node
), a as (
  select node, count(*) basket_adds, sum(p_price) basket_value,
    count(*) filter (where ts > $day - interval 30 day) basket_adds_30d
  from read_parquet('{product_added}') where ts <= $day group by node
), s as (
  select node, count(*) pages, max(ts) last_seen_at,
    count(*) filter (where ts > $day - interval 90 day) pages_90d
  from read_parquet('{page_viewed}') where ts <= $day group by node
), m as (
  select node, count(*) opens,
    count(*) filter (where ts > $day - interval 90 day) opens_90d
  from read_parquet('{email_opened}') where ts <= $day group by node
)
select person_id,
  coalesce(orders, 0) orders, cast(coalesce(revenue, 0) as decimal(18, 6)) revenue,
  cast(revenue / paid as decimal(18, 6)) average_order_value,
  largest_order, smallest_order, usual_order, first_order_at, last_order_at,
  case when orders > 1 then cast((cast(last_order_at as date) - cast(first_order_at as date))
    / (orders - 1) as decimal(18, 6)) end mean_days_between_orders,
  favourite_channel, favourite_category, last_category,
  coalesce(discounted_orders, 0) discounted_orders,
  cast(coalesce(discounts, 0) as decimal(18, 6)) discounts,
  coalesce(orders_30d, 0) orders_30d,
  cast(coalesce(revenue_90d, 0) as decimal(18, 6)) revenue_90d,
  cast(coalesce(revenue_365d, 0) as decimal(18, 6)) revenue_365d,
  cast(coalesce(web_revenue, 0) as decimal(18, 6)) web_revenue,
  coalesce(weekend_orders, 0) weekend_orders,
  cast(coalesce(items_bought, 0) as decimal(18, 6)) items_bought,
  coalesce(views, 0) views, coalesce(views_7d, 0) views_7d, coalesce(views_30d, 0) views_30d,
  viewed_category, last_brand, first_brand, coalesce(brands_viewed, 0) brands_viewed,
  dearest_view, upper_price,
  coalesce(basket_adds, 0) basket_adds,
  cast(coalesce(basket_value, 0) as decimal(18, 6)) basket_value,
  coalesce(basket_adds_30d, 0) basket_adds_30d,
  coalesce(pages, 0) pages, coalesce(pages_90d, 0) pages_90d, last_seen_at,
  coalesce(opens, 0) opens, coalesce(opens_90d, 0) opens_90d,
  cast($day as date) - cast(last_order_at as date) days_since_last_order,
  case when orders > 0 then cast(discounted_orders / orders as decimal(18, 6)) end discount_share,
  case when coalesce(orders, 0) = 0 then 'prospect'
    when cast($day as date) - cast(last_order_at as date) > 365 then 'inactive'
    when cast($day as date) - cast(last_order_at as date) > 90 then 'defecting'
    when orders = 1 then 'first_time' else 'active' end lifecycle
from (from read_parquet('{persons}') where node = person) p
  left join o on o.node = p.person left join v on v.node = p.person
  left join a on a.node = p.person left join s on s.node = p.person
  left join m on m.node = p.person
order by person_id
) to '{target}' (format parquet, compression zstd)
"""


def main(files: dict[str, Path], as_of: str, memory: str, spill: Path) -> None:
    """Prints the seconds from opening the engine to the written file."""
    before = time.perf_counter()
    config = {"memory_limit": memory, "temp_directory": str(spill)}
    with duckdb.connect(config=config) as db:
        db.execute("set enable_progress_bar = false; set preserve_insertion_order = false")
        sql = SQL.replace("$day", f"timestamp '{as_of[:-1]}'")
        db.execute(sql.format_map(files)).fetchall()
    print(time.perf_counter() - before)


def events_of(lake: Path) -> dict[str, Path]:
    """The file of each event name: a load here is one source, and a source one event."""
    return {load.name.split("-", 1)[1]: load / "events.parquet" for load in sorted(lake.iterdir())}


if __name__ == "__main__":
    root, persons, target = (Path(word) for word in sys.argv[1:4])
    state = root / ".visavis"
    files = {**events_of(state / "lake"), "persons": persons, "target": target}
    main(files, sys.argv[4], sys.argv[5], state / "tmp")
