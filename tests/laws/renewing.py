"""Answers that are kept: renewed as events come in and time goes by, and conditions read over
them. Each is held against what the reader says of everything at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from tests.laws.retelling import brief

from visavis.core.clock import zone
from visavis.core.lang.form import Value, trait_names
from visavis.core.lang.types import TIME_MAX
from visavis.testing.agree import Fits, Round
from visavis.testing.histories import Event
from visavis.testing.tables import winners

if TYPE_CHECKING:
    from visavis.core.lang.history import History
    from visavis.core.lang.reader import Program, Result

DAY = 86_400_000


def renewal_faults(round: Round, fits: Fits, rng: Random) -> Iterator[str]:
    """What is wrong with the answers of people who go on doing things, bit by bit."""
    from visavis.core.lang.growing import Growing

    program = _program(round)
    read: set[str] = set()
    counted = replace(program, steps=tuple(_counting(step, read) for step in program.steps))
    for person, events in enumerate(round.histories):
        held, rest = _split([e for e in events if not e.get("void")], rng)
        first = _history(round, held)
        streams = dict(first.streams)
        as_made = deepcopy(streams)
        growing = Growing(first, round.project.properties, round.project.line_fields)
        now = rng.choice(round.nows)
        told = program.run(first, now, fits, round.catalogue)
        while rest:
            some, rest = rest[:2], rest[2:]
            some.append(rng.choice([*held, *some]))
            some.append({**some[0], "message_id": f"void:{person}", "void": True})
            some = some[rng.choice((0, 0, 1, 2, 4)) :]
            taken = [event for event in some if _took(growing, event, held)]
            held += taken
            if growing.history != _history(round, held):
                yield f"{person}: grown otherwise than made of all"
            if growing.size != len(held):
                yield f"{person}: {growing.size} of {len(held)} events"
            now = _later(now, told, rng)
            fed = frozenset(event.get("event") or "identify" for event in taken)
            read.clear()
            after, changed = counted.renewed(told, fed, growing.history, now, fits, round.catalogue)
            yield from _renewed(program, round, told, after, changed)
            whole = program.run(growing.history, now, fits, round.catalogue)
            if after.values != whole.values:
                yield f"{person}: other values than of all events at once"
            if any(at <= now for at in after.untils.values()):
                yield f"{person}: held until the past"
            if any(after.untils.get(name) != whole.untils.get(name) for name in read):
                yield f"{person}: read anew, but until another moment"
            if extra := read - _readable(program, round, told, fed, now, changed):
                yield f"{person}: read without need: {extra}"
            told = after
        if streams != as_made:
            yield f"{person}: whoever made the history sees it grow"


def nobody_faults(round: Round, fits: Fits, rng: Random) -> Iterator[str]:
    """What is wrong with answers that begin with what is true of nobody, a while before."""
    from visavis.core.lang.reader_rows import Items

    program = _program(round)
    for person, events in enumerate(round.histories):
        history, now = _history(round, winners(events)), rng.choice(round.nows)
        before = now - rng.choice((0, 1, 60_000, DAY))
        nobody = program.run(_history(round, []), before, fits, round.catalogue)
        fed = frozenset(history.streams)
        items = Items(round.catalogue)
        told = program.over(nobody, fed, history, now, fits, items)
        if told.values != program.run(history, now, fits, items).values:
            yield f"{person}: other values than of the history alone"
        if any(at <= now for at in told.untils.values()):
            yield f"{person}: held until the past"


def _program(round: Round) -> Program:
    from visavis.core.lang.reader import compile_program

    local = zone(round.project.time_zone)
    return compile_program(round.project.traits, round.conditions, local)


def _history(round: Round, events: Sequence[Event]) -> History:
    from visavis.core.lang.history import History

    return History.from_events(events, round.project.properties, round.project.line_fields)


def _counting(step: tuple[str, Any], read: set[str]) -> tuple[str, Any]:
    name, compute = step

    def counted(run: Any) -> Value:
        read.add(name)
        value: Value = compute(run)
        return value

    return name, counted


def _split(events: Sequence[Event], rng: Random) -> tuple[list[Event], list[Event]]:
    """What a history is made of, and what comes in later; some of it told shortly."""
    cut = rng.randint(0, len(events))
    return winners(events[:cut]), [brief(event, rng) for event in events[cut:]]


def _took(growing: Any, event: Event, held: Sequence[Event]) -> bool:
    """Takes an event; it must be taken just where its id is new and it counts."""
    known = {stream_id for s in growing.history.streams.values() for stream_id in s.message_ids}
    took = growing.take(event)
    new = event["message_id"] not in known and not event.get("void")
    assert took is new, event
    return bool(took)


def _later(now: int, told: Result, rng: Random) -> int:
    """A later moment, often one at which something is said to change."""
    ends = sorted(at for at in told.untils.values() if now < at <= TIME_MAX)
    steps = [now, now + 1, now + 60_000, now + DAY, now + 40 * DAY]
    if ends:
        steps += [ends[0], ends[0], ends[0] - 1, rng.choice(ends)]
    return min(rng.choice(steps), TIME_MAX)


def _renewed(
    program: Program, round: Round, told: Result, after: Result, changed: set[str]
) -> Iterator[str]:
    other = {
        name
        for name, _ in program.steps
        if (after.values[name], after.untils.get(name))
        != (told.values[name], told.untils.get(name))
    }
    if changed != other:
        yield f"told as changed: {changed ^ other}"


def _readable(
    program: Program, round: Round, told: Result, fed: frozenset[str], now: int, changed: set[str]
) -> set[str]:
    """What may have to be read: what reads the new rows, has run out, or rests on a change."""
    below = rests(round)
    found = set()
    for name, _ in program.steps:
        trait = round.project.traits.get(name)
        feeds: set[str] = set()
        if trait is not None and trait.kind == "given":
            feeds = {"identify"}
        elif trait is not None and trait.kind == "computed":
            steps = [step.event for step in (trait.then, trait.without) if step is not None]
            feeds = {str(trait.event), *steps}
        if feeds & fed or told.untils.get(name, TIME_MAX + 1) <= now or below[name] & changed:
            found.add(name)
    return found


def rests(round: Round) -> dict[str, set[str]]:
    """Of each trait and condition all traits that it rests on, however far down."""
    found: dict[str, set[str]] = {}
    traits = {n: t.value for n, t in round.project.traits.items()}
    for name, node in {**traits, **round.conditions}.items():
        read = trait_names(node) if node is not None else frozenset()
        found[name] = set(read).union(*(found[part] for part in read))
    return found


def condition_faults(round: Round, fits: Fits, rng: Random) -> Iterator[str]:
    """What is wrong with conditions read one by one over traits that were worked out before."""
    from visavis.core.lang.conditions import compile_conditions
    from visavis.core.lang.reader_until import NEVER

    program, now = _program(round), rng.choice(round.nows)
    local = zone(round.project.time_zone)
    compiled = compile_conditions(round.project.traits, round.conditions, local)
    below = rests(round)
    if {n: set(r) for n, r in compiled.rests.items()} != {n: below[n] for n in round.conditions}:
        yield "they rest on other traits"
    for person, events in enumerate(round.histories):
        told = program.run(_history(round, events), now, fits, round.catalogue)
        values = {n: told.values[n] for n in round.project.traits}
        untils = {n: told.untils.get(n, NEVER) for n in round.project.traits}
        reading = compiled.over(values, untils, now, fits)
        for _ in range(4):
            reading.until = NEVER
            name = rng.choice(list(round.conditions))
            if reading.value(name) != told.values[name]:
                yield f"{person}: {name} has another value"
            if reading.until != told.untils.get(name, NEVER):
                yield f"{person}: {name} holds until another moment"
            yield from _unmet(reading, told, list(round.conditions), rng)


def _unmet(reading: Any, told: Result, names: list[str], rng: Random) -> Iterator[str]:
    from visavis.core.lang.reader_until import NEVER

    some = rng.choices(names, k=rng.randint(0, 4))
    # conditions that are true come first, so that the place is often a later one
    some.sort(key=lambda name: told.values[name] is not True)
    first = next((i for i, name in enumerate(some) if told.values[name] is not True), None)
    asked = some if first is None else some[: first + 1]
    reading.until = NEVER
    if reading.unmet(some) != first:
        yield f"{some}: another is the first that is not true"
    if reading.until != min((told.untils.get(name, NEVER) for name in asked), default=NEVER):
        yield f"{some}: known until another moment"


def faults(round: Round, fits: Fits, seed: int) -> Iterator[str]:
    """Both laws."""
    yield from renewal_faults(round, fits, Random(seed))
    yield from condition_faults(round, fits, Random(seed))
