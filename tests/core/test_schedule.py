"""When a job runs next: intervals, cron times, and the hours that a clock skips or repeats."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.core.clock import format_time, parse_time, zone
from visavis.core.schedule import Job, is_cron

BERLIN = zone("Europe/Berlin")


def after(job: Job, text: str) -> str:
    return format_time(job.next_after(parse_time(text, zone("UTC")), BERLIN))


@pytest.mark.parametrize(
    ("cron", "since", "expected"),
    [
        ("30 3 * * *", "2026-01-10T12:00:00Z", "2026-01-11T02:30:00Z"),
        ("30 3 * * *", "2026-07-10T12:00:00Z", "2026-07-11T01:30:00Z"),
        ("0 9 * * mon-fri", "2026-11-27T08:00:00Z", "2026-11-30T08:00:00Z"),
        ("*/15 * * * *", "2026-11-27T08:01:00Z", "2026-11-27T08:15:00Z"),
        # 2:30 is skipped on 29 March and comes twice on 25 October
        ("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
        ("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
        ("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ("30 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"),
    ],
)
def test_cron_times_are_of_the_zone(cron: str, since: str, expected: str) -> None:
    assert after(Job(cron=cron), since) == expected


def test_an_interval_counts_from_the_last_start() -> None:
    assert after(Job(every_ms=900_000), "2026-01-01T00:00:07Z") == "2026-01-01T00:15:07Z"


@pytest.mark.parametrize(
    "text", ["", "@daily", "* * * *", "60 * * * *", "0 0 31 2 *", "a b c d e", "* * * * * *"]
)
def test_what_is_no_cron_expression(text: str) -> None:
    assert not is_cron(text)


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["*/7 * * * *", "30 2 * * *"]))
@settings(max_examples=200, deadline=None)
def test_the_next_time_is_always_later_and_settled(ms: int, cron: str) -> None:
    job = Job(cron=cron)
    found = job.next_after(ms, BERLIN)
    assert found > ms
    # asked again in between, it is the same, but for hours that come twice
    between = job.next_after((ms + found) // 2, BERLIN)
    assert between >= found or BERLIN.offset(ms) != BERLIN.offset(found)
