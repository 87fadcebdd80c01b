"""Groups of which not every pair was looked at: judged by some of their pairs, taken at random.

Of somebody with hundreds of records the rules find only part of the pairs, and the rest would
count as if they said nothing. The rule is that of `cluster`; only the mean is an estimate.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from visavis.unify.matching.cluster import Floats, Ints

Judge = Callable[[Ints, Ints], tuple[Ints, Ints, Floats]]
"""Compares pairs of records: (a, b) in any order, and the evidence of each."""
_SAMPLED = 60
_AT_ONCE = 300_000
_ROUNDS = 20


def gather(
    label: Ints,
    a: Ints,
    b: Ints,
    weight: Floats,
    threshold: float,
    floor: float,
    judge: Judge,
    seed: int = 0,
) -> Ints:
    """Joins groups between which a link reaches the threshold and some pairs were not looked at.

    `label` names the group of each record by its smallest, (a, b) are all pairs looked at. Of two
    groups up to 60 pairs are taken; if their mean evidence is at least `floor`, they are one.
    The best links come first; a group is joined once a round and judged anew after that.
    """
    label, draw = label.copy(), np.random.default_rng(seed)
    known: dict[tuple[int, int], tuple[int, int, float]] = {}
    for _ in range(_ROUNDS):
        sizes = np.bincount(label, minlength=len(label))
        one, other = _unsure(label, sizes, a, b, weight, threshold)
        wanted = [
            (x, y) for x, y in zip(one.tolist(), other.tolist(), strict=True)
            if known.get((x, y), ())[:2] != (sizes[x], sizes[y])
        ]  # fmt: skip
        told = _judged(label, sizes, wanted, judge, draw)
        known |= told
        tied = list(zip(one.tolist(), other.tolist(), strict=True))
        if not _join(label, sizes, tied, known, floor) and len(told) == len(wanted):
            break
    return label


def _unsure(
    label: Ints, sizes: Ints, a: Ints, b: Ints, weight: Floats, threshold: float
) -> tuple[Ints, Ints]:
    """The pairs of groups, the smaller name first, that a strong link ties and of which not every
    pair of records is known; those with the strongest link first."""
    code = np.minimum(label[a], label[b]) * len(label) + np.maximum(label[a], label[b])
    across = label[a] != label[b]
    strong = across & (weight >= threshold)
    order = np.flatnonzero(strong)
    order = order[np.lexsort((code[order], -weight[order]))]
    tied, first = np.unique(code[order], return_index=True)
    tied = tied[np.argsort(first, kind="stable")]
    every, counts = np.unique(code[across], return_counts=True)
    one, other = tied // len(label), tied % len(label)
    some = counts[np.searchsorted(every, tied)] < sizes[one] * sizes[other]
    return one[some], other[some]


def _judged(
    label: Ints,
    sizes: Ints,
    wanted: list[tuple[int, int]],
    judge: Judge,
    draw: np.random.Generator,
) -> dict[tuple[int, int], tuple[int, int, float]]:
    """For each pair of groups their sizes, and the mean evidence of some of their pairs."""
    if not wanted:
        return {}
    one, other = np.array(wanted, dtype=np.int64).T
    count = np.minimum(sizes[one] * sizes[other], _SAMPLED)
    kept = np.cumsum(count) <= max(_AT_ONCE, int(count[0]))
    one, other, count = one[kept], other[kept], count[kept]
    a, b = _taken(label, sizes, one, other, count, draw)
    a, b, evidence = judge(a, b)
    code = np.minimum(label[a], label[b]) * len(label) + np.maximum(label[a], label[b])
    pairs, at = np.unique(code, return_inverse=True)
    mean = np.bincount(at, weights=evidence) / np.bincount(at)
    return {
        (x, y): (int(sizes[x]), int(sizes[y]), m)
        for x, y, m in zip(
            (pairs // len(label)).tolist(), (pairs % len(label)).tolist(), mean.tolist(),
            strict=True,
        )
    }  # fmt: skip


def _taken(
    label: Ints, sizes: Ints, one: Ints, other: Ints, count: Ints, draw: np.random.Generator
) -> tuple[Ints, Ints]:
    """So many pairs of records of each two groups: all where that is enough, else at random."""
    members = np.argsort(label, kind="stable")
    starts = np.cumsum(sizes) - sizes
    s, t = np.repeat(sizes[one], count), np.repeat(sizes[other], count)
    place = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    whole = s * t <= _SAMPLED
    i = np.where(whole, place // t, (draw.random(len(s)) * s).astype(np.int64))
    j = np.where(whole, place % t, (draw.random(len(s)) * t).astype(np.int64))
    return members[np.repeat(starts[one], count) + i], members[np.repeat(starts[other], count) + j]


def _join(
    label: Ints,
    sizes: Ints,
    tied: list[tuple[int, int]],
    known: dict[tuple[int, int], tuple[int, int, float]],
    floor: float,
) -> bool:
    """Joins in place what may be joined; whether anything was."""
    to = np.arange(len(label))
    touched: set[int] = set()
    for x, y in tied:
        told = known.get((x, y))
        if told is None or told[:2] != (sizes[x], sizes[y]) or touched & {x, y}:
            continue
        if told[2] >= floor:
            to[y] = x
            touched |= {x, y}
    label[:] = to[label]
    return bool(touched)
