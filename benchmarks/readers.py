"""One person now: 50 traits over 300 decoded events with our reader, and by hand in plain Python.

The peer is what one would write without a definition language: msgspec-decoded event structs of
one person, one comprehension over them per trait, amounts as integers, no valid_until. Both give
equal values, which is checked first. Decoding is outside the clock on both sides; people take
turns, so that nothing of one is still warm.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import harness
import msgspec

from visavis.core.clock import parse_time, zone
from visavis.core.lang.history import History
from visavis.core.lang.parse import Located, Scope, parse
from visavis.core.lang.reader import Program, compile_program
from visavis.core.lang.reader_rows import Items
from visavis.core.lang.types import DAY_MS, SCALE, Type
from visavis.core.nouns import Trait
from visavis.core.problems import Place

ZONE = zone("Europe/Berlin")
NOW = parse_time("2024-12-31T15:00:00Z", ZONE)
TARGET = 0.3
PEOPLE = 40
ORDER, VIEW, PAGE, MAIL = "Order Completed", "Product Viewed", "Page Viewed", "Email Opened"
COUNTS = {ORDER: 60, VIEW: 120, PAGE: 60, MAIL: 40, "identify": 20}
PROPERTIES: dict[str, dict[str, Type]] = {
    ORDER: {"revenue": Type.DECIMAL, "discount": Type.DECIMAL, "place": Type.TEXT},
    VIEW: {"category": Type.TEXT, "price": Type.DECIMAL},
    PAGE: {"path": Type.TEXT, "seconds": Type.INTEGER},
    MAIL: {"campaign": Type.TEXT},
    "identify": {"city": Type.TEXT, "birthday": Type.DATE},
}
LINES = {"product_id": Type.TEXT, "quantity": Type.DECIMAL, "amount": Type.DECIMAL}
CATALOGUE = {"category": Type.TEXT}


class Event(msgspec.Struct):
    """What the peer reads."""

    message_id: str
    event: str
    ts: int
    channel: str | None = None
    properties: dict[str, Any] = {}
    products: list[dict[str, Any]] = []


# name: (event, value, where, within days, lines)
COMPUTED: dict[str, tuple[str, str, str | None, int | None, bool]] = {
    "orders": (ORDER, "count()", None, None, False),
    "revenue": (ORDER, "sum(revenue)", None, None, False),
    "average_order_value": (ORDER, "avg(revenue)", None, None, False),
    "largest_order": (ORDER, "max(revenue)", None, None, False),
    "smallest_order": (ORDER, "min(revenue)", None, None, False),
    "median_order": (ORDER, "median(revenue)", None, None, False),
    "first_order_at": (ORDER, "min(timestamp)", None, None, False),
    "last_order_at": (ORDER, "max(timestamp)", None, None, False),
    "mean_gap_days": (ORDER, "mean_gap()", None, None, False),
    "favourite_channel": (ORDER, "mode(channel)", None, None, False),
    "favourite_place": (ORDER, "mode(place)", None, None, False),
    "last_place": (ORDER, "last(place)", None, None, False),
    "places": (ORDER, "count(distinct place)", None, None, False),
    "discounted": (ORDER, "count()", "discount > 0", None, False),
    "discounts": (ORDER, "sum(discount)", "discount > 0", None, False),
    "large_orders": (ORDER, "count()", "revenue >= 100", None, False),
    "web_revenue": (ORDER, "sum(revenue)", "channel = 'web'", None, False),
    "web_orders": (ORDER, "count()", "channel = 'web'", None, False),
    "orders_30d": (ORDER, "count()", None, 30, False),
    "revenue_30d": (ORDER, "sum(revenue)", None, 30, False),
    "orders_90d": (ORDER, "count()", None, 90, False),
    "revenue_90d": (ORDER, "sum(revenue)", None, 90, False),
    "web_revenue_90d": (ORDER, "sum(revenue)", "channel = 'web'", 90, False),
    "revenue_365d": (ORDER, "sum(revenue)", None, 365, False),
    "items": (ORDER, "sum(quantity)", None, None, True),
    "products": (ORDER, "count(distinct product_id)", None, None, True),
    "favourite_category": (ORDER, "mode(category)", None, None, True),
    "favourite_category_90d": (ORDER, "mode(category)", None, 90, True),
    "category_revenue": (ORDER, "sum(amount)", "category = 'category 3'", None, True),
    "views": (VIEW, "count()", None, None, False),
    "views_7d": (VIEW, "count()", None, 7, False),
    "views_30d": (VIEW, "count()", None, 30, False),
    "viewed_category": (VIEW, "mode(category)", None, None, False),
    "viewed_category_30d": (VIEW, "mode(category)", None, 30, False),
    "last_viewed": (VIEW, "last(category)", None, None, False),
    "dearest_view": (VIEW, "max(price)", None, None, False),
    "pages": (PAGE, "count()", None, None, False),
    "seconds": (PAGE, "sum(seconds)", None, None, False),
    "checkouts_30d": (PAGE, "count()", "path = '/checkout'", 30, False),
    "last_seen_at": (PAGE, "max(timestamp)", None, None, False),
    "opens": (MAIL, "count()", None, None, False),
    "opens_90d": (MAIL, "count()", None, 90, False),
    "last_campaign": (MAIL, "last(campaign)", None, None, False),
}
GIVEN = ("city", "birthday")
LIFECYCLE = """case when orders = 0 then 'prospect'
 when days_since(last_order_at) > 365 then 'inactive'
 when days_since(last_order_at) > 90 then 'defecting'
 when orders = 1 then 'first_time' else 'active' end"""
DERIVED: dict[str, tuple[Type, str]] = {
    "days_since_last_order": (Type.INTEGER, "days_since(last_order_at)"),
    "age": (Type.INTEGER, "years_since(birthday)"),
    "discount_share": (Type.DECIMAL, "discounted / orders"),
    "lifecycle": (Type.TEXT, LIFECYCLE),
    "loyal": (Type.BOOLEAN, "orders >= 10 and days_since_last_order <= 90"),
}


def events(rng: Random) -> list[dict[str, Any]]:
    """One person's events of two years: five kinds, nulls among the values."""
    found: list[dict[str, Any]] = []
    for name, count in COUNTS.items():
        for n in range(count):
            ts = NOW - rng.randrange(730 * DAY_MS)
            event = {"message_id": f"{name}:{n}", "event": name, "ts": ts, "products": []}
            event |= {
                "channel": rng.choice(("web", "app", "store")),
                "properties": _held(rng, name),
            }
            if name == ORDER:
                event["products"] = [_line(rng) for _ in range(rng.randint(1, 4))]
            found.append(event)
    return sorted(found, key=lambda e: (e["ts"], e["message_id"]))


