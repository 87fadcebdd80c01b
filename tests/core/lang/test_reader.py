"""The Python reader: windows, filters, sequences, lines, given traits, what stands behind them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.core.lang.asking import (
    BERLIN,
    DAY,
    ITEMS,
    ORDER,
    PLACE,
    ask,
    at,
    computed,
    derived,
    event,
    given,
    history,
    program,
    step,
)

from visavis.core.lang.form import Literal
from visavis.core.lang.history import History, Stream
from visavis.core.lang.reader import compile_program
from visavis.core.lang.reader_rows import Items
from visavis.core.lang.types import TIME_MIN, Type
from visavis.core.nouns import Trait

T = at("2018-03-01T12:00:00Z")
VIEW, REFUND = "Product Viewed", "Order Refunded"
TWO_DAYS = Literal(Type.INTERVAL, 2 * DAY)


def orders(*moments: int, **more: Any) -> list[dict[str, Any]]:
    return [event(ORDER, ts, f"m{n}", **more) for n, ts in enumerate(moments)]


# windows


@pytest.mark.parametrize(
    ("now", "value", "until"),
    [
        (T, 1, T + DAY),
        (T + DAY - 1, 1, T + DAY),
        (T + DAY, 0, None),
        (T - 1, 0, T),
    ],
)
def test_a_window_is_open_at_its_old_end_and_closed_at_now(
    now: int, value: int, until: int | None
) -> None:
    trait = computed("n", "count()", within="24 hours")
    assert ask(trait, history(*orders(T)), now) == (value, until)


def test_the_oldest_row_that_passes_says_when_a_window_changes() -> None:
    held = history(
        event(ORDER, T, "a", revenue=1),
        event(ORDER, T + 5, "b", revenue=9),
        event(ORDER, T + 9, "c"),
    )
    trait = computed("n", "count()", where="revenue >= 0.000009", within="1 day")
    assert ask(trait, held, T + 10) == (1, T + 5 + DAY)
    none = computed("n", "count()", where="revenue > 1", within="1 day")
    assert ask(none, held, T + 10) == (0, None)


def test_a_later_event_counts_from_its_moment_if_it_passes() -> None:
    held = history(
        event(ORDER, T + 5, "a", place="Bonn"), event(ORDER, T + 9, "b", place="Köln"),
        event(ORDER, T + 10, "c", place="Köln"),
    )  # fmt: skip
    trait = computed("n", "count()", where="place = 'Köln'")
    assert ask(trait, held, T) == (0, T + 9)
    assert ask(trait, held, T + 9) == (1, T + 10)
    assert ask(computed("n", "count()", where="place = 'Ulm'"), held, T) == (0, None)
    windowed = computed("n", "count()", where="place = 'Köln'", within="1 day")
    assert ask(windowed, held, T + 9) == (1, T + 10)


def test_no_events_at_all() -> None:
    nobody = History()
    assert ask(computed("n", "count()"), nobody, T) == (0, None)
    assert ask(computed("n", "sum(revenue)", within="1 day"), nobody, T) == (0, None)
    assert ask(computed("n", "max(timestamp)"), nobody, T) == (None, None)
    assert ask(computed("n", "mode(brand)", each="products"), nobody, T) == (None, None)
    assert ask(given("city"), nobody, T) == (None, None)


def test_a_field_that_no_event_has_is_null() -> None:
    held = History({ORDER: Stream([T], ["m"], {})})
    assert ask(computed("n", "count(revenue)"), held, T) == (0, None)
    assert ask(computed("n", "count()", where="revenue is null"), held, T) == (1, None)


def test_first_and_last_go_by_time_then_message_id() -> None:
    held = history(
        event(ORDER, T, "b", place="B", SOURCE="shop"), event(ORDER, T, "a", place="A"),
        event(ORDER, T, "é", place="E"), event(ORDER, T - 1, "z", place=None),
    )  # fmt: skip
    assert ask(computed("n", "first(place)"), held, T) == ("A", None)
    assert ask(computed("n", "last(place)"), held, T) == ("E", None)
    assert ask(computed("n", "first(timestamp)"), held, T) == (T - 1, None)
    assert ask(computed("n", "first(message_id)"), held, T) == ("z", None)
    assert ask(computed("n", "last(event)"), held, T) == (ORDER, None)
    assert ask(computed("n", "max(source)"), held, T) == ("shop", None)
    assert ask(computed("n", "count(channel)"), held, T) == (0, None)
    assert ask(computed("n", "min(type)"), held, T) == ("track", None)


@pytest.mark.parametrize(
    ("where", "first", "last"),
    [(None, T, T + 3), ("visits > 1", T + 1, T + 2), ("visits = 9", None, None)],
)
def test_the_first_and_last_moment_of_the_rows_that_pass(
    where: str | None, first: int | None, last: int | None
) -> None:
    held = history(*(event(ORDER, T + n, f"m{n}", visits=v) for n, v in enumerate([1, 2, 3, None])))
    for value, want in (("min", first), ("first", first), ("max", last), ("last", last)):
        assert ask(computed("n", f"{value}(timestamp)", where=where), held, T + 9)[0] == want


def test_mean_gap_counts_calendar_days_of_the_zone() -> None:
    held = history(event(ORDER, "2018-01-01T23:30"), event(ORDER, "2018-01-02T00:30"))
    assert ask(computed("n", "mean_gap()"), held, "2018-02-01") == (1_000_000, None)
    held = history(*(event(ORDER, f"2018-01-0{d}T12:00") for d in (1, 2, 8, 9)))
    assert ask(computed("n", "mean_gap()"), held, "2018-02-01") == (2_666_667, None)
    assert ask(computed("n", "mean_gap()", where="visits = 1"), held, "2018-02-01")[0] is None


def test_an_aggregate_may_have_a_filter_of_its_own() -> None:
    held = history(*(event(ORDER, T + n, f"m{n}", visits=n, gift=n % 2 == 0) for n in range(6)))
    value = (
        "count() filter (where gift) * 100 + sum(visits) filter (where visits > 3) * 10 + count()"
    )
    assert ask(computed("n", value), held, T + 9) == (300 + 90 + 6, None)
    windowed = computed("n", value, where="visits <> 2", within="1 day")
    assert ask(windowed, held, T + 9) == (200 + 90 + 5, T + DAY)
    edges = "days_between(min(timestamp) filter (where gift), max(timestamp) filter (where gift))"
    assert ask(computed("n", edges), held, T + 9) == (0, None)
    assert ask(computed("n", "mean_gap() filter (where visits > 9)"), held, T + 9)[0] is None


def test_filters_know_three_truths() -> None:
    held = history(*(event(ORDER, T, f"m{n}", gift=g) for n, g in enumerate([True, False, None])))
    for where, kept in [
        ("gift", 1), ("not gift", 1), ("gift is null", 1), ("gift is not null", 2),
        ("gift = true", 1), ("gift <> true", 1), ("gift in (true, null)", 1),
        ("not (gift in (true, null))", 0), ("gift or gift is null", 2), ("not (gift and true)", 1),
        ("gift and gift is not null and true", 1), ("gift or not gift or false", 2),
        ("coalesce(gift, true)", 2), ("case when gift then false when not gift then true end", 1),
        ("true", 3), ("1 = 2", 0), ("false < gift", 1), ("gift = gift", 2), ("null = gift", 0),
    ]:  # fmt: skip
        assert ask(computed("n", "count()", where=where), held, T) == (kept, None), where


# filters that read the clock or other traits


# sequences


def walk_in(*steps: str) -> History:
    """Events from a spelling: 'A@5' is an order 5 seconds after T, V a view, R a refund."""
    names = {"A": ORDER, "V": VIEW, "R": REFUND}
    events = []
    for text in steps:
        name, _, spot = text.partition("@")
        second, _, message_id = spot.partition(".")
        events.append(event(names[name], T + int(second) * 1000, message_id or text))
    return history(*events)


@pytest.mark.parametrize(
    ("held", "value"),
    [
        (["A@0", "V@10"], 1),
        (["A@0", "V@11"], 0),
        (["V@0", "A@5"], 0),
        (["A@0.a", "V@0.b"], 1),
        (["A@0.b", "V@0.a"], 0),
        (["A@0", "A@5", "V@10"], 2),
        (["A@0"], 0),
    ],
)
def test_then_wants_an_event_after_and_in_time(held: list[str], value: int) -> None:
    trait = computed("n", "count()", then=step(VIEW, within="10 seconds"))
    assert ask(trait, walk_in(*held), T + 60_000) == (value, None)


@pytest.mark.parametrize(
    ("held", "value"),
    [
        (["A@0", "R@3", "V@5"], 0),
        (["A@0", "V@5", "R@6"], 1),
        (["A@0.a", "R@5.b", "V@5.c"], 0),
        (["A@0.a", "V@5.b", "R@5.c"], 1),
        (["A@5.b", "R@5.a", "V@5.c"], 1),
        (["A@0", "R@3", "A@4", "V@5"], 1),
        (["A@0", "R@3"], 0),
    ],
)
def test_then_without_bars_an_event_between(held: list[str], value: int) -> None:
    trait = computed("n", "count()", then=step(VIEW), without=step(REFUND))
    assert ask(trait, walk_in(*held), T + 60_000) == (value, None)


def test_then_waits_for_the_future() -> None:
    trait = computed("n", "count()", then=step(VIEW), without=step(REFUND))
    assert ask(trait, walk_in("A@0", "R@10", "V@20"), T) == (0, T + 20_000)
    assert ask(trait, walk_in("A@0", "V@20"), T + 19_999) == (0, T + 20_000)
    assert ask(trait, walk_in("A@0", "V@20"), T + 20_000) == (1, None)


@pytest.mark.parametrize(
    ("held", "now", "value", "until"),
    [
        (["A@0"], 9_999, 0, T + 10_000),
        (["A@0"], 10_000, 1, None),
        (["A@0", "R@10"], 10_000, 0, None),
        (["A@0", "R@11"], 12_000, 1, None),
        (["A@0.b", "R@0.a"], 10_000, 1, None),
        (["A@0.a", "R@0.b"], 10_000, 0, None),
        (["A@0", "R@5"], 2_000, 0, T + 5_000),
        (["A@0", "A@5"], 10_000, 1, T + 15_000),
    ],
)
def test_without_counts_once_its_time_has_passed(
    held: list[str], now: int, value: int, until: int | None
) -> None:
    trait = computed("n", "count()", without=step(REFUND, within="10 seconds"))
    assert ask(trait, walk_in(*held), T + now) == (value, until)


def test_without_a_time_looks_up_to_now() -> None:
    trait = computed("n", "count()", without=step(REFUND))
    held = walk_in("A@0", "R@10", "A@20")
    assert ask(trait, held, T) == (1, T + 10_000)
    assert ask(trait, held, T + 10_000) == (0, T + 20_000)
    assert ask(trait, held, T + 20_000) == (1, None)


def test_steps_have_filters_and_traits_windows() -> None:
    held = history(
        event(ORDER, T, "a"), event(VIEW, T + 1, "v", category="tea"),
        event(ORDER, T + 2, "b"), event(VIEW, T + 3, "w", category="coffee"),
    )  # fmt: skip
    follow = step(VIEW, where="category = 'tea'")
    assert ask(computed("n", "count()", then=follow), held, T + 9) == (1, None)
    bar = step(VIEW, where="category = 'coffee'")
    assert ask(computed("n", "count()", without=bar), held, T + 9) == (0, None)
    windowed = computed("n", "count()", then=step(VIEW), within="1 second")
    assert ask(windowed, held, T + 9) == (2, T + 1000)
    assert ask(windowed, held, T + 1001) == (1, T + 1002)


def test_an_event_may_follow_its_own_kind() -> None:
    trait = computed("n", "count()", then=step(ORDER, within="10 seconds"))
    assert ask(trait, walk_in("A@0", "A@5", "A@30"), T + 60_000) == (1, None)


def test_lines_follow_their_event() -> None:
    lines = [{"product_id": "p1"}, {"product_id": "p2"}]
    held = history(event(ORDER, T, "a", PRODUCTS=lines), event(ORDER, T + 9, "b", PRODUCTS=lines),
                   event(VIEW, T + 5, "v"))  # fmt: skip
    trait = computed("n", "count()", each="products", then=step(VIEW))
    assert ask(trait, held, T + 60) == (2, None)
    kept = computed("n", "count()", each="products", where="product_id = 'p2'", then=step(VIEW))
    assert ask(kept, held, T + 60) == (1, None)


# lines


LINES = [
    {"product_id": "p1", "quantity": 2_000_000},
    {"product_id": "p2", "quantity": 1_000_000, "category": "own"},
    {"product_id": None, "quantity": None},
    {"product_id": "p9", "quantity": 4_000_000},
]


def lines_at(*moments: int) -> History:
    return history(
        *(event(ORDER, ts, f"m{n}", place=f"P{n}", PRODUCTS=LINES) for n, ts in enumerate(moments))
    )


@pytest.mark.parametrize(
    ("value", "where", "want"),
    [
        ("count()", None, 4),
        ("sum(quantity)", None, 7_000_000),
        ("count(distinct product_id)", None, 3),
        ("mode(category)", None, "own"),
        ("count(category)", None, 2),
        ("max(category)", None, "tea"),
        ("count(brand)", None, 1),
        ("first(product_id)", None, "p1"),
        ("last(product_id)", None, "p9"),
        ("sum(quantity)", "category = 'tea'", 2_000_000),
        ("count()", "brand is null", 3),
        ("count()", "place = 'P0'", 4),
        ("min(timestamp)", "category = 'own'", T),
        ("last(event)", None, ORDER),
        ("mean_gap()", None, 0),
    ],
)
def test_lines_and_their_catalogue(value: str, where: str | None, want: Any) -> None:
    trait = computed("n", value, where=where, each="products")
    assert ask(trait, lines_at(T), T, catalogue=ITEMS) == (want, None)
    assert ask(trait, lines_at(T), T, catalogue=Items(ITEMS)) == (want, None)


def test_lines_without_a_catalogue_have_their_own_fields() -> None:
    assert ask(computed("n", "mode(category)", each="products"), lines_at(T), T) == ("own", None)
    assert ask(computed("n", "mode(brand)", each="products"), lines_at(T), T) == (None, None)


def test_lines_happen_when_their_event_does() -> None:
    held = lines_at(T, T + 10, T + DAY + 5)
    trait = computed("n", "count()", each="products", within="1 day")
    assert ask(trait, held, T + 5) == (4, T + 10)
    assert ask(trait, held, T + 10) == (8, T + DAY)
    assert ask(trait, held, T + DAY) == (4, T + DAY + 5)
    assert ask(trait, held, T + DAY + 5) == (8, T + DAY + 10)
    filtered = computed("n", "count()", each="products", where="category = 'own'")
    assert ask(filtered, held, T, catalogue=ITEMS) == (1, T + 10)


# given traits


def test_the_latest_explicit_value_counts() -> None:
    held = history(
        event("identify", T, "a", city="Bonn"), event("identify", T + 10, "b", points=1),
        event("identify", T + 20, "c", CLEARED=["city"]),
        event("identify", T + 30, "d", city="Köln"),
    )  # fmt: skip
    city = given("city")
    assert ask(city, held, T - 1) == (None, T)
    assert ask(city, held, T + 10) == ("Bonn", T + 20)
    assert ask(city, held, T + 20) == (None, T + 30)
    assert ask(city, held, T + 30) == ("Köln", None)
    assert ask(given("points"), held, T + 30) == (1, None)


def test_given_ties_go_to_the_largest_message_id() -> None:
    held = history(event("identify", T, "a", city="A"), event("identify", T, "b", city="B"))
    assert ask(given("city"), held, T) == ("B", None)
    held = history(event("identify", T, "a", city="A"), event("identify", T, "b", CLEARED=["city"]))
    assert ask(given("city"), held, T) == (None, None)


def test_a_record_without_a_time_is_valid_at_every_moment() -> None:
    held = history(
        event("identify", None, "a", city="Bonn"), event("identify", T, "b", city="Köln")
    )
    assert ask(given("city"), held, TIME_MIN) == ("Bonn", T)


def test_a_predicted_trait_is_null_here() -> None:
    trait = Trait("p", "predicted", Type.FLOAT, PLACE)
    assert ask(trait, History(), T) == (None, None)


# programs


def test_derived_traits_reuse_what_was_read() -> None:
    count = computed("orders", "count()")
    twice = derived("twice", "orders * 2", {"orders": count})
    label = derived("label", "if(twice > 2, 'many', 'few')", {"twice": twice})
    made = program(count, twice, label, conditions={"busy": "twice >= 2 and label <> 'many'"})
    result = made.run(history(*orders(T, T + 5)), T)
    assert result.values == {"orders": 1, "twice": 2, "label": "few", "busy": True}
    assert result.until == dict.fromkeys(result.values, T + 5)


def test_a_program_of_some_names_has_what_they_rest_on() -> None:
    count, seen = computed("orders", "count()"), computed("seen", "max(timestamp)", of=VIEW)
    bought = derived("bought", "orders > 0", {"orders": count})
    made = program(count, seen, bought, conditions={"c": "bought", "d": "seen is null"})
    assert set(made.only(["c"]).run(History(), T).values) == {"orders", "bought", "c"}
    assert set(made.only(["d", "orders"]).run(History(), T).values) == {"seen", "orders", "d"}


def test_a_trait_without_event_or_value_is_refused() -> None:
    whole = computed("n", "count()")
    for broken in (replace(whole, event=None), replace(whole, value=None)):
        with pytest.raises(ValueError, match="trait 'n'"):
            compile_program({"n": broken}, {}, BERLIN)


# what stands behind a value


def test_rows_behind_a_computed_trait() -> None:
    held = history(*(event(ORDER, T + n, f"m{n}", visits=n) for n in range(4)))
    made = program(computed("n", "sum(visits)", where="visits >= 2"), computed("all", "count()"))
    assert made.rows_behind("n", held, T + 9) == [(ORDER, 2, None), (ORDER, 3, None)]
    assert made.rows_behind("n", held, T + 2) == [(ORDER, 2, None)]
    narrow = program(computed("n", "count() filter (where visits = 0)", within="1 second"))
    assert narrow.rows_behind("n", held, T + 9) == [(ORDER, 0, None)]


def test_rows_behind_lines_given_and_derived() -> None:
    held = history(
        event(ORDER, T, "a", PRODUCTS=LINES[:2]), event(ORDER, T + 1, "b", PRODUCTS=LINES[:1]),
        event("identify", T, "i", city="Bonn"), event("identify", T, "j", points=3),
    )  # fmt: skip
    tea = computed("tea", "count()", each="products", where="product_id = 'p1'")
    city = given("city")
    both = derived("both", "if(tea > 0, city, null)", {"tea": tea, "city": city})
    made = program(tea, city, both, conditions={"c": "both = 'Bonn'"})
    lines = [(ORDER, 0, 0), (ORDER, 1, 2)]
    assert made.rows_behind("tea", held, T + 9) == lines
    assert made.rows_behind("city", held, T + 9) == [("identify", 0, None)]
    everything = [(ORDER, 0, 0), ("identify", 0, None), (ORDER, 1, 2)]
    assert made.rows_behind("both", held, T + 9) == everything
    assert made.rows_behind("c", held, T + 9) == everything
    assert made.rows_behind("city", History(), T) == []
