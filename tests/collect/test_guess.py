"""Every role of forty differently shaped tables is guessed right."""

from __future__ import annotations

import pytest
from order_shapes import SHAPES
from order_tables import Shape

from visavis.collect.guess import Column, guess


def columns_of(shape: Shape, seed: int = 1) -> list[Column]:
    return [Column(name, values) for name, values in shape.table(seed).items()]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.name)
def test_every_role_is_right(shape: Shape, seed: int) -> None:
    found = guess(columns_of(shape, seed)).columns
    wrong = {
        role: (found.get(role), shape.truth.get(role))
        for role in found.keys() | shape.truth.keys()
        if found.get(role) != shape.truth.get(role) and role not in shape.loose
    }
    assert wrong == {}
