"""Until when exactly: found by looking at every moment at which the clock can change a value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from random import Random

from tests.laws.usual import usual_round

from visavis.core.clock import Zone, zone
from visavis.core.lang.form import Value
from visavis.core.lang.history import History
from visavis.core.lang.types import TIME_MAX, TIME_MIN
from visavis.testing.agree import Round

QUARTER, DAY = 900_000, 86_400_000
REACH = 100
"""Days ahead that are looked at."""
ZONES = (
    "America/Sao_Paulo", "Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe", "Asia/Gaza",
    "Africa/Cairo", "America/Scoresbysund",
)  # fmt: skip
EXACT: tuple[str, ...] = (
    "today() = date '2017-03-01'", "year(today()) > 2016",
    "days_since(joined_at) > 90", "days_since(birthday) <= 7", "days_between(now(), joined_at) > 3",
    "days_between(today(), birthday) = -10", "years_since(birthday) >= 18",
    "years_since(joined_at) = 2", "hours_since(joined_at) < 48", "hours_since(joined_at) <> 5",
    "hours_between(now(), joined_at) > -3", "days_to_anniversary(birthday, now()) <= 7",
    "days_to_anniversary(joined_at, today()) = 0", "days_since(joined_at) = 30",
    "days_since(joined_at) between 1 and 5", "joined_at < now()", "now() >= joined_at",
    "joined_at > now() - interval '7 days'", "days_since(joined_at) > 1.5",
    "-days_since(joined_at) < -20",
    "case when days_since(joined_at) > 2 then 'a' else 'b' end = 'a'",
    "date(now() + interval '36 hours') > date(joined_at)",
    "days_between(joined_at, now() - interval '3 days') >= 1", "birthday <= today()",
)  # fmt: skip
"""Conditions for which until is the very moment at which they turn, if that is within reach."""
SOUND: tuple[str, ...] = (
    "day(now()) = 1", "month(now()) >= 6", "quarter(now()) = 2", "week(now()) = 1",
    "day_of_week(today()) in (6, 7)", "day_of_year(now()) < 60", "hour(now()) >= 12",
    "years_between(now(), birthday) = -16", "days_to_anniversary(today(), birthday) < 100",
    "coalesce(days_since(joined_at), 0) % 7 = 0",
    "days_to_anniversary(birthday, now()) % 2 = 0",
    "years_since(birthday) % 2 = 0",
    "hours_since(joined_at) % 3 = 0", "abs(hours_since(joined_at)) > 10",
    "days_since(joined_at) > days_since(birthday)", "day(now()) = day(joined_at)",
    "round(days_since(joined_at) / 7) > 2", "points > days_since(joined_at)",
)  # fmt: skip
"""Conditions whose until may come too early, but never too late."""


def candidates(local: Zone, now: int) -> list[int]:
    """Moments after now at which a condition can turn: 30 hours closely, then day by day."""
    last = min(now + 30 * 3_600_000, TIME_MAX)
    near = range(now - now % QUARTER + QUARTER, last, QUARTER)
    today = local.date_of(now)
    days = [local.midnight(today + d) for d in range(-3, REACH)]
    days += [m + shift for m in days for shift in (3 * DAY, -36 * 3_600_000)]
    turns = local.transitions
    first = bisect_right(turns, now)
    return sorted({m for m in (*near, *days, *turns[first : first + 2]) if now < m <= TIME_MAX})


def moments(local: Zone, rng: Random, count: int) -> list[int]:
    """Moments around clock changes: dates that come twice, midnights that are missing."""
    recent = [t for t in local.transitions if 12 * 10**11 < t < 16 * 10**11]
    turns = rng.sample(recent, min(len(recent), count))
    offsets = (-7_200_000, -1_800_000, -1, 0, 1, 1_800_000, DAY, -DAY)
    twice = [t for t in recent if local.date_of(t) < local.date_of(t - 1)][-1:]
    return [*twice, *(turn + rng.choice(offsets) for turn in turns)]


def asked(seed: int, people: int = 2) -> Iterator[tuple[Round, int, list[History]]]:
    """Rounds of these conditions with moments to ask about and people's given traits."""
    name = ZONES[seed % len(ZONES)]
    local, rng = zone(name), Random(seed)
    texts = {f"x{n}": text for n, text in enumerate(EXACT)}
    texts |= {f"s{n}": text for n, text in enumerate(SOUND)}
    round = usual_round(name, texts)
    for now in [*moments(local, rng, 4), TIME_MAX - 100_000, TIME_MIN + 5 * DAY]:
        histories = [history(round, rng, local, now) for _ in range(people)]
        yield round, now, histories


def history(round: Round, rng: Random, local: Zone, now: int) -> History:
    near = now - rng.choice((0, 1, 2, 3, 5, 10, 20, 30, 90, -1, -2)) * DAY
    joined = near + rng.choice((0, 1, -1, -3_600_000, rng.randrange(-DAY, DAY)))
    day = local.date_of(now) - rng.choice((0, 1, 7, 8, 10, 6574, 6575, 11323, 365, 358, 366))
    given: dict[str, Value] = {
        "joined_at": joined - joined % QUARTER if rng.random() < 0.7 else joined,
        "birthday": day if rng.random() < 0.8 else 11_016,
        "points": rng.randint(0, 40),
    }
    event = {"message_id": "i", "event": "identify", "ts": TIME_MIN, "properties": given}
    return History.from_events([event], round.project.properties, {})


def faults(seed: int) -> Iterator[tuple[str, int, int | None, int | None]]:
    """(condition, now, until, when it really turned) of each answer that is wrong."""
    from visavis.core.lang.reader import compile_program

    texts = {
        **{f"x{n}": t for n, t in enumerate(EXACT)},
        **{f"s{n}": t for n, t in enumerate(SOUND)},
    }
    for round, now, people in asked(seed):
        local = zone(round.project.time_zone)
        program = compile_program(round.project.traits, round.conditions, local)
        marks = candidates(local, now)
        for person in people:
            told = program.run(person, now)
            joined = person.streams["identify"].columns["joined_at"][0]
            turned = first_turns(program, person, now, _with(marks, joined, now))
            for name, text in texts.items():
                until, turn = told.until[name], turned.get(name)
                late = turn is not None and (until is None or until > turn)
                late = late or (until is not None and until <= now)
                early = until is not None and until < min(turn or TIME_MAX, now + (REACH - 5) * DAY)
                if late or (early and name[0] == "x"):
                    yield text, now, until, turn


def _with(marks: Sequence[int], joined: Value, now: int) -> list[int]:
    """The marks, and those that the moment a person joined makes."""
    assert isinstance(joined, int)
    own = [joined + h * 3_600_000 + d for h in range(-60, 60) for d in (0, 1) if h % 8 < 6]
    own += [joined + 7 * DAY, TIME_MIN + 3 * DAY, TIME_MIN + 7 * DAY]
    return sorted({*marks, *(m for m in own if now < m <= TIME_MAX)})


def first_turns(program: object, person: History, now: int, marks: Sequence[int]) -> dict[str, int]:
    """When each condition first has another value than now."""
    values = program.run(person, now).values  # type: ignore[attr-defined]
    turned: dict[str, int] = {}
    for at in marks:
        if len(turned) == len(EXACT) + len(SOUND):
            break
        later = program.run(person, at).values  # type: ignore[attr-defined]
        for name in values:
            if name not in turned and later[name] != values[name]:
                turned[name] = at
    return turned
