"""The people of the invented brand: households, names, identifiers, devices, habits, consent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.testing import brand_words as words

Array = NDArray[Any]
Rng = np.random.Generator
DAY = 86_400_000
NONE = -1
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Brand:
    """What is asked for: `people` over `days` up to `end` (UTC ms), the last of them as streams."""

    people: int
    days: int
    seed: int
    end: int
    stream_days: int

    @property
    def start(self) -> int:
        """The first moment of the history, UTC ms."""
        return self.end - self.days * DAY

    @property
    def cut(self) -> int:
        """From this moment on what happens on web and app is streamed, not in the files."""
        return self.end - self.stream_days * DAY


@dataclass(frozen=True, slots=True)
class Devices:
    """Browsers, app installs and family tablets; `owner` is a person, or a household's first."""

    owner: Array
    anonymous: list[str]
    device: list[str | None]
    agent: Array
    first: Array
    """Per person the number of the first device of their own; they lie side by side."""
    count: Array
    tablet: Array
    """Per person the number of the family's tablet, or NONE."""


@dataclass(frozen=True, slots=True)
class People:
    """One part of the population, a row a person; absent identifiers are None."""

    number: Array
    household: Array
    city: Array
    first: list[str]
    last: list[str]
    birthday: list[str]
    street: list[str]
    email: list[str]
    work_email: list[str | None]
    typo_email: list[str]
    phone: list[str | None]
    customer: list[str | None]
    card: list[str | None]
    user: list[str | None]
    handle: list[str | None]
    account_email: list[str | None]
    """The address of the web account: the usual one or that of work."""
    linked_card: Array
    """Whether the web account names the loyalty card."""
    handle_linked: Array
    rate: Array
    """Orders a day while interested."""
    leaves: Array
    """The day on which the interest ends; beyond the history for most."""
    joined: Array
    """The day of joining, before the history for most."""
    visits: Array
    """Sessions a day on web and app."""
    consent: Array
    """E-mail marketing at the start: 1 yes, 0 no, NONE never asked."""
    consent_change: Array
    """UTC ms at which e-mail consent turns round, or NONE."""
    effect: Array
    """How much a message changes the chance of an order within 14 days."""
    devices: Devices

    def __len__(self) -> int:
        return len(self.number)

    def label(self) -> list[str]:
        """The names that the truth knows them by."""
        return [f"p{n}" for n in self.number.tolist()]


def make_people(brand: Brand, first: int, count: int, rng: Rng) -> People:
    """The people numbered from `first`; households don't reach over the end of a part."""
    number = np.arange(first, first + count)
    sizes = rng.choice(4, count, p=[0.45, 0.3, 0.13, 0.12]) + 1
    household = np.repeat(np.arange(count), sizes)[:count]
    home = np.searchsorted(household, household)  # the first person of each one's household
    city = _cities(count, rng)[home]
    names = _names(city, home, rng)
    tags = [_base36(n) for n in ((number * 2654435761 + brand.seed) % 2**32).tolist()]
    domain = rng.integers(0, len(words.DOMAINS), count).tolist()
    local = [f"{a}.{b}.{t}" for a, b, t in zip(names[2], names[3], tags, strict=True)]
    email = _at(local, [words.DOMAINS[d] for d in domain])
    work = _at(local, [f"firma{d}.example" for d in domain])
    account, card = rng.random(count) < 0.6, rng.random(count) < 0.7
    customer = card | (rng.random(count) < 0.4)
    has_work = rng.random(count) < 0.2
    user = _some([f"u{_mixed(n, 1, brand.seed):012x}" for n in number.tolist()], account)
    devices = _devices(brand, number, household, account, rng)
    rate = rng.gamma(0.8, 0.018, count)
    joined = np.where(rng.random(count) < 0.2, rng.uniform(0, brand.days, count), -1.0)
    return People(
        number=number,
        household=household + first,
        city=city,
        first=names[0],
        last=names[1],
        birthday=_birthdays(count, rng),
        street=_streets(home, rng),
        email=email,
        work_email=_some(work, has_work),
        typo_email=_at(local, [words.TYPO_DOMAINS[d] for d in domain]),
        phone=_phones(number, household + first, rng),
        customer=_some(_codes("C", number, 387420489, 9, brand), customer),
        card=_some(_codes("K", number, 282429537, 10, brand), card),
        user=user,
        handle=_some([f"@{a}_{t}" for a, t in zip(names[2], tags, strict=True)],
                     rng.random(count) < 0.15),
        account_email=_of_accounts(user, work, email, has_work & (rng.random(count) < 0.5)),
        linked_card=card & account & (rng.random(count) < 0.6),
        handle_linked=account & (rng.random(count) < 0.5),
        rate=rate,
        leaves=np.where(rng.random(count) < 0.3, rng.uniform(0, brand.days * 1.5, count), 1e9),
        joined=joined,
        visits=0.01 + rate * 1.5,
        consent=rng.choice([1, 0, NONE], count, p=[0.65, 0.2, 0.15]),
        consent_change=_changes(brand, joined, rng),
        effect=_effects(count, rng),
        devices=devices,
    )  # fmt: skip


