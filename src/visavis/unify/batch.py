"""Who is who for everybody: the lake's identifiers and links in, node -> person out.

A person is numbered by the node of the identifier that names it, so where nothing was merged
person and node are the same number. Everything is a function of the evidence visible at a moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from visavis.core.nouns import IdentifierKind
from visavis.unify.component import MOST, SILENT, Refused, edges_of, resolve
from visavis.unify.rules import ALWAYS, Edge, Name
from visavis.unify.shared import Graph, Kinds, accounts, labels, shared

Nodes = npt.NDArray[np.int64]
_PLAIN = IdentifierKind("")
_LAST = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Visible identifiers as parallel columns; `kind` is a position in `kinds`.

    `first_seen` is in ms, ALWAYS for records without a time.
    """

    node: Nodes
    kinds: list[str]
    kind: Nodes
    value: pa.Array[Any]
    first_seen: Nodes

    @classmethod
    def from_table(cls, table: pa.Table) -> Identifiers:
        """From columns node, kind, value, first_seen (ms BIGINT, null = always)."""
        first = table["first_seen"].combine_chunks().fill_null(ALWAYS)
        kinds: Any = table["kind"].combine_chunks().dictionary_encode()
        return cls(
            _ints(table["node"]),
            kinds.dictionary.to_pylist(),
            np.asarray(kinds.indices.to_numpy(zero_copy_only=False), dtype=np.int64),
            table["value"].combine_chunks(),
            np.asarray(first.to_numpy(zero_copy_only=False), dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class Links:
    """Evidence as parallel columns: both ends' nodes, the rule, first seen (ms, or ALWAYS)."""

    node_a: Nodes
    node_b: Nodes
    rules: list[str]
    rule: Nodes
    first_seen: Nodes

    @classmethod
    def from_table(cls, table: pa.Table, rules: list[str]) -> Links:
        """From node_a, node_b, rule (a position in `rules`), first_seen (ms, null = always)."""
        first = table["first_seen"].combine_chunks().fill_null(ALWAYS)
        return cls(
            _ints(table["node_a"]),
            _ints(table["node_b"]),
            rules,
            np.asarray(_ints(table["rule"]), dtype=np.int64),
            np.asarray(first.to_numpy(zero_copy_only=False), dtype=np.int64),
        )


@dataclass(frozen=True, slots=True)
class People:
    """The answer, parallel to the identifiers: each node's person (a node number too).

    A shared identifier belongs to nobody: its person is NOBODY. `refused` is evidence that joins
    nothing, each with the guard that says so; so are the links at `passed`, as one end is shared.
    """

    node: Nodes
    person: Nodes
    refused: list[Refused] = field(default_factory=list)
    passed: Nodes = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def merged(self) -> bool:
        """Whether any identifier's person is not its own node."""
        return not bool(np.array_equal(self.node, self.person))


NOBODY = -1
"""The person of a shared identifier."""


def who_is_who(
    seen: Identifiers,
    links: Links,
    kinds: Mapping[str, IdentifierKind],
    splits: Sequence[tuple[Name, Name]] = (),
    most: int = MOST,
) -> People:
    """Joins what the evidence joins, within the guards, and names each person by one of its nodes.

    Shared identifiers are told for everybody at once; where no guard can refuse anything a
    component of the others is one person, the rest is solved edge by edge (see component). Links
    that touch an identifier which isn't visible join nothing.
    """
    return _Batch(seen, links, kinds, splits, most).solve()


class _Batch:
    """One answer in the making; `group` numbers the people of all positions."""

    def __init__(
        self,
        seen: Identifiers,
        links: Links,
        kinds: Mapping[str, IdentifierKind],
        splits: Sequence[tuple[Name, Name]],
        most: int,
    ) -> None:
        self.seen, self.links, self.kinds = seen, links, kinds
        self.splits, self.most = splits, most
        self.size = len(seen.node)
        self.policy = Kinds.of(seen.kinds, kinds)
        told = np.array([rule not in SILENT for rule in links.rules], dtype=bool)
        a, b = positions(seen.node, links.node_a), positions(seen.node, links.node_b)
        both = (a >= 0) & (b >= 0) & (a != b) & (told[links.rule] if len(told) else True)
        self.rows = np.flatnonzero(both)
        self.a, self.b = a[self.rows], b[self.rows]
        self.nobody = np.zeros(self.size, dtype=bool)
        self.refused: list[Refused] = []

    def solve(self) -> People:
        person = self.seen.node.copy()
        if not len(self.rows):
            return People(self.seen.node, person)
        passed = self._pass_over_shared()
        kept = ~passed
        self.group = labels(self.size, self.a[kept], self.b[kept])
        doubtful = self._doubtful()
        whole = self._with_splits()
        # by position: solving numbers the groups anew
        for chosen, known in (((doubtful & ~whole)[self.group], ()), (whole[self.group], None)):
            self._solve(chosen, kept, known)
        members = np.flatnonzero(np.bincount(self.group)[self.group] > 1)
        if len(members):
            group = _dense(self.group[members])
            person[members] = self.seen.node[_names(self.seen, members, group, self.policy)]
        person[self.nobody] = NOBODY
        return People(self.seen.node, person, self.refused, self.rows[passed])

    def _pass_over_shared(self) -> npt.NDArray[np.bool_]:
        """Marks shared identifiers; the evidence that touches one of them.

        Components in which somebody split something are left to be solved whole.
        """
        graph = Graph(
            self.size, self.seen.kind, self.a, self.b, self.links.rules, self.links.rule[self.rows]
        )
        if self.splits:
            self.group = labels(self.size, self.a, self.b)
            free = ~self._with_splits()[self.group[self.a]]
            graph = replace(
                graph, a=self.a[free], b=self.b[free], rule=self.links.rule[self.rows[free]]
            )
        account = accounts(graph, self.policy)
        self.nobody = shared(graph, self.policy, account)
        touched: npt.NDArray[np.bool_] = self.nobody[self.a] | self.nobody[self.b]
        if account is not None:
            touched &= account[self.a] != account[self.b]
        return touched

    def _doubtful(self) -> npt.NDArray[np.bool_]:
        """The groups in which a guard may refuse something."""
        group, seen = self.group, self.seen
        count = int(group.max()) + 1
        found = np.bincount(group, minlength=count) > self.most
        for code, name in enumerate(seen.kinds):
            kind = self.kinds.get(name, _PLAIN)
            bound = 1 if kind.unique else kind.limit
            if bound is not None:
                found |= np.bincount(group[seen.kind == code], minlength=count) > bound
        return found

    def _with_splits(self) -> npt.NDArray[np.bool_]:
        """The groups with identifiers that somebody said are not one person."""
        found = np.zeros(int(self.group.max()) + 1, dtype=bool)
        if self.splits:
            kinds, values = zip(*{name for pair in self.splits for name in pair}, strict=True)
            likely = np.asarray(pc.is_in(self.seen.value, pa.array(values, pa.string())))
            wanted = set(zip(kinds, values, strict=True))
            places = np.flatnonzero(likely)
            for at, name in zip(places.tolist(), _names_at(self.seen, places), strict=True):
                if name in wanted:
                    found[self.group[at]] = True
        return found

    def _solve(
        self,
        chosen: npt.NDArray[np.bool_],
        kept: npt.NDArray[np.bool_],
        known: Sequence[Name] | None,
    ) -> None:
        """Solves the groups at the chosen positions edge by edge.

        `known` are their shared names, None: not told.
        """
        if not chosen.any():
            return
        seen = self.seen
        inside = np.flatnonzero(chosen)
        names = _names_at(seen, inside)
        some = kept & chosen[self.a]
        edges = _edges(seen, self.links, self.a[some], self.b[some], self.rows[some], self.kinds)
        solution = resolve(names, edges, self.kinds, self.splits, self.most, known)
        self.refused += solution.refused
        numbers: dict[Name, int] = {}
        fresh = [numbers.setdefault(solution.root[name], len(numbers)) for name in names]
        first = int(self.group.max()) + 1
        self.group[inside] = first + np.array(fresh, dtype=np.int64)
        if solution.shared:
            self.nobody[inside] |= np.array([name in solution.shared for name in names])


def _edges(
    seen: Identifiers,
    links: Links,
    a: Nodes,
    b: Nodes,
    rows: Nodes,
    kinds: Mapping[str, IdentifierKind],
) -> list[Edge]:
    rules, first = links.rule[rows].tolist(), links.first_seen[rows].tolist()
    ends = zip(_names_at(seen, a), _names_at(seen, b), rules, first, strict=True)
    return edges_of([(one, other, links.rules[rule], ms) for one, other, rule, ms in ends], kinds)


def _names_at(seen: Identifiers, at: Nodes) -> list[Name]:
    """The identifiers at these positions."""
    values = seen.value.take(pa.array(at, pa.int64())).to_pylist()
    codes = seen.kind[at].tolist()
    return [(seen.kinds[code], str(value)) for code, value in zip(codes, values, strict=True)]


def positions(ids: Nodes, wanted: Nodes) -> Nodes:
    """Where each wanted number stands in `ids`, -1 where it doesn't."""
    if not len(ids):
        return np.full(len(wanted), -1, dtype=np.int64)
    low, high = int(ids.min()), int(ids.max())
    inside = (wanted >= low) & (wanted <= high)
    if high - low < 8 * len(ids) + 1024:
        # numbers nearly without gaps: looked up, not searched
        table = np.full(high - low + 1, -1, dtype=np.int64)
        table[ids - low] = np.arange(len(ids))
        return np.where(inside, table[np.where(inside, wanted - low, 0)], -1)
    order = np.argsort(ids, kind="stable")
    at = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
    return np.where(ids[order[at]] == wanted, order[at], -1)


def _dense(labels: Nodes) -> Nodes:
    """The labels numbered from 0 on, without gaps."""
    there = np.zeros(int(labels.max()) + 1, dtype=bool)
    there[labels] = True
    numbers: Nodes = (np.cumsum(there) - 1)[labels]
    return numbers


def _names(seen: Identifiers, members: Nodes, group: Nodes, policy: Kinds) -> Nodes:
    """For each member the position of the member that names its group (rules.choice_order)."""
    kind, first = seen.kind[members], seen.first_seen[members]
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    best = np.ones(len(members), dtype=bool)
    for key in (~policy.unique[kind], first, policy.priority[kind]):
        # of those still in question the smallest: each step leaves at least one in every group
        held = np.where(best, key.astype(np.int64), _LAST)
        best &= held == np.minimum.reduceat(held[order], starts)[group]
    left = np.flatnonzero(best)
    chosen = np.empty(len(starts), dtype=np.int64)
    chosen[group[left]] = left
    # several may be equal in all but their values, which alone then decide
    several = left[np.bincount(group[left])[group[left]] > 1]
    if len(several):
        several = several[_by_value(seen, members[several], policy)][::-1]
        chosen[group[several]] = several
    answer: Nodes = members[chosen[group]]
    return answer


def _by_value(seen: Identifiers, at: Nodes, policy: Kinds) -> Nodes:
    """The order of these identifiers by value, then kind."""
    columns = {
        "value": seen.value.take(pa.array(at, pa.int64())),
        "kind": pa.array(policy.names, pa.string()).take(pa.array(seen.kind[at], pa.int64())),
    }
    order = pc.sort_indices(
        pa.table(columns), sort_keys=[("value", "ascending"), ("kind", "ascending")]
    )
    return np.asarray(order.to_numpy(), dtype=np.int64)


def _ints(column: pa.ChunkedArray[Any]) -> Nodes:
    return np.asarray(column.to_numpy(), dtype=np.int64)
