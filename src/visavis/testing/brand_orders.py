"""What the people of the invented brand buy, send back, and do because of a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from visavis.testing import brand_words as words
from visavis.testing.brand_people import DAY, NONE, Array, Brand, People, Rng

HOUR = 3_600_000
WINDOW = 14
"""Days after a message in which its effect is counted."""
STORE, WEB, APP = 0, 1, 2
CHANNELS = ("store", "web", "app")
_BERLIN = "Europe/Berlin"


@dataclass(frozen=True, slots=True)
class Orders:
    """One row an order, in the order of time; `device` and `campaign` are NONE where there's none.

    Lines lie behind each other: those of order i from `first_line[i]` on.
    """

    person: Array
    time: Array
    channel: Array
    number: list[str]
    device: Array
    campaign: Array
    returned_at: Array
    """UTC ms at which its returned lines came back, or NONE."""
    order_of_line: Array
    product: Array
    quantity: Array
    price: Array
    """Cents a piece."""
    discount: Array
    """Cents off the line."""
    returned: Array

    @property
    def amount(self) -> Array:
        """Cents of each line, after the discount."""
        return self.quantity * self.price - self.discount


@dataclass(frozen=True, slots=True)
class Campaign:
    """One mailing to half of those who agreed, drawn by chance, and what became of it."""

    name: str
    at: int
    person: Array
    treated: Array
    p_control: Array
    p_treated: Array
    answered: Array
    """Whether the order of the campaign's window was made, under the arm that was drawn."""
    order_at: Array


@lru_cache(maxsize=64)
def offsets(zone: str, start: int, days: int) -> Array:
    """Milliseconds to add to UTC on each day, at noon."""
    moments = (datetime.fromtimestamp((start + d * DAY) / 1000 + 43_200, UTC) for d in range(days))
    spans = (m.astimezone(ZoneInfo(zone)).utcoffset() for m in moments)
    return np.array([int(s.total_seconds() * 1000) if s else 0 for s in spans])


@lru_cache(maxsize=4)
def season(start: int, days: int) -> Array:
    """How busy each day is, 1 on average of a plain week: weekends, summer sale, December."""
    dates = [datetime.fromtimestamp((start + d * DAY) / 1000, UTC) for d in range(days)]
    week = (0.9, 0.85, 0.85, 0.95, 1.1, 1.35, 1.0)
    month = {1: 1.1, 2: 0.8, 6: 1.0, 7: 1.25, 11: 1.3, 12: 1.7}
    return np.array([week[d.weekday()] * month.get(d.month, 0.95) for d in dates])


def moments(brand: Brand, people: People, a_day: Array, rng: Rng) -> tuple[Array, Array]:
    """(person, day) of things that happen `a_day` times a day while somebody is interested."""
    busy = np.concatenate([[0.0], np.cumsum(season(brand.start, brand.days))])
    days = np.arange(brand.days + 1)
    begins = np.interp(np.clip(people.joined, 0, brand.days), days, busy)
    ends = np.interp(np.clip(people.leaves, 0, brand.days), days, busy)
    count = rng.poisson(a_day * np.maximum(ends - begins, 0))
    person = np.repeat(np.arange(len(people)), count)
    at = begins[person] + rng.random(len(person)) * (ends - begins)[person]
    return person, np.minimum(np.interp(at, busy, days).astype(np.int64), brand.days - 1)


def local_time(brand: Brand, people: People, person: Array, day: Array, rng: Rng) -> Array:
    """UTC ms on that day, most often in the evening of the person's zone."""
    hour = np.clip(rng.normal(17.5, 4.5, len(person)), 0.0, 23.99)
    table = np.stack([offsets(c.zone, brand.start, brand.days) for c in words.CITIES])
    time: Array = brand.start + day * DAY + (hour * HOUR).astype(np.int64)
    local: Array = np.clip(time - table[people.city[person], day], brand.start, brand.end - 1)
    return local


def store_time(brand: Brand, day: Array, rng: Rng) -> Array:
    """UTC ms on that day while the stores are open, from 9 to 20 o'clock in Berlin."""
    open_for = (rng.beta(2.5, 2.0, len(day)) * 11 * HOUR).astype(np.int64)
    shift = offsets(_BERLIN, brand.start, brand.days)[day]
    midnight: Array = brand.start + day * DAY
    return midnight + 9 * HOUR + open_for - shift


