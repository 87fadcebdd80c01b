"""How many different values each person has, whatever part of the values a sample knows."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import duckdb
import pytest

Rows = Sequence[tuple[int, str | None]]
"""Person and value."""
SAMPLES = (0, 1, 63, 64, 65, 65_536)


def miscounted(rows: Rows, sample: int) -> dict[int, tuple[int | None, int | None]]:
    """The people whose count differs, with what was counted and what is true."""
    from visavis.understand import tallies

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "_SAMPLE", sample)
        query = tallies._QUERIES["count"]("r.value", "r.person", "r", ["true"])
    with duckdb.connect() as db:
        db.execute("CREATE TABLE r (person BIGINT, value VARCHAR)")
        if rows:
            db.execute(f"INSERT INTO r VALUES {', '.join(_row(*row) for row in rows)}")
        counted: dict[int, int] = dict(db.execute(query).fetchall())
    told: dict[int, set[str]] = {}
    for person, value in rows:
        if value is not None:
            told.setdefault(person, set()).add(value)
    true = {person: len(values) for person, values in told.items()}
    return {
        person: (counted.get(person), true.get(person))
        for person in counted.keys() | true.keys()
        if counted.get(person) != true.get(person)
    }


def _row(person: int, value: str | None) -> str:
    return f"({person}, {'NULL' if value is None else repr(value)})"


def drawn(seed: int) -> Rows:
    """Five people and two hundred values, some of them missing."""
    rng = Random(seed)
    values = [None, *(f"值 {n}" for n in range(200))]
    return [(rng.randint(1, 5), rng.choice(values)) for _ in range(400)]
