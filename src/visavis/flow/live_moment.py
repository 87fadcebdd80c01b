"""The evidence of who is who as of one moment, looked up as far as it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from visavis.core.identifiers import family
from visavis.flow.live_evidence import BOT, CONFIRMED, PLAIN, LiveEvidence, Span
from visavis.unify.component import HASH_OF, JOINED, MATCH, SAME_VALUE, SILENT
from visavis.unify.looking import Tie
from visavis.unify.rules import ALWAYS, Name


class Moment:
    """The evidence as of one moment; `until` is when more of it comes to be seen.

    `quiet` is what was seen with an identifier and joins nothing, as far as it was looked at.
    """

    def __init__(self, evidence: LiveEvidence, at_ms: int) -> None:
        self.evidence, self.at_ms = evidence, at_ms
        self.words, self.until = evidence.words_at(at_ms)
        self._spans: dict[Name, Span | None] = {}
        self._open: dict[Name, bool] = {}
        self.quiet: dict[Name, set[Name]] = {}
        self._same: dict[Name, list[Tie]] = {}
        self._ties: dict[Name, _Once] = {}

    def span(self, name: Name) -> Span:
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

    def _span(self, name: Name) -> Span | None:
        if name in self._spans:
            return self._spans[name]
        found: Span | None = self.evidence.recent.seen(name)
        known = self.evidence.held(name)
        if known is not None:
            span = (known.first_seen, known.last_seen)
            found = span if found is None else _wider(found, span)
        if found is not None and self._is_out(name):
            found = None
        self._spans[name] = found
        return found

    def _is_out(self, name: Name) -> bool:
        known = self.evidence.held(name)
        for since in (
            self.evidence.since(BOT, name),
            known.bot_since if known is not None else None,
        ):
            if since is not None and self._at(since) is not None:
                return True
        return self.evidence.kinds.get(name[0], PLAIN).account or self.evidence.blocked(name)

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
        held = ((*pair, first) for pair, (first, _) in self.evidence.recent.links(name).items())
        for other, rule, first in (*held, *self.evidence.of_base(name)):
            when = self._at(first)
            if when is None or rule in SILENT:
                continue
            here = self.first_seen(other) is not None
            is_open = rule != MATCH and (self._is_open(name) or self._is_open(other))
            if here and not is_open and not self._is_forgotten(name, other, rule):
                yield other, rule, when
            elif here or self.evidence.blocked(other):
                self.quiet.setdefault(name, set()).add(other)

    def same(self, name: Name) -> Iterable[Tie]:
        """See unify.looking.Evidence: stars around the first of one form, pairs of a hash."""
        if family(name[0]) == "other" or self.first_seen(name) is None:
            return []
        if name in self._same:
            return self._same[name]
        group = {n for n in self.evidence.same_key(name) if self.first_seen(n) is not None}
        middle = min(group, key=lambda n: (n[1], n[0]))
        ends = group - {name} if name == middle else {middle}
        found = [(n, SAME_VALUE) for n in sorted(ends)]
        hashes = self.evidence.hashes(name)
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
        if name[0] not in self.evidence.confirming:
            return False
        if name not in self._open:
            history, held = self.evidence.history, self.evidence.held(name)
            moments = [self.evidence.since(CONFIRMED, name)]
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


def _wider(one: Span, other: Span) -> Span:
    first = None if one[0] is None or other[0] is None else min(one[0], other[0])
    lasts = [last for last in (one[1], other[1]) if last is not None]
    return first, max(lasts, default=None)