def berlin(brand: Brand, time: Array) -> Array:
    """Wall-clock ms in Berlin of moments while the stores are open."""
    day = np.clip((time - brand.start) // DAY, 0, brand.days - 1)
    shift: Array = offsets(_BERLIN, brand.start, brand.days)[day]
    return time + shift


def consents_at(people: People, at: int) -> Array:
    """E-mail marketing at a moment: 1, 0 or NONE; a change before turns it round."""
    changed = (people.consent_change != NONE) & (people.consent_change <= at)
    return np.where(changed, np.where(people.consent == 1, 0, 1), people.consent)


def make_campaigns(brand: Brand, people: People, rng: Rng) -> list[Campaign]:
    """One every 30 days, as far as its window ends within the history."""
    made = []
    for number, day in enumerate(range(min(10, brand.days // 4), brand.days - WINDOW, 30), 1):
        at = brand.start + day * DAY + 9 * HOUR
        asked = consents_at(people, at) == 1
        known = np.array([c is not None for c in people.customer]) & (people.joined < day)
        person = np.flatnonzero(asked & known)
        treated = rng.random(len(person)) < 0.5
        interested = people.leaves[person] > day
        control = np.where(interested, np.clip(people.rate[person] * 7, 0, 0.5), 0.0).round(6)
        with_it = np.where(interested, np.clip(control + people.effect[person], 0, 1), 0.0).round(6)
        answered = rng.random(len(person)) < np.where(treated, with_it, control)
        wait = np.minimum(rng.exponential(2.5, len(person)), WINDOW - 1)
        order_at = at + HOUR + (wait * DAY).astype(np.int64)
        made.append(
            Campaign(f"news-{number}", at, person, treated, control, with_it, answered, order_at)
        )
    return made


def make_orders(
    brand: Brand, people: People, campaigns: list[Campaign], part: int, rng: Rng
) -> Orders:
    """The orders of one part of the population."""
    person, day = moments(brand, people, people.rate, rng)
    answers = [c.person[c.answered] for c in campaigns]
    extra = np.concatenate([*answers, np.zeros(0, dtype=np.int64)])
    channel = _channels(people, np.concatenate([person, extra]), rng)
    usual = channel[: len(person)]
    time = np.where(
        usual == STORE, store_time(brand, day, rng), local_time(brand, people, person, day, rng)
    )
    channel[len(person) :] = np.maximum(channel[len(person) :], WEB)  # a link in a mail leads there
    at = np.concatenate([time, *(c.order_at[c.answered] for c in campaigns)])
    campaign = np.repeat(np.arange(-1, len(campaigns)), [len(person), *map(len, answers)])
    person = np.concatenate([person, extra])
    order = np.lexsort((person, at))
    person, at, channel, campaign = (a[order] for a in (person, at, channel, campaign))
    return _with_lines(brand, people, part, (person, at, channel, campaign), rng)


def _channels(people: People, person: Array, rng: Rng) -> Array:
    channel = rng.choice(3, len(person), p=[0.5, 0.35, 0.15])
    devices = people.devices
    has_app = np.zeros(len(people), dtype=bool)
    has_app[devices.owner[devices.agent == 1]] = True
    channel[(channel == APP) & ~has_app[person]] = WEB
    return channel


def _with_lines(
    brand: Brand, people: People, part: int, orders: tuple[Array, ...], rng: Rng
) -> Orders:
    person, at, channel, campaign = orders
    count = len(person)
    line = np.repeat(np.arange(count), 1 + rng.poisson(0.9, count))
    product = (words.GOODS * rng.beta(0.7, 2.2, len(line))).astype(np.int64)
    quantity = np.where(rng.random(len(line)) < 0.06, 2, 1)
    price = prices(brand)[product]
    off = np.where(rng.random(count) < 0.2, rng.choice([10, 15, 20, 30], count), 0)
    back = rng.random(len(line)) < np.where(channel == STORE, 0.04, 0.12)[line]
    returned_at = at + rng.integers(2, 15, count) * DAY  # whole days: the stores are open
    late = (returned_at >= brand.end) | ((channel != STORE) & (at >= brand.cut))
    back &= ~late[line]
    some = np.bincount(line[back], minlength=count) > 0
    return Orders(
        person=person,
        time=at,
        channel=channel,
        number=[f"{'SWA'[c]}{part:03d}{i:07d}" for i, c in enumerate(channel.tolist())],
        device=_devices_of(people, person, channel, rng),
        campaign=campaign,
        returned_at=np.where(some, returned_at, NONE),
        order_of_line=line,
        product=product,
        quantity=quantity,
        price=price,
        discount=quantity * price * off[line] // 100,
        returned=back,
    )


def _devices_of(people: People, person: Array, channel: Array, rng: Rng) -> Array:
    """The device an order was placed on; the app is the last of one's own."""
    own, first = people.devices.count[person], people.devices.first[person]
    device = first + (rng.random(len(person)) * own).astype(np.int64)
    device = np.where(channel == APP, first + own - 1, device)
    tablet = people.devices.tablet[person]
    # who has no account seldom orders on the family's tablet, and nothing could tell that apart
    account = np.array([u is not None for u in people.user])[person]
    often = np.where(account, 0.15, 0.02)
    at_home = (tablet != NONE) & (channel == WEB) & (rng.random(len(person)) < often)
    device = np.where(own > 0, device, NONE)
    return np.where(channel == STORE, NONE, np.where(at_home, tablet, device))


@lru_cache(maxsize=4)
def prices(brand: Brand) -> Array:
    """Cents of each good."""
    rng = np.random.default_rng([brand.seed, 7])
    middle = np.array([price for _, price in words.CATEGORIES.values()])
    base = np.resize(middle, words.GOODS) * rng.uniform(0.6, 1.7, words.GOODS)
    return (base.round() * 100 - 5).astype(np.int64)