def _cities(count: int, rng: Rng) -> Array:
    weights = np.array([c.weight for c in words.CITIES])
    return rng.choice(len(words.CITIES), count, p=weights / weights.sum())


def _at(names: Sequence[str], domains: Sequence[str]) -> list[str]:
    return [f"{name}@{domain}" for name, domain in zip(names, domains, strict=True)]


def _codes(letter: str, number: Array, factor: int, digits: int, brand: Brand) -> list[str]:
    """A number of so many digits for each, that doesn't tell the next."""
    codes = ((n * factor + brand.seed) % 10**digits for n in number.tolist())
    return [f"{letter}{code:0{digits}d}" for code in codes]


def _of_accounts(
    user: Sequence[str | None], work: Sequence[str], email: Sequence[str], at_work: Array
) -> list[str | None]:
    rows = zip(user, work, email, at_work.tolist(), strict=True)
    return [None if u is None else (w if other else e) for u, w, e, other in rows]


def _names(city: Array, home: Array, rng: Rng) -> tuple[list[str], list[str], list[str], list[str]]:
    """First and last name, and both in Latin letters; a household shares the last."""
    count = len(city)
    chinese = np.array([c.language == "zh" for c in words.CITIES])[city]
    other = rng.random(count) < 0.04  # Chinese names elsewhere and the other way round
    han = np.where(other, ~chinese, chinese)[home].tolist()
    f, la = rng.integers(0, 2**31, count).tolist(), rng.integers(0, 2**31, count)[home].tolist()
    first, last, first_latin, last_latin = [], [], [], []
    for i in range(count):
        firsts, lasts = (words.HAN_FIRST, words.HAN_LAST) if han[i] else (words.FIRST, words.LAST)
        a, b = f[i] % len(firsts), la[i] % len(lasts)
        first.append(firsts[a])
        last.append(lasts[b])
        first_latin.append(words.PINYIN_FIRST[a] if han[i] else _LATIN_FIRST[a])
        last_latin.append(words.PINYIN_LAST[b] if han[i] else _LATIN_LAST[b])
    return first, last, first_latin, last_latin


