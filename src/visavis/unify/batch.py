"""Who is who for everybody: the lake's identifiers and links in, node -> person -> person_id out.

A person is numbered by the node of the identifier that names it, so where nothing was merged
person and node are the same number. Everything is a function of the evidence visible at a moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from visavis.core.nouns import IdentifierKind
from visavis.unify.component import MOST, SILENT, Refused, edges_of, resolve
from visavis.unify.rules import ALWAYS, Edge, Name, Seen, choice_order, pid_maker

Nodes = npt.NDArray[np.int64]
_PLAIN = IdentifierKind("")


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
    nothing, each with the guard that says so.
    """

    node: Nodes
    person: Nodes
    refused: list[Refused] = field(default_factory=list)

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

    Where no guard can refuse anything a component is one person; the others are solved edge by
    edge (see component). Links that touch an identifier which isn't visible join nothing.
    """
    order = np.argsort(seen.node, kind="stable")
    ids = seen.node[order]
    person = seen.node.copy()
    told = np.array([rule not in SILENT for rule in links.rules], dtype=bool)
    a, b = _positions(ids, links.node_a), _positions(ids, links.node_b)
    both = (a >= 0) & (b >= 0) & (told[links.rule] if len(told) else True)
    if not both.any():
        return People(seen.node, person)
    a, b = order[a[both]], order[b[both]]
    members, group = _groups(a, b)
    doubtful = _doubtful(seen, members, group, kinds, splits, most)
    refused: list[Refused] = []
    nobody = np.empty(0, dtype=np.int64)
    if doubtful.any():
        rows = np.flatnonzero(both)
        group, nobody, refused = _solved(
            seen, links, (a, b, rows), (members, group), doubtful, kinds, splits, most
        )
    person[members] = seen.node[_names(seen, members, group, kinds)]
    person[nobody] = NOBODY
    return People(seen.node, person, refused)


def _doubtful(
    seen: Identifiers,
    members: Nodes,
    group: Nodes,
    kinds: Mapping[str, IdentifierKind],
    splits: Sequence[tuple[Name, Name]],
    most: int,
) -> npt.NDArray[np.bool_]:
    """The components in which a guard may refuse something."""
    count = int(group.max()) + 1
    sizes = np.bincount(group, minlength=count)
    found = sizes > most
    kind_of = seen.kind[members]
    for code, name in enumerate(seen.kinds):
        kind = kinds.get(name, _PLAIN)
        bound = 1 if kind.unique else kind.limit
        if kind.shared_after == 0:
            bound = 0
        if bound is not None:
            found |= np.bincount(group[kind_of == code], minlength=count) > bound
    if splits:
        wanted = {value for pair in splits for value in pair}
        for i, at in enumerate(members.tolist()):
            if _name_of(seen, at) in wanted:
                found[group[i]] = True
    return found


def _solved(
    seen: Identifiers,
    links: Links,
    ends: tuple[Nodes, Nodes, Nodes],
    grouped: tuple[Nodes, Nodes],
    doubtful: npt.NDArray[np.bool_],
    kinds: Mapping[str, IdentifierKind],
    splits: Sequence[tuple[Name, Name]],
    most: int,
) -> tuple[Nodes, Nodes, list[Refused]]:
    """Group numbers with doubtful components solved, the shared members, the refused evidence."""
    a, b, rows = ends
    members, group = grouped
    at_group = np.full(len(seen.node), -1, dtype=np.int64)
    at_group[members] = group
    chosen = doubtful[at_group[a]]
    edges = _edges(seen, links, a[chosen], b[chosen], rows[chosen], kinds)
    inside = np.flatnonzero(doubtful[group])
    names = [_name_of(seen, at) for at in members[inside].tolist()]
    solution = resolve(names, edges, kinds, splits, most)
    fresh = group.copy()
    numbers: dict[Name, int] = {}
    first = int(group.max()) + 1
    for i, name in zip(inside.tolist(), names, strict=True):
        fresh[i] = first + numbers.setdefault(solution.root[name], len(numbers))
    nobody = [
        int(members[i])
        for i, name in zip(inside.tolist(), names, strict=True)
        if name in solution.shared
    ]
    _, dense = np.unique(fresh, return_inverse=True)
    return (
        np.asarray(dense, dtype=np.int64), np.array(nobody, dtype=np.int64), solution.refused
    )  # fmt: skip


def _edges(
    seen: Identifiers,
    links: Links,
    a: Nodes,
    b: Nodes,
    rows: Nodes,
    kinds: Mapping[str, IdentifierKind],
) -> list[Edge]:
    rules, first = links.rule[rows].tolist(), links.first_seen[rows].tolist()
    return edges_of(
        [
            (_name_of(seen, i), _name_of(seen, j), links.rules[rule], moment)
            for i, j, rule, moment in zip(a.tolist(), b.tolist(), rules, first, strict=True)
        ],
        kinds,
    )


def _name_of(seen: Identifiers, at: int) -> Name:
    return seen.kinds[seen.kind[at]], str(seen.value[at].as_py())


def _positions(ids: Nodes, wanted: Nodes) -> Nodes:
    """Where each wanted id stands in the sorted `ids`, -1 where it doesn't."""
    if len(ids) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[at] == wanted, at, -1)


