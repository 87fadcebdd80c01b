"""Who is who, one change at a time: the same people as a build makes of the same evidence.

A change works out again only the component it touches. A shared identifier joins nothing and so
bounds components: a kiosk seen with a million accounts costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from visavis.core.nouns import IdentifierKind
from visavis.unify.component import (
    JOINED,
    MOST,
    ONCE,
    SILENT,
    Refused,
    Resolution,
    accounts,
    bound_of,
    counts_once,
    edge_priority,
    may_bite,
    resolve,
)
from visavis.unify.rules import Edge, Name, Seen, choice_order

LARGEST = 10_000
"""Identifiers of a component above which the published answer stands and the case is queued."""
_PLAIN = IdentifierKind("")
_Choice = tuple[bool, int, int, str, str]
_Pieces = tuple[tuple[str, int], ...]


class _Link:
    """All evidence between two identifiers under one rule; `pieces` are (source, first seen)."""

    __slots__ = ("a", "b", "edge", "pieces", "rule")

    def __init__(self, a: Name, b: Name, rule: str) -> None:
        self.a, self.b, self.rule = a, b, rule
        self.pieces: _Pieces = ()
        self.edge: Edge

    def say(self, source: str, first_seen: int | None, kinds: Mapping[str, IdentifierKind]) -> None:
        """Takes in what a source knows: when it first saw both, None for nothing any more."""
        self.pieces = _said(self.pieces, source, first_seen)
        if self.pieces:
            first = min(ms for _, ms in self.pieces)
            self.edge = Edge(self.a, self.b, self.rule, edge_priority(self.a, self.b, kinds), first)


def _said(pieces: _Pieces, source: str, first_seen: int | None) -> _Pieces:
    if first_seen is not None:
        for known, ms in pieces:
            if known == source and ms < first_seen:
                first_seen = ms
    rest = tuple(piece for piece in pieces if piece[0] != source)
    return rest if first_seen is None else (*rest, (source, first_seen))


def _drop(held: dict[Name, list[_Link]], name: Name, link: _Link) -> None:
    found = held.get(name)
    if found is None:
        return
    if found[-1] is link:  # the latest is taken back most often, and lists can be long
        found.pop()
    elif link in found:
        found.remove(link)
    if not found:
        del held[name]


class Who:
    """Evidence held in memory, and the person of every identifier.

    Not safe for several writers at once. Times are UTC ms.
    """

    def __init__(
        self,
        kinds: Mapping[str, IdentifierKind],
        most: int = MOST,
        largest: int = LARGEST,
    ) -> None:
        self.kinds, self.most, self.largest = kinds, most, largest
        self.queued: set[Name] = set()
        self._sightings: dict[Name, _Pieces] = {}
        self._choice: dict[Name, _Choice] = {}
        self._links: dict[Name, list[_Link]] = {}
        self._one: dict[Name, list[_Link]] = {}
        self._hand: dict[Name, list[_Link]] = {}
        self._apart: dict[Name, set[Name]] = {}
        self._shared: set[Name] = set()
        self._person: dict[Name, Name] = {}

    def person_of(self, name: Name) -> Name | None:
        """The identifier that names the person who holds `name`; None for nobody's and unseen."""
        return self._person.get(name)

    def identifiers_of(self, name: Name) -> list[Name]:
        """All identifiers of the person who holds `name`."""
        person = self._person.get(name)
        if person is None:
            return []
        reached = self._reach(name) or set()
        return sorted(n for n in reached if self._person.get(n) == person)

    def refused_of(self, name: Name) -> list[Refused]:
        """Evidence about the component of `name` that joins nothing, and the guard that says so."""
        names = self._reach(name) if name in self._choice else None
        if not names:
            return []
        edges = {id(x): x.edge for n in names for x in self._links.get(n, ())}
        names |= {n for m in names for n in self._ends(m) if n in self._choice}
        return self._resolved(names, edges.values(), names & self._shared).refused

    def see(self, name: Name, first_seen: int, source: str = "") -> None:
        """An identifier was seen; only the earliest moment of each source counts."""
        known = self._sightings.get(name)
        self._sightings[name] = pieces = _said(known or (), source, first_seen)
        if known is not None and min(ms for _, ms in known) <= first_seen:
            return
        self._choose(name, pieces)
        if known is None and name in self._links:
            self._changed_class((name,))
        else:
            self._settle((name,))

    def unsee(self, name: Name, source: str = "") -> None:
        """A source takes back that it saw an identifier."""
        pieces = _said(self._sightings.get(name, ()), source, None)
        if pieces:
            self._sightings[name] = pieces
            self._choose(name, pieces)
            self._settle((name,))
        elif self._sightings.pop(name, None) is not None:
            around = self._ends(name)
            del self._choice[name]
            self._person.pop(name, None)
            self._changed_class((name, *around))

    def add(self, a: Name, b: Name, rule: str, first_seen: int, source: str = "") -> None:
        """A piece of evidence: two identifiers seen together. One with itself says nothing."""
        if a == b or rule in SILENT:
            return
        if a > b:
            a, b = b, a
        link = self._find(a, b, rule)
        if link is None:
            link = _Link(a, b, rule)
            link.say(source, first_seen, self.kinds)
            for name in (a, b):
                self._links.setdefault(name, []).append(link)
                if counts_once(link.edge, self.kinds):
                    self._one.setdefault(name, []).append(link)
                if rule == JOINED:
                    self._hand.setdefault(name, []).append(link)
        else:
            before = link.edge.first_seen
            link.say(source, first_seen, self.kinds)
            if link.edge.first_seen == before:
                return
        self._changed(link)

    def withdraw(self, a: Name, b: Name, rule: str, source: str = "") -> None:
        """Takes a piece of evidence away; what it joined comes apart."""
        if a > b:
            a, b = b, a
        link = self._find(a, b, rule)
        if link is None:
            return
        before = link.edge
        link.say(source, None, self.kinds)
        if link.pieces:
            if link.edge != before:
                self._changed(link)
            return
        for name in (a, b):
            for held in (self._links, self._one, self._hand):
                _drop(held, name, link)
        self._changed(link)

    def split(self, a: Name, b: Name) -> None:
        """Somebody says that these two are not one person."""
        self._apart.setdefault(a, set()).add(b)
        self._apart.setdefault(b, set()).add(a)
        self._changed_class((a, b))

    def unsplit(self, a: Name, b: Name) -> None:
        """Takes a split back."""
        for one, other in ((a, b), (b, a)):
            self._apart.get(one, set()).discard(other)
            if not self._apart.get(one, True):
                del self._apart[one]
        self._changed_class((a, b))

    def settle_queued(self) -> None:
        """Works out what was queued, whatever its size, as the next build does."""
        largest, self.largest = self.largest, len(self._choice) + 1
        self._settle(self.queued)
        self.queued, self.largest = set(), largest

    def _choose(self, name: Name, pieces: _Pieces) -> None:
        first = min(ms for _, ms in pieces)
        self._choice[name] = choice_order(Seen(*name, first), self.kinds)

    def _find(self, a: Name, b: Name, rule: str) -> _Link | None:
        mine, theirs = self._links.get(a, ()), self._links.get(b, ())
        for link in mine if len(mine) < len(theirs) else theirs:
            if link.a == a and link.b == b and link.rule == rule:
                return link
        return None

    def _ends(self, name: Name) -> list[Name]:
        return [x.b if x.a == name else x.a for x in self._links.get(name, ())]

    def _changed(self, link: _Link) -> None:
        if link.rule in ONCE and counts_once(link.edge, self.kinds):
            self._changed_class((link.a, link.b))
            return
        touched: set[Name] = set()
        for name in (link.a, link.b):
            if not self.kinds.get(name[0], _PLAIN).unique:
                touched |= self._class_of(name)
        self._settle((link.a, link.b) if not touched else (link.a, link.b, *self._turn(touched)))

    def _changed_class(self, names: Iterable[Name]) -> None:
        """Classes may have changed: what is shared among and around them is told over again."""
        classes = {n for name in names for n in self._class_of(name, whole=True)}
        around = {n for name in classes for n in self._ends(name)} | classes
        touched = {n for name in around for n in self._class_of(name, whole=True)}
        self._settle((*classes, *self._turn(touched)))

    def _turn(self, names: Iterable[Name]) -> set[Name]:
        """Tells anew which of the names are shared; those that turned, and their neighbours."""
        turned: set[Name] = set()
        for name in names:
            if self._is_shared(name) != (name in self._shared):
                self._shared ^= {name}
                turned |= {name, *self._ends(name)}
        return turned

    def _is_shared(self, name: Name) -> bool:
        if name not in self._choice:
            return False
        same = self._class_of(name)
        if any(self._joined(member) for member in same):
            return False
        plain = self.kinds.get(min(same)[0], _PLAIN)
        linked: dict[str, set[Name]] = {}
        for member in same:
            kind = self.kinds.get(member[0], _PLAIN)
            # ends at the first id too many: a kiosk may have a million links
            for link in self._links.get(member, ()):
                other = link.b if link.a == member else link.a
                strong = self.kinds.get(other[0], _PLAIN)
                if other in self._choice and bound_of(kind, strong) is not None:
                    ids = linked.setdefault(other[0], set())
                    ids.add(min(self._class_of(other)))
                    if len(ids) > (bound_of(plain, strong) or 0):
                        return True
        return False

    def _joined(self, name: Name) -> bool:
        """Whether somebody joined a name to another one that is seen."""
        return any(
            (link.b if link.a == name else link.a) in self._choice
            for link in self._hand.get(name, ())
        )

    def _class_of(self, name: Name, whole: bool = False) -> set[Name]:
        """What counts as one identifier with `name`; `whole`: whatever splits say of it."""
        if name not in self._one:
            return {name}
        found, stack = {name}, [name]
        while stack:
            for link in self._one.get(one := stack.pop(), ()):
                other = link.b if link.a == one else link.a
                if other not in found and (whole or other in self._choice):
                    found.add(other)
                    stack.append(other)
        if whole or not self._apart or self._apart.keys().isdisjoint(found):
            return found
        edges = {id(x): x.edge for n in found for x in self._one[n]}
        told = accounts(found, edges.values(), self.kinds, self._splits(found))
        return {n for n in found if told[n] == told[name]}

    def _splits(self, names: set[Name]) -> list[tuple[Name, Name]]:
        return [(a, b) for a in names for b in self._apart.get(a, ()) if a < b and b in names]

    def _reach(self, name: Name) -> set[Name] | None:
        """Everything that evidence may join to `name`; None where that is too much."""
        if name in self._shared:
            return {name}
        links, choice, shared, most = self._links, self._choice, self._shared, self.largest
        found, stack = {name}, [name]
        while stack:
            one = stack.pop()
            for link in links.get(one, ()):
                other = link.b if link.a is one or link.a == one else link.a
                if other not in found and other in choice and other not in shared:
                    found.add(other)
                    stack.append(other)
            if len(found) > most:
                return None
        return found

    def _settle(self, starts: Iterable[Name]) -> None:
        """Works out the components that hold `starts`."""
        done: set[Name] = set()
        for name in starts:
            if name in done or name not in self._choice:
                continue
            if name in self._shared:
                self._person.pop(name, None)
                continue
            found = self._reach(name)
            if found is None:
                self._person.setdefault(name, name)
                self.queued.add(name)
                continue
            done |= found
            self._answer(found)

    def _answer(self, names: set[Name]) -> None:
        apart = self._apart and not self._apart.keys().isdisjoint(names)
        if not apart and not may_bite(self.kinds, names, self.most):
            self._person.update(dict.fromkeys(names, min(names, key=self._choice.__getitem__)))
            return
        edges = [
            x.edge for n in names for x in self._links.get(n, ()) if x.a == n and x.b in names
        ]  # fmt: skip
        for members in self._resolved(names, edges, ()).groups().values():
            best = min(members, key=self._choice.__getitem__)
            self._person.update(dict.fromkeys(members, best))

    def _resolved(
        self, names: set[Name], edges: Iterable[Edge], shared: Iterable[Name]
    ) -> Resolution:
        return resolve(names, edges, self.kinds, self._splits(names), self.most, set(shared))
