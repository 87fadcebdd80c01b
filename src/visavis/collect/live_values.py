"""What a live event says to the project's definitions: typed values, order lines, cleared traits.

Pure, and the same for the lake's loads and for the live profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from visavis.collect import typed
from visavis.collect.calls import Event
from visavis.collect.typed import BAD, Wanted, wanted
from visavis.core.lang.types import DECIMAL_LIMIT, SCALE, Type
from visavis.core.nouns import Project
from visavis.core.vocabulary import EVENTS_WITH_LINES

MONEY = ("revenue", "total", "subtotal", "shipping", "tax", "discount", "cost", "items")
LINE_MONEY = ("quantity", "price", "amount", "discount", "cost")
_ORDERS = ("Order ", "Test Order")
_ADDRESS: Mapping[str, str] = {"postalCode": "postal_code", "state": "region"}


@dataclass(frozen=True, slots=True)
class Names:
    """What a project wants of live events, by JSON key."""

    types: Mapping[str, Type]
    line_types: Mapping[str, Type]
    currency: str
    keys: Wanted
    line_keys: Wanted


def names_of(project: Project) -> Names:
    """The names that any event of the project may have; a name has one type everywhere."""
    types = {n: kind for of in project.properties.values() for n, kind in of.items()}
    lines = project.line_fields
    return Names(types, lines, project.currency, wanted(types), wanted(lines))


@dataclass(slots=True)
class Typed:
    """The typed part of an event: properties, lines, and the given traits said to be nothing."""

    values: dict[str, Any]
    lines: list[dict[str, Any]]
    cleared: list[str]


def typed_of(event: Event, names: Names) -> Typed | str:
    """The values that definitions read, as the Python reader holds them; a reason if unfit.

    Money that can't be read makes an event unfit; any other value that can't be is none.
    """
    said: Mapping[str, Any] = event.values
    if event.type == "identify":
        said = _flat(said)
    values = typed.read(said, names.keys)
    lines: list[dict[str, Any]] = []
    if event.event in EVENTS_WITH_LINES:
        products = said.get("products")
        if isinstance(products, list):
            lines = [_line(p, names) for p in products if isinstance(p, dict)]
        unfit = _order(event.event, values, lines, names.currency)
        if unfit:
            return unfit
    cleared = []
    if event.type == "identify":
        cleared = [name for name, value in values.items() if value is None]
    kept = {k: v for k, v in values.items() if v is not None and v is not BAD}
    return Typed(kept, lines, cleared)


def is_free(event: Event, found: Typed) -> bool:
    """Whether it is an order whose total is zero, which counts in no trait."""
    return event.event.startswith(_ORDERS) and found.values.get("revenue") == 0


def _flat(traits: Mapping[str, Any]) -> Mapping[str, Any]:
    """Traits with the parts of an address and a company's name as traits of their own."""
    address, company = traits.get("address"), traits.get("company")
    if isinstance(address, dict):
        parts = {str(_ADDRESS.get(k, k)): v for k, v in address.items() if k != "street"}
        traits = {**parts, **{k: v for k, v in traits.items() if k != "address"}}
    if isinstance(company, dict):
        traits = {**traits, "company": company.get("name")}
    return traits


def _line(product: Mapping[str, Any], names: Names) -> dict[str, Any]:
    line = typed.read(product, names.line_keys)
    if not line.get("product_id"):
        line["product_id"] = typed.text(product.get("id")) or line.get("sku")
    amount, price = line.get("amount"), line.get("price")
    if amount is None and type(price) is int:
        quantity = line.get("quantity")
        line["amount"] = _times(price, SCALE if quantity is None else quantity)
    return line


def _times(a: int, b: Any) -> Any:
    """The product of two scaled decimals, half away from zero."""
    if b is BAD:
        return BAD
    exact = abs(a * b)
    scaled = (exact + SCALE // 2) // SCALE
    scaled = -scaled if (a < 0) != (b < 0) else scaled
    return scaled if abs(scaled) <= DECIMAL_LIMIT else BAD


def _order(
    event: str, values: dict[str, Any], lines: list[dict[str, Any]], currency: str
) -> str | None:
    """Fills in what an order's lines add up to; why it is unfit, if it is."""
    bad = [n for n in MONEY if values.get(n) is BAD]
    bad += [n for line in lines for n in LINE_MONEY if line.get(n) is BAD]
    if bad:
        return f"bad-number: '{bad[0]}' is no number that fits"
    if not event.startswith(_ORDERS):
        return None
    if values.get("revenue") is None:
        total = values.get("total")
        values["revenue"] = _sum(lines, "amount") if total is None else total
    for name, of in (("items", "quantity"), ("discount", "discount"), ("cost", "cost")):
        if values.get(name) is None:
            values[name] = _sum(lines, of)
    if event == "Order Refunded" and values["revenue"] is not None:
        values["revenue"] = abs(values["revenue"])
    given = values.get("currency")
    values["currency"] = given.upper() if isinstance(given, str) else currency
    if values["currency"] != currency:
        # amounts of traits are in the project's currency; nothing is counted at face value
        return f"no-rate: an order in '{values['currency'][:8]}', live ones have no rates yet"
    summed = ("revenue", "items", "discount", "cost")
    over = [n for n in summed if abs(values[n] or 0) > DECIMAL_LIMIT]
    return f"bad-number: '{over[0]}' is no number that fits" if over else None


def _sum(lines: Iterable[Mapping[str, Any]], name: str) -> int | None:
    found = [line[name] for line in lines if line.get(name) is not None]
    return sum(found) if found else None