def _groups(a: Nodes, b: Nodes) -> tuple[Nodes, Nodes]:
    """The linked positions and the number of the component each is in."""
    members = np.unique(np.concatenate([a, b]))
    rows, columns = np.searchsorted(members, a), np.searchsorted(members, b)
    size = len(members)
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return members, np.asarray(labels, dtype=np.int64)


def _names(
    seen: Identifiers, members: Nodes, group: Nodes, kinds: Mapping[str, IdentifierKind]
) -> Nodes:
    """For each member the position of the member that names its group (rules.choice_order)."""
    unique, priority = _of_kind(seen, members, kinds)
    first = seen.first_seen[members]
    order = np.lexsort((priority, first, ~unique, group))
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    best = order[starts]
    for tied in _ties(order, starts, np.c_[unique, first, priority]):
        best[group[tied[0]]] = min(tied, key=lambda i: _value_order(seen, int(members[i])))
    chosen: Nodes = members[best[group]]
    return chosen


def _of_kind(
    seen: Identifiers, members: Nodes, kinds: Mapping[str, IdentifierKind]
) -> tuple[npt.NDArray[np.bool_], Nodes]:
    known = [kinds.get(name, _PLAIN) for name in seen.kinds]
    unique = np.array([kind.unique for kind in known], dtype=bool)
    priority = np.array([kind.priority for kind in known], dtype=np.int64)
    return unique[seen.kind[members]], priority[seen.kind[members]]


def _ties(order: Nodes, starts: Nodes, keys: Nodes) -> list[Nodes]:
    """Groups whose best two are equal in all but their values, which alone then decide."""
    ends = np.r_[starts[1:], len(order)]
    more = ends - starts > 1
    heads, seconds = order[starts[more]], order[starts[more] + 1]
    even = np.all(keys[heads] == keys[seconds], axis=1)
    found = []
    for start, end in zip(starts[more][even], ends[more][even], strict=True):
        run = order[start:end]
        found.append(run[np.all(keys[run] == keys[run[0]], axis=1)])
    return found


def _value_order(seen: Identifiers, at: int) -> tuple[str, str]:
    name = Seen(seen.kinds[seen.kind[at]], str(seen.value[at].as_py()), 0)
    return choice_order(name, {})[3:]


def person_ids(
    seen: Identifiers, people: People, key: bytes, known: pa.Table | None = None
) -> pa.Table:
    """node, person, person_id of every node that is somebody's.

    `known` (person, person_id) saves computing again.

    `known` must come from the same key: a node never changes its kind and value.
    """
    held = people.person != NOBODY
    persons = np.unique(people.person[held])
    ids = np.full(len(persons), None, dtype=object)
    if known is not None and len(known):
        old = _ints(known["person"])
        order = np.argsort(old, kind="stable")
        at = _positions(old[order], persons)
        old_ids = known["person_id"].to_numpy()
        ids[at >= 0] = old_ids[order[at[at >= 0]]]
    _make_pids(seen, persons, ids, key)
    back = np.searchsorted(persons, people.person[held])
    person_id = pa.array(ids, type=pa.string()).take(pa.array(back, pa.int64()))
    return pa.table(
        {"node": people.node[held], "person": people.person[held], "person_id": person_id}
    )


def _make_pids(seen: Identifiers, persons: Nodes, ids: npt.NDArray[np.object_], key: bytes) -> None:
    missing = np.flatnonzero(ids == None)  # noqa: E711 - elementwise
    order = np.argsort(seen.node, kind="stable")
    at = order[_positions(seen.node[order], persons[missing])]
    make = pid_maker(key)
    values = seen.value.take(pa.array(at, pa.int64())).to_pylist()
    for i, code, value in zip(missing.tolist(), seen.kind[at].tolist(), values, strict=True):
        ids[i] = make(seen.kinds[code], str(value))


def _ints(column: pa.ChunkedArray[Any]) -> Nodes:
    return np.asarray(column.to_numpy(), dtype=np.int64)
