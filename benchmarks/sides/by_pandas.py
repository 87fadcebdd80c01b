"""The peer: as many of the traits as pandas computes without Python code per person.

Left out: last and first by the log's order beside nulls are there, the modes are by a second
grouping, amounts are floats, for pandas has no decimals of its own.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd
from by_hand import events_of


def read(path: Path, columns: str, day: pd.Timestamp) -> pd.DataFrame:
    """The columns of a file, decimals as floats."""
    import pyarrow.parquet as pq

    frame = pq.read_table(path, columns=["node", "ts", *columns.split()]).to_pandas(
        types_mapper=None
    )
    for name in ("p_revenue", "p_discount", "p_quantity", "p_price"):
        if name in frame:
            frame[name] = frame[name].astype("float64")
    return frame[frame["ts"] <= day]


def windows(frame: pd.DataFrame, day: pd.Timestamp, days: dict[str, int]) -> pd.DataFrame:
    """Flags of rows within so many days."""
    for name, count in days.items():
        frame[name] = frame["ts"] > day - pd.Timedelta(days=count)
    return frame


def mode(frame: pd.DataFrame, column: str) -> pd.Series:
    """The commonest value of each person, the smallest among equals."""
    counted = frame.groupby(["node", column], observed=True, sort=True).size().reset_index(name="n")
    best = counted.sort_values(["node", "n"], ascending=[True, False], kind="stable")
    return best.drop_duplicates("node").set_index("node")[column]


def orders(path: Path, day: pd.Timestamp) -> pd.DataFrame:
    frame = read(path, "seq channel p_category p_revenue p_discount p_quantity", day)
    frame = windows(frame, day, {"orders_30d": 30, "in_90d": 90, "in_365d": 365})
    frame["revenue_90d"] = frame["p_revenue"].where(frame["in_90d"])
    frame["revenue_365d"] = frame["p_revenue"].where(frame["in_365d"])
    frame["web_revenue"] = frame["p_revenue"].where(frame["channel"] == "web")
    frame["discounted_orders"] = frame["p_discount"] > 0
    frame["weekend_orders"] = frame["ts"].dt.dayofweek >= 5
    groups = frame.sort_values("seq").groupby("node", sort=False)
    out = groups.agg(
        orders=("ts", "size"), revenue=("p_revenue", "sum"),
        average_order_value=("p_revenue", "mean"), largest_order=("p_revenue", "max"),
        smallest_order=("p_revenue", "min"), usual_order=("p_revenue", "median"),
        first_order_at=("ts", "min"), last_order_at=("ts", "max"),
        last_category=("p_category", "last"), discounted_orders=("discounted_orders", "sum"),
        discounts=("p_discount", "sum"), orders_30d=("orders_30d", "sum"),
        revenue_90d=("revenue_90d", "sum"), revenue_365d=("revenue_365d", "sum"),
        web_revenue=("web_revenue", "sum"), weekend_orders=("weekend_orders", "sum"),
        items_bought=("p_quantity", "sum"),
    )  # fmt: skip
    out["favourite_channel"] = mode(frame, "channel")
    out["favourite_category"] = mode(frame, "p_category")
    return out


def views(path: Path, day: pd.Timestamp) -> pd.DataFrame:
    frame = read(path, "seq p_category p_brand p_price", day)
    frame = windows(frame, day, {"views_7d": 7, "views_30d": 30})
    groups = frame.sort_values("seq").groupby("node", sort=False)
    out = groups.agg(
        views=("ts", "size"), views_7d=("views_7d", "sum"), views_30d=("views_30d", "sum"),
        last_brand=("p_brand", "last"), first_brand=("p_brand", "first"),
        brands_viewed=("p_brand", "nunique"), dearest_view=("p_price", "max"),
    )  # fmt: skip
    out["upper_price"] = groups["p_price"].quantile(0.9)
    out["viewed_category"] = mode(frame, "p_category")
    return out


def others(files: dict[str, Path], day: pd.Timestamp) -> list[pd.DataFrame]:
    added = windows(read(files["product_added"], "p_price", day), day, {"basket_adds_30d": 30})
    pages = windows(read(files["page_viewed"], "", day), day, {"pages_90d": 90})
    opens = windows(read(files["email_opened"], "", day), day, {"opens_90d": 90})
    return [
        added.groupby("node").agg(
            basket_adds=("ts", "size"), basket_value=("p_price", "sum"),
            basket_adds_30d=("basket_adds_30d", "sum"),
        ),
        pages.groupby("node").agg(
            pages=("ts", "size"), pages_90d=("pages_90d", "sum"), last_seen_at=("ts", "max")
        ),
        opens.groupby("node").agg(opens=("ts", "size"), opens_90d=("opens_90d", "sum")),
    ]  # fmt: skip


def finish(people: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    """The traits that are made of others."""
    from by_polars import ZERO

    people[ZERO] = people[ZERO].fillna(0)
    last, first = (people[f"{name}_order_at"].dt.normalize() for name in ("last", "first"))
    people["days_since_last_order"] = (day - last).dt.days
    gaps = (people["orders"] - 1).where(people["orders"] > 1)
    people["mean_days_between_orders"] = (last - first).dt.days / gaps
    people["discount_share"] = people["discounted_orders"] / people["orders"].where(
        people["orders"] > 0
    )
    people["lifecycle"] = "active"
    people.loc[people["orders"] == 1, "lifecycle"] = "first_time"
    people.loc[people["days_since_last_order"] > 90, "lifecycle"] = "defecting"
    people.loc[people["days_since_last_order"] > 365, "lifecycle"] = "inactive"
    people.loc[people["orders"] == 0, "lifecycle"] = "prospect"
    return people.sort_values("person_id").drop(columns="person")


def main(files: dict[str, Path], as_of: str) -> None:
    """Prints the seconds from the first read to the written file."""
    before = time.perf_counter()
    day = pd.Timestamp(as_of[:-1])
    people = pd.read_parquet(files["persons"], columns=["person", "person_id"])
    frames = [orders(files["order_completed"], day), views(files["product_viewed"], day)]
    for frame in frames + others(files, day):
        people = people.merge(frame, how="left", left_on="person", right_index=True)
    finish(people, day).to_parquet(files["target"], compression="zstd", index=False)
    print(time.perf_counter() - before)


if __name__ == "__main__":
    root, persons, target = (Path(word) for word in sys.argv[1:4])
    found = events_of(root / ".visavis" / "lake")
    main({**found, "persons": persons, "target": target}, sys.argv[4])
