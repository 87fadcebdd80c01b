"""What happens on web, app and kiosk: sessions, logins and logouts, and the bots among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from visavis.testing import brand_words as words
from visavis.testing.brand_orders import local_time, moments, store_time
from visavis.testing.brand_people import DAY, NONE, Array, Brand, Devices, People, Rng, uuid_of

VIEWED, ADDED, IN, OUT = 0, 1, 2, 3
EVENTS = ("Product Viewed", "Product Added", "Signed In", "Signed Out")
KIOSK, BOT = 3, 4


@dataclass(frozen=True, slots=True)
class Clicks:
    """One row an event in the order of time.

    `device` counts in `devices`; `person` is who was there (NONE: a bot), `user` who was logged
    in (NONE: nobody), both a row of the part's people; `broken` rows carry a nobody's id.
    """

    time: Array
    event: Array
    person: Array
    user: Array
    device: Array
    product: Array
    broken: Array
    devices: Devices
    bot: bool = False


@dataclass(frozen=True, slots=True)
class _Sessions:
    person: Array
    start: Array
    device: Array
    logged_in: Array
    logs_out: Array


def kiosks(brand: Brand) -> int:
    """How many kiosks stand in the stores."""
    return max(2, brand.people // 4000)


def make_clicks(brand: Brand, people: People, rng: Rng) -> Clicks:
    """The clicks of one part of the population, at home and at the kiosks of the stores."""
    home, store = _at_home(brand, people, rng), _at_kiosks(brand, people, rng)
    devices = people.devices
    every = _Sessions(
        *(np.concatenate([getattr(home, f), getattr(store, f)]) for f in _Sessions.__slots__)
    )
    ids = range(kiosks(brand))
    with_kiosks = Devices(
        owner=np.concatenate([devices.owner, np.full(len(ids), NONE)]),
        anonymous=[*devices.anonymous, *(uuid_of(n, 5, brand.seed) for n in ids)],
        device=[*devices.device, *(None for _ in ids)],
        agent=np.concatenate([devices.agent, np.full(len(ids), KIOSK)]),
        first=devices.first,
        count=devices.count,
        tablet=devices.tablet,
    )
    return _clicks(brand, every, with_kiosks, rng)


def _at_home(brand: Brand, people: People, rng: Rng) -> _Sessions:
    person, day = moments(brand, people, people.visits, rng)
    devices = people.devices
    own, tablet = devices.count[person], devices.tablet[person]
    device = devices.first[person] + (rng.random(len(person)) * own).astype(np.int64)
    device = np.where(own > 0, device, NONE)
    device = np.where((tablet != NONE) & (rng.random(len(person)) < 0.35), tablet, device)
    person, day, device = (a[device != NONE] for a in (person, day, device))
    account = np.array([u is not None for u in people.user])[person]
    app = devices.agent[device] == 1
    logged_in = account & (rng.random(len(person)) < np.where(app, 0.95, 0.45))
    shared = device == devices.tablet[person]
    logs_out = logged_in & ~app & (rng.random(len(person)) < np.where(shared, 0.9, 0.4))
    start = local_time(brand, people, person, day, rng)
    return _Sessions(person, start, device, logged_in, logs_out)


def _at_kiosks(brand: Brand, people: People, rng: Rng) -> _Sessions:
    account = np.flatnonzero([u is not None for u in people.user])
    # few projects are so small that nobody would stand at a kiosk
    person = rng.choice(account, max(min(len(account), 8), len(account) // 25), replace=False)
    day = rng.integers(0, brand.days, len(person))
    device = len(people.devices.owner) + rng.integers(0, kiosks(brand), len(person))
    yes = np.ones(len(person), dtype=bool)
    return _Sessions(person, store_time(brand, day, rng), device, yes, yes)


def _clicks(brand: Brand, sessions: _Sessions, devices: Devices, rng: Rng) -> Clicks:
    count = len(sessions.person)
    views = 1 + rng.poisson(2.5, count)
    of = np.repeat(np.arange(count), views)
    number = np.arange(len(of)) - np.repeat(np.cumsum(views) - views, views)
    view_at = sessions.start[of] + number * 40_000 + rng.integers(0, 30_000, len(of))
    last = sessions.start + views * 40_000
    adds = np.flatnonzero(rng.random(count) < 0.25)
    ins, outs = np.flatnonzero(sessions.logged_in), np.flatnonzero(sessions.logs_out)
    session = np.concatenate([of, adds, ins, outs])
    event = np.repeat([VIEWED, ADDED, IN, OUT], [len(of), len(adds), len(ins), len(outs)])
    time = np.concatenate([view_at, last[adds], sessions.start[ins] + 31_000, last[outs] + 45_000])
    known = sessions.logged_in[session] & (time >= sessions.start[session] + 31_000)
    time = np.minimum(time, brand.end - 1)
    person = sessions.person[session]
    order = np.lexsort((event, session, time))
    rows = Clicks(
        time=time,
        event=event,
        person=person,
        user=np.where(known, person, NONE),
        device=sessions.device[session],
        product=(words.GOODS * rng.beta(0.7, 2.2, len(session))).astype(np.int64),
        broken=(event == VIEWED) & (rng.random(len(session)) < 0.002),
        devices=devices,
    )
    return _ordered(rows, order)


def _ordered(clicks: Clicks, order: Array, bot: bool = False) -> Clicks:
    c = clicks
    columns = (c.time, c.event, c.person, c.user, c.device, c.product, c.broken)
    time, event, person, user, device, product, broken = (column[order] for column in columns)
    return Clicks(time, event, person, user, device, product, broken, c.devices, bot)


def make_bots(brand: Brand, rng: Rng) -> Clicks:
    """Crawlers that say so, and others that look like browsers but turn a page every second."""
    bots = max(3, brand.people // 500)
    runs = np.repeat(np.arange(bots), rng.integers(1, 4, bots))
    start = brand.start + (rng.random(len(runs)) * (brand.days * DAY - 600_000)).astype(np.int64)
    views = rng.integers(60, 240, len(runs))
    of = np.repeat(np.arange(len(runs)), views)
    number = np.arange(len(of)) - np.repeat(np.cumsum(views) - views, views)
    nobody = np.full(len(of), NONE)
    devices = Devices(
        owner=np.full(bots, NONE),
        anonymous=[uuid_of(n, 6, brand.seed) for n in range(bots)],
        device=[None] * bots,
        agent=np.where(np.arange(bots) % 2 == 0, BOT, 0),
        first=np.zeros(0),
        count=np.zeros(0),
        tablet=np.zeros(0),
    )
    rows = Clicks(
        time=start[of] + number * 1_000 + rng.integers(0, 400, len(of)),
        event=np.full(len(of), VIEWED),
        person=nobody,
        user=nobody,
        device=runs[of],
        product=rng.integers(0, words.GOODS, len(of)),
        broken=np.zeros(len(of), dtype=bool),
        devices=devices,
    )
    return _ordered(rows, np.lexsort((rows.device, rows.time)), bot=True)
