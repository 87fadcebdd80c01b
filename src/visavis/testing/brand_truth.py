"""The truth about the invented brand: who is who, what each person did, which events are bots'."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from visavis.testing import brand_words as words
from visavis.testing.brand_clicks import Clicks, kiosks
from visavis.testing.brand_columns import money, pick, table, times
from visavis.testing.brand_orders import Orders, consents_at
from visavis.testing.brand_people import DAY, NONE, Array, Brand, People, uuid_of
from visavis.testing.brand_tables import TILL_EMAIL

Names = list[tuple[str, str, str | None, str]]
"""(kind, value, person or None, role)."""


def click_truth(brand: Brand, people: People | None, clicks: Clicks, ids: list[str]) -> pa.Table:
    """Who made each event of web, app and kiosk."""
    count = len(clicks.time)
    labels: list[str] = people.label() if people else []
    return table(
        {
            "id": ids,
            "person": pick(labels, clicks.person),
            "bot": pa.array(np.full(count, clicks.bot)),
            "place": pick(("file", "stream"), (clicks.time >= brand.cut).astype(np.int64)),
        }
    )


def identifiers(
    people: People, clicks: Clicks, orders: Orders, second: list[tuple[str, int]]
) -> pa.Table:
    """Every identifier of one part, the person it is of (None: of nobody) and its role.

    A device or a landline is nobody's when several people were seen with it.
    """
    label = people.label()
    rows: Names = []
    for kind, values in (
        ("customer_id", people.customer), ("user_id", people.user), ("loyalty_id", people.card),
        ("email", people.email), ("email", people.typo_email), ("email", people.work_email),
        ("social_id", people.handle),
    ):  # fmt: skip
        role = "typo" if values is people.typo_email else "own"
        rows += [(kind, v, w, role) for v, w in zip(values, label, strict=True) if v is not None]
    rows += [("customer_id", number, label[person], "duplicate") for number, person in second]
    rows += _phones(people, label)
    rows += _device_rows(people, clicks, orders, label)
    return _table(rows)


def _phones(people: People, label: list[str]) -> Names:
    """A landline is of the member whom the CRM knows by it, of nobody where it knows several."""
    users: dict[str, list[str]] = {}
    callers: dict[str, str] = {}
    for phone, who, customer in zip(people.phone, label, people.customer, strict=True):
        if phone is not None:
            users.setdefault(phone, []).extend([who] if customer is not None else [])
            callers.setdefault(phone, who)
    return [
        ("phone", phone, None if who[1:] else (who or [callers[phone]])[0],
         "family" if who[1:] else "own")
        for phone, who in users.items()
    ]  # fmt: skip


def _device_rows(people: People, clicks: Clicks, orders: Orders, label: list[str]) -> Names:
    devices = people.devices
    count = len(devices.owner)
    seen = (clicks.device < count) & (clicks.user != NONE)
    ordered = orders.device != NONE
    device = np.concatenate([clicks.device[seen], orders.device[ordered]])
    person = np.concatenate([clicks.user[seen], orders.person[ordered]])
    low, high = np.full(count, len(people)), np.full(count, NONE)
    np.minimum.at(low, device, person)
    np.maximum.at(high, device, person)
    tablet = devices.agent == 2
    several = (low < high) & (high != NONE)
    owner = np.where(tablet & (high != NONE), high, devices.owner)
    rows: Names = []
    for i, (who, shared, family) in enumerate(
        zip(owner.tolist(), several.tolist(), tablet.tolist(), strict=True)
    ):
        name, role = None if shared else label[who], "tablet" if family else "own"
        rows.append(("anonymous_id", devices.anonymous[i], name, role))
        unique = devices.device[i]
        if unique is not None:
            rows.append(("device_id", unique, name, role))
    return rows


def everybodys(brand: Brand, bots: Clicks) -> pa.Table:
    """The identifiers that are nobody's in every part: kiosks, bots, the till, broken ids."""
    rows: Names = [
        ("anonymous_id", uuid_of(n, 5, brand.seed), None, "kiosk") for n in range(kiosks(brand))
    ]
    rows += [("anonymous_id", v, None, "bot") for v in bots.devices.anonymous]
    rows += [("anonymous_id", v, None, "nobody") for v in words.NOBODYS]
    return _table([*rows, ("email", TILL_EMAIL, None, "till")])


def _table(rows: Names) -> pa.Table:
    kind, value, person, role = (list(c) for c in zip(*rows, strict=True))
    return table({"kind": kind, "value": value, "person": person, "role": role})


def people_truth(brand: Brand, people: People, orders: Orders) -> pa.Table:
    """Each person with what they truly bought, in stores without a card too."""
    count, days = len(people), brand.days
    made = np.bincount(orders.person, minlength=count)
    owner = orders.person[orders.order_of_line]
    revenue = np.bincount(owner, weights=orders.amount, minlength=count)
    back = np.bincount(owner, weights=orders.amount * orders.returned, minlength=count)
    first, last = np.full(count, brand.end), np.full(count, NONE)
    np.minimum.at(first, orders.person, orders.time)
    np.maximum.at(last, orders.person, orders.time)
    leaves = np.where(people.leaves < days, brand.start + people.leaves * DAY, NONE)
    interested = (people.leaves >= days) & (people.joined < days)
    return table(
        {
            "person": people.label(),
            "household": [f"h{h}" for h in people.household.tolist()],
            "first_name": people.first,
            "last_name": people.last,
            "time_zone": pick([c.zone for c in words.CITIES], people.city),
            "orders": pa.array(made),
            "revenue": money(revenue.astype(np.int64)),
            "refunds": money(back.astype(np.int64)),
            "first_order_at": times(np.where(made > 0, first, NONE)),
            "last_order_at": times(last),
            "lifecycle": pick(_STATES, _state(brand, made, last)),
            "orders_a_day": pa.array(people.rate.round(6)),
            "interested": pa.array(interested),
            "interested_until": times(leaves.astype(np.int64)),
            "email_consent": pick(("no", "yes"), consents_at(people, brand.end)),
            "effect": pa.array(people.effect),
        }
    )


_STATES = ("prospect", "first_time", "active", "defecting", "inactive")


def _state(brand: Brand, orders: Array, last: Array) -> Array:
    """The usual lifecycle of what truly happened, days counted as 24 hours to the end."""
    away = (brand.end - last) // DAY
    return np.select([orders == 0, away > 365, away > 90, orders == 1], [0, 4, 3, 1], default=2)
