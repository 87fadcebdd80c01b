"""The engine's clock is the offset table: local time, date and midnight around every change."""

from __future__ import annotations

from random import Random

import pytest

from visavis.core.clock import zone
from visavis.core.lang.types import DAY_MS, TIME_MAX, TIME_MIN
from visavis.store.warehouse import connect
from visavis.testing import shop

ODD = ("Africa/Casablanca", "Africa/Cairo", "Asia/Gaza", "America/Scoresbysund", "Antarctica/Troll")


@pytest.mark.parametrize("name", [*shop.ZONES, *ODD])
def test_the_engine_reads_the_clock_like_the_zone(name: str) -> None:
    local, rng = zone(name), Random(name)
    turns = rng.sample(local.transitions, min(len(local.transitions), 60))
    moments = [t + d for t in turns for d in (-1, 0, 1, 3_600_000, -3_600_000)]
    moments += [rng.randrange(0, 2 * 10**12) for _ in range(50)]
    moments += [TIME_MIN + DAY_MS, TIME_MAX - DAY_MS, -1, 0, 1]
    days = {m // DAY_MS + d for m in moments for d in (-1, 0, 1)}
    with connect(threads=1) as wh:
        wh.use_zone(local)
        listed = ", ".join(f"({ms})" for ms in moments)
        for ms, offset, day in wh.rows(
            "select m, epoch_ms(visavis_local(make_timestamp(m * 1000))) - m,"
            " visavis_date(make_timestamp(m * 1000)) - date '1970-01-01'"
            f" from (values {listed}) as t(m)"
        ):
            assert (offset, day) == (local.offset(ms), local.date_of(ms)), ms
        listed = ", ".join(f"({d})" for d in days)
        for day, ms in wh.rows(
            "select d, epoch_ms(visavis_midnight(date '1970-01-01' + d))"
            f" from (values {listed}) as t(d)"
        ):
            assert ms == local.midnight(day), day
        assert wh.value("select visavis_date(cast(null as timestamp)) is null")
