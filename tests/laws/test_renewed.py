"""Law 1 for answers that are kept: with the events since put in, they are those of all at once.

Histories, definitions and moments are those of law 2.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from tests.laws.test_pure import history_of, invented_fits, program_of

from visavis.core.lang.growing import Growing
from visavis.core.lang.history import IDENTIFY
from visavis.core.lang.reader import Result
from visavis.testing.agree import make_round
from visavis.testing.histories import Event

SEED = int(os.environ.get("VISAVIS_SEED", "1000")) + 700


def name_of(event: Event) -> str:
    return event.get("event") or IDENTIFY


@pytest.mark.parametrize("seed", range(SEED, SEED + 8))
def test_a_renewed_answer_is_that_of_all_events_at_once(seed: int) -> None:
    round, rng = make_round(seed, people=25), Random(seed)
    program, fits, project = program_of(round), invented_fits(round, rng), round.project
    asked = grown = 0
    for events in round.histories:
        now, cut = rng.choice(round.nows), rng.randint(0, len(events))
        growing = Growing(
            history_of(project, events[:cut]), project.properties, project.line_fields
        )
        told, held = program.run(growing.history, now, fits, round.catalogue), list(events[:cut])
        rest = list(events[cut:])
        while rest:
            some, rest = rest[: rng.randint(0, 4)], rest[4:]
            taken = [event for event in some if growing.take(event)]
            held += taken
            assert growing.size == sum(
                len(s.ts) for s in history_of(project, held).streams.values()
            )
            now += rng.choice([0, 1, 60_000, 86_400_000, 40 * 86_400_000])
            fed = frozenset(name_of(event) for event in taken)
            told, changed = program.renewed(told, fed, growing.history, now, fits, round.catalogue)
            whole = program.run(history_of(project, held), now, fits, round.catalogue)
            assert told.values == whole.values
            assert all(at > now for at in told.untils.values())
            asked, grown = asked + len(told.values), grown + len(taken)
            assert isinstance(changed, set)
    assert asked > 1_000
    assert grown > 30


def test_what_did_not_change_is_not_told_as_changed() -> None:
    round = make_round(SEED, people=10)
    program = program_of(round)
    for events in round.histories:
        history, now = history_of(round.project, events), round.nows[0]
        told = program.run(history, now, {}, round.catalogue)
        again, changed = program.renewed(told, frozenset(), history, now, {}, round.catalogue)
        assert not changed
        assert again == told
        fed = frozenset(history.streams)
        again, changed = program.renewed(told, fed, history, now, {}, round.catalogue)
        assert not changed
        assert again == told


def test_what_changed_is_told() -> None:
    """Whoever keeps what was made of some traits hears of each that has another value."""
    round = make_round(SEED + 1, people=25)
    program, project, told_of = program_of(round), round.project, 0
    for events in round.histories:
        now = round.nows[0]
        before = program.run(history_of(project, []), now, {}, round.catalogue)
        history = history_of(project, events)
        fed = frozenset(history.streams)
        after, changed = program.renewed(before, fed, history, now, {}, round.catalogue)
        other = {n for n, value in after.values.items() if value != before.values[n]}
        assert other <= changed
        assert isinstance(after, Result)
        told_of += len(other)
    assert told_of
