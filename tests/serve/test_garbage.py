"""What is new is put aside without a look, unless there is garbage in it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from visavis.serve import garbage


class Knot:
    def __init__(self) -> None:
        self.knot = self


@pytest.fixture(autouse=True)
def _tidied() -> Iterator[None]:
    gc.collect()
    garbage.begin()
    yield
    garbage.end()
    gc.collect()


def knots(many: int) -> list[weakref.ref[Knot]]:
    return [weakref.ref(Knot()) for _ in range(many)]


def left(told: list[weakref.ref[Knot]]) -> int:
    return sum(one() is not None for one in told)


def test_little_garbage_is_left_for_later() -> None:
    young = garbage.Young()
    young.tidy()
    before = gc.get_freeze_count()
    told = knots(3)
    young.tidy()
    assert left(told) == 3
    assert gc.get_freeze_count() > before
    gc.collect()
    assert left(told) == 3  # put aside
    garbage.end()
    gc.collect()
    assert left(told) == 0


def test_much_garbage_is_found_within_a_second_and_from_then_on_every_time() -> None:
    young = garbage.Young()
    young.tidy()
    told = []
    for _ in range(garbage._LOOK_EVERY):
        told.append(knots(40))
        young.tidy()
    assert left(told[0]) == 40
    for _ in range(5):
        told.append(knots(40))
        young.tidy()
        assert left(told[-1]) == 0
    assert sum(map(left, told)) == 40 * garbage._LOOK_EVERY
    young.tidy()  # there is none: from here on it is seldom again
    told.append(knots(40))
    young.tidy()
    assert left(told[-1]) == 40
