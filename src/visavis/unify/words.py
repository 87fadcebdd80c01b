"""What somebody said by hand of who is who: these two are one person, these two are not, this
evidence is to be forgotten.

Words are evidence: signed with who and when, reversible, and a function of the whole set. Where
they contradict each other, also through others (a is b, b is c, a is not c), the latest holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from visavis.unify.rules import Name

JOIN, SPLIT, FORGET = "join", "split", "forget"


@dataclass(frozen=True, slots=True)
class Word:
    """One word about identifiers `a` and `b`; times in UTC ms.

    `rule` of a forgetting is that of the evidence, empty for all between the two.
    """

    id: int
    ts_ms: int
    who: str
    action: str
    a: Name
    b: Name
    rule: str = ""
    note: str = ""
    undone_at_ms: int | None = None
    undone_by: str | None = None

    def pair(self) -> tuple[Name, Name]:
        return (self.a, self.b) if self.a <= self.b else (self.b, self.a)

    def holds_at(self, moment_ms: int) -> bool:
        """Whether it was said by then and not taken back."""
        undone = self.undone_at_ms is not None and self.undone_at_ms <= moment_ms
        return self.ts_ms <= moment_ms and not undone


@dataclass(frozen=True, slots=True)
class Words:
    """What holds of all that was said; `overruled` contradicts later words."""

    joins: tuple[Word, ...] = ()
    splits: tuple[Word, ...] = ()
    forgotten: tuple[Word, ...] = ()
    overruled: tuple[Word, ...] = ()

    def apart(self) -> list[tuple[Name, Name]]:
        """The pairs that are not one person."""
        return [word.pair() for word in self.splits]


def in_force(words: Iterable[Word], moment_ms: int) -> Words:
    """The words that hold at a moment, the latest first where they contradict each other."""
    joins: list[Word] = []
    splits: list[Word] = []
    forgotten: list[Word] = []
    overruled: list[Word] = []
    group: dict[Name, Name] = {}
    said = [word for word in words if word.holds_at(moment_ms)]
    for word in sorted(said, key=lambda w: (w.ts_ms, w.id), reverse=True):
        a, b = _root(group, word.a), _root(group, word.b)
        if word.action == FORGET:
            forgotten.append(word)
        elif word.action == SPLIT:
            (overruled if a == b else splits).append(word)
        elif any({_root(group, s.a), _root(group, s.b)} == {a, b} for s in splits) and a != b:
            overruled.append(word)
        else:
            group[max(a, b)] = min(a, b)
            joins.append(word)
    return Words(*(tuple(part[::-1]) for part in (joins, splits, forgotten, overruled)))


def _root(group: dict[Name, Name], name: Name) -> Name:
    while (above := group.get(name, name)) != name:
        name = above
    return name
