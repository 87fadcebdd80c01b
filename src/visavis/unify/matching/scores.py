"""How good a grouping of records is, against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Pairwise precision, recall and F1 (pairs in one group), and B-cubed F1 (per record)."""

    precision: float
    recall: float
    f1: float
    b_cubed_f1: float


def pairs_of(groups: Ints) -> int:
    """How many pairs of records are in one group."""
    sizes = np.unique(groups, return_counts=True)[1]
    return int(np.sum(sizes * (sizes - 1) // 2))


def score(found: Ints, truth: Ints) -> Scores:
    """Bagga and Baldwin 1998 for B-cubed; pairwise as in Menestrina et al. 2010."""
    _, f = np.unique(found, return_inverse=True)
    _, t = np.unique(truth, return_inverse=True)
    _, at, both = np.unique(
        f.astype(np.int64) * (int(t.max(initial=0)) + 1) + t,
        return_inverse=True,
        return_counts=True,
    )
    right = int(np.sum(both * (both - 1) // 2))
    precision, recall = right / max(pairs_of(f), 1), right / max(pairs_of(t), 1)
    shared = both[at]
    p = float(np.mean(shared / np.bincount(f)[f])) if len(f) else 0.0
    r = float(np.mean(shared / np.bincount(t)[t])) if len(f) else 0.0
    return Scores(precision, recall, _f1(precision, recall), _f1(p, r))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