def _devices(brand: Brand, number: Array, household: Array, account: Array, rng: Rng) -> Devices:
    count = len(number)
    browsers = rng.choice(4, count, p=[0.2, 0.45, 0.25, 0.1])
    app = account & (rng.random(count) < 0.45)
    own = browsers + app
    owner = np.repeat(np.arange(count), own)
    first = np.cumsum(own) - own
    is_app = np.zeros(len(owner), dtype=bool)
    is_app[(first + own - 1)[app]] = True
    members = np.bincount(household, weights=account, minlength=count)[household]
    tablets = (members >= 2) & (rng.random(count) < 0.35)[np.searchsorted(household, household)]
    homes = np.unique(household[tablets])
    tablet = np.full(count, NONE)
    tablet[tablets] = len(owner) + np.searchsorted(homes, household[tablets])
    owner = np.concatenate([owner, np.searchsorted(household, homes)])
    is_app = np.concatenate([is_app, np.zeros(len(homes), dtype=bool)])
    ids = int(number[0]) * 8 + np.arange(len(owner))
    agent = np.where(is_app, 1, np.where(np.arange(len(owner)) >= len(is_app) - len(homes), 2, 0))
    apps = is_app.tolist()
    return Devices(
        owner=owner,
        anonymous=[uuid_of(n, 2, brand.seed) for n in ids.tolist()],
        device=[
            uuid_of(n, 3, brand.seed).upper() if a else None
            for n, a in zip(ids.tolist(), apps, strict=True)
        ],
        agent=agent,
        first=first,
        count=own,
        tablet=tablet,
    )


def _changes(brand: Brand, joined: Array, rng: Rng) -> Array:
    """Some turn their consent round, at a time after they joined."""
    since = np.maximum(joined, 0.0)
    day = since + rng.random(len(joined)) * (brand.days - since)
    when = brand.start + (day * DAY).astype(np.int64)
    return np.where(rng.random(len(joined)) < 0.08, when, NONE)


def _effects(count: int, rng: Rng) -> Array:
    """Three in ten are persuaded, one in ten is driven away, the rest don't care."""
    kind = rng.choice(3, count, p=[0.3, 0.1, 0.6])
    return np.select(
        [kind == 0, kind == 1],
        [rng.uniform(0.05, 0.3, count), -rng.uniform(0.02, 0.15, count)],
        0.0,
    ).round(6)


def _phones(number: Array, household: Array, rng: Rng) -> list[str | None]:
    """A mobile of one's own, the family's landline, or none."""
    kind = rng.choice(3, len(number), p=[0.65, 0.15, 0.2]).tolist()
    pairs = zip(number.tolist(), household.tolist(), kind, strict=True)
    return [
        f"+4915{(n * 387420489) % 10**9:09d}" if k == 0
        else f"+4930{(h * 3486784401) % 10**8:08d}" if k == 1 else None
        for n, h, k in pairs
    ]  # fmt: skip


def _birthdays(count: int, rng: Rng) -> list[str]:
    days = np.datetime64("1945-01-01") + rng.integers(0, 23_000, count)
    return [str(d) for d in days]


def _streets(home: Array, rng: Rng) -> list[str]:
    street = rng.integers(0, len(words.STREETS), len(home))[home].tolist()
    house = rng.integers(1, 120, len(home))[home].tolist()
    return [f"{words.STREETS[s]} {h}" for s, h in zip(street, house, strict=True)]


def _some(values: Sequence[str], keep: Array) -> list[str | None]:
    return [v if k else None for v, k in zip(values, keep.tolist(), strict=True)]


def _latin(name: str) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", name.lower())
    return "".join(c for c in plain if c.isascii() and c.isalpha())


_LATIN_FIRST = [_latin(name) for name in words.FIRST]
_LATIN_LAST = [_latin(name) for name in words.LAST]


def _base36(number: int) -> str:
    out = ""
    while number:
        number, digit = divmod(number, 36)
        out = _DIGITS[digit] + out
    return out or "0"


def _mixed(number: int, salt: int, seed: int) -> int:
    """A number of 48 bits that tells nothing of `number`, and a different one for each."""
    mask, value = 2**48 - 1, number + salt * 2**40 + seed * 1_000_003
    for factor in (0x9E3779B97F4B, 0xC2B2AE3D27D5):
        value = (value * factor) & mask
        value ^= value >> 23
    return value


def uuid_of(number: int, salt: int, seed: int) -> str:
    """A UUID of version 4 by its looks, made from a number."""
    a, b = _mixed(number, salt, seed), _mixed(number, salt + 64, seed)
    text = f"{a:012x}{b:012x}{a ^ (b >> 7):012x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"
