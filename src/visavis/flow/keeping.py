"""Answers about people, kept for as long as they are true, by the identifier that was asked for.

Told of every event, it keeps the answers that the event leaves as they are, sets the event aside
for those that can take it in when they are asked for next, and drops the others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from visavis.core.decisions import Identifier
from visavis.core.lang.form import Value
from visavis.core.lang.growing import Growing
from visavis.flow.live_who import Found
from visavis.store.recent import Kept
from visavis.store.recent_part import Ref

MOST, MOST_VALUES = 30_000, 1_350_000
"""Answers kept, and values in them."""
MOST_ROWS = 200_000
"""Events, in the histories kept with them."""
_ROWS_OF_A_HISTORY = 30
"""What a history without events takes, in events."""
_MOST_PENDING = 200
_MOST_UNREAD = 16
"""Events set aside that still lie in the tail: so few that reading them keeps nobody waiting."""
Names = tuple[Identifier, ...]


class Lasting(Protocol):
    """What was worked out of an answer and is kept when that is renewed."""

    def changed(self, names: set[str]) -> None:
        """Told which traits, segments and tags have changed, or hold for another time."""


class Answer(msgspec.Struct):
    """What is true of a person as of a moment, and until when.

    `kept` is room for what others make of it, as long as nothing at all is new of the person;
    `lasting` for what follows the changes. `pending` are events that came since and are in none
    of it yet; `since` tells of identifiers that events name together from when on that is nothing
    new.
    """

    found: Found
    values: dict[str, Value]
    untils: dict[str, int]
    until: int
    stamp: int
    segments: list[str]
    tags: list[str]
    kept: dict[Any, Any] = {}
    lasting: dict[Any, Lasting] = {}
    growing: Growing | None = None
    pending: list[Kept | Ref] = []
    unread: int = 0
    """How many of them still lie in the tail."""
    since: dict[tuple[Names, str], int] = {}
    behind: bool = False
    """Whether more came since than is set aside: the history has to be put together anew."""


class Told:
    """The answers given last."""

    def __init__(
        self,
        first_told: Callable[[Names, str, int], int | None],
        read: Callable[[Ref], Kept],
        most: int = MOST,
        most_rows: int = MOST_ROWS,
    ) -> None:
        """`first_told(names, rule, ts)`: since when it is known what an event of these says of who
        is who; None where it says something new. `read` gives an event that lies in the tail."""
        self._first_told, self._most, self._most_rows = first_told, most, most_rows
        self._read = read
        self._answers: OrderedDict[Identifier, Answer] = OrderedDict()
        self._rests: dict[Identifier, set[Identifier]] = {}
        self._grown: OrderedDict[Identifier, int] = OrderedDict()
        self._rows = 0

    def __contains__(self, name: Identifier) -> bool:
        return name in self._answers

    def get(self, name: Identifier) -> Answer | None:
        """The answer about whoever has an identifier, if it is there; it may be out of date."""
        found = self._answers.get(name)
        if found is not None:
            self._answers.move_to_end(name)
            if found.growing is not None:
                self._grown.move_to_end(name)
        return found

    def keep(self, name: Identifier, answer: Answer) -> None:
        """Keeps an answer, in place of the one before."""
        before = self._answers.get(name)
        if before is None or before.found is not answer.found:
            self.drop(name)
            for member in answer.found.around:
                self._rests.setdefault(member, set()).add(name)
        self._answers[name] = answer
        self._weigh(name, answer)
        while len(self._answers) > self._most:
            self.drop(next(iter(self._answers)))

    def _weigh(self, name: Identifier, answer: Answer) -> None:
        """Gives up the histories of those who were asked for longest ago, as they grow too many."""
        self._rows -= self._grown.pop(name, 0)
        if answer.growing is None:
            return
        size = self._grown[name] = answer.growing.size + _ROWS_OF_A_HISTORY
        self._rows += size
        while self._rows > self._most_rows and self._grown:
            self._give_up(next(iter(self._grown)))

    def _give_up(self, name: Identifier) -> None:
        """Keeps who it is and what was true, but not the history."""
        answer = self._answers[name]
        self._rows -= self._grown.pop(name, 0)
        answer.behind = answer.behind or bool(answer.pending)
        answer.growing, answer.unread = None, 0
        answer.pending.clear()
        answer.lasting.clear()

    def drop(self, name: Identifier) -> None:
        """Forgets one answer."""
        answer = self._answers.pop(name, None)
        if answer is None:
            return
        self._rows -= self._grown.pop(name, 0)
        for member in answer.found.around:
            rests = self._rests.get(member)
            if rests is not None:
                rests.discard(name)
                if not rests:
                    del self._rests[member]

    def forget(self, names: Iterable[Identifier]) -> None:
        """Drops every answer that something new about these identifiers may change."""
        for name in names if self._answers else ():
            for asked in tuple(self._rests.get(name, ())):
                self.drop(asked)

    def concerns(self, names: Names) -> bool:
        """Whether any answer rests on one of these identifiers."""
        rests = self._rests
        return bool(rests) and not rests.keys().isdisjoint(names)

    def hear(self, names: Names, rule: str, event: Kept | Ref, wanted: bool) -> None:
        """Told of an event of these identifiers, the strongest first; `wanted`: definitions read
        it."""
        asked: set[Identifier] = set()
        for name in names if self._answers else ():
            asked |= self._rests.get(name, _NOBODY)
        looked, since = False, None
        for one in asked:
            answer = self._answers[one]
            known = answer.since.get((names, rule))
            if known is None or event.ts < known:
                if not looked:
                    looked, since = True, self._first_told(names, rule, event.ts)
                if since is None:
                    self.drop(one)
                    continue
                answer.since[names, rule] = since
            if not self._outlives(one, answer, names, event, wanted):
                self.drop(one)

    def _outlives(
        self, asked: Identifier, answer: Answer, names: Names, event: Kept | Ref, wanted: bool
    ) -> bool:
        """Whether an answer stands, or will with the event put in when it is asked for; the event
        says nothing new of who is who."""
        found = answer.found
        if found.shared and (wanted or len(names) > 1):
            return False  # whose it is depends on who was logged in
        answer.kept.clear()
        found.as_built = False
        for name in names:
            span = found.members.get(name)
            if span is not None and (span[1] is None or span[1] < event.ts):
                found.members[name] = span[0], event.ts
        if not wanted or names[0] not in found.members:
            return True
        if answer.behind:
            return True
        if answer.growing is None or len(answer.pending) >= _MOST_PENDING:
            answer.behind = True
            self._give_up(asked)
            return True
        answer.pending.append(event)
        if isinstance(event, Ref):
            answer.unread += 1
        if answer.unread >= _MOST_UNREAD:
            self.read(answer)
        return True

    def read(self, answer: Answer) -> None:
        """Reads the events set aside that still lie in the tail."""
        if answer.unread:
            read = self._read
            answer.pending = [read(e) if isinstance(e, Ref) else e for e in answer.pending]
            answer.unread = 0


_NOBODY: frozenset[Identifier] = frozenset()
