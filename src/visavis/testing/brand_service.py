"""What mail service and helpline of the invented brand export, and the effects of mailings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from visavis.testing import brand_words as words
from visavis.testing.brand_columns import Column, iso, pick, table, times
from visavis.testing.brand_orders import STORE, Campaign, Orders
from visavis.testing.brand_people import DAY, Array, Brand, People, Rng
from visavis.testing.brand_tables import Tables, sku


def mail_tables(
    brand: Brand, people: People, campaigns: list[Campaign], rng: Rng
) -> tuple[Tables, pa.Table]:
    """(what the mail service exports, the truth of effects); link scanners click at once."""
    parts: dict[str, list[pa.Table]] = {}
    truth = []
    for c in campaigns:
        sent = c.person[c.treated]
        opens = rng.random(len(sent)) < 0.4
        clicks = opens & ((rng.random(len(sent)) < 0.2) | c.answered[c.treated])
        scanned = rng.random(len(sent)) < 0.03
        wait = (rng.exponential(0.4, len(sent)) * DAY).astype(np.int64) + 60_000
        kept = wait < brand.end - c.at - DAY
        base = np.full(len(sent), c.at)
        made = {
            "email_sent": (sent, base),
            "email_opened": (sent[opens & kept], (base + wait)[opens & kept]),
            "email_clicked": (sent[clicks & kept], (base + wait + 20_000)[clicks & kept]),
            "scanner": (sent[scanned], base[scanned] + 1_500),
        }
        for name, (who, when) in made.items():
            parts.setdefault(name, []).append(_mails(people, c.name, who, when, name))
        arm = pick(("control", "treated"), c.treated.astype(np.int64))
        parts.setdefault("experiments", []).append(_arms(people, c, arm))
        truth.append(_effects(people, c, arm))
    scanner = parts.pop("scanner", [])
    parts.setdefault("email_clicked", []).extend(scanner)
    tables = {f"data/{n}.parquet": pa.concat_tables(t) for n, t in parts.items() if t}
    return tables, pa.concat_tables(truth) if truth else pa.table({})


def _mails(people: People, campaign: str, who: Array, when: Array, name: str) -> pa.Table:
    agent = words.SCANNER if name == "scanner" else words.BROWSER
    kind = {"email_sent": "s", "email_opened": "o", "email_clicked": "k", "scanner": "b"}[name]
    numbers = people.number[who].tolist()
    return table(
        {
            "id": [f"{campaign}-{kind}-{n}" for n in numbers],
            "time": times(when),
            "email": pick(people.email, who),
            "campaign": [campaign] * len(who),
            "message": [f"{campaign}-{n}" for n in numbers],
            "user_agent": [None if kind == "s" else agent] * len(who),
        }
    )


def _arms(people: People, c: Campaign, arm: Column) -> pa.Table:
    return table(
        {
            "id": [f"{c.name}-a-{n}" for n in people.number[c.person].tolist()],
            "time": times(np.full(len(c.person), c.at)),
            "email": pick(people.email, c.person),
            "campaign": [c.name] * len(c.person),
            "arm": arm,
        }
    )


def _effects(people: People, c: Campaign, arm: Column) -> pa.Table:
    return table(
        {
            "campaign": [c.name] * len(c.person),
            "person": pick(people.label(), c.person),
            "email": pick(people.email, c.person),
            "arm": arm,
            "p_order_control": pa.array(c.p_control),
            "p_order_treated": pa.array(c.p_treated),
            "effect": pa.array((c.p_treated - c.p_control).round(6)),
            "ordered": pa.array(c.answered),
        }
    )


def service_tables(brand: Brand, people: People, orders: Orders, rng: Rng) -> Tables:
    """Reviews, chats, calls and posts, in the language of whoever writes."""
    language = [words.CITIES[c].language for c in people.city.tolist()]
    bought = np.flatnonzero(orders.channel != STORE)
    bought = bought[(rng.random(len(bought)) < 0.08)]
    bought = bought[orders.time[bought] + 3 * DAY < brand.end]
    asked = np.flatnonzero(rng.random(len(people)) < 0.06)
    called = np.flatnonzero(
        (rng.random(len(people)) < 0.03) & np.array([p is not None for p in people.phone])
    )
    posted = np.flatnonzero(
        (rng.random(len(people)) < 0.4) & np.array([h is not None for h in people.handle])
    )
    return {
        "data/reviews.jsonl": _reviews(people, orders, bought, language, rng),
        "data/chats.jsonl": _chats(brand, people, asked, language, rng),
        "data/calls.csv": _calls(brand, people, called, rng),
        "data/instagram.jsonl": _posts(brand, people, posted, language, rng),
    }


def _some_time(brand: Brand, count: int, rng: Rng) -> Array:
    return brand.start + (rng.random(count) * brand.days * DAY).astype(np.int64)


def _reviews(
    people: People, orders: Orders, order: Array, language: list[str], rng: Rng
) -> pa.Table:
    who = orders.person[order].tolist()
    mood = rng.choice(3, len(who), p=[0.2, 0.25, 0.55]).tolist()
    stars = [(1, 2)[i % 2] if m == 0 else 3 if m == 1 else (4, 5)[i % 2]
             for i, m in enumerate(mood)]  # fmt: skip
    first = np.searchsorted(orders.order_of_line, order)
    return table(
        {
            "id": [f"r-{orders.number[o]}" for o in order.tolist()],
            "at": iso(orders.time[order] + 3 * DAY),
            "email": [people.account_email[p] or people.email[p] for p in who],
            "sku": pick([sku(i) for i in range(words.GOODS)], orders.product[first]),
            "stars": pa.array(stars, pa.int64()),
            "text": [words.REVIEWS[language[p]][m] for p, m in zip(who, mood, strict=True)],
        }
    )


def _chats(brand: Brand, people: People, who: Array, language: list[str], rng: Rng) -> pa.Table:
    topic = rng.integers(0, len(words.TOPICS), len(who))
    people_of = who.tolist()
    return table(
        {
            "id": [f"chat-{people.number[p]}" for p in people_of],
            "at": iso(_some_time(brand, len(who), rng)),
            "user_id": pick(people.user, who),
            "email": [None if people.user[p] else people.email[p] for p in people_of],
            "topic": pick(words.TOPICS, topic),
            "text": [
                words.CHATS[language[p]][t] for p, t in zip(people_of, topic.tolist(), strict=True)
            ],
        }
    )


def _calls(brand: Brand, people: People, who: Array, rng: Rng) -> pa.Table:
    return table(
        {
            "id": [f"call-{people.number[p]}" for p in who.tolist()],
            "ended_at": iso(_some_time(brand, len(who), rng)),
            "phone": pick(people.phone, who),
            "reason": pick(words.TOPICS, rng.integers(0, len(words.TOPICS), len(who))),
            "seconds": pa.array(rng.integers(20, 900, len(who))),
        }
    )


def _posts(brand: Brand, people: People, who: Array, language: list[str], rng: Rng) -> pa.Table:
    mood = rng.choice(3, len(who), p=[0.15, 0.15, 0.7]).tolist()
    return table(
        {
            "id": [f"post-{people.number[p]}" for p in who.tolist()],
            "at": iso(_some_time(brand, len(who), rng)),
            "instagram": pick(people.handle, who),
            "text": [
                words.REVIEWS[language[p]][m] for p, m in zip(who.tolist(), mood, strict=True)
            ],
        }
    )
