"""Law 1: a profile is a pure function of events, project, clock and fit; until when it holds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from random import Random

import pytest
from tests.laws.readers import warehouse

from visavis.core.clock import Zone, zone
from visavis.core.lang.form import Value
from visavis.core.lang.history import History
from visavis.core.lang.parse import to_sql
from visavis.core.lang.reader import Program, Result, compile_program
from visavis.core.lang.types import TIME_MAX
from visavis.core.nouns import Project
from visavis.testing import shop
from visavis.testing.agree import Round, ask_batch, make_round, same
from visavis.testing.histories import Event, moments_for
from visavis.testing.projects import buckets
from visavis.testing.values import maker

SEED = int(os.environ.get("VISAVIS_SEED", "1000")) + 500
Record = Callable[[str, object], None]


def program_of(round: Round) -> Program:
    project = round.project
    return compile_program(project.traits, round.conditions, zone(project.time_zone))


def history_of(project: Project, events: Sequence[Event]) -> History:
    return History.from_events(events, project.properties, project.line_fields)


def text_of(round: Round, name: str) -> str:
    trait = round.project.traits.get(name)
    node = round.conditions.get(name) or (trait.value if trait else None)
    return f"{name}: {to_sql(node) if node else 'given'} {trait}"


@pytest.mark.parametrize("seed", range(SEED, SEED + 6))
def test_arrival_order_repeats_and_restarts_change_nothing(seed: int) -> None:
    round, rng = make_round(seed, people=20), Random(seed)
    first = program_of(round)
    for events in round.histories:
        told = first.run(history_of(round.project, events), round.nows[0], {}, round.catalogue)
        for _ in range(3):
            again = [*events, *rng.sample(events, rng.randint(0, len(events)))]
            rng.shuffle(again)
            started = program_of(round) if rng.random() < 0.1 else first
            history = history_of(round.project, [dict(e) for e in again])
            assert started.run(history, round.nows[0], {}, round.catalogue) == told


def test_asking_changes_nothing() -> None:
    round = make_round(SEED, people=10)
    program = program_of(round)
    histories = [history_of(round.project, events) for events in round.histories]

    def ask(now: int) -> list[Result]:
        return [program.run(history, now, {}, round.catalogue) for history in histories]

    before = {now: ask(now) for now in round.nows}
    assert {now: ask(now) for now in reversed(round.nows)} == before


def test_batch_is_the_same_in_any_order_of_rows() -> None:
    from dataclasses import replace

    round = make_round(SEED + 1, people=20)
    turned = replace(round, histories=[list(reversed(events)) for events in round.histories])
    assert ask_batch(turned, warehouse) == ask_batch(round, warehouse)


# valid_until: a value holds on [now, until)


def moments_between(
    rng: Random, now: int, until: int | None, history: Sequence[Event], local: Zone
) -> Iterator[int]:
    """Moments of [now, until): its ends, and where something might have been forgotten."""
    end = now + 800 * 86_400_000 if until is None else until
    yield end - 1
    yield rng.randrange(now, end)
    today = local.date_of(now)
    marks = [local.midnight(today + d) for d in (1, 2, 7, 30, 31, 90, 91, 365, 366)]
    marks += [e["ts"] + w for e in history for w in (0, *shop.WINDOWS)]
    marks += [t for t in local.transitions if now < t < end][:3]
    marks += [now + 1, now + 3_600_000]
    inside = [m + d for m in marks for d in (-1, 0, 1) if now <= m + d < end]
    yield from rng.sample(inside, min(len(inside), 6))


def invented_fits(round: Round, rng: Random) -> dict[str, list[Value]]:
    """Cut points out of thin air for every bucket of a round."""
    moments = moments_for(rng, zone(round.project.time_zone))
    made: dict[str, list[Value]] = {}
    for name, bucket in buckets(round.project).items():
        draw = maker(bucket.arg.type, moments)
        made[name] = sorted(draw(rng) for _ in range(bucket.n - 1))  # type: ignore[type-var]
    return made


@pytest.mark.parametrize("seed", range(SEED + 10, SEED + 22))
def test_a_value_holds_until_it_says(seed: int, record_property: Record) -> None:
    round, rng = make_round(seed, people=12), Random(seed)
    local, program, asked = zone(round.project.time_zone), program_of(round), 0
    fits = invented_fits(round, rng)
    for events in round.histories:
        history, now = history_of(round.project, events), rng.choice(round.nows)
        told = program.run(history, now, fits, round.catalogue)
        assert all(u is None or u > now for u in told.until.values())
        for until in sorted(set(told.until.values()), key=lambda u: (u is None, u)):
            names = [n for n, u in told.until.items() if u is None or (until and u >= until)]
            for at in moments_between(rng, now, until, events, local):
                later = program.run(history, at, fits, round.catalogue)
                asked += len(names)
                for name in names:
                    assert later.values[name] == told.values[name], (
                        text_of(round, name), now, until, at, events,
                    )  # fmt: skip
    assert asked
    record_property("held", asked)


@pytest.mark.parametrize("seed", range(SEED + 30, SEED + 33))
def test_a_value_holds_until_it_says_in_the_batch_too(seed: int) -> None:
    from dataclasses import replace

    round, rng = make_round(seed, people=30), Random(seed)
    program, now = program_of(round), round.nows[0]
    histories = [history_of(round.project, events) for events in round.histories]
    _, fits = ask_batch(replace(round, nows=[now]), warehouse)
    told = [program.run(h, now, fits, round.catalogue).until for h in histories]
    ends = sorted({u - 1 for until in told for u in until.values() if u is not None})
    moments = [now, *rng.sample(ends, min(len(ends), 3)), now + 10**11]
    batch, _ = ask_batch(replace(round, nows=moments), warehouse)
    for at, people in zip(moments, batch, strict=True):
        for then, person, until in zip(batch[0], people, told, strict=True):
            for name, type in round.types.items():
                end = until[name]
                if end is None or at < end:
                    assert same(person[name], then[name], type), (text_of(round, name), at)


DAY = 86_400_000


def tight(value: str, at: list[int], now: int, name: str = "Europe/Berlin") -> int | None:
    """Until when a condition over `last` and `orders` holds, with orders at these moments."""
    from tests.laws.usual import usual_round

    events = [
        {"message_id": f"m{n}", "event": "Order Completed", "ts": ts, "properties": {}}
        for n, ts in enumerate(at)
    ]
    round = usual_round(name, {"q": value})
    result = program_of(round).run(history_of(round.project, events), now)
    return result.until["q"]


NOON = 1_483_268_400_000  # 12:00 of 1 January 2017 in Berlin
MIDNIGHT = NOON - DAY // 2


TIGHT: list[tuple[str, list[int], int | None]] = [
    ("orders = 1", [NOON - DAY], None),
    ("orders = 1", [NOON - DAY, NOON + 5], NOON + 5),
    ("orders = 1", [NOON - DAY, TIME_MAX], TIME_MAX),
    ("-days_since(last_at) < -90", [NOON], MIDNIGHT + 91 * DAY - 3_600_000),
    ("hours_between(timestamp '2017-01-01 13:30:00', now()) >= 0", [], NOON + 1_800_001),
    ("days_since(last_at) > 30.5", [NOON], MIDNIGHT + 31 * DAY),
    ("days_since(last_at) >= 30.0", [NOON], MIDNIGHT + 30 * DAY),
    ("days_since(last_at) = 30.0", [NOON], MIDNIGHT + 30 * DAY),
    ("days_since(last_at) = 30.5", [NOON], None),
    ("day_of_week(today()) > 5", [], MIDNIGHT + DAY),
    ("hour(now()) >= 12", [], MIDNIGHT + DAY),
    ("day_of_year(today()) = 1", [], MIDNIGHT + DAY),
    ("day(now()) = 1", [], MIDNIGHT + DAY),
    ("lapsed > 90", [NOON], MIDNIGHT + 91 * DAY - 3_600_000),
    ("days_since(last_at) > 90", [NOON], MIDNIGHT + 91 * DAY - 3_600_000),
    ("days_since(last_at) <= 3", [NOON - DAY], MIDNIGHT + 3 * DAY),
    ("days_since(last_at) > 90", [NOON - 100 * DAY], None),
    ("orders_week > 0", [NOON - DAY], NOON + 6 * DAY),
    ("orders_week > 1", [NOON - DAY, NOON - 2 * DAY], NOON + 5 * DAY),
    ("days_since(last_at) > 90", [], None),
    ("last_at > now() - interval '1 hour'", [NOON - 60_000], NOON + 3_540_000),
]


def nepal() -> int | None:
    """Until when it is past five there."""
    return tight("hour(now()) = 17", [], NOON + 1_234_567, "Asia/Kathmandu")


def last_midnight() -> int | None:
    """Until when the last date of all is not over, in a zone where it ends before time does."""
    return tight("today() > date '9999-12-31'", [], TIME_MAX + 1 - 3_600_000)


def test_the_last_date_never_ends() -> None:
    assert last_midnight() is None


def test_an_hour_ends_where_the_zone_is_a_quarter_off() -> None:
    assert nepal() == NOON + 4_500_000


@pytest.mark.parametrize(("condition", "at", "until"), TIGHT)
def test_until_is_tight_for_the_usual(condition: str, at: list[int], until: int | None) -> None:
    assert tight(condition, at, NOON) == until
