"""An invented fashion brand with web, app, stores, Instagram, helpline and chat, and its truth.

Same people, days and seed: the same tables, to the byte. The population is made in parts, so
memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable

import numpy as np
import pyarrow as pa

from visavis.testing import brand_service as service
from visavis.testing import brand_tables as files
from visavis.testing import brand_truth as truth
from visavis.testing.brand_clicks import EVENTS, Clicks, make_bots, make_clicks
from visavis.testing.brand_orders import make_campaigns, make_orders
from visavis.testing.brand_people import Brand, People, make_people, uuid_of

PART = 20_000
CLICKS, ORDERS = "streams/clicks", "streams/orders"
"""Tables that become requests."""


def project_files() -> dict[str, str]:
    """The definitions of the brand's project: relative path -> text."""
    return dict(_files(resources.files("visavis.testing") / "fashion", ""))


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".yml"):
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")


def tables(brand: Brand) -> Iterator[tuple[str, pa.Table]]:
    """(relative path, rows) of every file, part by part; a path comes again in each part."""
    yield from files.catalogue(brand).items()
    for part, first in enumerate(range(0, brand.people, PART)):
        rng = np.random.default_rng([brand.seed, part])
        people = make_people(brand, first, min(PART, brand.people - first), rng)
        yield from _part(brand, people, part, rng)
    bots = make_bots(brand, np.random.default_rng([brand.seed, 1 << 30]))
    yield from _click_tables(brand, None, bots, "bots")
    yield "truth/identifiers.parquet", truth.everybodys(brand, bots)


def _part(
    brand: Brand, people: People, part: int, rng: np.random.Generator
) -> Iterator[tuple[str, pa.Table]]:
    campaigns = make_campaigns(brand, people, rng)
    orders = make_orders(brand, people, campaigns, part, rng)
    clicks = make_clicks(brand, people, rng)
    members = files.people_tables(brand, people, part, rng)
    mails, effects = service.mail_tables(brand, people, campaigns, rng)
    bought, order_truth = files.order_tables(brand, people, orders, rng)
    yield from members.items()
    yield from bought.items()
    yield from mails.items()
    yield from service.service_tables(brand, people, orders, rng).items()
    yield from _click_tables(brand, people, clicks, f"{part:03d}")
    yield from order_truth.items()
    if len(effects):
        yield "truth/effects.parquet", effects
    yield "truth/people.parquet", truth.people_truth(brand, people, orders)
    second = files.duplicates(people, members["data/members.csv"], part)
    yield "truth/identifiers.parquet", truth.identifiers(people, clicks, orders, second)


def _click_tables(
    brand: Brand, people: People | None, clicks: Clicks, part: str
) -> Iterator[tuple[str, pa.Table]]:
    """One file per event, as connectors write them; what is streamed for itself."""
    salt = 9 if people else 10
    first = int(people.number[0]) * 4096 if people else 0
    ids = [
        f"ajs-next-{time}-{uuid_of(first + i, salt, brand.seed)}"
        for i, time in enumerate(clicks.time.tolist())
    ]
    rows = files.click_table(brand, people, clicks, ids)
    yield "truth/clicks.parquet", truth.click_truth(brand, people, clicks, ids)
    streamed = clicks.time >= brand.cut
    for number, event in enumerate(EVENTS):
        chosen = rows.filter(pa.array((clicks.event == number) & ~streamed))
        name = event.lower().replace(" ", "_")
        if len(chosen):
            yield f"data/{name}.parquet", chosen.drop_columns(["event"])
    if streamed.any():
        yield CLICKS, rows.filter(pa.array(streamed))
