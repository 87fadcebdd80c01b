"""From weighted pairs to people: best links first, and no chain of weak links.

Two groups become one when their best link reaches the threshold and the links between all their
records, taken together, do not speak against it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def components(a: Ints, b: Ints, size: int) -> Ints:
    """The connected component of each of `size` records."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def cluster(
    a: Ints, b: Ints, weight: Floats, evidence: Floats, size: int, threshold: float, floor: float
) -> Ints:
    """The group of each record, named by its smallest.

    `weight` holds a match weight (log2 odds) per pair (a, b), `evidence` the part of it that the
    pair's own fields speak, 0 for pairs not given. Links of at least `threshold` are tried from
    the strongest; groups of s and t records are joined when the mean evidence of their s * t pairs
    is at least `floor`.
    """
    strong = weight >= threshold
    part = components(a[strong], b[strong], size)
    sizes = np.bincount(part, minlength=1)
    label = _smallest(part, size)
    loose = ~_whole(part, sizes, a, b, evidence, floor)
    rows = np.flatnonzero((part[a] == part[b]) & loose[part[a]])
    if not len(rows):
        return label
    members = np.unique(np.concatenate([a[rows], b[rows]]))
    label[members] = members
    order = rows[np.argsort(part[a[rows]], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(part[a[order]]) != 0])
    for start, end in zip(starts, np.r_[starts[1:], len(order)], strict=True):
        run = order[start:end]
        _agglomerate(label, a[run], b[run], weight[run], evidence[run], threshold, floor)
    return label


def _whole(part: Ints, sizes: Ints, a: Ints, b: Ints, evidence: Floats, floor: float) -> Any:
    """Of each component: whether every pair in it speaks for one group, whatever is tried first."""
    good = (part[a] == part[b]) & (evidence >= floor)
    pairs = np.bincount(part[a[good]], minlength=len(sizes))
    return (pairs == sizes * (sizes - 1) // 2) | (sizes <= 2)


def _smallest(part: Ints, size: int) -> Ints:
    first = np.full(int(part.max(initial=-1)) + 1, size, dtype=np.int64)
    np.minimum.at(first, part, np.arange(size, dtype=np.int64))
    return np.asarray(first[part])


def _agglomerate(
    label: Ints,
    a: Ints,
    b: Ints,
    weight: Floats,
    evidence: Floats,
    threshold: float,
    floor: float,
) -> None:
    """Joins within one component, in place."""
    between: dict[int, dict[int, float]] = {}
    for x, y, e in zip(a.tolist(), b.tolist(), evidence.tolist(), strict=True):
        between.setdefault(x, {})[y] = e
        between.setdefault(y, {})[x] = e
    members = {x: [x] for x in between}
    group = {x: x for x in between}
    for i in np.lexsort((b, a, -weight)).tolist():
        if weight[i] < threshold:
            break
        x, y = group[int(a[i])], group[int(b[i])]
        if x == y or between[x][y] < floor * len(members[x]) * len(members[y]):
            continue
        keep, gone = (x, y) if len(members[x]) >= len(members[y]) else (y, x)
        for record in members[gone]:
            group[record] = keep
        members[keep] += members.pop(gone)
        del between[keep][gone]
        for other, e in between.pop(gone).items():
            if other != keep:
                total = between[keep].get(other, 0.0) + e
                between[keep][other] = between[other][keep] = total
                del between[other][gone]
    for records in members.values():
        label[records] = min(records)
