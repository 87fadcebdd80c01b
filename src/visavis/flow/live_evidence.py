"""The evidence of who is who this very moment: of the published build and of every event since.

As a build of any moment says: words by hand are those that the published build knew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from visavis.core.identifiers import family, hash_of, hashes_of
from visavis.core.identifiers import key_of as form_of
from visavis.core.nouns import IdentifierKind
from visavis.flow.identity_words import words_of
from visavis.store.history import Held, PublishedHistory
from visavis.store.history_file import HASHED
from visavis.store.recent import Recent
from visavis.store.recent_part import key_of
from visavis.store.words import Row
from visavis.unify.rules import Name
from visavis.unify.words import Word, in_force

NEVER, BEFORE = 1 << 62, -(1 << 62)
"""Moments that no clock shows, and before any."""
Blocked = Callable[[Name], bool]
Pair = tuple[Name, Name]
Span = tuple[int | None, int | None]
Link = tuple[Name, str]
"""Another identifier, and the rule by which it was seen together with one."""
PLAIN = IdentifierKind("")
"""What is true of kinds that nobody declared."""
_CONTACTS = ("email", "phone")
_NO_LINKS: Mapping[Link, int] = {}
_FILED = 20_000
"""Identifiers of which it is remembered that they are filed; filing one again changes nothing."""
FORM, CONFIRMED, BOT = "form", "confirmed", "bot"
"""Notes of recent events: identifiers of one comparing form, when one was confirmed, since when it
is a robot's."""


@dataclass(slots=True)
class _Words:
    """What was said by hand and holds at a moment, by identifier."""

    joins: dict[Name, list[tuple[Name, int]]] = field(default_factory=dict)
    splits: dict[Name, set[Name]] = field(default_factory=dict)
    forgotten: dict[Pair, set[str]] = field(default_factory=dict)


def _both_ways(held: dict[Name, set[Name]], a: Name, b: Name) -> None:
    held.setdefault(a, set()).add(b)
    held.setdefault(b, set()).add(a)


