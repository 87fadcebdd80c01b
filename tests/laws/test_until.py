"""Until when a value holds is exact: on the clock's edges it turns at that very moment."""

from __future__ import annotations

import os

import pytest
from tests.laws.clockwork import faults

SEED = int(os.environ.get("VISAVIS_SEED", "0"))


@pytest.mark.parametrize("seed", range(SEED, SEED + 4))
def test_until_is_the_moment_at_which_the_clock_turns_a_condition(seed: int) -> None:
    assert list(faults(seed)) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEED + 4, SEED + 40))
def test_until_is_the_moment_in_many_zones(seed: int) -> None:
    assert list(faults(seed)) == []
