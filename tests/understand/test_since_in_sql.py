"""Since when a condition is true: hand-made people, one cause of a switch each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.understand.shop import DAY, condition, event, ms, order, project, view, warehouse

from visavis.core.clock import format_time
from visavis.understand.batch import compute_people
from visavis.understand.timeline import exact_in_sql, since

NOW = ms("2018-01-01T00:00:00")
TRAITS = {
    "orders": {"event": "Order Completed", "value": "count()"},
    "week": {"event": "Order Completed", "value": "count()", "within": 7 * DAY},
    "last": {"event": "Order Completed", "value": "max(timestamp)"},
    "views": {"event": "Product Viewed", "value": "count()"},
    "spent": {"event": "Order Completed", "value": "sum(revenue)"},
    "gap": {"event": "Order Completed", "value": "mean_gap()"},
    "bought": {"event": "Product Viewed", "value": "count()", "then": {"event": "Order Completed"}},
    "recent": {
        "event": "Product Viewed", "value": "count()", "where": "days_since(timestamp) < 3",
    },
    "days": {"value": "days_since(last)"},
    "lifecycle": {
        "value": "case when orders = 0 then 'prospect' when days > 365 then 'inactive'"
        " when days > 90 then 'defecting' when orders = 1 then 'first_time' else 'active' end",
    },
    "tier": {"value": "bucket(spent, 2)"},
}  # fmt: skip


def ask(text: str, person: Sequence[Any], zone: str = "UTC", now: int = NOW) -> str | None:
    """The moment as text, "never known" where it is null, None where the condition is not true."""
    of = project(TRAITS, zone)
    node = condition(text, of)
    assert exact_in_sql(node, of.traits)
    with warehouse(of, [person]) as wh:
        fits = compute_people(wh, of, now)
        since(wh, of, {"c": node}, now, fits)
        found = wh.rows("SELECT name, epoch_ms(since) FROM since")
    if not found:
        return None
    ((name, at),) = found
    assert name == "c"
    return "never known" if at is None else format_time(at)


TWO = [order("2017-05-01T10:00:00"), order("2017-06-01T10:00:00")]


@pytest.mark.parametrize(
    ("text", "person", "wanted"),
    [
        ("orders >= 2", TWO, "2017-06-01T10:00:00Z"),
        ("orders >= 1", TWO, "2017-05-01T10:00:00Z"),
        ("orders >= 3", TWO, None),
        ("lifecycle = 'defecting'", TWO, "2017-08-31T00:00:00Z"),
        ("lifecycle = 'prospect'", [view("2017-05-01T00:00:00")], "2017-05-01T00:00:00Z"),
        ("lifecycle = 'prospect'", [], "never known"),
        ("lifecycle = 'inactive'", [order("2016-12-30T10:00:00")], "2017-12-31T00:00:00Z"),
        ("lifecycle = 'active'", [order("2017-05-01T00:00:00"), order("2017-10-15T00:00:00")],
         "2017-10-15T00:00:00Z"),
        ("days <= 90", [order("2017-05-01T00:00:00"), order("2017-10-15T00:00:00"),
                        order("2017-11-15T00:00:00")], "2017-10-15T00:00:00Z"),
        ("week = 0", TWO, "2017-06-08T10:00:00Z"),
        ("week >= 1", [order("2017-12-20T00:00:00"), order("2017-12-26T00:00:00"),
                       order("2017-12-31T00:00:00")], "2017-12-20T00:00:00Z"),
        ("week >= 1", [order("2017-12-20T00:00:00"), order("2017-12-27T00:00:00")],
         "2017-12-20T00:00:00Z"),
        ("week >= 1", [order("2017-12-20T00:00:00"), order("2017-12-27T00:00:00.001")],
         "2017-12-27T00:00:00.001Z"),
        ("days > 2 * gap", TWO, "2017-08-03T00:00:00Z"),
        ("hours_since(last) >= 5", TWO, "2017-06-01T15:00:00Z"),
        ("last < now() - interval '3 days'", TWO, "2017-06-04T10:00:00.001Z"),
        ("last <= now()", TWO, "2017-05-01T10:00:00Z"),
        ("days is not null", TWO, "2017-05-01T10:00:00Z"),
        ("tier = 1", TWO, "2017-05-01T10:00:00Z"),
        ("vip", [event("identify", "2017-01-01T00:00:00", vip=True),
                 event("identify", "2017-02-01T00:00:00", vip=None),
                 event("identify", "2017-03-01T00:00:00", vip=True),
                 event("identify", "2017-04-01T00:00:00", vip=True)], "2017-03-01T00:00:00Z"),
        ("orders > 0 and views > 0", [*TWO, view("2017-07-01T00:00:00")], "2017-07-01T00:00:00Z"),
        ("true", TWO, "2017-05-01T10:00:00Z"),
    ],
)  # fmt: skip
def test_switches(text: str, person: Sequence[Any], wanted: str | None) -> None:
    assert ask(text, person) == wanted


def born(day: int) -> list[Any]:
    return [event("identify", "2010-01-01T00:00:00", birthday=day)]


def test_birthdays() -> None:
    leap_day = (ms("2000-02-29T00:00:00")) // DAY
    assert ask("years_since(birthday) >= 17", born(leap_day)) == "2017-03-01T00:00:00Z"
    near = ms("1990-01-05T00:00:00") // DAY
    soon = "days_to_anniversary(birthday, today()) <= 7"
    assert ask(soon, born(near)) == "2017-12-29T00:00:00Z"
    assert ask(soon, born(leap_day)) is None
    assert ask("days_to_anniversary(birthday, now()) > 7", born(leap_day)) == "2017-03-02T00:00:00Z"


def test_days_turn_at_local_midnight() -> None:
    found = ask("lifecycle = 'defecting'", TWO, "America/New_York")
    assert found == "2017-08-31T04:00:00Z"


def test_each_condition_and_person_for_itself() -> None:
    of = project(TRAITS)
    texts = ("orders > 0", "views > 0", "orders + views > 2", "spent > 1000")
    conditions = {text: condition(text, of) for text in texts}
    with warehouse(of, [TWO, [*TWO, view("2017-07-01T00:00:00")], []]) as wh:
        since(wh, of, conditions, NOW, compute_people(wh, of, NOW))
        found = wh.rows("SELECT name, person, epoch_ms(since) FROM since ORDER BY ALL")
    first, seen = ms("2017-05-01T10:00:00"), ms("2017-07-01T00:00:00")
    assert found == [
        ("orders + views > 2", 1, seen),
        ("orders > 0", 0, first),
        ("orders > 0", 1, first),
        ("views > 0", 1, seen),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "bought > 0",
        "recent > 0",
        "days + 1 > 3",
        "month(now()) = 12",
        "days > days_since(birthday)",
    ],
)
def test_what_sql_can_not_tell(text: str) -> None:
    of = project(TRAITS)
    node = condition(text, of)
    assert not exact_in_sql(node, of.traits)
    with warehouse(of, [TWO]) as wh:
        fits = compute_people(wh, of, NOW)
        with pytest.raises(ValueError, match="can't be told"):
            since(wh, of, {"c": node}, NOW, fits)
