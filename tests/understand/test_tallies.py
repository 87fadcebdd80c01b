"""How many different values each person has, whatever part of them the sample knows."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.understand import tallies

ROWS = st.lists(st.tuples(st.integers(1, 5), st.none() | st.integers(0, 200)), max_size=300)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(rows=ROWS, sample=st.sampled_from([0, 1, 63, 64, 65, 65_536]))
def test_different_values_are_counted(
    db: duckdb.DuckDBPyConnection, rows: list[tuple[int, int | None]], sample: int
) -> None:
    db.execute("CREATE OR REPLACE TABLE r (person BIGINT, value VARCHAR)")
    told = [(person, None if n is None else f"值 {n}") for person, n in rows]
    if told:
        values = ", ".join(f"({p}, {'NULL' if v is None else repr(v)})" for p, v in told)
        db.execute(f"INSERT INTO r VALUES {values}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tallies, "_SAMPLE", sample)
        query = tallies._QUERIES["count"]("r.value", "r.person", "r", ["true"])
    wanted: dict[int, set[str]] = {}
    for person, value in told:
        if value is not None:
            wanted.setdefault(person, set()).add(value)
    assert dict(db.execute(query).fetchall()) == {p: len(vs) for p, vs in wanted.items()}
