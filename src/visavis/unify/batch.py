"""Who is who for everybody: the lake's identifiers and links in, node -> person out.

A person is numbered by the node of the identifier that names it, so where nothing was merged
person and node are the same number. Everything is a function of the evidence visible at a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from visavis.core.nouns import IdentifierKind
from visavis.core.parts import Ints, Mask, each, parts, take, tally, where, width
from visavis.unify.component import MOST, SILENT, Refused, edges_of, resolve
from visavis.unify.rules import ALWAYS, Edge, Name
from visavis.unify.shared import Graph, Kinds, accounts, labels, shared

Nodes = Ints
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
    value: pa.ChunkedArray[Any]
    first_seen: Nodes

    @classmethod
    def from_table(cls, table: pa.Table) -> Identifiers:
        """From columns node, kind, value, first_seen (ms BIGINT, null = always)."""
        first = table["first_seen"].combine_chunks().fill_null(ALWAYS)
        kinds: Any = table["kind"].dictionary_encode().combine_chunks()
        few = len(kinds.dictionary) < 2**15
        return cls(
            _ints(table["node"]),
            kinds.dictionary.to_pylist(),
            np.asarray(kinds.indices.to_numpy(), dtype=np.int16 if few else np.int32),
            table["value"],
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
            _ints(table["rule"]),
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
        self.rows, self.a, self.b = _between(seen, links)
        self.nobody = np.zeros(self.size, dtype=bool)
        self.refused: list[Refused] = []

    def solve(self) -> People:
        seen = self.seen
        person = seen.node.copy()
        if not len(self.a):
            return People(seen.node, person)
        passed = self._pass_over_shared()
        kept = ~passed
        self.group = labels(self.size, self.a[kept], self.b[kept])
        self.count = int(self.group.max()) + 1
        doubtful, whole = self._doubtful(), self._with_splits()
        # by position: solving numbers the groups anew
        for chosen, known in (
            (take(doubtful & ~whole, self.group), ()),
            (take(whole, self.group), None),
        ):
            self._solve(chosen, kept, known)
        several = tally(self.group, self.count) > 1
        members = where(self.size, lambda part: several[self.group[part]])
        names = _names(seen, members, self.group, self.count, self.policy)

        def name(part: slice) -> None:
            at = members[part]
            person[at] = seen.node[names[self.group[at]]]

        each(len(members), name)
        person[self.nobody] = NOBODY
        return People(seen.node, person, self.refused, self._row(np.flatnonzero(passed)))

    def _row(self, at: Nodes) -> Nodes:
        """Where these of the evidence stand among all links."""
        return at if self.rows is None else self.rows[at]

    def _pass_over_shared(self) -> Mask:
        """Marks shared identifiers; the evidence that touches one of them.

        Components in which somebody split something are left to be solved whole.
        """
        rule = self.links.rule if self.rows is None else self.links.rule[self.rows]
        graph = Graph(self.size, self.seen.kind, self.a, self.b, self.links.rules, rule)
        if self.splits:
            self.group = labels(self.size, self.a, self.b)
            self.count = int(self.group.max()) + 1
            free = ~self._with_splits()[self.group[self.a]]
            graph = replace(graph, a=self.a[free], b=self.b[free], rule=rule[free])
        account = accounts(graph, self.policy)
        self.nobody = shared(graph, self.policy, account)
        touched = take(self.nobody, self.a) | take(self.nobody, self.b)
        if account is not None:
            touched &= take(account, self.a) != take(account, self.b)
        return touched

    def _doubtful(self) -> Mask:
        """The groups in which a guard may refuse something."""
        group, sizes = self.group, tally(self.group, self.count)
        found: Mask = sizes > self.most
        for code, name in enumerate(self.seen.kinds):
            kind = self.kinds.get(name, _PLAIN)
            bound = 1 if kind.unique else kind.limit
            # nearly all groups are too small for any of the larger limits
            if bound is not None and (large := sizes > bound).any():
                found |= tally(group[self._of_kind(code, large)], self.count) > bound
        return found

    def _of_kind(self, code: int, groups: Mask) -> Nodes:
        """Where the identifiers of a kind are that belong to these groups."""
        kind, group = self.seen.kind, self.group
        return where(self.size, lambda part: (kind[part] == code) & groups[group[part]])

    def _with_splits(self) -> Mask:
        """The groups with identifiers that somebody said are not one person."""
        found = np.zeros(self.count, dtype=bool)
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
        chosen: Mask,
        kept: Mask,
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
        some = np.flatnonzero(kept & take(chosen, self.a))
        rows = self._row(some)
        edges = _edges(seen, self.links, self.a[some], self.b[some], rows, self.kinds)
        solution = resolve(names, edges, self.kinds, self.splits, self.most, known)
        self.refused += solution.refused
        numbers: dict[Name, int] = {}
        fresh = [numbers.setdefault(solution.root[name], len(numbers)) for name in names]
        self.group[inside] = self.count + np.array(fresh, dtype=np.int64)
        self.count += len(numbers)
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


def _between(seen: Identifiers, links: Links) -> tuple[Nodes | None, Nodes, Nodes]:
    """The links that may join something (None: all of them), and the positions of their ends."""
    a, b = positions(seen.node, links.node_a), positions(seen.node, links.node_b)
    told = np.array([rule not in SILENT for rule in links.rules], dtype=bool)
    both = (a >= 0) & (b >= 0) & (a != b)
    if not told.all():
        both &= take(told, links.rule)
    if both.all():
        return None, a, b
    rows = np.flatnonzero(both)
    return rows, a[rows], b[rows]


def positions(ids: Nodes, wanted: Nodes) -> Nodes:
    """Where each wanted number stands in `ids`, -1 where it doesn't."""
    found = np.full(len(wanted), -1, dtype=width(len(ids)))
    if not len(ids):
        return found
    low, high = int(ids.min()), int(ids.max())
    if high - low < 8 * len(ids) + 1024:  # numbers nearly without gaps are looked up, not searched
        look = _looked_up(ids, low, high, found.dtype)
    else:
        look = _searched(ids)

    def work(part: slice) -> None:
        asked = wanted[part].astype(np.int64)
        inside = (asked >= low) & (asked <= high)
        if inside.all():
            found[part] = look(asked)
        else:
            found[part][inside] = look(asked[inside])

    each(len(wanted), work)
    return found


