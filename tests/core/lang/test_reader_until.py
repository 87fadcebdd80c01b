"""Until when a value holds: walked from change to change it must be the value at every moment."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st
from tests.core.lang.asking import (
    BERLIN,
    DAY,
    at,
    computed,
    derived,
    event,
    given,
    history,
    program,
)

from visavis.core.clock import Zone, to_days, zone
from visavis.core.lang import reader_dates as dates
from visavis.core.lang.form import Value
from visavis.core.lang.history import History
from visavis.core.lang.reader import Program
from visavis.core.lang.reader_until import Clock, thresholds
from visavis.core.lang.types import TIME_MAX, TIME_MIN, Type

MINUTE, HOUR = 60_000, 3_600_000
GIVEN = (given("joined"), given("birthday"), given("points"))
TRAITS = {t.name: t for t in GIVEN}
# a clock that goes back over midnight, one that skips midnight, one that skips a day, odd offsets
PLACES = {
    "Europe/Berlin": "2016-10-28T00:00:00Z",
    "America/St_Johns": "2006-10-28T00:00:00Z",
    "America/Sao_Paulo": "2016-10-14T00:00:00Z",
    "Pacific/Apia": "2011-12-28T00:00:00Z",
    "Australia/Lord_Howe": "2016-04-01T00:00:00Z",
    "Asia/Kathmandu": "2016-12-30T00:00:00Z",
}
TICKS = (
    "now()",
    "today()",
    "year(now())",
    "quarter(now())",
    "month(today())",
    "week(now())",
    "day(now())",
    "day_of_year(today())",
    "day_of_week(now())",
    "hour(now())",
    "days_since(joined)",
    "days_between(now(), joined)",
    "days_between(birthday, today())",
    "-days_since(joined)",
    "years_since(birthday)",
    "hours_since(joined)",
    "hours_between(now(), joined)",
    "days_to_anniversary(birthday, now())",
    "days_to_anniversary(now(), birthday)",
    "date(now() - interval '90 minutes')",
    "days_between(joined, now() + interval '12 hours')",
    "hour(now() - interval '30 minutes')",
)
"""All but now() change at least once in the days walked, or not at all."""
COMPARED = (
    "days_since(joined) > 2",
    "days_since(joined) <= 2.5",
    "days_since(joined) = 3",
    "days_since(joined) <> points",
    "3 < days_since(joined)",
    "days_between(now(), joined) >= -2",
    "-days_since(joined) < -1.000001",
    "today() = date(joined + interval '72 hours')",
    "now() >= joined + interval '50 hours'",
    "now() - interval '50 hours' > joined",
    "hours_since(joined) >= 30",
    "hours_since(joined) = 0",
    "hours_between(now(), joined) > -30",
    "years_since(birthday) >= 17",
    "years_between(now(), joined) < 0",
    "days_to_anniversary(birthday, now()) <= 1",
    "days_to_anniversary(birthday, now()) = 0",
    "days_to_anniversary(birthday, today()) > 360",
    "day_of_week(now()) in (6, 7)",
    "hour(now()) between 9 and 16",
    "days_since(joined) > 1 and days_since(joined) < 4",
    "hours_since(joined) < 10 or days_since(joined) >= 3",
    "case when days_since(joined) > 3 then hour(now()) > 5 else points > 1 end",
    "coalesce(days_since(null), days_since(joined)) > 1",
    "now() > joined and points is null",
)


def person(start: int) -> History:
    """Joined a little later, with a birthday in the days to come."""
    born = (date(1970, 1, 1) + timedelta(days=(start + 3 * DAY) // DAY)).replace(year=1999)
    return history(
        event("identify", None, "i", joined=start + 20 * HOUR + 7, birthday=to_days(born), points=3)
    )


def steps(made: Program, held: History, start: int, end: int) -> tuple[list[int], list[Value]]:
    """The moments at which the value may change, and the values from there on."""
    moments, found = [], []
    at: int | None = start
    while at is not None and at < end:
        result = made.run(held, at)
        moments.append(at)
        found.append(result.values["q"])
        assert result.until["q"] is None or result.until["q"] > at
        at = result.until["q"]
    return moments, found


def walked(text: str, name: str, span: int, every: int) -> tuple[list[Value], Zone]:
    """Checks the steps of a text against its value at every so many ms; gives the steps' values."""
    local, start = zone(name), at(PLACES[name])
    made = program(*GIVEN, derived("q", text, TRAITS, local), local=local)
    held = person(start)
    moments, found = steps(made, held, start, start + span)
    tries = [*range(start, start + span, every), *(m - 1 for m in moments[1:])]
    for moment in tries:
        want = found[bisect_right(moments, moment) - 1]
        assert made.run(held, moment).values["q"] == want, (text, name, moment)
    return found, local


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("text", TICKS[1:])
def test_a_tick_holds_until_it_changes(text: str, name: str) -> None:
    found, local = walked(text, name, 6 * DAY, 17 * MINUTE)
    changed = sum(a != b for a, b in pairwise(found))
    # besides real changes only the clock's own turns may end a value early
    assert len(found) - 1 - changed <= (0 if len(local.offsets) < 3 else 3), found


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("text", COMPARED)
def test_a_comparison_holds_until_it_turns(text: str, name: str) -> None:
    found, _ = walked(text, name, 6 * DAY, 31 * MINUTE)
    # one that never turns stops at the steps it looks ahead
    assert len(found) <= 24, found


