"""The peer: the same traits in polars, lazily, by its streaming engine.

Where polars has no aggregate of the same meaning: ties of `mode` go to the smallest value by a
group of its own; quantiles are its own ("lower"), not by nearest rank.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from by_hand import events_of

c = pl.col


def mode(events: pl.LazyFrame, column: str, name: str) -> pl.LazyFrame:
    """The commonest value of each person, the smallest among equals."""
    counted = (
        events.filter(c(column).is_not_null()).group_by("node", column).agg(pl.len().alias("n"))
    )
    return counted.group_by("node").agg(c(column).filter(c("n") == c("n").max()).min().alias(name))


def orders(events: pl.LazyFrame, day: datetime) -> list[pl.LazyFrame]:
    paid = c("p_revenue")
    flat = events.group_by("node").agg(
        pl.len().alias("orders"), paid.sum().alias("revenue"), paid.count().alias("paid"),
        paid.max().alias("largest_order"), paid.min().alias("smallest_order"),
        paid.quantile(0.5, "lower").alias("usual_order"),
        c("ts").min().alias("first_order_at"), c("ts").max().alias("last_order_at"),
        c("p_category").filter(c("p_category").is_not_null())
        .get(c("seq").filter(c("p_category").is_not_null()).arg_max(), null_on_oob=True)
        .alias("last_category"),
        (c("p_discount") > 0).sum().alias("discounted_orders"),
        c("p_discount").sum().alias("discounts"),
        (c("ts") > day - timedelta(days=30)).sum().alias("orders_30d"),
        paid.filter(c("ts") > day - timedelta(days=90)).sum().alias("revenue_90d"),
        paid.filter(c("ts") > day - timedelta(days=365)).sum().alias("revenue_365d"),
        paid.filter(c("channel") == "web").sum().alias("web_revenue"),
        (c("ts").dt.weekday() >= 6).sum().alias("weekend_orders"),
        c("p_quantity").sum().alias("items_bought"),
    )  # fmt: skip
    return [
        flat,
        mode(events, "channel", "favourite_channel"),
        mode(events, "p_category", "favourite_category"),
    ]


def views(events: pl.LazyFrame, day: datetime) -> list[pl.LazyFrame]:
    flat = events.group_by("node").agg(
        pl.len().alias("views"),
        (c("ts") > day - timedelta(days=7)).sum().alias("views_7d"),
        (c("ts") > day - timedelta(days=30)).sum().alias("views_30d"),
        c("p_brand").get(c("seq").arg_max()).alias("last_brand"),
        c("p_brand").get(c("seq").arg_min()).alias("first_brand"),
        c("p_brand").n_unique().alias("brands_viewed"),
        c("p_price").max().alias("dearest_view"),
        c("p_price").quantile(0.9, "lower").alias("upper_price"),
    )
    return [flat, mode(events, "p_category", "viewed_category")]


def others(files: dict[str, Path], day: datetime) -> list[pl.LazyFrame]:
    def of(name: str) -> pl.LazyFrame:
        return pl.scan_parquet(files[name]).filter(c("ts") <= day)

    return [
        of("product_added").group_by("node").agg(
            pl.len().alias("basket_adds"), c("p_price").sum().alias("basket_value"),
            (c("ts") > day - timedelta(days=30)).sum().alias("basket_adds_30d"),
        ),
        of("page_viewed").group_by("node").agg(
            pl.len().alias("pages"), (c("ts") > day - timedelta(days=90)).sum().alias("pages_90d"),
            c("ts").max().alias("last_seen_at"),
        ),
        of("email_opened").group_by("node").agg(
            pl.len().alias("opens"), (c("ts") > day - timedelta(days=90)).sum().alias("opens_90d"),
        ),
    ]  # fmt: skip


ZERO = [
    "orders",
    "revenue",
    "discounted_orders",
    "discounts",
    "orders_30d",
    "revenue_90d",
    "revenue_365d",
    "web_revenue",
    "weekend_orders",
    "items_bought",
    "views",
    "views_7d",
    "views_30d",
    "brands_viewed",
    "basket_adds",
    "basket_value",
    "basket_adds_30d",
    "pages",
    "pages_90d",
    "opens",
    "opens_90d",
]


def finish(people: pl.LazyFrame, day: datetime) -> pl.LazyFrame:
    """The traits that are made of others."""
    since = (pl.lit(day).dt.date() - c("last_order_at").dt.date()).dt.total_days()
    span = (c("last_order_at").dt.date() - c("first_order_at").dt.date()).dt.total_days()
    some = c("orders") > 0
    return (
        people.with_columns(c(ZERO).fill_null(0))
        .with_columns(
            (c("revenue").cast(pl.Float64) / c("paid")).alias("average_order_value"),
            pl.when(c("orders") > 1).then(span / (c("orders") - 1.0))
            .alias("mean_days_between_orders"),
            since.alias("days_since_last_order"),
            pl.when(some).then(c("discounted_orders") / c("orders")).alias("discount_share"),
        )
        .with_columns(
            pl.when(~some).then(pl.lit("prospect"))
            .when(c("days_since_last_order") > 365).then(pl.lit("inactive"))
            .when(c("days_since_last_order") > 90).then(pl.lit("defecting"))
            .when(c("orders") == 1).then(pl.lit("first_time"))
            .otherwise(pl.lit("active")).alias("lifecycle")
        )
        .drop("person", "paid").sort("person_id")
    )  # fmt: skip


def main(files: dict[str, Path], as_of: str) -> None:
    """Prints the seconds from the first scan to the written file."""
    before = time.perf_counter()
    day = datetime.fromisoformat(as_of[:-1])
    people = (
        pl.scan_parquet(files["persons"])
        .filter(c("node") == c("person"))
        .select("person", "person_id")
    )
    frames = orders(pl.scan_parquet(files["order_completed"]).filter(c("ts") <= day), day)
    frames += views(pl.scan_parquet(files["product_viewed"]).filter(c("ts") <= day), day)
    for frame in frames + others(files, day):
        people = people.join(frame, left_on="person", right_on="node", how="left")
    finish(people, day).sink_parquet(files["target"], engine="streaming")
    print(time.perf_counter() - before)


if __name__ == "__main__":
    root, persons, target = (Path(word) for word in sys.argv[1:4])
    found = events_of(root / ".visavis" / "lake")
    main({**found, "persons": persons, "target": target}, sys.argv[4])
