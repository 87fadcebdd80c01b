"""Since when a condition is true: exact, also over long histories and at their start."""

from __future__ import annotations

import pytest
from tests.core.lang.asking import DAY, ORDER, at, computed, derived, event, given, history, program

from visavis.core.lang.history import History
from visavis.core.lang.timeline import last_change
from visavis.core.lang.types import TIME_MIN

COUNT, WEEK = computed("orders", "count()"), computed("week", "count()", within="7 days")
LAST = computed("last_at", "max(timestamp)")
RECENCY = derived("recency", "days_since(last_at)", {"last_at": LAST})


def since(condition: str, held: History, now: str) -> int | None:
    made = program(COUNT, WEEK, LAST, RECENCY, given("city"), conditions={"c": condition})
    return last_change(made, "c", held, at(now))


def bought(*moments: str) -> History:
    return history(*(event(ORDER, moment) for moment in moments))


@pytest.mark.parametrize(
    ("condition", "orders", "want"),
    [
        ("orders > 1", ["2010-01-01T10:00", "2012-05-01T10:00", "2013-01-01"], "2012-05-01T10:00"),
        ("orders > 0", ["2010-01-01T10:00"], "2010-01-01T10:00"),
        ("orders > 9", ["2010-01-01T10:00"], None),
        ("week > 0", ["2017-12-28T10:00"], "2017-12-28T10:00"),
        ("week > 0", ["2017-12-28T10:00", "2017-12-20T10:00"], "2017-12-28T10:00"),
        ("week > 0", ["2017-12-28T10:00", "2017-12-22T10:00"], "2017-12-22T10:00"),
        ("week = 0", ["2016-12-28T10:00", "2017-12-20T10:00"], "2017-12-27T10:00"),
        ("week = 1", ["2017-12-28T10:00", "2017-12-24T10:00"], "2017-12-31T10:00"),
        ("recency > 90", ["2017-06-01T10:00"], "2017-08-31T00:00"),
        ("recency > 90", ["2005-06-01T10:00"], "2005-08-31T00:00"),
        ("recency > 90", ["2017-12-01T10:00"], None),
        ("recency <= 90", ["2010-01-01T10:00", "2017-12-01T10:00"], "2017-12-01T10:00"),
        ("month(now()) = 1", ["2010-01-01T10:00"], "2018-01-01T00:00"),
        ("hour(now()) >= 0", ["2010-01-01T10:00"], "2010-01-01T10:00"),
        ("orders >= 0", ["2010-01-01T10:00"], "2010-01-01T10:00"),
        ("orders > 0", ["2018-01-02T00:00", "2018-01-03T00:00"], "2018-01-02T00:00"),
        ("orders > 0", ["2018-01-03T00:00"], None),
    ],
)  # fmt: skip
def test_since(condition: str, orders: list[str], want: str | None) -> None:
    held = bought(*orders)
    assert since(condition, held, "2018-01-02T00:00") == (None if want is None else at(want))


def test_a_break_of_a_millisecond_counts() -> None:
    held = history(event(ORDER, at("2017-12-01T10:00")), event(ORDER, at("2017-12-08T10:00") + 1))
    assert since("week > 0", held, "2017-12-10") == at("2017-12-08T10:00") + 1
    held = history(event(ORDER, at("2017-12-01T10:00")), event(ORDER, at("2017-12-08T10:00")))
    assert since("week > 0", held, "2017-12-10") == at("2017-12-01T10:00")


def test_what_was_always_true_gives_the_first_moment_of_all() -> None:
    held = history(event("identify", None, "i", city="Bonn"), event(ORDER, "2017-12-01T10:00"))
    assert since("city = 'Bonn'", held, "2018-01-01") == TIME_MIN
    assert since("orders = 1", held, "2018-01-01") == at("2017-12-01T10:00")
    assert since("orders = 0", History(), "2018-01-01") == TIME_MIN
    assert since("orders = 1", History(), "2018-01-01") is None


def test_long_spans_meet_without_a_gap() -> None:
    """A change at the very seam of two spans looked at is found."""
    now = at("2018-01-01")
    for back in (512 * DAY, 512 * DAY + 1, 512 * DAY - 1, 512 * 5 * DAY + 1, 512 * 5 * DAY + 2):
        held = history(event(ORDER, 0, "a"), event(ORDER, now - back, "b"))
        made = program(COUNT, conditions={"c": "orders = 2"})
        assert last_change(made, "c", held, now) == now - back