def _looked_up(ids: Nodes, low: int, high: int, kind: Any) -> Callable[[Nodes], Nodes]:
    """Where numbers from `low` to `high` stand in ids, by a table."""

    def goes_on(part: slice) -> bool:
        return bool((np.diff(ids[part.start : part.stop + 1]) == 1).all())

    if high - low + 1 == len(ids) and all(each(len(ids), goes_on)):
        return lambda asked: asked - low
    table = np.full(high - low + 1, -1, dtype=kind)
    table[ids - low] = np.arange(len(ids), dtype=kind)
    return lambda asked: table[asked - low]


def _searched(ids: Nodes) -> Callable[[Nodes], Nodes]:
    """Where numbers stand in ids, -1 where they don't, by search."""
    order = np.argsort(ids, kind="stable")

    def look(asked: Nodes) -> Nodes:
        at = order[np.minimum(np.searchsorted(ids, asked, sorter=order), len(ids) - 1)]
        return np.where(ids[at] == asked, at, -1)

    return look


def _names(seen: Identifiers, members: Nodes, group: Nodes, count: int, policy: Kinds) -> Nodes:
    """By group the position of the member that names it (rules.choice_order).

    Groups of which no member is given have any number.
    """
    keys: tuple[Callable[[Nodes], Nodes], ...] = (
        lambda at: (~policy.unique)[seen.kind[at]].astype(np.int64),
        lambda at: seen.first_seen[at],
        lambda at: policy.priority[seen.kind[at]],
    )
    left = members
    for key in keys:
        # of those still in question the smallest: each step leaves at least one in every group
        left = _least(left, group, count, key)
    own = group[left]
    chosen = np.zeros(count, dtype=np.int64)
    chosen[own] = left
    # several may be equal in all but their values, which alone then decide
    several = left[(tally(own, count) > 1)[own]]
    if len(several):
        several = several[_by_value(seen, several, policy)][::-1]
        chosen[group[several]] = several
    return chosen


def _least(left: Nodes, group: Nodes, count: int, key: Callable[[Nodes], Nodes]) -> Nodes:
    """Those of `left` whose key is the smallest in their group."""
    least = np.full(count, _LAST)
    for part in parts(len(left)):
        np.minimum.at(least, group[left[part]].astype(np.intp), key(left[part]))

    def smallest(part: slice) -> Mask:
        held: Mask = key(left[part]) == least[group[left[part]]]
        return held

    return left[where(len(left), smallest)]


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
    return np.asarray(column.to_numpy())
