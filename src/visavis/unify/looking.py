"""The person of one identifier, worked out from the evidence around it, piece by piece.

The same people as a build makes of the same evidence. What is shared is nobody's and leads
nowhere: of a kiosk seen with a million accounts only as much is looked at as shows that it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from visavis.core.nouns import IdentifierKind
from visavis.unify.component import (
    ALIAS,
    JOINED,
    MOST,
    accounts,
    bound_of,
    counts_once,
    edge_priority,
    edges_of,
    may_bite,
    resolve,
)
from visavis.unify.live import LARGEST
from visavis.unify.rules import Edge, Name, Seen, choice_order

Tie = tuple[Name, str, int]
"""Evidence as one end sees it: the other end, the rule, first seen (UTC ms)."""
_PLAIN = IdentifierKind("")
_NO_SPLITS: Mapping[Name, Collection[Name]] = {}


class Evidence(Protocol):
    """What is known at one moment; everything that joins nothing is left out."""

    def first_seen(self, name: Name) -> int | None:
        """When an identifier was first seen (UTC ms, ALWAYS without a time); None: it was not."""

    def ties(self, name: Name) -> Iterable[Tie]:
        """The evidence between it and others that were seen: what was joined by hand first, then
        best the strongest others first."""

    def same(self, name: Name) -> Iterable[Tie]:
        """Of these ties those to the same identifier written differently."""


@dataclass(frozen=True, slots=True)
class Group:
    """A person: the identifier that names it and all it has.

    `nobodys` are shared identifiers that were seen with these, `around` all that were looked at.
    """

    name: Name
    members: tuple[Name, ...]
    nobodys: tuple[Name, ...]
    around: frozenset[Name]


class TooLargeError(Exception):
    """The component is too large to be worked out for one answer."""


class Looker:
    """Looks at the evidence of one moment; remembers what it saw, so it is for one answer."""

    def __init__(
        self,
        evidence: Evidence,
        kinds: Mapping[str, IdentifierKind],
        splits: Mapping[Name, Collection[Name]] = _NO_SPLITS,
        most: int = MOST,
        largest: int = LARGEST,
    ) -> None:
        self.evidence, self.kinds, self.splits = evidence, kinds, splits
        self.most, self.largest = most, largest
        self._nobodys: dict[Name, bool] = {}
        self._classes: dict[Name, frozenset[Name]] = {}

    def find(self, name: Name) -> Group | None:
        """The person that holds an identifier; None for nobody's and for what was never seen.

        Raises TooLargeError.
        """
        if self.evidence.first_seen(name) is None or self.is_nobody(name):
            return None
        members, rows, beside = self._component(name)
        held = self._held(name, members, rows)
        naming = min(held, key=self._choice)
        nobodys = sorted({n for n, seen_with in beside.items() if held & seen_with})
        return Group(
            naming, tuple(sorted(held)), tuple(nobodys), frozenset(members | beside.keys())
        )

    def is_nobody(self, name: Name) -> bool:
        """Whether an identifier is shared, so that it belongs to nobody."""
        known = self._nobodys.get(name)
        if known is None:
            kind = self.kinds.get(name[0], _PLAIN)
            if kind.unique:
                known = self._nobodys[name] = False
            else:
                same = self._class(name)
                known = self._is_shared(same)
                self._nobodys.update(dict.fromkeys(same, known))
        return known

    def _component(
        self, start: Name
    ) -> tuple[set[Name], list[tuple[Name, Name, str, int]], dict[Name, set[Name]]]:
        members, stack = {start}, [start]
        rows: list[tuple[Name, Name, str, int]] = []
        beside: dict[Name, set[Name]] = {}
        while stack:
            one = stack.pop()
            for other, rule, first in self.evidence.ties(one):
                if self.is_nobody(other):
                    beside.setdefault(other, set()).add(one)
                    continue
                rows.append((one, other, rule, first))
                if other not in members:
                    members.add(other)
                    stack.append(other)
            if len(members) > self.largest:
                raise TooLargeError
        return members, rows, beside

    def _held(
        self, name: Name, members: set[Name], rows: list[tuple[Name, Name, str, int]]
    ) -> set[Name]:
        apart = bool(self.splits) and not self.splits.keys().isdisjoint(members)
        if not apart and not may_bite(self.kinds, members, self.most):
            return members
        found = resolve(
            members, edges_of(rows, self.kinds), self.kinds, self._splits(members), self.most, ()
        )
        return {n for n in members if found.root[n] == found.root[name]}

    def _choice(self, name: Name) -> tuple[bool, int, int, str, str]:
        first = self.evidence.first_seen(name)
        assert first is not None
        return choice_order(Seen(*name, first), self.kinds)

    def _splits(self, names: Collection[Name]) -> list[tuple[Name, Name]]:
        splits = self.splits
        return [(a, b) for a in names for b in splits.get(a, ()) if a < b and b in names]

    def _is_shared(self, same: frozenset[Name]) -> bool:
        bounded = self.kinds.get(min(same)[0], _PLAIN)
        linked: dict[str, set[Name]] = {}
        found = False
        for member in same:
            kind = self.kinds.get(member[0], _PLAIN)
            for other, rule, _ in self.evidence.ties(member):
                if rule == JOINED:
                    return False
                strong = self.kinds.get(other[0], _PLAIN)
                if found:
                    break
                if bound_of(kind, strong) is not None:
                    ids = linked.setdefault(other[0], set())
                    ids.add(min(self._class(other)))
                    found = len(ids) > (bound_of(bounded, strong) or 0)
        return found

    def _class(self, name: Name) -> frozenset[Name]:
        """What counts as one identifier with `name`."""
        known = self._classes.get(name)
        if known is not None:
            return known
        found, stack, edges = {name}, [name], []
        while stack:
            one = stack.pop()
            for other, rule, first in self._once(one):
                edge = Edge(one, other, rule, edge_priority(one, other, self.kinds), first)
                if counts_once(edge, self.kinds):
                    edges.append(edge)
                    if other not in found:
                        found.add(other)
                        stack.append(other)
        told = dict.fromkeys(found, name)
        if self.splits and not self.splits.keys().isdisjoint(found):
            told = accounts(found, edges, self.kinds, self._splits(found))
        for root in set(told.values()):
            whole = frozenset(n for n in found if told[n] == root)
            self._classes.update(dict.fromkeys(whole, whole))
        return self._classes[name]

    def _once(self, name: Name) -> Iterable[Tie]:
        """Evidence that may make two identifiers one; of a unique kind few ties are that."""
        if not self.kinds.get(name[0], _PLAIN).unique:
            return self.evidence.same(name)
        return (
            tie for tie in self.evidence.ties(name)
            if tie[1] in (ALIAS, JOINED) and tie[0][0] == name[0]
        )  # fmt: skip
