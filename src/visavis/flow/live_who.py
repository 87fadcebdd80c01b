"""Who is who this very moment: the evidence of the published build and of every event since.

As a build of any moment says: words by hand are those that the published build knew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from visavis.core.identifiers import family, hash_of, hashes_of
from visavis.core.identifiers import key_of as form_of
from visavis.core.nouns import IdentifierKind
from visavis.flow.identity_words import words_of
from visavis.store.history import Held, PublishedHistory, Settled
from visavis.store.history_file import HASHED
from visavis.store.recent import Recent
from visavis.store.recent_part import key_of
from visavis.store.words import Row
from visavis.unify.component import HASH_OF, JOINED, MATCH, MOST, SAME_VALUE, SILENT
from visavis.unify.looking import Looker, Tie, TooLargeError
from visavis.unify.rules import ALWAYS, Name
from visavis.unify.words import Word, in_force

NEVER = 1 << 62
Blocked = Callable[[Name], bool]
Pair = tuple[Name, Name]
_PLAIN = IdentifierKind("")
_CONTACTS = ("email", "phone")
_FILED = 20_000
"""Identifiers of which it is remembered that they are filed; filing one again changes nothing."""
FORM, CONFIRMED, BOT = "form", "confirmed", "bot"
"""Notes of recent events: identifiers of one comparing form, when one was confirmed, since when it
is a robot's."""


@dataclass(slots=True)
class Found:
    """A person as of a moment: identifiers with when each was first and last seen.

    It holds until `until`, or until anything `around` is seen again. `shared` are nobody's and
    were seen with these.
    """

    person_id: str
    name: Name
    members: dict[Name, tuple[int | None, int | None]]
    base_persons: frozenset[int]
    shared: tuple[Name, ...] = ()
    around: frozenset[Name] = frozenset()
    until: int = NEVER


@dataclass(slots=True)
class _Words:
    """What was said by hand and holds at a moment, by identifier."""

    joins: dict[Name, list[tuple[Name, int]]] = field(default_factory=dict)
    splits: dict[Name, set[Name]] = field(default_factory=dict)
    forgotten: dict[Pair, set[str]] = field(default_factory=dict)


def _both_ways(held: dict[Name, set[Name]], a: Name, b: Name) -> None:
    held.setdefault(a, set()).add(b)
    held.setdefault(b, set()).add(a)