def _held(rng: Random, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "revenue": rng.randrange(1, 30_000) * SCALE // 100,
        "discount": rng.choice((None, None, 1 * SCALE, 5 * SCALE)),
        "place": rng.choice(("Berlin", "Köln", "Bonn", None)),
        "category": f"category {rng.randrange(12)}",
        "price": rng.randrange(1, 9_000) * SCALE // 100,
        "path": rng.choice(("/", "/checkout", "/sale", "/help")),
        "seconds": rng.randrange(300),
        "campaign": f"mail {rng.randrange(9)}",
        "city": rng.choice(("Berlin", "Köln")),
        "birthday": 3650 + rng.randrange(9000),
    }
    return {field: made[field] for field in PROPERTIES[name]}


def _line(rng: Random) -> dict[str, Any]:
    product, quantity = f"p{rng.randrange(80)}", rng.randint(1, 4) * SCALE
    return {"product_id": product, "quantity": quantity, "amount": rng.randrange(9_000) * SCALE}


def catalogue() -> dict[str, dict[str, Any]]:
    return {f"p{n}": {"category": f"category {n % 12}"} for n in range(80)}


# ours


def program() -> Program:
    """The 50 traits, compiled."""
    traits: dict[str, Trait] = {}
    place = Place("bench.yml")
    for name in GIVEN:
        traits[name] = Trait(name, "given", PROPERTIES["identify"][name], place, given=name)
    for name, (event, value, where, days, lines) in COMPUTED.items():
        scope = Scope(_names(event, lines), aggregates=True)
        form, keep = _read(value, scope), _read(where, Scope(_names(event, lines)))
        traits[name] = Trait(
            name, "computed", form.type, place, value=form, event=event, where=keep,
            within_ms=days * DAY_MS if days else None, each="products" if lines else None,
        )  # fmt: skip
    for name, (kind, text) in DERIVED.items():
        names = {n: (t.type, "trait") for n, t in traits.items()}
        form = _read(text, Scope(names, clock=True))
        traits[name] = Trait(name, "derived", kind, place, value=form)
    return compile_program(traits, {}, ZONE)


