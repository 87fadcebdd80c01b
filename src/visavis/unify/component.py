"""Who is who in one component: which evidence joins, which is refused, and by which guard.

A pure function of the evidence and the policy. The order in which evidence is taken depends on the
evidence alone (class, priority, first seen, values), never on when it arrived or was last seen,
so any order of arrival gives the same people, and taking evidence away gives the former ones back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from visavis.core.nouns import IdentifierKind
from visavis.unify.rules import Edge, Name

ALIAS, JOINED, UNCONFIRMED = "alias", "joined by hand", "unconfirmed"
FORGOTTEN = "forgotten"
MATCH = "match"
SILENT = frozenset({UNCONFIRMED, FORGOTTEN, "match refused"})
"""Rules of evidence that is shown and joins nothing."""
SAME_VALUE, HASH_OF = "same value", "hash of"
SAME = (SAME_VALUE, HASH_OF)
"""Rules between identifiers that are one, written differently."""
MOST = 1_000
"""Identifiers of one person at most: what would grow further is refused."""
_PLAIN = IdentifierKind("")
ONCE = frozenset({ALIAS, JOINED, *SAME})
_RANK = attrgetter("rank")


@dataclass(frozen=True, slots=True)
class Refused:
    """Evidence that joins nothing, and the guard that says so: shared, unique, limit, split, size.

    `detail` is the kind the guard is about.
    """

    edge: Edge
    guard: str
    detail: str = ""


@dataclass(slots=True)
class Resolution:
    """The people of a component: `root` of each identifier; equal roots are one person."""

    root: dict[Name, Name]
    shared: set[Name] = field(default_factory=set)
    refused: list[Refused] = field(default_factory=list)
    kept: list[Edge] = field(default_factory=list)

    def groups(self) -> dict[Name, list[Name]]:
        """The identifiers of each person, by root."""
        found: dict[Name, list[Name]] = {}
        for name, root in self.root.items():
            found.setdefault(root, []).append(name)
        return found


def resolve(
    names: Iterable[Name],
    edges: Iterable[Edge],
    kinds: Mapping[str, IdentifierKind],
    splits: Collection[tuple[Name, Name]] = (),
    most: int = MOST,
    shared: Collection[Name] | None = None,
) -> Resolution:
    """The people among `names`; edges that touch others are passed over.

    `splits` are pairs that somebody said are not one person. `shared`: those of the names that are
    known to be shared already, where the edges given are not all that the names have.
    """
    return _Solver(names, edges, kinds, splits, most).solve(shared)


def accounts(
    names: Iterable[Name],
    edges: Iterable[Edge],
    kinds: Mapping[str, IdentifierKind],
    splits: Collection[tuple[Name, Name]] = (),
) -> dict[Name, Name]:
    """The class of each name by its smallest member: one identifier written in several ways, or
    the ids of a unique kind that aliases make one account."""
    return _Solver(names, edges, kinds, splits, MOST).accounts()


def counts_once(edge: Edge, kinds: Mapping[str, IdentifierKind]) -> bool:
    """Whether the ends of an edge count as one identifier; no unique id is another kind's."""
    a, b = kinds.get(edge.a[0], _PLAIN), kinds.get(edge.b[0], _PLAIN)
    if edge.rule in (ALIAS, JOINED):
        return edge.a[0] == edge.b[0] and a.unique
    return edge.rule in SAME and not a.unique and not b.unique


