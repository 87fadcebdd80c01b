"""Texts numbered by their hashes, in the order in which they first appear."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.core import parts
from visavis.store.numbering import halves_sql, numbered, salt
from visavis.store.warehouse import connect

HALF = st.sampled_from([0, 1, 2, 2**63, 2**64 - 1])
PAIRS = st.lists(st.tuples(HALF, HALF), max_size=60)


@given(PAIRS, st.sampled_from([1, 3, 1000]))
def test_equal_hashes_and_only_those_have_one_number(
    pairs: list[tuple[int, int]], part: int
) -> None:
    """Also where nearly all want the same slot."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART", part)
        numbers, first = numbered(np.array(pairs, dtype=np.uint64).reshape(-1, 2))
    seen: dict[tuple[int, int], int] = {}
    assert numbers.tolist() == [seen.setdefault(pair, len(seen)) for pair in pairs]
    assert np.flatnonzero(first).tolist() == [pairs.index(pair) for pair in seen]


def test_many_texts() -> None:
    rng = np.random.default_rng(5)
    known = rng.integers(0, 2**64, (100_000, 2), dtype=np.uint64)
    drawn = rng.integers(0, len(known), 400_000)
    numbers, first = numbered(known[drawn])
    assert first.sum() == len(np.unique(drawn)) == numbers.max() + 1
    assert (np.diff(numbers[first]) == 1).all()
    assert (drawn[np.flatnonzero(first)][numbers] == drawn).all()


def test_halves_are_those_of_the_salted_md5() -> None:
    own = salt()
    high, low = halves_sql("'text'", "$1")
    with connect() as wh:
        ((one, other),) = wh.rows(f"SELECT {high}, {low}", [own])
    digest = hashlib.md5(f"{own}text".encode()).digest()
    assert one * 2**64 + other == int.from_bytes(digest, "little")
    assert salt() != own
