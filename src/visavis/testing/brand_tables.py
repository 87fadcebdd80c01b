"""The files of the invented brand: what its tills, shop, app, CRM and helpline would export."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from visavis.testing import brand_words as words
from visavis.testing.brand_clicks import ADDED, EVENTS, IN, VIEWED, Clicks
from visavis.testing.brand_columns import iso, money, pick, table, times
from visavis.testing.brand_orders import (
    CHANNELS,
    STORE,
    Orders,
    berlin,
    prices,
)
from visavis.testing.brand_people import DAY, NONE, Array, Brand, People, Rng

Tables = dict[str, pa.Table]
TILL_EMAIL = "kasse@stores.example"
"""What cashiers type where a customer gives no address."""
_PAID = ("card", "cash", "invoice", "wallet")


def catalogue(brand: Brand) -> Tables:
    """Goods, what they cost, and what campaigns and new customers cost."""
    names = list(words.CATEGORIES)
    goods = np.arange(words.GOODS)
    category = [names[i % len(names)] for i in range(words.GOODS)]
    price = prices(brand)
    return {
        "data/products.csv": table(
            {
                "sku": [sku(i) for i in range(words.GOODS)],
                "name": [f"{c} No. {i}" for i, c in enumerate(category)],
                "name_zh": [f"{words.CATEGORIES[c][0]} {i}" for i, c in enumerate(category)],
                "category": category,
                "brand": [("Visage", "Linea", "Norden")[i % 3] for i in range(words.GOODS)],
                "price": money(price),
                "season": [("all", "summer", "winter")[i % 3] for i in range(words.GOODS)],
            }
        ),
        "data/margins.csv": table(
            {
                "sku": [sku(i) for i in range(words.GOODS)],
                "margin": money(40 + goods * 7 % 25),
            }
        ),
        "data/acquisition_costs.csv": table(
            {"channel": ["store", "web", "app"], "amount": money(np.array([400, 1800, 900]))}
        ),
    }


def sku(number: int) -> str:
    """The product id of a good."""
    return f"SKU{number:04d}"


def order_tables(brand: Brand, people: People, orders: Orders, rng: Rng) -> tuple[Tables, Tables]:
    """(files, truth) of the orders, returns behind them, and the streamed ones for themselves."""
    who = _shown(people, orders, rng)
    line = orders.order_of_line
    store = (orders.channel == STORE)[line]
    streamed = (orders.channel != STORE) & (orders.time >= brand.cut)
    rows = _with_returns(orders, np.flatnonzero(store))
    web_rows = _with_returns(orders, np.flatnonzero(~store & ~streamed[line]))
    tables = {
        "data/tills.csv": _till_rows(brand, orders, who, *rows),
        "data/web_orders.jsonl": _web_rows(people, orders, who, *web_rows),
    }
    if streamed.any():
        tables["streams/orders"] = _web_rows(
            people, orders, who, *_with_returns(orders, np.flatnonzero(streamed[line]))
        )
    return tables, {"truth/orders.parquet": _order_truth(people, orders, streamed, who)}


def _with_returns(orders: Orders, lines: Array) -> tuple[Array, Array]:
    """(line, whether it comes back), by time."""
    back = lines[orders.returned[lines]]
    line = np.concatenate([lines, back])
    returns = np.repeat([False, True], [len(lines), len(back)])
    of = orders.order_of_line[line]
    at = np.where(returns, orders.returned_at[of], orders.time[of])
    order = np.lexsort((line, at))
    return line[order], returns[order]


def _shown(people: People, orders: Orders, rng: Rng) -> dict[str, list[str | None]]:
    """Per order what it tells of who ordered: card, user, e-mail."""
    draw = rng.random((3, len(orders.person))).tolist()
    shown: dict[str, list[str | None]] = {"card": [], "user": [], "email": []}
    pairs = zip(orders.person.tolist(), orders.channel.tolist(), *draw, strict=True)
    for person, channel, a, b, c in pairs:
        user, email = None, people.typo_email[person] if c < 0.02 else people.email[person]
        if channel == STORE:
            shown["card"].append(people.card[person] if a < 0.85 else None)
            address = TILL_EMAIL if b < 0.015 else email if b < 0.08 else None
        else:
            shown["card"].append(None)
            user = people.user[person] if a < 0.8 or channel == 2 else None
            # the shop takes the address of the account; guests type theirs, in any case
            address = people.account_email[person] if user else email.title() if b < 0.1 else email
        shown["user"].append(user)
        shown["email"].append(address)
    return shown


def _till_rows(
    brand: Brand, orders: Orders, who: dict[str, list[str | None]], line: Array, back: Array
) -> pa.Table:
    of, sign = orders.order_of_line[line], np.where(back, -1, 1)
    at = np.where(back, orders.returned_at[of], orders.time[of])
    stores = list(words.STORES)
    return table(
        {
            "receipt": pick(orders.number, of),
            "sold_at": iso(berlin(brand, at), ""),
            "store": pick(stores, of * 7 % len(stores)),
            "card": pick(who["card"], of),
            "email": pick(who["email"], of),
            "sku": pick([sku(i) for i in range(words.GOODS)], orders.product[line]),
            "quantity": pa.array(orders.quantity[line] * sign),
            "amount": money(orders.amount[line] * sign),
            "discount": money(np.where(back, 0, orders.discount[line])),
            "payment": pick(_PAID, of % 2),
        }
    )


def _web_rows(
    people: People, orders: Orders, who: dict[str, list[str | None]], line: Array, back: Array
) -> pa.Table:
    of, sign = orders.order_of_line[line], np.where(back, -1, 1)
    device = orders.device[of]
    names = [f"news-{i + 1}" for i in range(int(orders.campaign.max(initial=-1)) + 1)]
    return table(
        {
            "order_id": pick(orders.number, of),
            "ordered_at": iso(np.where(back, orders.returned_at[of], orders.time[of])),
            "channel": pick(CHANNELS, orders.channel[of]),
            "user_id": pick(who["user"], of),
            "email": pick(who["email"], of),
            "visitor": pick(people.devices.anonymous, device),
            "device": pick(people.devices.device, device),
            "sku": pick([sku(i) for i in range(words.GOODS)], orders.product[line]),
            "quantity": pa.array(orders.quantity[line] * sign),
            "price": money(orders.price[line]),
            "amount": money(orders.amount[line] * sign),
            "discount": money(np.where(back, 0, orders.discount[line])),
            "payment": pick(_PAID, 2 * (of % 2)),
            "promotion": pick(names, orders.campaign[of]),
        }
    )


def _order_truth(
    people: People, orders: Orders, streamed: Array, who: dict[str, list[str | None]]
) -> pa.Table:
    count, line = len(orders.person), orders.order_of_line
    revenue = np.bincount(line, weights=orders.amount, minlength=count).astype(np.int64)
    back = np.bincount(line, weights=orders.amount * orders.returned, minlength=count)
    names = [f"news-{i + 1}" for i in range(int(orders.campaign.max(initial=-1)) + 1)]
    known = [
        any((card, user, email not in (None, TILL_EMAIL)))
        for card, user, email in zip(who["card"], who["user"], who["email"], strict=True)
    ]
    return table(
        {
            "order_id": orders.number,
            "person": pick(people.label(), orders.person),
            "time": times(orders.time),
            "channel": pick(CHANNELS, orders.channel),
            "place": pick(("file", "stream"), streamed.astype(np.int64)),
            "known": pa.array(known),
            "revenue": money(revenue),
            "refunded": money(back.astype(np.int64)),
            "campaign": pick(names, orders.campaign),
        }
    )


def people_tables(brand: Brand, people: People, part: int, rng: Rng) -> Tables:
    """CRM, web accounts, consents, linked social handles."""
    joined = np.where(people.joined < 0, -30.0, people.joined)
    at = (brand.start + joined * DAY).astype(np.int64)
    account = np.flatnonzero([u is not None for u in people.user])
    cards = [c if k else None for c, k in zip(people.card, people.linked_card, strict=True)]
    linked = np.flatnonzero(people.handle_linked & np.array([h is not None for h in people.handle]))
    link_at = np.minimum(at + (rng.random(len(people)) * 20 * DAY).astype(np.int64), brand.end - 1)
    return {
        "data/members.csv": _members(people, part, at, rng),
        "data/accounts.csv": table(
            {
                "user_id": pick(people.user, account),
                "email": pick(people.account_email, account),
                "card": pick(cards, account),
                "created_at": iso(at[account]),
            }
        ),
        "data/social_links.csv": table(
            {
                "linked_at": iso(link_at[linked]),
                "user_id": pick(people.user, linked),
                "instagram": pick(people.handle, linked),
            }
        ),
        "data/consents.csv": _consents(people, at),
    }


def _members(people: People, part: int, at: Array, rng: Rng) -> pa.Table:
    member = np.flatnonzero([c is not None for c in people.customer])
    again = member[rng.random(len(member)) < 0.02]
    row = np.concatenate([member, again])
    is_again = np.repeat([False, True], [len(member), len(again)])
    gives_mail = (rng.random(len(row)) < 0.85) & ~is_again
    numbers = [
        people.customer[r] if not d else f"C9{part:03d}{r:06d}"
        for r, d in zip(row.tolist(), is_again.tolist(), strict=True)
    ]
    cities = [c.name for c in words.CITIES]
    return table(
        {
            "customer_no": numbers,
            "card": pick(people.card, np.where(is_again, NONE, row)),
            "email": pick(people.email, np.where(gives_mail, row, NONE)),
            "phone": pick(people.phone, np.where(is_again, NONE, row)),
            "first_name": [
                _mistyped(people.first[r]) if d else people.first[r]
                for r, d in zip(row.tolist(), is_again.tolist(), strict=True)
            ],
            "last_name": pick(people.last, row),
            "street": pick(people.street, row),
            "city": pick(cities, people.city[row]),
            "country": pick([c.country for c in words.CITIES], people.city[row]),
            "language": pick([c.language for c in words.CITIES], people.city[row]),
            "time_zone": pick([c.zone for c in words.CITIES], people.city[row]),
            "birthday": pick(people.birthday, np.where(rng.random(len(row)) < 0.8, row, NONE)),
            "joined_at": iso(at[row]),
        }
    )


def duplicates(people: People, members: pa.Table, part: int) -> list[tuple[str, int]]:
    """(second customer number, person) of those that the CRM has twice."""
    start = f"C9{part:03d}"
    first = sum(c is not None for c in people.customer)
    numbers = map(str, members["customer_no"].to_pylist()[first:])
    return [(number, int(number.removeprefix(start))) for number in numbers]


def _mistyped(name: str) -> str:
    return name[0] + name[2:] + name[1] if len(name) > 2 else name


def _consents(people: People, at: Array) -> pa.Table:
    rows: list[tuple[str | None, str | None, str, str, str, int]] = []
    changes = people.consent_change.tolist()
    for i, said in enumerate(people.consent.tolist()):
        if people.customer[i] is None:
            continue
        mail, phone, when = people.email[i], people.phone[i], int(at[i])
        if said != NONE:
            rows.append((mail, None, "email", "marketing", _YES[said], when))
            rows.append((mail, None, "email", "news", _YES[1 - said if i % 7 == 0 else said], when))
        if changes[i] != NONE:
            new = 0 if said == 1 else 1
            rows.append((mail, None, "email", "marketing", _YES[new], changes[i]))
        if phone is not None and phone.startswith("+4915") and i % 5 < 2:
            rows.append((None, phone, "sms", "marketing", _YES[i % 2], when))
    columns = list(zip(*rows, strict=True)) or [()] * 6
    names = ("email", "phone", "channel", "purpose", "consent")
    made: dict[str, object] = {n: list(c) for n, c in zip(names, columns, strict=False)}
    return table(made | {"at": iso(np.array(columns[5], dtype=np.int64))})


_YES = ("no", "yes")


def click_table(brand: Brand, people: People | None, clicks: Clicks, ids: list[str]) -> pa.Table:
    """One row an event of web, app and kiosk."""
    devices = clicks.devices
    anonymous = pick(devices.anonymous, clicks.device)
    if clicks.broken.any():
        nobody = pick(words.NOBODYS, np.arange(len(clicks.time)) % len(words.NOBODYS))
        anonymous = pa.compute.if_else(pa.array(clicks.broken), nobody, anonymous)
    channel = np.where(devices.agent[clicks.device] == 1, 1, 0)
    channel = np.where(devices.agent[clicks.device] == 3, 2, channel)
    of_goods = (clicks.event == VIEWED) | (clicks.event == ADDED)
    signs_in = np.where(clicks.event == IN, clicks.user, NONE)
    return table(
        {
            "id": ids,
            "event": pick(EVENTS, clicks.event),
            "time": times(clicks.time),
            "channel": pick(("web", "app", "kiosk"), channel),
            "anonymous_id": anonymous,
            "device_id": pick(devices.device, clicks.device),
            "user_id": pick(people.user if people else [], clicks.user),
            "email": pick(people.account_email if people else [], signs_in),
            "sku": pick(
                [sku(i) for i in range(words.GOODS)], np.where(of_goods, clicks.product, NONE)
            ),
            "user_agent": pick(words.AGENTS, devices.agent[clicks.device]),
        }
    )
