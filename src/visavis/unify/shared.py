"""Which identifiers are shared, for everybody at once: component.shared_names by columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from visavis.core.nouns import IdentifierKind
from visavis.unify.component import ALIAS, JOINED, ONCE, SAME, bound_of

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_PLAIN = IdentifierKind("")


@dataclass(frozen=True, slots=True)
class Kinds:
    """What the policy says of each kind, by its position in `names`."""

    names: Sequence[str]
    unique: Mask
    priority: Ints
    bounds: Ints
    """Of how many ids of a kind (column) one of a kind (row) may be seen with; -1: of any."""

    @classmethod
    def of(cls, names: Sequence[str], kinds: Mapping[str, IdentifierKind]) -> Kinds:
        """The columns of these kinds."""
        known = [kinds.get(name, _PLAIN) for name in names]
        bounds = [
            [-1 if (n := bound_of(k, other)) is None else n for other in known] for k in known
        ]
        return cls(
            names,
            np.array([k.unique for k in known], dtype=bool),
            np.array([k.priority for k in known], dtype=np.int64),
            np.array(bounds, dtype=np.int64).reshape(len(known), len(known)),
        )


@dataclass(frozen=True, slots=True)
class Graph:
    """Evidence between the positions `a` and `b` of `size` identifiers; `rule` is a position in
    `rules`, `kind` the position of each identifier's kind."""

    size: int
    kind: Ints
    a: Ints
    b: Ints
    rules: Sequence[str]
    rule: Ints

    def by(self, rules: frozenset[str] | set[str]) -> Mask:
        """The evidence of these rules."""
        return np.array([name in rules for name in self.rules], dtype=bool)[self.rule]


def accounts(graph: Graph, kinds: Kinds) -> Ints | None:
    """The class of each identifier (component.accounts); None where each is its own."""
    chosen = np.flatnonzero(graph.by(ONCE))
    a, b, kind = graph.a[chosen], graph.b[chosen], graph.kind
    one_kind = (kind[a] == kind[b]) & kinds.unique[kind[a]]
    plain = ~kinds.unique[kind[a]] & ~kinds.unique[kind[b]]
    same = np.where(
        graph.by({ALIAS, JOINED})[chosen], one_kind, plain & graph.by(set(SAME))[chosen]
    )
    if not same.any():
        return None
    return labels(graph.size, a[same], b[same])


def shared(graph: Graph, kinds: Kinds, account: Ints | None) -> Mask:
    """Which identifiers are linked to more ids of one strong kind than their kind allows."""
    own = account if account is not None else np.arange(graph.size)
    bounds, count = kinds.bounds.ravel(), len(kinds.names)
    of_class = _kind_of_class(graph, kinds, account).astype(np.int16)
    # each end's kind is looked up once: the look-ups are what costs
    kind_a, kind_b = (graph.kind.astype(np.int16)[end] for end in (graph.a, graph.b))
    joined = graph.by({JOINED})
    parts = []
    for one, strong, mine, theirs in (
        (graph.a, graph.b, kind_a, kind_b),
        (graph.b, graph.a, kind_b, kind_a),
    ):
        counted = np.flatnonzero((bounds >= 0)[mine * count + theirs] & ~joined)
        parts.append((own[one[counted]], theirs[counted], own[strong[counted]]))
    one, kind, strong = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    # most have no more links than they may have ids
    most = np.maximum(bounds, 0)[of_class[one] * count + kind]
    many = np.bincount(one, minlength=graph.size)[one] > most
    found = _too_many(one[many], kind[many], strong[many], most[many])
    hand = np.flatnonzero(joined)
    by_hand = np.zeros(graph.size, dtype=bool)
    by_hand[own[graph.a[hand]]] = by_hand[own[graph.b[hand]]] = True
    marked = np.zeros(graph.size, dtype=bool)
    marked[found] = True
    answer: Mask = (marked & ~by_hand)[own]
    return answer


def _kind_of_class(graph: Graph, kinds: Kinds, account: Ints | None) -> Ints:
    """Of each class the first of its kinds by name, whose bounds hold for all of it."""
    if account is None:
        return graph.kind
    by_name = np.argsort(np.array(kinds.names, dtype=object))
    first = np.full(graph.size, len(kinds.names) - 1, dtype=np.int64)
    np.minimum.at(first, account, np.argsort(by_name)[graph.kind])
    answer: Ints = by_name[first]
    return answer


def _too_many(one: Ints, kind: Ints, strong: Ints, most: Ints) -> Ints:
    order = np.lexsort((strong, kind, one))
    one, kind, strong, most = one[order], kind[order], strong[order], most[order]
    new_group = np.r_[True, (np.diff(one) != 0) | (np.diff(kind) != 0)] if len(one) else one == 1
    new_id = new_group | np.r_[True, np.diff(strong) != 0] if len(one) else new_group
    starts = np.flatnonzero(new_group)
    if not len(starts):
        return np.empty(0, dtype=np.int64)
    counts = np.add.reduceat(new_id.astype(np.int64), starts)
    answer: Ints = np.unique(one[starts][counts > most[starts]])
    return answer


def labels(size: int, a: Ints, b: Ints) -> Ints:
    """The connected component of each of `size` positions."""
    ones = np.ones(len(a), dtype=np.int8)
    graph = coo_array((ones, (a.astype(np.int32), b.astype(np.int32))), shape=(size, size))
    _, found = connected_components(graph, directed=False)
    return np.asarray(found, dtype=np.int64)