def shared_names(
    edges: Iterable[Edge], kinds: Mapping[str, IdentifierKind], account: Mapping[Name, Name]
) -> set[Name]:
    """Non-unique identifiers linked to more ids of one strong kind than a person can have of it.

    Of a unique kind that is their own kind's `shared_after`, of another strong kind its limit. A
    count of raw links, so it is local. `account` names what is one identifier written in several
    ways, or one account under several ids: it counts once. The answer holds such names. What
    somebody joined by hand is not shared: it belongs to whom they said.
    """
    linked: dict[tuple[Name, str], set[Name]] = {}
    by_hand: set[Name] = set()
    for edge in edges:
        if edge.rule == JOINED:
            by_hand |= {account.get(edge.a, edge.a), account.get(edge.b, edge.b)}
            continue
        for one, other in ((edge.a, edge.b), (edge.b, edge.a)):
            kind, strong = kinds.get(one[0], _PLAIN), kinds.get(other[0], _PLAIN)
            if bound_of(kind, strong) is not None:
                same = account.get(one, one)
                linked.setdefault((same, other[0]), set()).add(account.get(other, other))
    return {
        one
        for (one, strong), ids in linked.items()
        if len(ids) > (bound_of(kinds.get(one[0], _PLAIN), kinds.get(strong, _PLAIN)) or 0)
        and one not in by_hand
    }


def bound_of(kind: IdentifierKind, other: IdentifierKind) -> int | None:
    """Linked to more ids of the kind `other` than this, one of `kind` is shared; None: never."""
    if kind.unique or kind.shared_after is None:
        return None
    if other.unique:
        return kind.shared_after
    if other.strong and other.limit is not None:
        return max(other.limit, kind.shared_after)
    return None


class _Solver:
    """Unites the names of one graph, by their numbers; `held` counts what a guard can stumble over.

    A live change solves a component anew, so every step of the loops is counted.
    """

    def __init__(
        self,
        names: Iterable[Name],
        edges: Iterable[Edge],
        kinds: Mapping[str, IdentifierKind],
        splits: Collection[tuple[Name, Name]],
        most: int,
    ) -> None:
        self.kinds, self.most = kinds, most
        self.names = list(dict.fromkeys(names))
        self.at = at = {name: i for i, name in enumerate(self.names)}
        self.parent = list(range(len(at)))
        self.edges = sorted(
            (e for e in edges
             if e.a in at and e.b in at and e.a != e.b and e.rule not in SILENT),
            key=_RANK,
        )  # fmt: skip
        self.size = [1] * len(at)
        self.bounds = _bounds(at, kinds)
        self.held = [{name[0]: 1} if name[0] in self.bounds else None for name in self.names]
        # by the root of a group: those that somebody keeps apart from one of its names
        self.apart: dict[int, set[int]] = {}
        for one, other in splits:
            if one in at and other in at:
                self.apart.setdefault(at[one], set()).add(at[other])
                self.apart.setdefault(at[other], set()).add(at[one])
        self.found = Resolution({})

    def solve(self, known: Collection[Name] | None) -> Resolution:
        account = self.accounts()
        if known is None:
            told = shared_names(self.edges, self.kinds, account)
            known = {name for name in self.names if account[name] in told}
        shared = self.found.shared = set(known)
        once = len(self.found.kept) > 0
        at, root, held = self.at, self._root, self.held
        free = not self.apart and len(at) <= self.most
        kept, refused = self.found.kept, self.found.refused
        for edge in self.edges:
            if once and account[edge.a] == account[edge.b]:
                continue
            if shared and (edge.a in shared or edge.b in shared):
                named = edge.a if edge.a in shared else edge.b
                refused.append(Refused(edge, "shared", named[0]))
                continue
            a, b = root(at[edge.a]), root(at[edge.b])
            if a == b:
                continue
            # where one side holds nothing that is counted, nothing can be refused
            easy = free and (held[a] is None or held[b] is None)
            guard = None if easy else self._guard(a, b)
            if guard is None:
                self._merge(a, b)
                kept.append(edge)
            else:
                refused.append(Refused(edge, guard[0], guard[1] or edge.a[0]))
        names = self.names
        self.found.root = {name: names[root(i)] for i, name in enumerate(names)}
        return self.found

    def accounts(self) -> dict[Name, Name]:
        """Unites what counts once; the smallest name of each identifier's class."""
        once = [e for e in self.edges if e.rule in ONCE and counts_once(e, self.kinds)]
        for edge in once:
            a, b = self._root(self.at[edge.a]), self._root(self.at[edge.b])
            if a != b and not self._split(a, b):
                low, high = (a, b) if self.names[a] < self.names[b] else (b, a)
                self._merge(low, high, one_account=True)
                self.found.kept.append(edge)
        if not once:
            return dict(zip(self.names, self.names, strict=True))
        return {name: self.names[self._root(i)] for i, name in enumerate(self.names)}

    def _root(self, at: int) -> int:
        parent = self.parent
        while (above := parent[at]) != at:
            parent[at] = at = parent[above]
        return at

    def _guard(self, a: int, b: int) -> tuple[str, str] | None:
        """The guard that keeps two groups apart, and the kind it is about."""
        if self.apart and self._split(a, b):
            return "split", ""
        if self.size[a] + self.size[b] > self.most:
            return "size", ""
        mine, theirs = self.held[a], self.held[b]
        if mine is None or theirs is None:
            return None
        found = ""
        for name, count in theirs.items():
            if name in mine and mine[name] + count > self.bounds[name]:
                found = min(found, name) if found else name
        if not found:
            return None
        return "unique" if self.kinds.get(found, _PLAIN).unique else "limit", found

    def _split(self, a: int, b: int) -> bool:
        """Whether somebody keeps a name of one group apart from one of the other."""
        mine, theirs = self.apart.get(a, ()), self.apart.get(b, ())
        few, far = (mine, b) if len(mine) <= len(theirs) else (theirs, a)
        return any(self._root(name) == far for name in few)

    def _merge(self, into: int, other: int, one_account: bool = False) -> None:
        self.parent[other] = into
        self.size[into] += self.size[other]
        apart = self.apart.pop(other, None)
        if apart:
            self.apart.setdefault(into, set()).update(apart)
        theirs = self.held[other]
        if theirs is None:
            return
        mine = self.held[into]
        if mine is None:
            self.held[into] = theirs
            return
        for name, count in theirs.items():
            # an account counts as one, under however many ids it is known
            mine[name] = 1 if one_account and name in mine else mine.get(name, 0) + count


