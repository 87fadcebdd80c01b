"""A small shop for the tests of understand: definitions from text, people from lists of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from visavis.core.clock import to_ms, zone
from visavis.core.lang.form import Node
from visavis.core.lang.parse import parse
from visavis.core.lang.scope import Located, Scope
from visavis.core.lang.types import SCALE, Type
from visavis.core.nouns import Catalogue, Field, Project, Step, Trait
from visavis.core.problems import Place
from visavis.store.warehouse import Warehouse, connect
from visavis.testing.agree import load
from visavis.testing.tables import relations

PLACE = Place("traits/shop.yml")
D, T, X = Type.DECIMAL, Type.TIME, Type.TEXT
PROPERTIES = {
    "Order Completed": {"revenue": D, "channel_of_sale": X},
    "Product Viewed": {"page": X},
    "Order Refunded": {"revenue": D},
    "identify": {"city": X, "birthday": Type.DATE, "vip": Type.BOOLEAN},
}
LINES = {"product_id": X, "quantity": D, "category": X}
ITEMS = {"brand": X, "category": X}
DAY = 86_400_000
Definition = Mapping[str, Any]


def ms(text: str) -> int:
    """A moment in UTC."""
    return to_ms(datetime.fromisoformat(f"{text}+00:00"))


def form(text: str, names: Mapping[str, tuple[Type, str]], **more: Any) -> Node:
    """The form of a text that has no Problems."""
    scope = Scope(names=names, clock=True, zone=zone("UTC"), **more)
    node, problems = parse(Located(text, PLACE.file), scope)
    assert not problems, (text, problems)
    assert node is not None
    return node


def project(definitions: Mapping[str, Definition], zone_name: str = "UTC") -> Project:
    """A project of these traits and the given ones: `event` and `value`, or `value` alone."""
    traits = {
        name: Trait(name, "given", kind, PLACE, given=name)
        for name, kind in PROPERTIES["identify"].items()
    }
    for name, definition in definitions.items():
        traits[name] = _trait(name, definition, traits)
    fields = tuple(Field(n, t, n) for n, t in ITEMS.items())
    catalogue = Catalogue("products", "products.csv", "product_id", fields, PLACE)
    return Project(
        Path(), "shop", zone_name, traits=traits, properties=PROPERTIES, line_fields=LINES,
        catalogues={"products": catalogue},
    )  # fmt: skip


def _trait(name: str, definition: Definition, traits: Mapping[str, Trait]) -> Trait:
    if "event" not in definition:
        names = {n: (t.type, "trait") for n, t in traits.items()}
        value = form(definition["value"], names, population=name)
        return Trait(name, "derived", value.type, PLACE, value=value)
    names = _row(definition["event"], "each" in definition)
    value = form(definition["value"], names, aggregates=True)
    where = form(definition["where"], names) if "where" in definition else None
    return Trait(
        name, "computed", value.type, PLACE, value=value, where=where,
        event=definition["event"], each=definition.get("each"),
        within_ms=definition.get("within"),
        then=_step(definition.get("then")), without=_step(definition.get("without")),
    )  # fmt: skip


def _row(event: str, lines: bool) -> dict[str, tuple[Type, str]]:
    names = {"timestamp": (T, "event"), "channel": (X, "event"), "message_id": (X, "event")}
    names |= {n: (t, "property") for n, t in PROPERTIES[event].items()}
    if lines:
        names |= {n: (t, "catalogue") for n, t in ITEMS.items()}
        names |= {n: (t, "line") for n, t in LINES.items()}
    return names


def _step(definition: Definition | None) -> Step | None:
    if definition is None:
        return None
    where = definition.get("where")
    kept = form(where, _row(definition["event"], False)) if where else None
    return Step(definition["event"], kept, definition.get("within"))


def condition(text: str, of: Project) -> Node:
    """A condition over a project's traits."""
    return form(text, {n: (t.type, "trait") for n, t in of.traits.items()}, population="c")


_NUMBER = iter(range(10**9))


def event(name: str, at: str, lines: Sequence[Mapping[str, Any]] = (), **properties: Any) -> Any:
    """An event; whole numbers are decimals."""
    given = name == "identify"
    cleared = sorted(k for k, v in properties.items() if v is None) if given else None
    values = {k: v * SCALE if type(v) is int and not given else v for k, v in properties.items()}
    channel = values.pop("channel", None)
    return {
        "message_id": f"m{next(_NUMBER):09d}", "event": name, "type": "track", "source": "shop",
        "channel": channel, "ts": ms(at), "received_at": ms(at), "revision": 0,
        "properties": values, "cleared": cleared,
        "products": [
            {k: v * SCALE if type(v) is int else v for k, v in line.items()} for line in lines
        ],
    }  # fmt: skip


def order(at: str, revenue: int | None = 10, **more: Any) -> Any:
    return event("Order Completed", at, revenue=revenue, **more)


def view(at: str, page: str | None = None) -> Any:
    return event("Product Viewed", at, page=page)


def warehouse(
    of: Project, people: Sequence[Sequence[Any]], catalogue: Mapping[str, Any] | None = None
) -> Warehouse:
    """The relations of a build for these people."""
    wh = connect(threads=1)
    load(wh, relations(of, people, catalogue or {}))
    return wh