def test_now_itself_holds_a_millisecond() -> None:
    found, _ = walked("now()", "Europe/Berlin", 20, 1)
    assert len(found) == 20


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        ("days_since(joined) > 90", "2016-03-01T12:00", "2016-05-31T00:00"),
        ("days_since(joined) > 89.5", "2016-03-01T12:00", "2016-05-30T00:00"),
        ("days_since(joined) >= 90", "2016-03-01T12:00", "2016-05-30T00:00"),
        ("days_since(joined) > 90", "2016-05-31T00:00", None),
        ("days_since(joined) = 90", "2016-05-30T10:00", "2016-05-31T00:00"),
        ("days_since(joined) = 90", "2016-05-31T10:00", None),
        ("days_since(joined) = 90.5", "2016-03-01T12:00", None),
        ("recency > 90", "2016-03-01T12:00", "2016-05-31T00:00"),
        ("lapsed", "2016-03-01T12:00", "2016-05-31T00:00"),
        ("recency", "2016-03-01T12:00", "2016-03-02T00:00"),
        ("years_since(birthday) >= 18", "2016-03-01T12:00", "2018-03-01T00:00"),
        ("years_since(birthday)", "2016-02-29T12:00", "2016-03-01T00:00"),
        ("hours_since(joined) >= 48", "2016-03-01T12:00", "2016-03-03T09:00"),
        ("hours_since(joined) < -1", "2016-03-01T00:00", "2016-03-01T07:00:00.001"),
        ("days_to_anniversary(birthday, now()) <= 7", "2016-03-05T12:00", "2017-02-22T00:00"),
        ("days_to_anniversary(birthday, now()) <= 7", "2017-02-24T12:00", "2017-03-02T00:00"),
        ("year(now()) > 2016", "2016-03-01T12:00", "2017-01-01T00:00"),
        ("year(now()) > 2020", "2016-03-01T12:00", "2021-01-01T00:00"),
        ("month(now()) = 12", "2016-03-01T12:00", "2016-12-01T00:00"),
        ("quarter(now()) = 4", "2016-12-01T12:00", "2017-01-01T00:00"),
        ("hour(now()) >= 9", "2016-03-01T12:00", "2016-03-02T00:00"),
        ("hour(now()) in (9, 10)", "2016-03-01T12:00", "2016-03-01T13:00"),
        ("week(now()) = 12", "2016-03-02T12:00", "2016-03-21T00:00"),
        ("today() >= date '2016-04-01'", "2016-03-01T12:00", "2016-04-01T00:00"),
        ("now() < timestamp '2016-04-01T10:00:00+02:00'", "2016-03-01T12:00", "2016-04-01T10:00"),
        ("points > 5", "2016-03-01T12:00", None),
        ("days_since(null) > 5", "2016-03-01T12:00", None),
        ("days_since(joined) > null", "2016-03-01T12:00", None),
        # the part that decides alone says until when
        ("points > 5 and days_since(joined) > 90", "2016-03-01T12:00", None),
        ("days_since(joined) > 90 and points > 5", "2016-03-01T12:00", "2016-05-31T00:00"),
        ("points < 5 or days_since(joined) > 90", "2016-03-01T12:00", None),
        ("points > 5 or days_since(joined) > 90", "2016-03-01T12:00", "2016-05-31T00:00"),
        ("hours_since(joined) < 48 and points < 9", "2016-03-01T12:00", "2016-03-03T09:00"),
        ("if(points < 5, 1, hour(now()))", "2016-03-01T12:00", None),
        ("coalesce(points, hour(now()))", "2016-03-01T12:00", None),
    ],
)  # fmt: skip
def test_until_is_exact_for_the_usual(text: str, now: str, until: str | None) -> None:
    recency = derived("recency", "days_since(joined)", TRAITS)
    lapsed = derived("lapsed", "recency > 90", {"recency": recency})
    names = {**TRAITS, "recency": recency, "lapsed": lapsed}
    made = program(*GIVEN, recency, lapsed, derived("q", text, names))
    held = history(
        event("identify", None, "i", joined=at("2016-03-01T09:00"), points=3,
              birthday=to_days(date(2000, 3, 1)))
    )  # fmt: skip
    assert made.run(held, at(now)).until["q"] == (None if until is None else at(until))


