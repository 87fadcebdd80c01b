"""What a live event says to the project's definitions: typed values, order lines, cleared traits.

Pure, and the same for the lake's loads and for the live profile.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from visavis.collect import typed
from visavis.collect.calls import Event
from visavis.collect.typed import BAD, Wanted, wanted
from visavis.core.clock import Zone, zone
from visavis.core.lang.types import DECIMAL_LIMIT, SCALE, Type
from visavis.core.nouns import Project
from visavis.core.vocabulary import EVENTS_WITH_LINES

MONEY = ("revenue", "total", "subtotal", "shipping", "tax", "discount", "cost", "items")
LINE_MONEY = ("quantity", "price", "amount", "discount", "cost")
NO_RATE = "no-rate: there is no rate for the currency of this order at its date"
_FOREIGN = tuple(n for n in dict.fromkeys((*MONEY, *LINE_MONEY)) if n not in ("items", "quantity"))
_ORDERS = ("Order ", "Test Order")
_ADDRESS: Mapping[str, str] = {"postalCode": "postal_code", "state": "region"}


Rate = tuple[str, int, int]
"""A currency, the day (since 1970-01-01) from which the rate holds, and a unit's worth in the
project's currency, scaled by 10**6."""


class Rates:
    """What foreign currencies are worth: the latest rate at or before an order's local date."""

    def __init__(self, zone: Zone, rates: Iterable[Rate]) -> None:
        self._zone = zone
        self._days: dict[str, list[int]] = {}
        self._rates: dict[str, list[int]] = {}
        self.told = sorted(rates)
        for currency, day, rate in self.told:
            self._days.setdefault(currency, []).append(day)
            self._rates.setdefault(currency, []).append(rate)

    def at(self, currency: str, ms: int) -> int | None:
        """The scaled rate of a currency for an order of that moment; None where there is none."""
        days = self._days.get(currency)
        if days is None:
            return None
        place = bisect_right(days, self._zone.date_of(ms))
        return self._rates[currency][place - 1] if place else None


@dataclass(frozen=True, slots=True)
class Names:
    """What a project wants of live events, by JSON key."""

    types: Mapping[str, Type]
    line_types: Mapping[str, Type]
    currency: str
    keys: Wanted
    line_keys: Wanted
    rates: Rates


def names_of(project: Project, rates: Iterable[Rate] = ()) -> Names:
    """The names that any event of the project may have; a name has one type everywhere."""
    types = {n: kind for of in project.properties.values() for n, kind in of.items()}
    lines = project.line_fields
    dated = Rates(zone(project.time_zone), rates)
    return Names(types, lines, project.currency, wanted(types), wanted(lines), dated)


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
        unfit = _order(event, values, lines, names)
        if unfit:
            return unfit
    cleared = []
    if event.type == "identify":
        cleared = [name for name, value in values.items() if value is None]
    kept = {k: v for k, v in values.items() if v is not None and v is not BAD}
    lines = [{k: v for k, v in line.items() if v is not BAD} for line in lines]
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
    event: Event, values: dict[str, Any], lines: list[dict[str, Any]], names: Names
) -> str | None:
    """Fills in what an order's lines add up to; why it is unfit, if it is."""
    unfit = _unread(values, lines)
    if unfit or not event.event.startswith(_ORDERS):
        return unfit
    given = values.get("currency")
    values["currency"] = given.upper() if isinstance(given, str) else names.currency
    if values["currency"] != names.currency:
        rate = names.rates.at(values["currency"], event.ts)
        if rate is None:
            return NO_RATE
        _convert(values, lines, rate)
        if unfit := _unread(values, lines):
            return unfit
    if values.get("revenue") is None:
        total = values.get("total")
        values["revenue"] = _sum(lines, "amount") if total is None else total
    for name, of in (("items", "quantity"), ("discount", "discount"), ("cost", "cost")):
        if values.get(name) is None:
            values[name] = _sum(lines, of)
    if event.event == "Order Refunded" and values["revenue"] is not None:
        values["revenue"] = abs(values["revenue"])
    summed = ("revenue", "items", "discount", "cost")
    over = [n for n in summed if abs(values[n] or 0) > DECIMAL_LIMIT]
    return f"bad-number: '{over[0]}' is no number that fits" if over else None


def _unread(values: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> str | None:
    bad = [n for n in MONEY if values.get(n) is BAD]
    bad += [n for line in lines for n in LINE_MONEY if line.get(n) is BAD]
    return f"bad-number: '{bad[0]}' is no number that fits" if bad else None


def _convert(values: dict[str, Any], lines: Iterable[dict[str, Any]], rate: int) -> None:
    """Turns money into the project's currency; what was given stays in the event's own JSON."""
    for held in (values, *lines):
        for name in _FOREIGN:
            if held.get(name) is not None:
                held[name] = _times(held[name], rate)


def _sum(lines: Iterable[Mapping[str, Any]], name: str) -> int | None:
    found = [line[name] for line in lines if line.get(name) is not None]
    return sum(found) if found else None
