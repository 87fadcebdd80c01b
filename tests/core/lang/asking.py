"""A small shop for the reader's own tests: texts to programs, short events to histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visavis.core.clock import Zone, parse_duration, parse_time, zone
from visavis.core.lang.form import Node, Value
from visavis.core.lang.history import History
from visavis.core.lang.parse import Located, Scope, parse
from visavis.core.lang.reader import Program, Result, compile_program
from visavis.core.lang.types import Type
from visavis.core.nouns import Step, Trait
from visavis.core.problems import Place

BERLIN = zone("Europe/Berlin")
DAY = 86_400_000
PLACE = Place("traits/test.yml")
ORDER = "Order Completed"
PROPERTIES = {
    ORDER: {
        "revenue": Type.DECIMAL, "visits": Type.INTEGER, "place": Type.TEXT, "gift": Type.BOOLEAN,
        "due": Type.TIME, "size": Type.FLOAT,
    },
    "Product Viewed": {"category": Type.TEXT, "price": Type.DECIMAL},
    "Order Refunded": {"revenue": Type.DECIMAL},
    "identify": {
        "city": Type.TEXT, "birthday": Type.DATE, "joined": Type.TIME, "points": Type.INTEGER,
    },
}  # fmt: skip
LINES = {"product_id": Type.TEXT, "quantity": Type.DECIMAL, "category": Type.TEXT}
CATALOGUE = {"category": Type.TEXT, "brand": Type.TEXT}
ITEMS: dict[str, dict[str, Value]] = {
    "p1": {"category": "tea", "brand": "Alba"},
    "p2": {"category": "coffee", "brand": None},
}


def at(text: str, local: Zone = BERLIN) -> int:
    """A moment in ms."""
    return parse_time(text, local)


def event(name: str, ts: int | str | None, message_id: str = "", **more: Any) -> dict[str, Any]:
    """An event; keywords in capitals (SOURCE, PRODUCTS, ...) are its fields, others properties."""
    moment = at(ts) if isinstance(ts, str) else ts
    fields = {k.lower(): v for k, v in more.items() if k.isupper()}
    held = {k: v for k, v in more.items() if not k.isupper()}
    made = message_id or f"{name}:{moment}:{len(str(held))}"
    return {"message_id": made, "event": name, "ts": moment, "properties": held, **fields}


def history(*events: Mapping[str, Any]) -> History:
    return History.from_events(events, PROPERTIES, LINES)


def form(text: str, scope: Scope) -> Node:
    node, problems = parse(Located(text, "test.yml"), scope)
    assert node is not None, (text, problems)
    return node


def names_of(event_name: str, lines: bool = False) -> dict[str, tuple[Type, str]]:
    names = {n: (t, "property") for n, t in PROPERTIES[event_name].items()}
    built_in = ("event", "message_id", "source", "channel", "type")
    names |= dict.fromkeys(built_in, (Type.TEXT, "event"))
    names["timestamp"] = (Type.TIME, "event")
    if lines:
        names |= {n: (t, "catalogue") for n, t in CATALOGUE.items()}
        names |= {n: (t, "line") for n, t in LINES.items()}
    return names


def trait_names(traits: Mapping[str, Trait]) -> dict[str, tuple[Type, str]]:
    return {n: (t.type, "trait") for n, t in traits.items()}


def step(event_name: str, where: str | None = None, within: str | None = None) -> Step:
    keep = form(where, Scope(names_of(event_name))) if where else None
    return Step(event_name, keep, parse_duration(within) if within else None)


def computed(
    name: str,
    value: str,
    of: str = ORDER,
    where: str | None = None,
    within: str | None = None,
    each: str | None = None,
    reads: Mapping[str, Trait] | None = None,
    local: Zone = BERLIN,
    **steps: Step,
) -> Trait:
    """A computed trait; its texts may read the clock and, with `reads`, other traits."""
    names = {**trait_names(reads or {}), **names_of(of, each == "products")}
    node = form(value, Scope(names, aggregates=True, clock=True, zone=local))
    keep = form(where, Scope(names, clock=True, zone=local)) if where else None
    return Trait(
        name, "computed", node.type, PLACE, node, of, each, keep,
        parse_duration(within) if within else None, steps.get("then"), steps.get("without"),
    )  # fmt: skip


def derived(name: str, value: str, traits: Mapping[str, Trait], local: Zone = BERLIN) -> Trait:
    node = form(value, Scope(trait_names(traits), clock=True, population=name, zone=local))
    return Trait(name, "derived", node.type, PLACE, node)


def given(name: str) -> Trait:
    return Trait(name, "given", PROPERTIES["identify"][name], PLACE, given=name)


def program(
    *traits: Trait, conditions: Mapping[str, str] | None = None, local: Zone = BERLIN
) -> Program:
    """The program of traits, and of conditions over them."""
    by_name = {t.name: t for t in traits}
    scope = Scope(trait_names(by_name), clock=True, zone=local)
    nodes = {n: form(text, scope) for n, text in (conditions or {}).items()}
    return compile_program(by_name, nodes, local)


def ask(trait: Trait, held: History, now: int | str, **more: Any) -> tuple[Value, int | None]:
    """One trait's value and until when it holds."""
    result = program(trait).run(held, at(now) if isinstance(now, str) else now, **more)
    return result.values[trait.name], result.until[trait.name]


def shown(result: Result, names: Sequence[str]) -> list[Value]:
    return [result.values[name] for name in names]
