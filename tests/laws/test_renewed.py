"""Laws 1 and 2 for what is told again, and for answers that are kept: with the events since put
in, they are those of all at once, and only what may have changed is read again.

Histories, definitions and moments are those of law 2.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from tests.laws.readers import ask, explain
from tests.laws.renewing import condition_faults, nobody_faults, renewal_faults
from tests.laws.retelling import retold_round, telling_faults
from tests.laws.test_pure import invented_fits

from visavis.testing.agree import make_round

SEED = int(os.environ.get("VISAVIS_SEED", "1000")) + 700


@pytest.mark.parametrize("seed", range(SEED, SEED + 16))
def test_a_renewed_answer_is_that_of_all_events_at_once(seed: int) -> None:
    round = make_round(seed, people=25)
    fits = invented_fits(round, Random(seed))
    assert list(renewal_faults(round, fits, Random(seed))) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + 8))
def test_only_what_rests_on_what_somebody_did_is_theirs(seed: int) -> None:
    round = make_round(seed, people=25)
    fits = invented_fits(round, Random(seed))
    assert list(nobody_faults(round, fits, Random(seed))) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + 8))
def test_conditions_read_one_by_one_are_those_of_the_program(seed: int) -> None:
    round = make_round(seed, people=25, conditions=20)
    fits = invented_fits(round, Random(seed))
    assert list(condition_faults(round, fits, Random(seed))) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + 8))
def test_of_an_event_told_again_the_same_version_counts_however_it_comes_in(seed: int) -> None:
    assert list(telling_faults(seed)) == []


@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
def test_events_told_again_and_shortly_in_both_readers(seed: int) -> None:
    found = ask(retold_round(seed))
    assert found is None, explain(found)
