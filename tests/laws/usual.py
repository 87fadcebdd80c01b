"""The conditions that brands write, over a handful of traits: for the laws of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.laws.readers import empty_project, read

from visavis.core.clock import zone
from visavis.core.lang.scope import Scope
from visavis.core.lang.types import Type
from visavis.core.nouns import Trait
from visavis.testing import shop
from visavis.testing.agree import Round
from visavis.testing.projects import PLACE, given

DAY = 86_400_000
COMPUTED: tuple[tuple[str, str, int | None], ...] = (
    ("orders", "count()", None),
    ("revenue", "sum(revenue)", None),
    ("last_at", "last(timestamp)", None),
    ("first_at", "first(timestamp)", None),
    ("due", "max(due_at)", None),
    ("orders_week", "count()", 7 * DAY),
    ("revenue_90d", "sum(revenue)", 90 * DAY),
    ("note", "mode(note)", None),
    ("last_note_hour", "last(note)", 3_600_000),
)
DERIVED: tuple[tuple[str, str], ...] = (
    (
        "lifecycle",
        """case when orders = 0 then 'prospect' when days_since(last_at) > 365 then 'inactive'
        when days_since(last_at) > 90 then 'defecting' when orders = 1 then 'first_time'
        else 'active' end""",
    ),
    ("age", "years_since(birthday)"),
    ("average", "revenue / orders"),
    ("lapsed", "days_since(last_at)"),
)
CONDITIONS: tuple[str, ...] = (
    "orders > 0",
    "orders = 1",
    "lifecycle = 'active'",
    "lifecycle = 'defecting'",
    "lifecycle = 'first_time'",
    "lifecycle <> 'prospect'",
    "lifecycle in ('inactive', 'defecting')",
    "orders_week > 0",
    "orders_week = 0",
    "revenue_90d > 50",
    "coalesce(revenue_90d, 0) <= 10.5",
    "age >= 18",
    "age between 16 and 17",
    "days_to_anniversary(birthday, now()) <= 7",
    "days_to_anniversary(birthday, today()) = 0",
    "hours_since(last_at) < 48",
    "hours_since(last_at) >= 1",
    "last_at > now() - interval '7 days'",
    "joined_at < now()",
    "due <= now()",
    "date(last_at) = today()",
    "days_between(now(), due) <= 3",
    "days_since(first_at) >= 30 and orders = 1",
    "days_since(last_at) > 30 and not (days_since(last_at) > 60)",
    "vip",
    "not vip",
    "vip is null",
    "city = 'a' or points > 5",
    "average > 100 and days_since(last_at) < 180",
    "note = 'a' and last_note_hour is null",
    "points > days_since(last_at)",
    "-days_since(last_at) >= -30",
    "day_of_week(now()) <= 5",
    "hours_between(due, now()) >= 0",
    "hours_between(now(), due) <= 3",
    "birthday < date '2000-01-01'",
)


def usual_round(zone_name: str, conditions: Mapping[str, str]) -> Round:
    """A round with the usual traits and these conditions, and nobody yet."""
    local = zone(zone_name)
    traits = {t.name: t for t in (given(n, t) for n, t in shop.GIVEN.items())}
    names = {n: (t, "property") for n, t in shop.PROPERTIES["Order Completed"].items()}
    names["timestamp"] = (Type.TIME, "event")
    for name, text, within in COMPUTED:
        value = read(text, Scope(names, aggregates=True, zone=local))
        traits[name] = Trait(
            name, "computed", value.type, PLACE,
            value=value, event="Order Completed", within_ms=within,
        )  # fmt: skip
    for name, text in DERIVED:
        value = read(text, Scope(_names(traits), clock=True, zone=local))
        traits[name] = Trait(name, "derived", value.type, PLACE, value=value)
    scope = Scope(_names(traits), clock=True, zone=local)
    nodes = {name: read(text, scope) for name, text in conditions.items()}
    project = replace(
        empty_project(zone_name, shop.PROPERTIES), traits=traits, line_fields=shop.LINE_FIELDS
    )
    return Round(project, nodes, [], {}, [])


def _names(traits: Mapping[str, Trait]) -> dict[str, tuple[Type, str]]:
    return {n: (t.type, "trait") for n, t in traits.items()}
