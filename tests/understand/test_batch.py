"""Everybody's traits at once, on people small enough to check by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from tests.understand.shop import (
    DAY,
    Definition,
    condition,
    event,
    ms,
    order,
    project,
    view,
    warehouse,
)

from visavis.core.lang.types import SCALE
from visavis.understand.batch import compute_people, condition_sql

NOW = ms("2018-01-01T00:00:00")
ORDERS = {"event": "Order Completed", "value": "count()"}


def ask(
    definitions: Mapping[str, Definition],
    people: Sequence[Sequence[Any]],
    now: int = NOW,
    catalogue: Mapping[str, Any] | None = None,
) -> list[tuple[Any, ...]]:
    """The values of the defined traits, a row for each person."""
    of = project(definitions)
    with warehouse(of, people, catalogue) as wh:
        compute_people(wh, of, now)
        names = ", ".join(f'"{name}"' for name in definitions)
        return wh.rows(f"SELECT {names} FROM people_traits ORDER BY person")


def single(definition: Definition, *people: Sequence[Any], **more: Any) -> list[Any]:
    return [row[0] for row in ask({"t": definition}, people, **more)]


def test_nobody_without_events_is_left_out() -> None:
    found = ask(
        {
            "orders": ORDERS,
            "revenue": {"event": "Order Completed", "value": "sum(revenue)"},
            "average": {"event": "Order Completed", "value": "avg(revenue)"},
            "more": {"event": "Order Completed", "value": "count() + 1"},
            "known": {"value": "case when orders = 0 then 'no' else 'yes' end"},
        },
        [[], [view("2017-05-01T00:00:00")]],
    )
    assert found == [(0, 0, None, 1, "no")] * 2


def test_an_event_counts_up_to_the_moment_itself() -> None:
    people = [[order("2018-01-01T00:00:00")], [order("2018-01-01T00:00:00.001")]]
    assert single(ORDERS, *people) == [1, 0]


def test_a_window_is_open_at_its_beginning() -> None:
    people = [[order("2017-12-31T00:00:00")], [order("2017-12-31T00:00:00.001")]]
    assert single({**ORDERS, "within": DAY}, *people) == [0, 1]


def test_traits_share_a_scan_each_with_its_own_window_and_where() -> None:
    people = [[order("2017-12-31T12:00:00", 5), order("2017-12-01T00:00:00", 7, channel="web")]]
    sum_ = {"event": "Order Completed", "value": "sum(revenue)"}
    found = ask(
        {
            "day": {**sum_, "within": DAY},
            "week": {**sum_, "within": 60 * DAY, "where": "channel = 'web'"},
            "month": {**sum_, "within": 90 * DAY},
            "dear": {**ORDERS, "value": "count() filter (where revenue > 6)", "within": 90 * DAY},
        },
        people,
    )
    assert found == [(5, 7, 12, 1)]


def test_first_and_last_go_by_the_log_and_pass_over_nulls() -> None:
    at = "2017-05-01T00:00:00"
    person = [order(at, None), order(at, 1), order(at, 2), order(at, None)]
    value = "last(revenue) - first(revenue)"
    assert single({"event": "Order Completed", "value": value}, person) == [1]


def test_lines_in_their_order_beat_the_catalogue() -> None:
    lines = [
        {"product_id": "a", "category": None, "quantity": 1},
        {"product_id": "b", "category": "own", "quantity": 2},
        {"product_id": "unknown", "category": None, "quantity": 4},
    ]
    catalogue = {
        "a": {"brand": "A", "category": "of a"},
        "b": {"brand": "B", "category": "of b"},
    }
    person = [order("2017-05-01T00:00:00", 10, lines=lines, channel="web")]
    found = ask(
        {
            "first": {**ORDERS, "each": "products", "value": "first(category)"},
            "last": {**ORDERS, "each": "products", "value": "last(category)"},
            "brands": {**ORDERS, "each": "products", "value": "count(distinct brand)"},
            "pieces": {**ORDERS, "each": "products", "value": "sum(quantity)"},
            "per_order": {**ORDERS, "each": "products", "value": "sum(revenue)"},
            "lines": {**ORDERS, "each": "products", "where": "channel = 'web'"},
        },
        [person],
        catalogue=catalogue,
    )
    assert found == [("of a", "own", 2, 7, 30, 3)]


def test_given_traits_the_latest_set_or_cleared() -> None:
    def told(at: str, **values: Any) -> Any:
        return event("identify", f"2017-0{at}-01T00:00:00", **values)

    people = [
        [told("1", city="Rome"), told("2", vip=True)],
        [told("1", city="Rome"), told("2", city=None)],
        [told("2", city="Rome"), told("1", city=None)],
        [told("3", city="Oslo"), told("2", city="Rome")],
    ]
    of = project({})
    with warehouse(of, people) as wh:
        compute_people(wh, of, NOW)
        found = wh.rows("SELECT city, vip FROM people_traits ORDER BY person")
    assert found == [("Rome", True), (None, None), ("Rome", None), ("Oslo", None)]


HOUR = 3_600_000
VIEW, BOUGHT = {"event": "Product Viewed"}, {"event": "Order Completed"}
BACK = {"event": "Order Refunded"}


def refund(at: str) -> Any:
    return event("Order Refunded", at, revenue=1)


@pytest.mark.parametrize(
    ("steps", "person", "count"),
    [
        ({"then": BOUGHT}, [view("2017-05-01T01:00:00"), order("2017-05-01T02:00:00")], 1),
        ({"then": BOUGHT}, [order("2017-05-01T01:00:00"), view("2017-05-01T02:00:00")], 0),
        ({"then": BOUGHT}, [view("2017-05-01T01:00:00"), view("2017-05-01T01:30:00"),
                            order("2017-05-01T02:00:00")], 2),
        ({"then": {**BOUGHT, "within": HOUR}},
         [view("2017-05-01T01:00:00"), order("2017-05-01T02:00:00")], 1),
        ({"then": {**BOUGHT, "within": HOUR - 1}},
         [view("2017-05-01T01:00:00"), order("2017-05-01T02:00:00")], 0),
        ({"then": {**BOUGHT, "where": "revenue > 50"}},
         [view("2017-05-01T01:00:00"), order("2017-05-01T02:00:00"),
          order("2017-05-01T03:00:00", 60)], 1),
        ({"then": BOUGHT, "without": BACK},
         [view("2017-05-01T01:00:00"), refund("2017-05-01T01:30:00"),
          order("2017-05-01T02:00:00")], 0),
        ({"then": BOUGHT, "without": BACK},
         [view("2017-05-01T01:00:00"), order("2017-05-01T01:30:00"),
          refund("2017-05-01T02:00:00")], 1),
        ({"without": BOUGHT}, [view("2017-05-01T01:00:00"), order("2017-05-01T02:00:00")], 0),
        ({"without": BOUGHT}, [order("2017-05-01T01:00:00"), view("2017-05-01T02:00:00")], 1),
        ({"without": {**BOUGHT, "within": HOUR}},
         [view("2017-05-01T01:00:00"), order("2017-05-01T02:00:00")], 0),
        ({"without": {**BOUGHT, "within": HOUR}},
         [view("2017-05-01T01:00:00"), order("2017-05-01T02:00:00.001")], 1),
        ({"without": {**BOUGHT, "within": HOUR}}, [view("2017-12-31T23:00:00")], 1),
        ({"without": {**BOUGHT, "within": HOUR}}, [view("2017-12-31T23:00:00.001")], 0),
    ],
)  # fmt: skip
def test_sequences(steps: Definition, person: Sequence[Any], count: int) -> None:
    assert single({**VIEW, "value": "count()", **steps}, person) == [count]


def test_buckets_over_everybody_and_under_an_older_fit() -> None:
    people = [[order("2017-05-01T00:00:00", n)] * (n > 0) for n in range(11)]
    of = project(
        {
            "revenue": {"event": "Order Completed", "value": "max(revenue)"},
            "fifth": {"value": "bucket(revenue, 5)"},
            "half": {"value": "bucket(6 - fifth, 2)"},
        }
    )
    with warehouse(of, people) as wh:
        fits = compute_people(wh, of, NOW)
        first = wh.rows("SELECT fifth, half FROM people_traits ORDER BY person")
        assert compute_people(wh, of, NOW, fits) == fits
        again = wh.rows("SELECT fifth, half FROM people_traits ORDER BY person")
        other = {name: tuple(cut * 100 for cut in cuts) for name, cuts in fits.items()}
        compute_people(wh, of, NOW, other)
        under = wh.rows("SELECT fifth FROM people_traits ORDER BY person")
        compute_people(wh, of, NOW, {})
        without = wh.rows("SELECT fifth FROM people_traits ORDER BY person")
    assert list(fits.values()) == [tuple(n * SCALE for n in (2, 4, 6, 8)), (3,)]
    assert [row[0] for row in first] == [None, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [row[1] for row in first] == [None, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]
    assert again == first
    assert under == [(None,), *[(1,)] * 10]
    assert without == [(None,)] * 11


def test_columns_are_the_traits_in_their_order() -> None:
    of = project({"z": ORDERS, 'odd "name"': {"value": "z + 1"}, "a": {"value": "z"}})
    with warehouse(of, [[order("2017-05-01T00:00:00")]]) as wh:
        compute_people(wh, of, NOW, target="other")
        assert list(wh.columns("other")) == ["person", *of.traits]
        assert wh.rows('SELECT "odd ""name""" FROM other') == [(2,)]


def test_conditions_over_the_table() -> None:
    of = project({"orders": ORDERS, "last": {**BOUGHT, "value": "max(timestamp)"}})
    with warehouse(of, [[order("2017-12-25T00:00:00")], []]) as wh:
        fits = compute_people(wh, of, NOW)
        sql = condition_sql(wh, of, condition("days_since(last) = 7", of), NOW, fits)
        assert wh.rows(f"SELECT {sql} FROM people_traits ORDER BY person") == [(True,), (None,)]
