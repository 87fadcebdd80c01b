"""Since when a condition is true: the batch's exact answer equals stepping through time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from tests.laws.readers import warehouse
from tests.laws.usual import CONDITIONS, usual_round

from visavis.core.clock import zone
from visavis.core.lang.form import Node, Value
from visavis.core.lang.history import History
from visavis.core.lang.parse import to_sql
from visavis.core.lang.reader import compile_program
from visavis.core.lang.timeline import last_change
from visavis.core.lang.types import TIME_MIN
from visavis.testing import shop
from visavis.testing.agree import Fits, Round, load, make_round
from visavis.testing.histories import Histories, moments_for
from visavis.testing.tables import relations
from visavis.understand.batch import compute_people
from visavis.understand.timeline import exact_in_sql, since

SEED = int(os.environ.get("VISAVIS_SEED", "1000")) + 800
Since = dict[tuple[str, int], Value]


def in_batch(round: Round, conditions: Mapping[str, Node]) -> tuple[Since, Fits]:
    wh, now = warehouse(), round.nows[0]
    try:
        load(wh, relations(round.project, round.histories, round.catalogue))
        fits = compute_people(wh, round.project, now, None)
        since(wh, round.project, conditions, now, fits)
        rows = wh.rows("select name, person, epoch_ms(since) from since")
        return {(n, p): TIME_MIN if at is None else at for n, p, at in rows}, fits
    finally:
        wh.close()


def stepped(round: Round, conditions: Mapping[str, Node], fits: Fits) -> Since:
    project, now = round.project, round.nows[0]
    program = compile_program(project.traits, conditions, zone(project.time_zone))
    out: Since = {}
    for person, events in enumerate(round.histories):
        history = History.from_events(events, project.properties, project.line_fields)
        for name in conditions:
            at = last_change(program, name, history, now, fits, round.catalogue)
            if at is not None:
                out[name, person] = at
    return out


def check(round: Round, conditions: Mapping[str, Node]) -> int:
    known = [h for h in round.histories if not h or min(e["ts"] for e in h) <= round.nows[0]]
    round = replace(round, histories=known)
    batch, fits = in_batch(round, conditions)
    live = stepped(round, conditions, fits)
    for key in sorted(batch.keys() | live.keys()):
        assert batch.get(key) == live.get(key), (
            to_sql(conditions[key[0]]), round.nows[0], round.histories[key[1]],
        )  # fmt: skip
    return len(live)


@pytest.mark.parametrize("seed", range(SEED, SEED + 6))
def test_since_of_the_usual_conditions(seed: int) -> None:
    rng, name = Random(seed), shop.ZONES[seed % len(shop.ZONES)]
    moments = moments_for(rng, zone(name))
    histories = Histories(rng, moments)
    round = usual_round(name, {f"q{n}": text for n, text in enumerate(CONDITIONS)})
    people = [histories.history(str(n), 10) for n in range(12)]
    round = replace(round, histories=people, nows=[moments.now])
    exact = {n: c for n, c in round.conditions.items() if exact_in_sql(c, round.project.traits)}
    assert len(exact) >= 0.8 * len(CONDITIONS)
    assert check(round, exact)


@pytest.mark.parametrize("seed", range(SEED + 10, SEED + 16))
def test_since_of_any_condition_that_sql_can_tell(seed: int) -> None:
    round = make_round(seed, people=12, conditions=16)
    traits = round.project.traits
    exact = {n: c for n, c in round.conditions.items() if exact_in_sql(c, traits)}
    check(round, exact)