def _names(event: str, lines: bool) -> dict[str, tuple[Type, str]]:
    names = {n: (t, "property") for n, t in PROPERTIES[event].items()}
    names |= {"timestamp": (Type.TIME, "event"), "channel": (Type.TEXT, "event")}
    if lines:
        names |= {n: (t, "line") for n, t in LINES.items()}
        names |= {n: (t, "catalogue") for n, t in CATALOGUE.items()}
    return names


def _read(text: str | None, scope: Scope) -> Any:
    if text is None:
        return None
    form, problems = parse(Located(text, "bench.yml"), scope)
    if form is None:
        raise ValueError(problems)
    return form


# the peer: by hand, one pass a trait

Peer = Callable[[Sequence[Event], int], Any]


def _known(values: Sequence[Any]) -> list[Any]:
    return [v for v in values if v is not None]


def _mode(values: Sequence[Any]) -> Any:
    counts = Counter(_known(values))
    return min(counts, key=lambda v: (-counts[v], v)) if counts else None


def _half_away(total: int, count: int) -> int:
    return (2 * total + count) // (2 * count)


def _mean_gap(values: Sequence[int]) -> int | None:
    if len(values) < 2:
        return None
    days = ZONE.date_of(values[-1]) - ZONE.date_of(values[0])
    return _half_away(days * SCALE, len(values) - 1)


