"""The engine's local clock and midnights are the zone's, at and beside every change of clocks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.laws.readers import warehouse

from visavis.core.clock import zone
from visavis.core.lang.types import DATE_MAX, DATE_MIN, DAY_MS, TIME_MAX, TIME_MIN

ZONES = (
    "UTC", "Europe/Berlin", "Africa/Casablanca", "Africa/Cairo", "Pacific/Apia",
    "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Tehran", "Antarctica/Troll",
    "America/St_Johns", "Asia/Kolkata",
)  # fmt: skip


def zone_faults(name: str) -> Iterator[tuple[str, int, int, int]]:
    """(what, moment or date, what the engine says, what the zone says) where they differ."""
    local = zone(name)
    moments = sorted(
        {t + d for t in local.transitions for d in (-1, 0, 1)}
        | {TIME_MIN + DAY_MS, TIME_MAX - DAY_MS, 0}
    )
    days = sorted(
        {t // DAY_MS + d for t in local.transitions for d in range(-3, 5)}
        | {DATE_MIN + 1, DATE_MAX - 1, 0}
    )
    wh = warehouse()
    wh.use_zone(local)
    clocks = wh.rows(
        "SELECT ms, epoch_ms(visavis_local(make_timestamp(ms * 1000))) FROM "
        f"(SELECT unnest({moments}::BIGINT[]) AS ms) ORDER BY ms"
    )
    begins = wh.rows(
        "SELECT d, epoch_ms(visavis_midnight(DATE '1970-01-01' + d)) FROM "
        f"(SELECT unnest({days}::INTEGER[]) AS d) ORDER BY d"
    )
    for ms, said in clocks:
        if said != ms + local.offset(ms):
            yield "clock", ms, said, ms + local.offset(ms)
    for day, said in begins:
        if said != local.midnight(day):
            yield "midnight", day, said, local.midnight(day)


def return_faults(name: str) -> Iterator[tuple[int, int, int]]:
    """(now, until, the moment) where a date that comes twice is not seen coming."""
    from visavis.core.lang.reader_until import Clock

    local = zone(name)
    clock = Clock(local)
    for turn in returns(name):
        day = local.date_of(turn - 1)
        again = next(t for t in range(turn, turn + DAY_MS + 1, 1000) if local.date_of(t) >= day)
        for now, wanted, moment in ((turn, day, again), (turn - 1, day + 1, turn)):
            if (said := clock.changes(wanted, now)) != moment:
                yield now, said, moment


def test_a_date_that_comes_twice_is_seen_coming() -> None:
    assert any(returns(name) for name in ZONES)
    assert [f for name in ZONES for f in return_faults(name)] == []


def returns(name: str) -> list[int]:
    """Transitions at which the date falls back."""
    local = zone(name)
    return [t for t in local.transitions if local.date_of(t) < local.date_of(t - 1)]


@pytest.mark.parametrize("name", ZONES)
def test_the_engine_keeps_the_zones_clock(name: str) -> None:
    assert list(zone_faults(name)) == []
