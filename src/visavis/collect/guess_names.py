"""How well a column's name fits a role, by the meanings of its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from visavis.collect.guess_words import meanings

ROLES = (
    "customer", "order", "time", "product", "quantity", "price", "amount", "discount", "promotion",
    "payment", "channel", "place", "currency", "email", "phone", "category", "cost", "status",
)  # fmt: skip
_ENTITIES = ("customer", "order", "product", "line", "store", "staff", "session")


@dataclass(frozen=True, slots=True)
class _Rule:
    """The best of `any`, plus `boost`, times `veto`, over the meanings that the name has."""

    any: Mapping[str, float]
    boost: Mapping[str, float]
    veto: Mapping[str, float]


def _marks(text: str) -> dict[str, float]:
    pairs = (part.split("=") for part in text.split())
    return {name: float(value) for name, value in pairs}


def _rule(any_: str, boost: str = "", veto: str = "", none: str = "") -> _Rule:
    vetoes = _marks(veto) | dict.fromkeys(none.split(), 0.0)
    return _Rule(_marks(any_), _marks(boost), vetoes)


_VALUES = "quantity amount total price discount cost tax profit weight count rate"
_DATES = "date time part birth"

_RULES: Mapping[str, _Rule] = {
    "customer": _rule(
        "customer=.8",
        "id=.15",
        "name=.4 flag=.2 group=.1 method=.1 first=.2 street=0 channel=0 medium=.2",
        f"{_VALUES} {_DATES} email phone category store city region country postcode status person "
        "note promo payment currency brand index stock",
    ),
    "order": _rule(
        "order=.8 sale=.35",
        "id=.15",
        "line=.15 name=.7 stock=.3 session=.5 first=.2 flag=0 brand=.3 medium=0 staff=.1",
        f"{_VALUES} {_DATES} verb status state payment channel store city region country postcode "
        "shipping promo category currency email phone method note person test cancel return index",
    ),
    "time": _rule(
        "date=.7 time=.55 at=.3",
        "order=.2 sale=.2 verb=.15 payment=-.2",
        "shipping=.2 update=.15 until=.1 customer=.3 first=.2 promo=.15 product=.2 return=.15 "
        "cancel=.1 status=.4 test=.3 stock=.2 store=.4 id=.7",
        "birth price amount total quantity discount",
    ),
    "product": _rule(
        "product=.8",
        "id=.15",
        "name=.6 order=.5 line=.4 sub=.3 group=.2 customer=.1 flag=.1 return=.2 session=.2",
        f"{_VALUES} {_DATES} category status brand method note channel store promo shipping unit "
        "index payment currency",
    ),
    "quantity": _rule(
        "quantity=.9 count=.6 unit=.5",
        "product=.05 order=.02 sale=.05",
        "return=.2 stock=.1 weight=.5 first=.3 line=.9 customer=.2 name=.2 group=.3 rate=.2",
        f"price amount discount cost tax {_DATES} status category payment profit shipping promo",
    ),
    "price": _rule(
        "price=.85 unit=.3",
        "unit=.1 net=-.02",
        "total=.15 line=.7 discount=.3 old=.6 group=.1 order=.6 id=.2 amount=.9 flag=.1 "
        "quantity=.3",
        f"cost shipping tax profit {_DATES} promo status currency category method weight",
    ),
    "amount": _rule(
        "amount=.7 total=.75 sale=.55 net=.3 gross=.3",
        "line=.1 total=.05 net=.05 sale=.1 price=-.05 gross=-.03 order=-.02",
        "payment=.7 unit=.2 return=.2 customer=.3 rate=.2 old=.6 flag=0 promo=.2 profit=0 first=.3 "
        "person=.1 weight=.1 count=.1 name=.1 group=.2",
        "discount tax shipping quantity cost id date time at part status channel currency category "
        "method store staff",
    ),
    "discount": _rule(
        "discount=.85",
        "amount=.05 total=.03 line=.05",
        "price=.3 id=.2 name=.2 method=.1 rate=.8 flag=.4 net=.6 promo=.95",
        f"{_DATES} status",
    ),
    "promotion": _rule(
        "promo=.8 discount=.4",
        "id=.1 name=.05 flag=.05",
        "discount=.5 amount=.2 method=.7 channel=.3 medium=.3",
        f"{_DATES} quantity price cost total status",
    ),
    "payment": _rule(
        "payment=.65",
        "method=.3 name=.1",
        "id=.4 status=.1 flag=.1 state=.1 customer=.7 group=.5",
        "amount date time part at total price count cost tax fee",
    ),
    "channel": _rule(
        "channel=.85 medium=.5",
        "sale=.05 order=.15 name=.02",
        "id=.9 payment=.3 customer=.5 product=.2",
        f"{_VALUES} {_DATES} status",
    ),
    "place": _rule(
        "store=.8 city=.72 region=.6 country=.5 location=.65 postcode=.3",
        "",
        "name=.95 id=.98 shipping=.9 billing=.85 customer=.9 method=.5 product=.1 status=.2 "
        "channel=.5 state=.95 payment=.2",
        f"{_VALUES} {_DATES} email phone birth category order currency staff note",
    ),
    "currency": _rule("currency=.9", "id=.05", "rate=.1 name=.6", "amount price total date time"),
    "email": _rule("email=.9", "customer=.05", "", f"{_DATES} flag count status"),
    "phone": _rule("phone=.85", "customer=.05 id=.02", "medium=.2", f"{_DATES} flag count status"),
    "category": _rule(
        "category=.8 group=.3",
        "product=.3 name=.02",
        "sub=.85 id=.9 customer=0 person=0 brand=.3 order=.2 channel=.2 payment=0",
        f"{_VALUES} {_DATES} status email store",
    ),
    "cost": _rule(
        "cost=.75",
        "product=.1 unit=.1 price=.05",
        "total=.6 amount=.8 line=.8 promo=.2",
        f"shipping tax {_DATES} payment id store",
    ),
    "status": _rule(
        "status=.85 state=.3 cancel=.6 return=.4 test=.5",
        "order=.1 flag=.1",
        "payment=.6 shipping=.5 customer=.1 product=.2 note=.2 id=.3",
        f"{_VALUES} {_DATES} at person email",
    ),
}


@lru_cache(maxsize=4096)
def name_score(name: str, role: str) -> float:
    """0 (the name speaks against it or says nothing) to 1."""
    found = meanings(name)
    if role in ("customer", "order", "product") and _other_head(found, role):
        return 0.25 * _apply(_RULES[role], found)
    return _apply(_RULES[role], found)


def _apply(rule: _Rule, found: tuple[str, ...]) -> float:
    score = max((rule.any.get(m, 0.0) for m in found), default=0.0)
    if not score:
        return 0.0
    there = set(found)
    score += sum(value for meaning, value in rule.boost.items() if meaning in there)
    for meaning, factor in rule.veto.items():
        if meaning in there and meaning not in rule.any:
            score *= factor
    return max(0.0, min(1.0, score))


def _other_head(found: tuple[str, ...], role: str) -> bool:
    """Whether the name is about something else: "order_customer_id" is about the customer."""
    entities = [(i, m) for i, m in enumerate(found) if m in _ENTITIES]
    if len({m for _, m in entities}) < 2:
        return False
    if "id" in found and found[0] == "id":
        return entities[0][1] != role
    return entities[-1][1] != role