def test_the_ends_of_time() -> None:
    later = derived("q", "now() + interval '1 day' > joined", TRAITS)
    made, held = program(*GIVEN, later), history(event("identify", None, "i", joined=0))
    assert made.run(held, TIME_MAX - DAY).until["q"] == TIME_MAX - DAY + 1
    assert made.run(held, TIME_MAX - DAY + 1).values["q"] is None
    earlier = derived("q", "date(now() - interval '1 day')", TRAITS)
    result = program(*GIVEN, earlier).run(held, TIME_MIN)
    assert (result.values["q"], result.until["q"]) == (None, TIME_MIN + DAY)
    year = derived("q", "year(now())", TRAITS)
    assert program(*GIVEN, year).run(held, TIME_MAX).until["q"] is None


def test_a_condition_over_a_window_and_the_clock() -> None:
    bought = computed("bought", "count()", within="30 days")
    held = history(event("Order Completed", "2016-03-01T12:00"))
    made = program(bought, conditions={"q": "bought > 0 and hour(now()) >= 18"})
    assert made.run(held, at("2016-03-02T12:00")).until["q"] == at("2016-03-02T18:00")
    quiet = program(bought, conditions={"q": "bought > 0 or hour(now()) >= 18"})
    assert quiet.run(held, at("2016-03-02T12:00")).until["q"] == at("2016-03-31T13:00")


# the parts


@generated(st.integers(-800_000, 3_000_000))
def test_the_calendar_agrees_with_pythons(days: int) -> None:
    found = dates.civil(days)
    assert dates.days_of(*found) == days
    if -719_162 <= days <= 2_932_896:
        day = date(1970, 1, 1) + timedelta(days=days)
        assert found == (day.year, day.month, day.day)
        assert (dates.year(days), dates.month(days), dates.day(days)) == found
        assert dates.quarter(days) == (day.month - 1) // 3 + 1
        assert (dates.week(days), dates.day_of_week(days)) == day.isocalendar()[1:]
        assert dates.day_of_year(days) == day.timetuple().tm_yday


@generated(st.integers(-700_000, 2_900_000), st.sampled_from([1, 3]))
def test_the_next_month_or_quarter_begins_on_its_first(days: int, months: int) -> None:
    following = dates.first_of_next_month(days, months)
    part = dates.month if months == 1 else dates.quarter
    assert dates.day(following) == 1
    assert part(following) != part(days)
    assert part(following - 1) == part(days)
    assert days < following <= days + 92


@generated(st.sampled_from(["<", ">", "<=", ">=", "=", "<>"]), st.integers(-5, 5),
           st.integers(-12_000_000, 12_000_000), st.sampled_from([1, -1]))  # fmt: skip
def test_thresholds_are_where_a_comparison_turns(
    operator: str, value: int, limit: int, sign: int
) -> None:
    from visavis.core.lang.reader_functions import COMPARISONS

    turns = thresholds(operator, limit, Type.DECIMAL, sign)
    compare = COMPARISONS[operator]
    before = compare(sign * (value - 1) * 1_000_000, limit)
    after = compare(sign * value * 1_000_000, limit)
    if before != after:
        assert value in turns
    elif operator not in ("=", "<>"):
        assert value not in turns


def test_a_day_that_comes_twice() -> None:
    """In St. John's the clock went back from 00:01 to 23:01: the day before came again."""
    local = zone("America/St_Johns")
    turn = next(t for t in local.transitions if local.date_of(t) < local.date_of(t - 1))
    clock, day = Clock(local), local.date_of(turn)
    assert clock.changes(day + 1, turn - 2 * MINUTE) == turn - MINUTE
    assert clock.changes(day + 2, turn - MINUTE // 2) == turn
    assert clock.changes(day + 1, turn) == turn + 59 * MINUTE
    assert clock.changes(None, turn - 1) == turn
    assert Clock(BERLIN).changes(None, turn) > TIME_MAX


@pytest.mark.parametrize(
    ("year", "kept"),
    [(2016, (2, 29)), (2017, (3, 1)), (1900, (3, 1)), (2000, (2, 29)), (2100, (3, 1))],
)
def test_the_29th_of_february_is_kept_on_1_march_in_other_years(
    year: int, kept: tuple[int, int]
) -> None:
    assert dates.civil(dates.anniversary((1996, 2, 29), year)) == (year, *kept)