def _bounds(names: Iterable[Name], kinds: Mapping[str, IdentifierKind]) -> dict[str, int]:
    """Of each kind that there is more of than one person may have: how many that is."""
    bounds = {}
    for name, count in _counts(names).items():
        kind = kinds.get(name, _PLAIN)
        bound = 1 if kind.unique else kind.limit
        if bound is not None and count > bound:
            bounds[name] = bound
    return bounds


def _counts(names: Iterable[Name]) -> dict[str, int]:
    """How many there are of each kind."""
    counts: dict[str, int] = {}
    for kind, _ in names:
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def may_bite(
    kinds: Mapping[str, IdentifierKind], names: Collection[Name], most: int = MOST
) -> bool:
    """Whether any guard but a split by hand can refuse anything in a component of these.

    Where none can, the component is one person and need not be solved edge by edge.
    """
    if len(names) > most:
        return True
    for name, count in _counts(names).items():
        kind = kinds.get(name, _PLAIN)
        if kind.unique and count > 1:
            return True
        if kind.limit is not None and count > kind.limit:
            return True
        if kind.shared_after == 0 and count:
            return True
    return False


def edge_priority(a: Name, b: Name, kinds: Mapping[str, IdentifierKind]) -> int:
    """That of the weaker kind: the larger number."""
    return max(kinds.get(a[0], _PLAIN).priority, kinds.get(b[0], _PLAIN).priority)


def edges_of(
    rows: Sequence[tuple[Name, Name, str, int]], kinds: Mapping[str, IdentifierKind]
) -> list[Edge]:
    """Edges of (a, b, rule, first_seen): one for each pair and rule, the earliest."""
    first: dict[tuple[Name, Name, str], int] = {}
    for a, b, rule, seen in rows:
        key = (min(a, b), max(a, b), rule)
        first[key] = min(first.get(key, seen), seen)
    return [
        Edge(a, b, rule, edge_priority(a, b, kinds), seen) for (a, b, rule), seen in first.items()
    ]
