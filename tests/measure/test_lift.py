"""The comparison of two groups: against published figures, and on cases whose answer is known."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.measure.lift import Group, compare, newcombe, sample_ratio, welch, wilson

DATA = Path(os.environ.get("VISAVIS_DATA", "/nowhere")) / "hillstrom-email/hillstrom.parquet"
FIGURES = {
    "Mens E-Mail": ((0.0766, 0.0700, 0.0832), (0.770, 0.485, 1.055)),
    "Womens E-Mail": ((0.0452, 0.0389, 0.0516), (0.424, 0.169, 0.680)),
}


@pytest.mark.skipif(not DATA.is_file(), reason="VISAVIS_DATA has no hillstrom-email")
@pytest.mark.parametrize("arm", FIGURES)
def test_hillstrom(arm: str) -> None:
    import duckdb

    rows = duckdb.sql(
        f"select segment, count(*), sum(visit), sum(spend), sum(spend * spend) from '{DATA}' "
        "group by 1"
    ).fetchall()
    third = sum(row[1] for row in rows) / 3
    groups = {name: Group(n, int(v), float(s), float(q), third) for name, n, v, s, q in rows}
    found = compare(groups[arm], groups["No E-Mail"])
    for difference, expected in zip((found.conversion, found.revenue), FIGURES[arm], strict=True):
        assert difference is not None
        told = (difference.value, difference.low, difference.high)
        assert told == pytest.approx(expected, abs=0.0006)
    assert found.verdict == "better"
    assert found.sample_ratio_p is not None
    assert found.sample_ratio_p > 0.5


def group(values: list[float], expected: float | None = None) -> Group:
    some = np.array(values)
    bought = int((some > 0).sum())
    return Group(len(some), bought, float(some.sum()), float((some**2).sum()), expected)


@given(
    st.lists(st.floats(0, 1000), min_size=3, max_size=60),
    st.lists(st.floats(0, 1000), min_size=3, max_size=60),
)
def test_welch_is_scipys(a: list[float], b: list[float]) -> None:
    from scipy import stats

    if np.var(a) + np.var(b) < 1e-3:
        return
    found = welch(group(a), group(b))
    theirs = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-5, abs=1e-4)


@given(st.integers(0, 50), st.integers(50, 200))
def test_wilson_is_scipys(converted: int, people: int) -> None:
    from scipy import stats

    theirs = stats.binomtest(converted, people).proportion_ci(0.95, method="wilson")
    assert wilson(converted, people) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_newcombe_as_published() -> None:
    """Newcombe 1998, table II, method 10: (a) 56/70 - 48/80 and (c) 9/10 - 3/10."""
    for first, second, expected in (
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ):
        found = newcombe(Group(first[1], first[0]), Group(second[1], second[0]))
        assert found is not None
        assert (found.low, found.high) == pytest.approx(expected, abs=0.0001)


def test_sizes_that_do_not_fit_the_draw() -> None:
    assert sample_ratio(Group(900, 0, expected=900), Group(100, 0, expected=100)) == 1.0
    off = compare(Group(900, 90, expected=850), Group(100, 10, expected=150))
    assert off.verdict == "sample ratio mismatch"
    assert sample_ratio(Group(900, 0), Group(100, 0)) is None


@pytest.mark.parametrize(
    ("treated", "kept_out", "verdict"),
    [
        (Group(0, 0), Group(0, 0), "too early"),
        (Group(90, 50), Group(90, 20), "too early"),
        (Group(5000, 10), Group(500, 0), "too early"),
        (Group(5000, 1000), Group(500, 50), "better"),
        (Group(5000, 500), Group(500, 100), "worse"),
        (Group(5000, 500), Group(500, 51), "no effect shown"),
    ],
)
def test_verdicts(treated: Group, kept_out: Group, verdict: str) -> None:
    assert compare(treated, kept_out).verdict == verdict
    assert compare(treated, kept_out, "wait").verdict == "too early"


def test_the_interval_covers_as_often_as_it_says() -> None:
    """Of 2,000 experiments without an effect about 95 % hold 0 in their interval."""
    draws = np.random.default_rng(7)
    held = 0
    for a, b in zip(draws.binomial(900, 0.1, 2000), draws.binomial(100, 0.1, 2000), strict=True):
        found = newcombe(Group(900, int(a)), Group(100, int(b)))
        assert found is not None
        held += found.low <= 0 <= found.high
    assert 0.935 <= held / 2000 <= 0.97
