"""Which identifiers are shared, for everybody at once: component.shared_names by columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from visavis.core.nouns import IdentifierKind
from visavis.core.parts import Ints, Mask, each, lower, take, tally, where, width
from visavis.unify.component import ALIAS, JOINED, ONCE, SAME, bound_of

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
        chosen = np.array([name in rules for name in self.rules], dtype=bool)
        return chosen[self.rule] if chosen.any() else np.zeros(len(self.rule), dtype=bool)


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
    joined = graph.by({JOINED})
    of_class = _kind_of_class(graph, kinds, account)
    marked = np.zeros(graph.size, dtype=bool)
    for strong, parts in _counted(graph, kinds, joined).items():
        bounds = np.maximum(kinds.bounds[:, strong], 0)
        one, other = _many(parts, account, bounds, of_class)
        marked[_too_many(one, other, bounds[of_class[one]])] = True
    by_hand = np.flatnonzero(joined)
    for end in (graph.a[by_hand], graph.b[by_hand]):
        marked[end if account is None else account[end]] = False
    return marked if account is None else marked[account]


_Part = tuple[Ints, Ints, Ints]
"""Rows of the evidence, and of all of it the ends that may be shared and the strong ones."""


def _counted(graph: Graph, kinds: Kinds, joined: Mask) -> dict[int, list[_Part]]:
    """By strong kind the evidence that counts, which depends on the kinds of both ends alone."""
    count, a, b = len(kinds.names), graph.a, graph.b
    pair = np.empty(len(a), dtype=np.int16 if count < 128 else np.int32)

    def code(part: slice) -> Ints:
        kind = graph.kind[a[part]].astype(pair.dtype) * count + graph.kind[b[part]]
        pair[part] = np.where(joined[part], count * count, kind)
        return np.bincount(pair[part], minlength=count * count + 1)

    there: Ints = sum(each(len(a), code), start=np.zeros(count * count + 1, dtype=np.int64))
    found: dict[int, list[_Part]] = {}
    for known in np.flatnonzero(there[:-1]).tolist():
        one, other = divmod(known, count)
        of_a, of_b = kinds.bounds[one, other] >= 0, kinds.bounds[other, one] >= 0
        if not (of_a or of_b):
            continue
        rows = where(len(a), lambda part, known=known: pair[part] == known)  # type: ignore[misc]
        if of_a:
            found.setdefault(other, []).append((rows, a, b))
        if of_b:
            found.setdefault(one, []).append((rows, b, a))
    return found


def _many(
    parts: Sequence[_Part], account: Ints | None, bounds: Ints, of_class: Ints
) -> tuple[Ints, Ints]:
    """Both ends, by their classes, of the evidence of those that have more of it than they may
    have ids: most have not."""
    number = np.zeros(len(of_class), dtype=np.int32)
    held = []
    for rows, one, other in parts:
        ends = [take(end, rows) for end in (one, other)]
        held.append(ends if account is None else [take(account, end) for end in ends])
    for one, _ in held:
        number += tally(one, len(number))
    many = number > bounds[of_class]
    chosen = [where(len(one), lambda part, one=one: many[one[part]]) for one, _ in held]  # type: ignore[misc]
    one, other = (
        np.concatenate([ends[i][at] for ends, at in zip(held, chosen, strict=True)]) for i in (0, 1)
    )
    return one, other


def _kind_of_class(graph: Graph, kinds: Kinds, account: Ints | None) -> Ints:
    """Of each class the first of its kinds by name, whose bounds hold for all of it."""
    if account is None:
        return graph.kind
    by_name = np.argsort(np.array(kinds.names, dtype=object))
    first = np.full(graph.size, len(kinds.names) - 1, dtype=np.int64)
    np.minimum.at(first, account, np.argsort(by_name)[graph.kind])
    answer: Ints = by_name[first]
    return answer


def _too_many(one: Ints, other: Ints, most: Ints) -> Ints:
    """Those that have more than `most` different others."""
    order = np.lexsort((other, one))
    one, other, most = one[order], other[order], most[order]
    new = np.r_[True, (np.diff(one) != 0) | (np.diff(other) != 0)][: len(one)]
    one, most = one[new], most[new]
    starts = np.flatnonzero(np.r_[True, np.diff(one) != 0][: len(one)])
    ids = np.diff(np.r_[starts, len(one)])
    answer: Ints = one[starts[ids > most[starts]]]
    return answer


def labels(size: int, a: Ints, b: Ints) -> Ints:
    """The connected component of each of `size` positions, numbered from 0 on without gaps."""
    # everybody points to the least neighbour that is less than themselves: along pointers numbers
    # fall, so nothing goes round, and what leads to one end hangs together
    least: Ints = np.arange(size, dtype=width(size))
    lower(least, a, b)
    lower(least, b, a)

    def shorten(part: slice) -> bool:
        after = least[least[part]]
        moved = not np.array_equal(after, least[part])
        least[part] = after
        return moved

    while any(each(size, shorten)):
        pass
    ends = np.zeros(size, dtype=bool)
    ends[where(size, lambda part: least[part] == np.arange(part.start, part.stop))] = True
    number: Ints = np.cumsum(ends, dtype=width(size)) - 1
    number = take(number, least)
    # few are left that join two of those
    open_ones = where(len(a), lambda part: number[a[part]] != number[b[part]])
    if len(open_ones):
        found = _components(int(ends.sum()), number[a[open_ones]], number[b[open_ones]])
        number = take(found, number)
    return number


def _components(size: int, a: Ints, b: Ints) -> Ints:
    ones = np.ones(len(a), dtype=np.int8)
    graph = coo_array((ones, (a.astype(np.int32), b.astype(np.int32))), shape=(size, size))
    _, found = connected_components(graph, directed=False)
    return np.asarray(found, dtype=np.int32)