class LiveEvidence:
    """What speaks of identifiers, in the base and since; told of every event."""

    def __init__(
        self,
        kinds: Mapping[str, IdentifierKind],
        blocked: Blocked,
        recent: Recent,
        held: Callable[[Name], Held | None],
        history: PublishedHistory | None = None,
        words: Sequence[Row] = (),
    ) -> None:
        """`held` tells what the base knows of an identifier."""
        self.kinds, self.blocked, self.history = kinds, blocked, history
        self.recent, self.held = recent, held
        self._filed: set[Name] = set()
        self.confirming = {k.name: set(k.confirmed_by) for k in kinds.values() if k.confirmed_by}
        self._confirms = frozenset().union(*self.confirming.values())
        self._words = words_of(words)
        self._turns = sorted(
            {w.ts_ms for w in self._words}
            | {w.undone_at_ms for w in self._words if w.undone_at_ms is not None}
        )
        self._in_force: dict[int, _Words] = {}
        self._spoken_of = {name for w in self._words for name in w.pair()}

    def take(self, names: Sequence[Name], event: str, ts: int) -> set[Name]:
        """An event that names these, the strongest first; what else it may have changed."""
        also: set[Name] = set()
        for name in names:
            if family(name[0]) == "other" or name in self._filed:
                continue
            also |= self._new(name)
        for name in names if self.confirming else ():
            if event in self.confirming.get(name[0], ()):
                self._earliest(CONFIRMED, name, ts)
        return also

    def are_plain(self, names: Sequence[Name]) -> bool:
        """Whether `take` has nothing to do for any of these, whatever the event."""
        return all(family(kind) == "other" and kind not in self.confirming for kind, _ in names)

    def confirms(self, event: str) -> bool:
        """Whether events of a name confirm identifiers of any kind."""
        return event in self._confirms

    def robot(self, name: Name, ts: int) -> None:
        """An identifier that is a robot's from a moment on."""
        self._earliest(BOT, name, ts)

    def _earliest(self, what: str, name: Name, ts: int) -> None:
        key = key_of(name)
        self.recent.put(what, key, min(ts, self.recent.note(what, key) or ts))

    def since(self, what: str, name: Name) -> int | None:
        """The moment noted of an identifier since the build."""
        found: int | None = self.recent.note(what, key_of(name)) if self.recent.has(what) else None
        return found

    def _new(self, name: Name) -> set[Name]:
        """Files a new identifier under its comparing form; those that are the same."""
        kind, value = name
        if len(self._filed) >= _FILED:
            self._filed.clear()
        self._filed.add(name)
        self._file(self._key(name), name)
        if hash_of(value) and family(kind) in _CONTACTS:
            self._file((HASHED, value.lower()), name)
        return {*self.same_key(name), *self.hashes(name)} - {name}

    def _file(self, form: tuple[str, str], name: Name) -> None:
        known = self._of_form(*form)
        if name not in known:
            self.recent.put(FORM, key_of(form), [*known, name])
        if form[0] == HASHED:
            self.recent.put(FORM, HASHED, [])

    def _of_form(self, family: str, key: str) -> list[Name]:
        """The identifiers of one comparing form that were seen since the build."""
        if not self.recent.has(FORM):
            return []
        found = self.recent.note(FORM, key_of((family, key))) or ()
        return [(kind, value) for kind, value in found]

    def _key(self, name: Name) -> tuple[str, str]:
        kind, value = name
        country = self.kinds.get(kind, PLAIN).country
        return kind.split("_")[0], form_of(kind, value, country)

    def digests(self, name: Name) -> Iterable[str]:
        """The hashes (hex) under which others may know a plain e-mail or phone."""
        return hashes_of(*name, self.kinds.get(name[0], PLAIN).country)

    def same_key(self, name: Name) -> set[Name]:
        """Every identifier with one comparing form, itself among them, whenever it was seen."""
        group = self._key(name)
        found = {name, *self._of_form(*group)}
        if self.history is not None:
            found |= set(self.history.same_key(*group))
        return found

    def hashes(self, name: Name) -> set[Name]:
        """Hashes of a plain identifier, or the plain ones of a hash, whenever they were seen."""
        kind, value = name
        if family(kind) not in _CONTACTS:
            return set()
        return self._plain_of(value.lower()) if hash_of(value) else self._hashed(name)

    def _hashed(self, name: Name) -> set[Name]:
        history = self.history
        in_base = history is not None and history.has_hashes
        if not in_base and self.recent.note(FORM, HASHED) is None:
            return set()
        found: set[Name] = set()
        for digest in self.digests(name):
            found.update(self._of_form(HASHED, digest))
            if history is not None and in_base:
                found |= set(history.same_key(HASHED, digest))
        return found

    def _plain_of(self, digest: str) -> set[Name]:
        found = self.recent.by_digest(digest)
        if self.history is not None:
            for name in self.history.plain_of(digest):
                if digest in self.digests(name):
                    found.add(name)
        return found

    def news(
        self, name: Name, known: Held, seen: tuple[int, int] | None, members: Set[Name]
    ) -> Mapping[Link, int] | None:
        """What was heard since the build of an identifier of a person with these, seen since from
        when to when, and the build does not know: what it was seen together with, and when first.
        None where more may be new than that."""
        if name in self._spoken_of:
            return None
        links = _NO_LINKS if seen is None else self._new_links(name, known, seen[0])
        if links is None or family(name[0]) == "other":
            return links
        if self.recent.has(FORM) and not members >= set(self._of_form(*self._key(name))):
            return None
        return links if self.hashes(name) <= members else None

    def _new_links(self, name: Name, known: Held, since: int) -> Mapping[Link, int] | None:
        """What an identifier was seen together with, new since the build; None where something
        else that was heard of it, the first at a moment, may be new."""
        if self.since(BOT, name) is not None:
            return None
        if known.first_seen is not None and since < known.first_seen:
            return None
        links = {far: low for far, (low, _) in self.recent.links(name).items()}
        for other, rule, first in self.of_base(name) if links else ():
            if first is None or first <= links.get((other, rule), BEFORE):
                links.pop((other, rule), None)
                if not links:
                    break
        return links

    def only_with(self, name: Name, members: Set[Name], at_ms: int) -> Span | None:
        """When an identifier was seen that is new since the build, where that is all there is to
        know of it: as of `at_ms` it was seen with some of these and with nobody else, and it is of
        a kind that names nobody. None: not so."""
        kind = self.kinds.get(name[0], PLAIN)
        if kind.unique or kind.account or family(name[0]) != "other":
            return None
        if name[0] in self.confirming or name in self._spoken_of or self.blocked(name):
            return None
        if self.held(name) is not None or self.since(BOT, name) is not None:
            return None
        for (other, _), (first, _) in self.recent.links(name).items():
            if first > at_ms or other not in members or other[0] in self.confirming:
                return None
        return self.recent.seen(name)

    def of_base(self, name: Name) -> Iterable[tuple[Name, str, int | None]]:
        """What the base says was seen with an identifier: the strongest first, as asked for."""
        history, known = self.history, self.held(name)
        return history.ties(known) if history is not None and known is not None else ()

    def first_told(self, names: tuple[Name, ...], rule: str, ts: int) -> int | None:
        """Since when it is known what an event of that moment says of these identifiers: that
        they were seen, and the first with each of the others. None where it says something new."""
        if len(names) == 1:
            return self._first_seen(names[0], ts)
        since = {far: low for (far, said), (low, _) in self.recent.links(names[0]).items()
                 if said == rule and low < ts}  # fmt: skip
        missing = set(names[1:]) - since.keys()
        for other, said, first in self.of_base(names[0]) if missing else ():
            if other in missing and said == rule and (first is None or first <= ts):
                since[other] = BEFORE if first is None else first
        return max(since[n] for n in names[1:]) if since.keys() >= set(names[1:]) else None

    def _first_seen(self, name: Name, ts: int) -> int | None:
        """When an identifier was first seen, if not after a moment."""
        span, known = self.recent.seen(name), self.held(name)
        firsts = [span[0]] if span is not None and span[0] < ts else []
        if known is not None and (known.first_seen is None or known.first_seen <= ts):
            firsts.append(BEFORE if known.first_seen is None else known.first_seen)
        return min(firsts, default=None)

    def words_at(self, at_ms: int) -> tuple[_Words, int]:
        """What was said by hand and holds at a moment, and until when."""
        turn = bisect_right(self._turns, at_ms)
        if turn not in self._in_force:
            self._in_force[turn] = _words(self._words, at_ms)
        return self._in_force[turn], self._turns[turn] if turn < len(self._turns) else NEVER


def _words(said: Sequence[Word], at_ms: int) -> _Words:
    held = in_force(said, at_ms)
    made = _Words()
    for word in held.joins:
        for a, b in ((word.a, word.b), (word.b, word.a)):
            made.joins.setdefault(a, []).append((b, word.ts_ms))
    for a, b in held.apart():
        _both_ways(made.splits, a, b)
    for word in held.forgotten:
        made.forgotten.setdefault(word.pair(), set()).add(word.rule)
    return made