class LiveWho:
    """Evidence of the base and since; told of every event, asked for people at any moment."""

    def __init__(
        self,
        kinds: Mapping[str, IdentifierKind],
        pid: Callable[[str, str], str],
        blocked: Blocked,
        recent: Recent,
        held: Callable[[Name], Held | None],
        history: PublishedHistory | None = None,
        words: Sequence[Row] = (),
        most: int = MOST,
    ) -> None:
        """`held` tells what the base knows of an identifier."""
        self.kinds, self.pid, self.blocked, self.most = kinds, pid, blocked, most
        self.history = history
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
        self._as_of: int = history.meta["as_of"] if history is not None else 0

    # evidence in

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
        country = self.kinds.get(kind, _PLAIN).country
        return kind.split("_")[0], form_of(kind, value, country)

    def digests(self, name: Name) -> Iterable[str]:
        """The hashes (hex) under which others may know a plain e-mail or phone."""
        return hashes_of(*name, self.kinds.get(name[0], _PLAIN).country)

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

    # people out

    def find(self, name: Name, at_ms: int) -> Found | None:
        """The person that holds an identifier, in this spelling or one that is the same."""
        return self._settled(name, at_ms) or self._looked_up(name, at_ms)

    def _settled(self, name: Name, at_ms: int) -> Found | None:
        """A person of whom nothing has been heard since the build said all that there is."""
        history, known = self.history, self.held(name)
        if history is None or known is None or known.person is None or at_ms < self._as_of:
            return None
        found = history.settled(known.person)
        if found is None or not all(self._is_as_built(n, found) for n in found.members):
            return None
        members = {n: (held.first_seen, held.last_seen) for n, held in found.members.items()}
        return Found(
            found.person_id, found.name, members, frozenset((known.person,)), (),
            frozenset(members),
        )  # fmt: skip

    def _is_as_built(self, name: Name, found: Settled) -> bool:
        """Whether nothing but the build speaks of an identifier."""
        if name in self._spoken_of or self.recent.seen(name) is not None:
            return False
        if family(name[0]) == "other":
            return True
        members = found.members.keys()
        if self.recent.has(FORM) and not members >= set(self._of_form(*self._key(name))):
            return False
        return self.hashes(name) <= members

    def _looked_up(self, name: Name, at_ms: int) -> Found | None:
        evidence = _Moment(self, at_ms)
        looker = self._looker(evidence)
        if evidence.first_seen(name) is None and family(name[0]) != "other":
            others = sorted(n for n in self.same_key(name) if n[0] == name[0])
            name = next((n for n in others if evidence.first_seen(n) is not None), name)
        try:
            group = looker.find(name)
        except TooLargeError:
            return self._published(name, evidence)
        if group is None:
            return None
        quiet = (n for member in group.members for n in evidence.quiet.get(member, ()))
        beside = {*group.nobodys, *(n for n in quiet if self.blocked(n) or looker.is_nobody(n))}
        return Found(
            self.pid(*group.name), group.name,
            {n: evidence.span(n) for n in group.members}, self.base_persons(group.members),
            tuple(sorted(beside)), group.around | beside, evidence.until,
        )  # fmt: skip

    def nobodys(self, at_ms: int) -> Callable[[Name], bool]:
        """Tells which identifiers belong to nobody at a moment: shared, blocked or not seen."""
        evidence = _Moment(self, at_ms)
        looker = self._looker(evidence)
        return lambda name: evidence.first_seen(name) is None or looker.is_nobody(name)

    def _looker(self, evidence: _Moment) -> Looker:
        return Looker(evidence, self.kinds, evidence.words.splits, self.most)

    def _published(self, name: Name, evidence: _Moment) -> Found | None:
        """What the build said of a person whose component is too large to be worked out now."""
        history = self.history
        known = self.held(name)
        person = known.person if known is not None else None
        held = [name]
        if history is not None and person is not None:
            held = list(history.identifiers(person))
        named = history.named_by(person) if history and person is not None else None
        naming = named or name
        return Found(
            self.pid(*naming), naming, {n: evidence.span(n) for n in held},
            self.base_persons(held), (), frozenset(held), evidence.until,
        )  # fmt: skip

    def by_id(self, person_id: str) -> Name | None:
        """An identifier of whoever has a person_id, also a former one."""
        history = self.history
        if history is not None:
            for name in history.by_pid(person_id):
                if self.pid(*name) == person_id:
                    return name
        return self.recent.by_pid(person_id)

    def around(self, name: Name, most: int) -> list[Name]:
        """What was ever seen with an identifier, of a shared one as many of the base at most."""
        known = self.held(name)
        ties = self.history.ties(known) if self.history is not None and known else ()
        base = (other for other, *_ in islice(ties, most))
        return list(dict.fromkeys((*(other for other, _ in self.recent.links(name)), *base)))

    def base_persons(self, group: Iterable[Name]) -> frozenset[int]:
        held = (self.held(name) for name in group)
        return frozenset(h.person for h in held if h is not None and h.person is not None)

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


