"""The laws as a quick check of one reader against answers known from both: what kills mutants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.laws import table_rounds as rounds
from tests.laws.clockwork import faults
from tests.laws.edges import BUCKETS
from tests.laws.retelling import retold_round
from tests.laws.usual import CONDITIONS, usual_round

from visavis.core.clock import to_date, zone
from visavis.core.lang.form import Value
from visavis.core.lang.types import TIME_MAX
from visavis.store.warehouse import Warehouse
from visavis.testing import shop
from visavis.testing.agree import (
    Answers,
    Fits,
    Round,
    ask_batch,
    ask_live,
    differences,
    make_round,
)
from visavis.testing.histories import Histories, moments_for

DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class Known:
    """A round with the answers that both readers agree on, and later ones for the law of time."""

    number: int
    round: Round
    answers: Answers
    fits: Fits
    later: dict[int, Answers] = field(default_factory=dict)


def suite(quick: bool = False) -> Iterator[Round]:
    """The rounds, those that tell most in a short time first; a quick suite has a third of the
    invented ones."""
    yield rounds.aggregate_examples()[0]
    yield rounds.scalar_examples()[0]
    yield rounds.one_name_of_two_types()
    yield rounds.own_field_of_lines()
    yield rounds.strangers_trusted()
    yield rounds.ruled_by_name()
    yield from (make_round(seed) for seed in range(1000, 1003))
    yield rounds.over_crowds(120)
    yield rounds.over_buckets(60)
    yield rounds.over_properties(150)
    yield rounds.over_traits(120)
    yield rounds.as_filters(100)
    yield rounds.catalogue_alone()
    yield rounds.property_of_lines()
    yield rounds.channel_of_lines()
    yield rounds.end_of_time()
    yield rounds.since_the_beginning()
    yield from (rounds.bucket_example(n, held) for n, held, _ in BUCKETS)
    yield from (retold_round(seed) for seed in range(2))
    yield from (make_round(seed) for seed in range(1003, 1008 if quick else 1024))
    yield from (usual(seed) for seed in range(2 if quick else 5))


def usual(seed: int) -> Round:
    """The usual conditions of a few people."""
    from dataclasses import replace

    name = shop.ZONES[(seed + 4) % len(shop.ZONES)]
    moments = moments_for(Random(seed), zone(name))
    people = Histories(Random(seed), moments)
    round = usual_round(name, {f"q{n}": text for n, text in enumerate(CONDITIONS)})
    histories = [people.history(str(n), 10) for n in range(25)]
    return replace(round, histories=histories, nows=[moments.now, moments.now + 40 * DAY])


def warehouse() -> Warehouse:
    from visavis.store.warehouse import connect

    return connect(threads=1)


def learn(quick: bool = False) -> list[Known]:
    """What both readers say; AssertionError where they differ before anything is changed."""
    known = []
    for round in suite(quick):
        batch, fits = ask_batch(round, warehouse)
        live = ask_live(round, fits)
        found = next(differences(round, batch, live), None)
        assert found is None, f"the readers differ without any change: {found}"
        known.append(Known(len(known), round, live, fits, later(round, fits)))
    return known


def later(round: Round, fits: Fits) -> dict[int, Answers]:
    """For each moment asked about, the answers at some moments after it."""
    from dataclasses import replace

    if len(round.types) > 60:
        return {}
    out = {}
    for now in round.nows:
        moments = _moments(round, now)
        out[now] = ask_live(replace(round, nows=moments), fits)
    return out


def _moments(round: Round, now: int) -> list[int]:
    """Moments after now at which something may have changed: edges of days and windows, events."""
    local = zone(round.project.time_zone)
    today = local.date_of(now)
    marks = [local.midnight(today + d) for d in (1, 2, 8, 31, 61, 91, 366)]
    told = [e.get("ts") or now for h in round.histories[:6] for e in h]
    marks += [ts + w for ts in told for w in (0, *shop.WINDOWS)]
    marks += [t for t in local.transitions if t > now][:2]
    after = sorted({m + d for m in marks for d in (-1, 0) if now < m + d <= TIME_MAX})
    return [*Random(now).sample(after, min(len(after), 12)), now + 1]


OTHER = -1
"""Stands for a law that is no round."""


def batch_noticed(known: Sequence[Known], clock: bool) -> int | None:
    """The number of the first round on which the batch reader no longer says what is known.

    OTHER where another law notices; None where nothing does. With `clock` since when is asked, too.
    """
    if clock and not _zones_hold():
        return OTHER
    first = _first(known, _batch_holds)
    if first is not None:
        return first
    rest = not rounds.held_faults() and _tallies_hold() and (not clock or _since_holds())
    return None if rest else OTHER


def _first(known: Sequence[Known], holds: Callable[[Known], bool]) -> int | None:
    for item in known:
        try:
            if not holds(item):
                return item.number
        except Exception:  # noqa: BLE001 - a reader that breaks is noticed
            return item.number
    return None


def _batch_holds(item: Known) -> bool:
    answers, fits = ask_batch(item.round, warehouse)
    if next(differences(item.round, answers, item.answers), None) is not None:
        return False
    made = {name: tuple(cuts) for name, cuts in fits.items()}
    return made == {name: tuple(cuts) for name, cuts in item.fits.items()}


def _tallies_hold() -> bool:
    from tests.laws.tallying import SAMPLES, drawn, miscounted

    return not any(miscounted(drawn(7), sample) for sample in SAMPLES)


def _zones_hold() -> bool:
    from tests.laws.test_zones import ZONES, zone_faults

    return not any(any(zone_faults(name)) for name in ZONES)


def _since_holds() -> bool:
    """Whether since is that of stepping through time, in two zones that change their clocks."""
    from dataclasses import replace

    from tests.laws.test_since import in_batch, stepped

    from visavis.understand.timeline import exact_in_sql

    for seed in (0, 5):
        round = usual(seed)
        seen = [h for h in round.histories if h and min(e["ts"] for e in h) <= round.nows[0]]
        round = replace(round, histories=seen[:12])
        traits = round.project.traits
        nodes = {n: c for n, c in round.conditions.items() if exact_in_sql(c, traits)}
        since, fits = in_batch(round, nodes)
        if since != stepped(round, nodes, fits):
            return False
    return True


def live_noticed(known: Sequence[Known], clock: bool, kept: bool) -> int | None:
    """The same of the Python reader, and of until when its answers hold.

    `clock` looks closely at the moments at which the clock changes a value, too; `kept` at how
    events are told and at answers that are renewed.
    """
    if kept and not _kept_holds(known):
        return OTHER
    first = _first(known, _live_holds)
    if first is None:
        first = _first([item for item in known if item.later], _until_holds)
    if first is not None:
        return first
    return None if _tight() and (not clock or _clock_holds()) else OTHER


def _live_holds(item: Known) -> bool:
    answers = ask_live(item.round, item.fits)
    return next(differences(item.round, item.answers, answers), None) is None


def _clock_holds() -> bool:
    from tests.laws import test_zones

    if not _dates_hold():
        return False
    if any(any(test_zones.return_faults(name)) for name in test_zones.ZONES):
        return False
    return not any(any(faults(seed)) for seed in range(4))


def _kept_holds(known: Sequence[Known]) -> bool:
    from dataclasses import replace

    from tests.laws.renewing import faults as renewed
    from tests.laws.retelling import telling_faults

    if any(any(telling_faults(seed)) for seed in range(4)):
        return False
    invented = [item for item in known if item.round.conditions and item.later]
    for seed, item in enumerate(invented):
        round = replace(item.round, histories=item.round.histories[:15])
        if any(renewed(round, item.fits, seed)):
            return False
    return True


def _until_holds(known: Known) -> bool:
    from visavis.core.lang.history import History
    from visavis.core.lang.reader import compile_program

    round, project = known.round, known.round.project
    program = compile_program(project.traits, round.conditions, zone(project.time_zone))
    for person, events in enumerate(round.histories):
        history = History.from_events(events, project.properties, project.line_fields)
        for n, now in enumerate(round.nows):
            until = program.run(history, now, known.fits, round.catalogue).until
            said = known.answers[n][person]
            for at, answers in zip(_moments(round, now), known.later[now], strict=True):
                if not _held(said, answers[person], until, now, at):
                    return False
    return True


def _held(
    said: dict[str, Value], then: dict[str, Value], until: dict[str, int | None], now: int, at: int
) -> bool:
    for name, end in until.items():
        if end is not None and end <= now:
            return False
        if (end is None or at < end) and said[name] != then[name]:
            return False
    return True


def _dates_hold() -> bool:
    """Whether the reader's own calendar is Python's, and its own inverse beyond that."""
    from visavis.core.lang import reader_dates as dates

    leaps = (k * part - 719_468 for part in (1_460, 36_524, 146_097) for k in range(1, 101))
    edges = [day + d for day in leaps for d in (-2, -1, 0, 1)]
    some = range(-720_000, 2_940_000, 997)
    for day in [*some, *edges, *range(-719_600, -719_100), *range(59, 1500)]:
        parts = dates.civil_of_any(day)
        if dates.days_of(*parts) != day:
            return False
        if -719_162 <= day <= 2_932_896:
            real = to_date(day)
            if parts != (real.year, real.month, real.day):
                return False
    return True


def _tight() -> bool:
    from tests.laws.test_pure import NOON, TIGHT, last_midnight, nepal, tight

    usual = all(tight(condition, at, NOON) == until for condition, at, until in TIGHT)
    return usual and nepal() == NOON + 4_500_000 and last_midnight() is None
