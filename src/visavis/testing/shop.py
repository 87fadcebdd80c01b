"""The vocabulary of an invented brand: events, properties, line and catalogue fields, zones."""

from __future__ import annotations

from collections.abc import Mapping

from visavis.core.lang.types import DAY_MS, Type

_ALL: dict[str, Type] = {
    "paid": Type.BOOLEAN,
    "visits": Type.INTEGER,
    "revenue": Type.DECIMAL,
    "score": Type.FLOAT,
    "note": Type.TEXT,
    "due_at": Type.TIME,
    "day": Type.DATE,
}
GIVEN: dict[str, Type] = {
    "vip": Type.BOOLEAN,
    "points": Type.INTEGER,
    "limit": Type.DECIMAL,
    "affinity": Type.FLOAT,
    "city": Type.TEXT,
    "joined_at": Type.TIME,
    "birthday": Type.DATE,
}
PROPERTIES: Mapping[str, Mapping[str, Type]] = {
    "Order Completed": _ALL,
    "Product Viewed": {k: _ALL[k] for k in ("note", "visits", "due_at", "revenue")},
    "Email Opened": {"note": Type.TEXT},
    "identify": GIVEN,
}
"""Per event name the type of every property; those of identify are given traits."""
LINE_FIELDS: Mapping[str, Type] = {
    "product_id": Type.TEXT,
    "quantity": Type.DECIMAL,
    "price": Type.DECIMAL,
    "amount": Type.DECIMAL,
    "category": Type.TEXT,
    "gift": Type.BOOLEAN,
    "pieces": Type.INTEGER,
    "grade": Type.FLOAT,
    "best_before": Type.DATE,
    "packed_at": Type.TIME,
}
CATALOGUE_FIELDS: Mapping[str, Type] = {
    "category": Type.TEXT,
    "brand": Type.TEXT,
    "weight": Type.DECIMAL,
    "sizes": Type.INTEGER,
    "rating": Type.FLOAT,
    "organic": Type.BOOLEAN,
    "launched": Type.DATE,
    "listed_at": Type.TIME,
}
"""`category` is also a line's own field: the line's value beats the catalogue's."""
ZONES: tuple[str, ...] = (
    "UTC",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Europe/Berlin",
    "Pacific/Kwajalein",
    "Asia/Tehran",
    "Africa/Monrovia",
    "America/Caracas",
    "Australia/Lord_Howe",
    "Asia/Pyongyang",
)
WINDOWS: tuple[int, ...] = (1, 3_600_000, DAY_MS, 7 * DAY_MS, 90 * DAY_MS, 365 * DAY_MS)
"""Lengths of windows in use, in ms."""
