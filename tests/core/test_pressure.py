"""Caps and quiet hours: what the established systems publish, and days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.core.clock import DAY_MS, to_ms, zone
from visavis.core.pressure import (
    Cap,
    QuietHours,
    Sent,
    cap_reached,
    minutes,
    open_from,
    zone_of,
)

BERLIN = zone("Europe/Berlin")
HOUR = 3_600_000
NIGHT = QuietHours(22 * 60, 6 * 60)


def local(text: str, name: str = "Europe/Berlin") -> int:
    return zone(name).to_utc(to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC)))


def reached(cap: Cap, sent: list[str], now: str) -> bool:
    past = [Sent(local(t), "email", "marketing") for t in sent]
    return cap_reached([cap], past, "email", "marketing", local(now), BERLIN) is not None


def test_calendar_days_are_the_persons() -> None:
    daily = Cap("daily", 1, "calendar", 1, "day")
    assert not reached(daily, ["2026-03-01T23:00"], "2026-03-02T00:00")
    assert reached(daily, ["2026-03-02T00:00"], "2026-03-02T23:59")


def test_the_same_day_in_utc_is_another() -> None:
    daily = Cap("daily", 1, "calendar_utc", 1, "day")
    assert reached(daily, ["2026-03-01T23:00"], "2026-03-02T00:30")  # both 1 March in UTC
    assert not reached(daily, ["2026-03-01T23:00"], "2026-03-02T01:00")


def test_rolling_windows_let_go_after_their_length() -> None:
    daily = Cap("daily", 1, "rolling", 1, "day")
    assert reached(daily, ["2026-03-01T23:00"], "2026-03-02T22:59")
    assert not reached(daily, ["2026-03-01T23:00"], "2026-03-02T23:00")


def test_elapsed_hours_since_the_last() -> None:
    pause = Cap("pause", 5, "elapsed", 16, "hour")
    assert reached(pause, ["2026-03-01T10:00"], "2026-03-02T01:59")
    assert not reached(pause, ["2026-03-01T10:00"], "2026-03-02T02:00")


def test_ten_a_month_and_three_a_week_leave_one_in_the_fourth_week() -> None:
    caps = [Cap("month", 10, "rolling", 1, "month"), Cap("week", 3, "rolling", 1, "week")]
    sent: list[Sent] = []
    per_week = [0] * 4
    for day in range(28):
        for hour in range(3):
            now = local("2026-02-01T09:00") + day * DAY_MS + hour * HOUR
            if cap_reached(caps, sent, "sms", "marketing", now, BERLIN) is None:
                sent.append(Sent(now, "sms", "marketing"))
                per_week[day // 7] += 1
    assert per_week == [3, 3, 3, 1]


def test_weeks_begin_on_monday_and_months_on_their_first() -> None:
    week, month = Cap("w", 1, "calendar", 1, "week"), Cap("m", 1, "calendar", 1, "month")
    two = Cap("m", 1, "calendar", 2, "month")
    assert not reached(week, ["2026-03-01T23:00"], "2026-03-02T08:00")  # Sunday, Monday
    assert reached(week, ["2026-03-02T00:00"], "2026-03-08T23:00")
    assert not reached(month, ["2026-02-28T23:59"], "2026-03-01T00:00")
    assert reached(two, ["2026-02-01T00:00"], "2026-03-31T23:00")
    assert reached(two, ["2025-12-01T00:00"], "2026-01-31T23:00")


def test_channels_and_purposes_have_caps_of_their_own() -> None:
    sms = Cap("sms", 1, "rolling", 1, "day", channels=("sms",))
    service = Cap("service", 1, "rolling", 1, "day", purposes=("service",))
    past, now = [Sent(local("2026-03-01T10:00"), "email", "marketing")], local("2026-03-01T11:00")
    assert cap_reached([sms, service], past, "sms", "marketing", now, BERLIN) is None
    every = Cap("all", 1, "rolling", 1, "day")
    assert cap_reached([sms, every], past, "sms", "marketing", now, BERLIN) is every


def test_messages_dated_later_than_now_count_too() -> None:
    daily = Cap("daily", 1, "rolling", 1, "day")
    assert reached(daily, ["2026-03-05T10:00"], "2026-03-01T10:00")


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-03-02T05:30", "2026-03-02T06:00"),
        ("2026-03-02T06:00", "2026-03-02T06:00"),
        ("2026-03-01T22:00", "2026-03-02T06:00"),
        ("2026-03-01T21:59", "2026-03-01T21:59"),
    ],
)
def test_quiet_until_morning(now: str, opens: str) -> None:
    assert open_from([NIGHT], "email", local(now), BERLIN)[0] == local(opens)


def test_a_window_over_midnight_belongs_to_its_first_day() -> None:
    friday = QuietHours(22 * 60, 6 * 60, frozenset({4}))
    assert friday.quiet(local("2026-03-06T23:00"), BERLIN)
    assert friday.quiet(local("2026-03-07T05:00"), BERLIN)
    assert not friday.quiet(local("2026-03-06T05:00"), BERLIN)


def test_an_end_that_the_clock_jumps_over() -> None:
    odd = QuietHours(22 * 60, 2 * 60 + 30)
    opens, _ = open_from([odd], "email", local("2026-03-29T01:30"), BERLIN)
    assert opens == to_ms(datetime(2026, 3, 29, 1, 0, tzinfo=UTC))  # 02:00 becomes 03:00


def test_the_repeated_hour_is_quiet_twice() -> None:
    odd = QuietHours(22 * 60, 3 * 60)
    first = to_ms(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    for moment in (first, first + HOUR):  # 02:30 twice
        assert odd.quiet(moment, BERLIN)
    assert open_from([odd], "email", first, BERLIN)[0] == first + HOUR + HOUR // 2


def test_windows_one_after_the_other_and_days_without_end() -> None:
    both = [NIGHT, QuietHours(6 * 60, 8 * 60)]
    opens, held = open_from(both, "email", local("2026-03-02T05:00"), BERLIN)
    assert (opens, held) == (local("2026-03-02T08:00"), NIGHT)
    assert open_from([QuietHours(0, 0)], "email", local("2026-03-02T05:00"), BERLIN)[0] is None
    weekend = QuietHours(0, 24 * 60, frozenset({5, 6}))
    opens, _ = open_from([weekend], "email", local("2026-03-07T05:00"), BERLIN)
    assert opens == local("2026-03-09T00:00")


def test_an_unknown_zone_is_the_projects() -> None:
    assert zone_of(None, BERLIN) is BERLIN
    assert zone_of("Mars/Olympus", BERLIN) is BERLIN
    assert zone_of("Asia/Tokyo", BERLIN).name == "Asia/Tokyo"


@pytest.mark.parametrize("text", ["25:00", "7", "07:60", "24:01", "a:b", "٢١:٣٠", "7:5"])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match="like 21:30"):
        minutes(text)


_ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
     "America/Sao_Paulo", "Africa/Cairo"]
)  # fmt: skip
_MOMENTS = st.integers(
    to_ms(datetime(2014, 1, 1, tzinfo=UTC)), to_ms(datetime(2030, 1, 1, tzinfo=UTC))
)
_WINDOWS = st.builds(
    QuietHours, st.integers(0, 1439), st.integers(0, 1440), st.frozensets(st.integers(0, 6))
)


@given(st.lists(_WINDOWS, max_size=3), _MOMENTS, _ZONES)
def test_law_nothing_leaves_in_quiet_hours(windows: list[QuietHours], now: int, name: str) -> None:
    opens, held = open_from(windows, "email", now, zone(name))
    assert (held is not None) == any(q.quiet(now, zone(name)) for q in windows)
    if opens is not None:
        assert opens >= now
        assert not any(q.quiet(opens, zone(name)) for q in windows)
        between = range(now, opens, 900_000)
        assert all(any(q.quiet(t, zone(name)) for q in windows) for t in between)


_HOW = st.sampled_from(["rolling", "calendar", "calendar_utc"])
_CAPS = st.builds(
    Cap, st.just("cap"), st.integers(1, 3), _HOW, st.integers(1, 3),
    st.sampled_from(["hour", "day", "week", "month"]),
)  # fmt: skip


@given(_CAPS, st.lists(st.integers(0, 90 * 24), max_size=60), _MOMENTS, _ZONES)
def test_law_no_window_ever_holds_more_than_its_cap(
    cap: Cap, hours: list[int], start: int, name: str
) -> None:
    sent: list[Sent] = []
    for hour in sorted(hours):
        now = start + hour * HOUR
        if cap_reached([cap], sent, "email", "", now, zone(name)) is None:
            sent.append(Sent(now, "email", ""))
        since = cap.since(now, zone(name))
        assert since <= now
        assert sum(since <= s.at_ms <= now for s in sent) <= cap.limit