_REDUCE: dict[str, Callable[[list[Any]], Any]] = {
    "count": len,
    "sum": lambda v: sum(_known(v)),
    "avg": lambda v: _half_away(sum(_known(v)), len(_known(v))) if _known(v) else None,
    "max": lambda v: max(_known(v), default=None),
    "min": lambda v: min(_known(v), default=None),
    "median": lambda v: sorted(_known(v))[(len(_known(v)) + 1) // 2 - 1] if _known(v) else None,
    "mode": _mode,
    "last": lambda v: _known(v)[-1] if _known(v) else None,
    "distinct": lambda v: len(set(_known(v))),
    "mean_gap": _mean_gap,
}
_WHERE: dict[str | None, Callable[[Event], bool]] = {
    None: lambda e: True,
    "discount > 0": lambda e: (e.properties["discount"] or 0) > 0,
    "revenue >= 100": lambda e: (e.properties["revenue"] or 0) >= 100 * SCALE,
    "channel = 'web'": lambda e: e.channel == "web",
    "path = '/checkout'": lambda e: e.properties["path"] == "/checkout",
}


def _field(text: str) -> Callable[[Event], Any]:
    if text in ("", "timestamp"):
        return lambda e: e.ts
    return (lambda e: e.channel) if text == "channel" else (lambda e: e.properties[text])


def _over_events(event: str, call: str, text: str, where: str | None, days: int | None) -> Peer:
    reduce, keep, field = _REDUCE[call], _WHERE[where], _field(text)
    span = (days or 100_000) * DAY_MS

    def compute(found: Sequence[Event], now: int) -> Any:
        return reduce(
            [field(e) for e in found if e.event == event and now - span < e.ts <= now and keep(e)]
        )

    return compute


def _over_lines(
    call: str, text: str, where: str | None, days: int | None, items: Mapping[str, Any]
) -> Peer:
    reduce, span = _REDUCE[call], (days or 100_000) * DAY_MS

    def value(line: Mapping[str, Any]) -> Any:
        return items[line["product_id"]]["category"] if text == "category" else line[text]

    def kept(line: Mapping[str, Any]) -> bool:
        return where is None or items[line["product_id"]]["category"] == "category 3"

    def compute(found: Sequence[Event], now: int) -> Any:
        return reduce([
            value(line)
            for e in found if e.event == ORDER and now - span < e.ts <= now
            for line in e.products if kept(line)
        ])  # fmt: skip

    return compute


def peers() -> dict[str, Peer]:
    """The computed and given traits by hand."""
    made: dict[str, Peer] = {}
    for name, (event, value, where, days, lines) in COMPUTED.items():
        call, _, text = value.rstrip(")").partition("(")
        if text.startswith("distinct "):
            call, text = "distinct", text.removeprefix("distinct ")
        if lines:
            made[name] = _over_lines(call, text, where, days, catalogue())
        else:
            made[name] = _over_events(event, call, text, where, days)
    for name in GIVEN:
        made[name] = _over_events("identify", "last", name, None, None)
    return made


def by_hand(made: Mapping[str, Peer], found: Sequence[Event], now: int) -> dict[str, Any]:
    """All 50 traits of the peer."""
    v = {name: compute(found, now) for name, compute in made.items()}
    today = ZONE.date_of(now)
    since = None if v["last_order_at"] is None else today - ZONE.date_of(v["last_order_at"])
    v["days_since_last_order"], orders = since, v["orders"]
    v["age"] = None if v["birthday"] is None else _age(v["birthday"], today)
    v["discount_share"] = _half_away(v["discounted"] * SCALE, orders) if orders else None
    v["lifecycle"] = _lifecycle(orders, since)
    v["loyal"] = orders >= 10 and since is not None and since <= 90
    return v


def _lifecycle(orders: int, since: int | None) -> str:
    if orders == 0 or since is None:
        return "prospect"
    if since > 90:
        return "inactive" if since > 365 else "defecting"
    return "first_time" if orders == 1 else "active"


def _age(born: int, today: int) -> int:
    from visavis.core.clock import to_date

    a, b = to_date(born), to_date(today)
    return b.year - a.year - ((b.month, b.day) < (a.month, a.day))


def timed(readings: Sequence[Callable[[], object]]) -> float:
    """Milliseconds of one reading, the mean over people."""
    before = time.perf_counter()
    for read in readings:
        read()
    return (time.perf_counter() - before) * 1000 / len(readings)


def sides() -> dict[str, list[Callable[[], dict[str, Any]]]]:
    """A reading of every person by each side; both give equal values."""
    program_, made, items = program(), peers(), Items(catalogue())
    found: dict[str, list[Callable[[], dict[str, Any]]]] = {"ours": [], "peer": []}
    for seed in range(PEOPLE):
        raw = events(Random(seed))
        held = History.from_events(raw, PROPERTIES, LINES)
        structs = msgspec.convert(raw, list[Event])
        found["ours"].append(lambda h=held: program_.run(h, NOW, {}, items).values)  # type: ignore[misc]
        found["peer"].append(lambda e=structs: by_hand(made, e, NOW))  # type: ignore[misc]
    for ours, peer in zip(found["ours"], found["peer"], strict=True):
        if len(ours()) != 50 or ours() != peer():
            raise AssertionError("the two sides differ")
    return found


def main() -> None:
    """Prints the line: the median over rounds of all people, the sides in turn."""
    found, repeats = sides(), harness.REPEATS * 10
    rounds: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(repeats):
        for name, readings in found.items():
            rounds[name].append(timed(readings))
    figure, peer = statistics.median(rounds["ours"]), statistics.median(rounds["peer"])
    harness.emit(
        harness.result(
            "readers", figure, peer,
            peer_version=f"plain Python over msgspec {msgspec.__version__}",
            target=f"<= {TARGET} ms", met=figure <= TARGET, spread=rounds["ours"],
            repeats=repeats, unit="ms",
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
