"""What a treatment changed: conversion and revenue per head of the treated against those kept out.

Pure: counts and sums in, differences with intervals and a verdict out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

CONFIDENCE = 0.95
LEAST_PEOPLE = 100
LEAST_EXPECTED = 5
"""Conversions expected in the smaller group if there were no effect (Cochran's rule)."""
MISMATCH = 0.001
"""A sample ratio less likely than that is no accident: the groups can't be compared."""

Verdict = Literal["too early", "sample ratio mismatch", "better", "worse", "no effect shown"]


@dataclass(frozen=True, slots=True)
class Group:
    """People of one arm: how many, how many converted, sum and sum of squares of their revenue.

    `expected` is how many people the draw should have put here (None: not known).
    """

    people: int
    converted: int
    revenue: float = 0.0
    squares: float = 0.0
    expected: float | None = None

    @property
    def rate(self) -> float | None:
        """Share that converted."""
        return self.converted / self.people if self.people else None

    @property
    def mean(self) -> float | None:
        """Revenue per head, of everybody in the group."""
        return self.revenue / self.people if self.people else None

    @property
    def variance(self) -> float:
        """Sample variance of revenue per head (n - 1)."""
        if self.people < 2:
            return 0.0
        return max(0.0, (self.squares - self.revenue**2 / self.people) / (self.people - 1))


@dataclass(frozen=True, slots=True)
class Difference:
    """Treated less kept out, with the limits of its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Lift:
    """A comparison; differences are None where a group is empty. `why` says what is too early."""

    conversion: Difference | None
    revenue: Difference | None
    sample_ratio_p: float | None
    verdict: Verdict
    why: str = ""


def compare(treated: Group, kept_out: Group, still_early: str = "") -> Lift:
    """Compares two randomly drawn groups; `still_early` is a reason of the caller's to wait."""
    conversion, revenue = newcombe(treated, kept_out), welch(treated, kept_out)
    p = sample_ratio(treated, kept_out)
    why = still_early or too_early(treated, kept_out)
    if p is not None and p < MISMATCH:
        verdict: Verdict = "sample ratio mismatch"
    elif why:
        verdict = "too early"
    else:
        verdict = _verdict(conversion, revenue)
    return Lift(conversion, revenue, p, verdict, why)


def too_early(treated: Group, kept_out: Group) -> str:
    """What is missing before anything should be said, in words; "" when nothing is."""
    smaller = min(treated.people, kept_out.people)
    if smaller < LEAST_PEOPLE:
        return f"{smaller} people in the smaller group, {LEAST_PEOPLE} are needed"
    both = treated.people + kept_out.people
    expected = smaller * (treated.converted + kept_out.converted) / both
    if expected < LEAST_EXPECTED:
        return (
            f"{treated.converted + kept_out.converted} conversions in both groups: too few to tell "
            f"({LEAST_EXPECTED} expected in the smaller one are needed)"
        )
    return ""


def _verdict(conversion: Difference | None, revenue: Difference | None) -> Verdict:
    """Conversion decides, revenue where conversion doesn't."""
    for found in (conversion, revenue):
        if found is not None and found.low > 0:
            return "better"
        if found is not None and found.high < 0:
            return "worse"
    return "no effect shown"


def wilson(converted: int, people: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Score interval of a share (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    z = _normal_quantile(confidence)
    p = converted / people
    centre = p + z * z / (2 * people)
    half = z * math.sqrt(p * (1 - p) / people + z * z / (4 * people * people))
    scale = 1 + z * z / people
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def newcombe(treated: Group, kept_out: Group, confidence: float = CONFIDENCE) -> Difference | None:
    """Difference of two shares with the hybrid score interval, method 10 of R. G. Newcombe,
    Statistics in Medicine 17 (1998) 873-890: sound also for small groups and shares near 0."""
    if not treated.people or not kept_out.people:
        return None
    p1, p2 = treated.converted / treated.people, kept_out.converted / kept_out.people
    l1, u1 = wilson(treated.converted, treated.people, confidence)
    l2, u2 = wilson(kept_out.converted, kept_out.people, confidence)
    d = p1 - p2
    return Difference(d, d - math.hypot(p1 - l1, u2 - p2), d + math.hypot(u1 - p1, p2 - l2))


def welch(treated: Group, kept_out: Group, confidence: float = CONFIDENCE) -> Difference | None:
    """Difference of two means with Welch's interval (B. L. Welch, Biometrika 34, 1947): unequal
    variances, degrees of freedom by Welch and Satterthwaite. None for groups of less than 2."""
    if min(treated.people, kept_out.people) < 2:
        return None
    from scipy.special import stdtrit

    a, b = treated.variance / treated.people, kept_out.variance / kept_out.people
    d = treated.revenue / treated.people - kept_out.revenue / kept_out.people
    if a + b == 0:
        return Difference(d, d, d)
    freedom = (a + b) ** 2 / (a * a / (treated.people - 1) + b * b / (kept_out.people - 1))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(a + b)
    return Difference(d, d - half, d + half)


def sample_ratio(treated: Group, kept_out: Group) -> float | None:
    """Chi-square test (1 degree of freedom) of the sizes against those that were drawn for: how
    likely so great a mismatch is by chance (Fabijan et al., KDD 2019). None where unknown."""
    if not treated.expected or not kept_out.expected:
        return None
    from scipy.special import chdtrc

    pairs = ((treated.people, treated.expected), (kept_out.people, kept_out.expected))
    statistic = sum((seen - expected) ** 2 / expected for seen, expected in pairs)
    return float(chdtrc(1, statistic))


def _normal_quantile(confidence: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + confidence) / 2)
