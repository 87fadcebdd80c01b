"""Probabilistic matching of a table of people: propose, train, weigh, group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visavis.store.warehouse import Warehouse
from visavis.unify.matching.cluster import Floats, Ints, cluster, components
from visavis.unify.matching.columns import describe, make_clean
from visavis.unify.matching.gather import gather
from visavis.unify.matching.kept import Kept, again, keep, outdated
from visavis.unify.matching.propose import PREPARED, Proposal, prepare, propose
from visavis.unify.matching.refine import Fit, absent_weight, refine, take, weights
from visavis.unify.matching.train import Model, Pairs, found_pairs, learn, pairs_of

_LARGEST_CLOSED = 60
_HOPELESS = -12.0
_FLOOR = 6.0
_MOST_FOR = 20.0
_MOST_AGAINST = 15.0
SEED = 0


@dataclass(slots=True)
class Matched:
    """The pairs looked at with their match weights (log2 odds), and the group of each record.

    `kept` is the fit to keep; `learnt` says why it was learned now, None if it was kept before.
    """

    proposal: Proposal
    fit: Fit
    pairs: Pairs
    weight: Floats
    threshold: float
    groups: Ints
    kept: Kept | None = None
    learnt: str | None = None


def match(
    wh: Warehouse,
    source: str,
    names: Sequence[str],
    threshold: float | None = None,
    seed: int = SEED,
    kept: Kept | None = None,
    frozen: bool = False,
) -> Matched:
    """Groups the records of `source`, a relation with `_row` (0, 1, ...), `_file` and `names`.

    `threshold` is a match weight; None lets the tool choose. A fit that was `kept` is used for as
    long as the data look as they did, or, if `frozen`, in any case. The same data, seed and kept
    fit give the same answer.
    """
    make_clean(wh, source, names, "matching_clean")
    columns = describe(wh, "matching_clean", names)
    learnt = None if frozen and kept else outdated(kept, names, columns)
    if kept is None or learnt is not None:
        proposal, fit = propose(wh, "matching_clean", columns, seed), None
    else:
        proposal, fit = again(kept, columns)
        prepare(wh, "matching_clean", proposal.items)
    if not proposal.rules:
        return _nothing(proposal, learnt)
    pairs = found_pairs(wh, PREPARED, proposal)
    if fit is None:
        fit = refine(learn(wh, PREPARED, proposal, seed), pairs, proposal.rows)
        kept = keep(proposal, fit)
    pairs, weight = _closed(wh, proposal, fit, pairs)
    chosen = best_threshold(weight) if threshold is None else threshold
    groups = group(wh, proposal, fit, pairs, weight, chosen)
    return Matched(proposal, fit, pairs, weight, chosen, groups, kept, learnt)


def _nothing(proposal: Proposal, learnt: str | None) -> Matched:
    """Too few records, or no column in which two of them are equal: everybody is alone."""
    none, levels = np.empty(0, dtype=np.int64), len(proposal.comparisons)
    pairs = Pairs(none, none, np.empty((0, levels), np.int8), np.empty((0, levels), np.float32))
    model = Model(proposal.comparisons, [], [], 0.5)
    alone = np.arange(proposal.rows, dtype=np.int64)
    return Matched(proposal, Fit(model), pairs, np.empty(0), 0.0, alone, None, learnt)


def group(
    wh: Warehouse, proposal: Proposal, fit: Fit, pairs: Pairs, weight: Floats, threshold: float
) -> Ints:
    """The group of each record at a threshold; the prepared table must still be there."""
    absent = absent_weight(fit)

    def spoken(weight: Floats) -> Floats:
        return np.clip(weight - absent, -_MOST_AGAINST, _MOST_FOR)

    def judge(a: Ints, b: Ints) -> tuple[Ints, Ints, Floats]:
        looked = pairs_of(wh, PREPARED, proposal.comparisons, a, b)
        return looked.a, looked.b, spoken(weights(fit, looked))

    a, b = pairs.a, pairs.b
    label = cluster(a, b, weight, spoken(weight), proposal.rows, threshold, _FLOOR)
    return gather(label, a, b, weight, threshold, _FLOOR, judge)


def best_threshold(weight: Floats) -> float:
    """The match weight at which the expected F1 over pairs is best, from their chances alone.

    At the optimum the chance is half of that F1 (Lipton, Elkan and Naryanaswamy 2014).
    """
    if not len(weight):
        return 0.0
    order = np.sort(weight)[::-1]
    chance = 1 / (1 + np.exp2(-np.clip(order, -60, 60)))
    f1 = 2 * np.cumsum(chance) / (np.arange(1, len(order) + 1) + chance.sum())
    half = float(np.clip(f1.max() / 2, 0.05, 0.5))
    return round(float(np.log2(half / (1 - half))), 6)


def _closed(wh: Warehouse, proposal: Proposal, fit: Fit, pairs: Pairs) -> tuple[Pairs, Floats]:
    """The pairs worth keeping, and those between records that others connect, weighed too."""
    rows = proposal.rows
    weight = weights(fit, pairs)
    near = weight > _HOPELESS
    pairs, weight = take(pairs, near), weight[near]
    strong = weight >= 0
    part = components(pairs.a[strong], pairs.b[strong], rows)
    a, b = _inside(part)
    known = pairs.a * rows + pairs.b
    new = ~np.isin(a * rows + b, known)
    if not new.any():
        return pairs, weight
    more = pairs_of(wh, PREPARED, proposal.comparisons, a[new], b[new])
    both = Pairs(
        np.concatenate([pairs.a, more.a]), np.concatenate([pairs.b, more.b]),
        np.concatenate([pairs.levels, more.levels]), np.concatenate([pairs.share, more.share]),
    )  # fmt: skip
    return both, np.concatenate([weight, weights(fit, more)])


def _inside(part: Ints) -> tuple[Ints, Ints]:
    """All pairs within each component of moderate size."""
    order = np.argsort(part, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(part[order]) != 0])
    sizes = np.diff(np.r_[starts, len(order)])
    found_a, found_b = [], []
    for size in np.unique(sizes):
        if 2 < size <= _LARGEST_CLOSED:
            members = order[starts[sizes == size][:, None] + np.arange(size)]
            members.sort(axis=1)
            i, j = np.triu_indices(int(size), 1)
            found_a.append(members[:, i].ravel())
            found_b.append(members[:, j].ravel())
    if not found_a:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate(found_a), np.concatenate(found_b)