class _Moment:
    """The evidence as of one moment; `until` is when more of it comes to be seen.

    `quiet` is what was seen with an identifier and joins nothing, as far as it was looked at.
    """

    def __init__(self, who: LiveWho, at_ms: int) -> None:
        self.who, self.at_ms = who, at_ms
        self.words, self.until = who.words_at(at_ms)
        self._spans: dict[Name, tuple[int | None, int | None] | None] = {}
        self._open: dict[Name, bool] = {}
        self.quiet: dict[Name, set[Name]] = {}
        self._same: dict[Name, list[Tie]] = {}
        self._ties: dict[Name, _Once] = {}

    def span(self, name: Name) -> tuple[int | None, int | None]:
        """When an identifier was first and last seen; None for always."""
        return self._span(name) or (None, None)

    def first_seen(self, name: Name) -> int | None:
        span = self._span(name)
        return None if span is None else self._at(span[0])

    def _at(self, first: int | None) -> int | None:
        if first is None:
            return ALWAYS
        if first > self.at_ms:
            self.until = min(self.until, first)
            return None
        return first

    def _span(self, name: Name) -> tuple[int | None, int | None] | None:
        if name in self._spans:
            return self._spans[name]
        found: tuple[int | None, int | None] | None = self.who.recent.seen(name)
        known = self.who.held(name)
        if known is not None:
            span = (known.first_seen, known.last_seen)
            found = span if found is None else _wider(found, span)
        if found is not None and self._is_out(name):
            found = None
        self._spans[name] = found
        return found

    def _is_out(self, name: Name) -> bool:
        known = self.who.held(name)
        for since in (self.who.since(BOT, name), known.bot_since if known is not None else None):
            if since is not None and self._at(since) is not None:
                return True
        return self.who.kinds.get(name[0], _PLAIN).account or self.who.blocked(name)

    def ties(self, name: Name) -> Iterable[Tie]:
        """See unify.looking.Evidence."""
        found = self._ties.get(name)
        if found is None:
            found = self._ties[name] = _Once(self._all(name))
        return found

    def _all(self, name: Name) -> Iterator[Tie]:
        for other, said in self.words.joins.get(name, ()):
            if self.first_seen(other) is not None:
                yield other, JOINED, said
        yield from self.same(name)
        held = ((*pair, first) for pair, (first, _) in self.who.recent.links(name).items())
        for other, rule, first in (*held, *self._of_base(name)):
            when = self._at(first)
            if when is None or rule in SILENT:
                continue
            here = self.first_seen(other) is not None
            is_open = rule != MATCH and (self._is_open(name) or self._is_open(other))
            if here and not is_open and not self._is_forgotten(name, other, rule):
                yield other, rule, when
            elif here or self.who.blocked(other):
                self.quiet.setdefault(name, set()).add(other)

    def _of_base(self, name: Name) -> Iterable[tuple[Name, str, int | None]]:
        history, known = self.who.history, self.who.held(name)
        return history.ties(known) if history is not None and known is not None else ()

    def same(self, name: Name) -> Iterable[Tie]:
        """See unify.looking.Evidence: stars around the first of one form, pairs of a hash."""
        if family(name[0]) == "other" or self.first_seen(name) is None:
            return []
        if name in self._same:
            return self._same[name]
        group = {n for n in self.who.same_key(name) if self.first_seen(n) is not None}
        middle = min(group, key=lambda n: (n[1], n[0]))
        ends = group - {name} if name == middle else {middle}
        found = [(n, SAME_VALUE) for n in sorted(ends)]
        hashes = self.who.hashes(name)
        found += [(n, HASH_OF) for n in sorted(hashes) if self.first_seen(n) is not None]
        ties = [
            (other, rule, max(self.first_seen(name) or 0, self.first_seen(other) or 0))
            for other, rule in found
            if not self._is_forgotten(name, other, rule)
        ]
        self._same[name] = ties
        return ties

    def _is_forgotten(self, a: Name, b: Name, rule: str) -> bool:
        if not self.words.forgotten:
            return False
        rules = self.words.forgotten.get((min(a, b), max(a, b)), ())
        return "" in rules or rule in rules

    def _is_open(self, name: Name) -> bool:
        """Whether an identifier must be confirmed and is not yet."""
        if name[0] not in self.who.confirming:
            return False
        if name not in self._open:
            history, held = self.who.history, self.who.held(name)
            moments = [self.who.since(CONFIRMED, name)]
            if history is not None and held is not None:
                moments.append(history.confirmed(held.node))
            known = [at for at in moments if at is not None]
            self._open[name] = not known or self._at(min(known)) is None
        return self._open[name]


class _Once:
    """Ties that are looked up as they are asked for, once however often that is."""

    __slots__ = ("_made", "_more")

    def __init__(self, ties: Iterator[Tie]) -> None:
        self._made: list[Tie] = []
        self._more = ties

    def __iter__(self) -> Iterator[Tie]:
        made, at = self._made, 0
        while True:
            if at == len(made):
                tie = next(self._more, None)
                if tie is None:
                    return
                made.append(tie)
            yield made[at]
            at += 1


def _wider(
    one: tuple[int | None, int | None], other: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    first = None if one[0] is None or other[0] is None else min(one[0], other[0])
    lasts = [last for last in (one[1], other[1]) if last is not None]
    return first, max(lasts, default=None)
