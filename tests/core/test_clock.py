"""Moments and zones against the standard library's own reading of the same pinned data."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone
from importlib import resources
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.core.clock import (
    DAY_MS,
    format_time,
    parse_duration,
    parse_time,
    to_ms,
    zone,
    zone_names,
)

ZONES = (
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Asia/Shanghai",
    "Pacific/Apia",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
)


def info(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@pytest.mark.parametrize("name", ZONES)
def test_local_readings_are_those_of_zoneinfo(name: str) -> None:
    here, there, rng = zone(name), info(name), random.Random(name)
    for _ in range(1500):
        turn = rng.choice(here.transitions or (0,))
        local = turn + here.offset(turn) + rng.randrange(-3 * 3_600_000, 3 * 3_600_000)
        naive = datetime(1970, 1, 1) + timedelta(milliseconds=local)
        assert here.to_utc(local) == to_ms(naive.replace(tzinfo=there, fold=0).astimezone(UTC))


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_no_change_of_clocks_is_missed(every: int) -> None:
    rng = random.Random(every)
    for name in sorted(zone_names())[::every]:
        here, there = zone(name), info(name)
        for _ in range(60):
            ms = rng.randrange(130 * 365 * DAY_MS)
            offset = datetime.fromtimestamp(ms // 1000, there).utcoffset()
            assert offset is not None
            assert here.offset(ms) == offset.total_seconds() * 1000, (name, ms)


@pytest.mark.parametrize("name", ZONES)
def test_midnight_is_where_the_date_begins(name: str) -> None:
    here, rng = zone(name), random.Random(name)
    for _ in range(1500):
        moment = rng.choice(here.transitions or (0,)) + rng.randrange(-2 * DAY_MS, 2 * DAY_MS)
        day = here.date_of(moment)
        begins = here.midnight(day)
        assert here.date_of(begins - 1) < day <= here.date_of(begins)


def test_times_are_spelled_as_the_contract_says() -> None:
    utc = zone("UTC")
    assert format_time(parse_time("2011-12-09T12:50:00Z", utc)) == "2011-12-09T12:50:00Z"
    assert format_time(parse_time("2011-12-09 12:50:00.250", utc)) == "2011-12-09T12:50:00.25Z"
    assert format_time(parse_time("2024-07-01T00:00", zone("Europe/Berlin"))) == (
        "2024-06-30T22:00:00Z"
    )


def test_durations() -> None:
    assert parse_duration("90 days") == 90 * DAY_MS
    assert parse_duration("1 hour") == 3_600_000
    for short, ms in (("90d", 90 * DAY_MS), ("15m", 900_000), ("2 h", 7_200_000), ("30s", 30_000)):
        assert parse_duration(short) == ms
    for wrong in ("90", "days", "1.5 days", "-1 day", "1 month", "3 mo", "1mon", "5x", "١d"):
        with pytest.raises(ValueError, match="is no duration"):
            parse_duration(wrong)


def test_unknown_zones_are_refused() -> None:
    assert "Europe/Berlin" in zone_names()
    for wrong in ("", "Mars/Olympus", "../etc/passwd", "Europe"):
        with pytest.raises(KeyError):
            zone(wrong)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))])))
def test_milliseconds_are_cut_off_towards_the_past(moment: datetime) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert to_ms(moment) == (moment - epoch) // timedelta(milliseconds=1)
