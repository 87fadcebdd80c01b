"""The live profile: what the published build knows of a person, and every event since.

Told of each durable frame before its request is answered, so that an answer is never behind what
was acknowledged. Nothing here waits for the warehouse: the build's history is a file of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from visavis.collect.behaviour import ROBOT
from visavis.collect.calls import Bad, Event, event_of
from visavis.collect.glance import Glance, Who, identifiers
from visavis.collect.live_names import ANONYMOUS
from visavis.collect.live_values import Typed, is_free, typed_of
from visavis.collect.payloads import events_of, glances_of
from visavis.core.decisions import Identifier
from visavis.core.identifiers import normal_value
from visavis.core.lang.history import IDENTIFY
from visavis.core.vocabulary import EVENTS_WITH_LINES
from visavis.flow.base import Base, stamp
from visavis.flow.consent_words import NAMES
from visavis.flow.counting import Counts
from visavis.flow.gathering import Gathering
from visavis.flow.keeping import MOST, MOST_VALUES, Answer, Told
from visavis.flow.live_consent import LiveConsent
from visavis.flow.live_evidence import BEFORE, LiveEvidence
from visavis.flow.live_orders import Orders
from visavis.flow.live_who import Found, LiveWho
from visavis.flow.made import MADE, told_in
from visavis.flow.naming import Naming
from visavis.flow.truths import Truths
from visavis.store.erased import hash_of
from visavis.store.history import Held
from visavis.store.recent import Mark, Recent
from visavis.store.recent_part import Kept, Ref
from visavis.store.tail import Bodies, Frame
from visavis.unify.rules import pid_maker

_log = logging.getLogger("visavis.live")
_REMEMBERED = 20_000
_SESSIONS, _SESSION_ROWS = 10_000, 100_000
"""Answers kept about visitors of whom only their session may be looked at, and their events."""
FEW = 64
"""Links of a shared identifier that are looked at."""


class Profiles:
    """Everything about people that is known this very moment."""

    def __init__(
        self,
        base: Base,
        key: bytes,
        folder: Path | None = None,
        trusted: Callable[[Mark], bool] = lambda mark: False,
        bodies: Bodies | None = None,
    ) -> None:
        """`folder` is where events beyond what memory is to hold are kept, `trusted` tells whether
        the tail still has a frame; see store.recent. With `bodies`, which this closes in the end,
        usual events are left in the tail until somebody asks for them."""
        self.base = base
        self.pid = pid_maker(key)
        self._key = key
        self._bodies = bodies
        self.file = f"recent-{base.build_id}.db"
        path = None if folder is None else folder / self.file
        self.recent = Recent(
            self.pid,
            path,
            stamp(base, key),
            digests=self._digests,
            trusted=trusted,
            read=self._read,
        )
        self.consent = LiveConsent(base.project, base.history, self.recent)
        self.orders = Orders(base.project, base.history, self.recent)
        self._naming = Naming(base.project.kinds)
        self._names = lru_cache(maxsize=_REMEMBERED)(self._names_of)
        self.evidence = LiveEvidence(
            base.project.kinds, self._naming.blocks, self.recent, self._held, base.history,
            base.words,
        )  # fmt: skip
        most = min(MOST, MOST_VALUES // max(1, len(base.program.steps)))
        self._told = Told(self.evidence.first_told, self._read, most)
        self._sessions = Told(lambda names, rule, ts: BEFORE, self._read, _SESSIONS, _SESSION_ROWS)
        self.who = LiveWho(self.evidence, self.pid, base.project.growth.largest)
        self.gathering = Gathering(
            base, self.recent, self.orders, self._held, self._naming, self.who.nobodys
        )
        self._truths = Truths(base, self.gathering)
        self._counts = Counts(self)

    @property
    def through(self) -> int:
        """The last frame of the tail that is known, from the build or from an earlier process."""
        mark = self.recent.mark
        return self.base.through if mark is None else max(self.base.through, mark.number)

    def close(self, keep: bool = False) -> None:
        """Gives back what is held open; no answer may follow. `keep`: the next process goes on."""
        self.recent.close(keep)
        if self._bodies is not None:
            self._bodies.close()
        if self.base.history is not None:
            self.base.history.close()

    async def end(self) -> None:
        """Closes once those who count have done so; no request may begin with this any more."""
        async with self._counts.lock:
            await asyncio.to_thread(self.close)

    # events in

    def take(self, frames: Iterable[Frame]) -> None:
        """Takes durable frames in; those the base has already are passed over."""
        for frame in frames:
            if frame.number > self.base.through:
                try:
                    self._frame(frame)
                except Exception as failure:  # noqa: BLE001 - acknowledged all the same; a build has it
                    _log.error("a frame is in no live profile: %s", type(failure).__name__)
                self.recent.taken(frame)

    def _frame(self, frame: Frame) -> None:
        made = told_in(frame)
        if made is not None and MADE not in self.base.needed:
            self._decision(frame.received_ms, *made)
            return
        at, head, body = frame.received_ms, frame.head, frame.body
        lies = self._bodies is not None and self._bodies.hold(frame.segment)
        glances = glances_of(at, head, body) if lies else None
        if glances is None:
            for event in events_of(frame.number, at, head, body):
                self._whole(event)
            return
        odd = {i for i, seen in enumerate(glances) if seen is None}
        others = iter(events_of(frame.number, at, head, body, odd)) if odd else iter(())
        for seen in glances:
            if seen is None:
                self._whole(next(others))
            else:
                self._glimpse(seen, frame)

    def _glimpse(self, seen: Glance, frame: Frame) -> None:
        """Takes a usual event in: the rest of it is read when somebody asks for the person."""
        (names, plain), name, ts = self._names(seen.who), seen.event, seen.ts
        if not names:
            return
        base = self.base
        if base.erased and self._erased(names, ts):
            return
        ref = Ref(frame.segment, frame.begins + seen.begins, seen.length, ts, frame.received_ms)
        if name in NAMES and self.consent.hear(self._call(ref), names):
            self._forget(names)
        wanted = name in base.needed
        if len(names) > 1 or wanted:
            self.recent.refer(names, ref)
        else:
            self.recent.see(names[0], ts)
        also = () if plain else self.evidence.take(names, name, ts)
        if also or (not plain and self.evidence.confirms(name)):
            self._forget((*names, *also))
        else:
            self._heard(names, "same row", ref, wanted)

    def _names_of(self, who: Who) -> tuple[tuple[Identifier, ...], bool]:
        """The identifiers of a usual event, and whether no other spelling can mean the same as one
        of them nor any event confirm it."""
        names = self._naming.of(identifiers(who))
        return names, self.evidence.are_plain(names)

    def _call(self, ref: Ref) -> Event:
        """A usual event, read from the tail."""
        assert self._bodies is not None
        raw = self._bodies.read(ref.segment, ref.begins, ref.length)
        event = event_of(raw, ref.received_at, None, "", None, "")
        if not isinstance(event, Event):
            raise ValueError("the tail has no event where there was one")
        event.ts = ref.ts
        return event

    def _read(self, ref: Ref) -> Kept:
        event = self._call(ref)
        others = list(self._naming.of(event.identifiers)[1:])
        found = typed_of(event, self.base.names) if event.event in self.base.needed else None
        # one that can't be read counts nowhere
        return _kept(event, others, None if isinstance(found, str) else found)

    def _whole(self, event: Event | Bad) -> None:
        if isinstance(event, Event):
            self._event(event)

    def _decision(self, ts: int, message_id: str, given: Identifier) -> None:
        """Takes in that a decision was made, which tells no more than that somebody was there."""
        names = self._naming.of((given,))
        if names and not (self.base.erased and self._erased(names, ts)):
            self._seen(names, "same row", Kept(MADE, ts, message_id, []), False)

    def _event(self, event: Event) -> None:
        names = self._naming.of(event.identifiers)
        if self.base.erased and self._erased(names, event.ts):
            return
        if event.bot:
            self._robot(event, names)
            return
        name, others = event.event or IDENTIFY, list(names[1:])
        if name in NAMES and self.consent.hear(event, names):
            self._forget(names)
        kept = _kept(event, others, None)
        wanted = name in self.base.needed
        if wanted or event.event in EVENTS_WITH_LINES:
            found = typed_of(event, self.base.names)
            if isinstance(found, str):
                return
            for changed in self.orders.take(event, found, names[0] if names else None):
                self._forget((changed,))
            if wanted:
                kept = _kept(event, others, found)
        if names:
            self._seen(names, "alias" if event.type == "alias" else "same row", kept, wanted)

    def _seen(self, names: tuple[Identifier, ...], rule: str, kept: Kept, wanted: bool) -> None:
        """Takes in an event of these identifiers; `wanted`: definitions read it."""
        if wanted or kept.others:
            self.recent.add(names, rule, kept)
        else:
            self.recent.see(names[0], kept.ts)
        also = self.evidence.take(names, kept.event, kept.ts)
        if also or self.evidence.confirms(kept.event):
            self._forget((*names, *also))
        else:
            self._heard(names, rule, kept, wanted)

    def _heard(
        self, names: tuple[Identifier, ...], rule: str, event: Kept | Ref, wanted: bool
    ) -> None:
        self._counts.touched(names)
        for answers in (self._told, self._sessions):
            if answers.concerns(names):
                answers.hear(names, rule, event, wanted)

    def _robot(self, event: Event, names: Sequence[Identifier]) -> None:
        """What a robot was told by is nobody's from then on."""
        if event.bot != ROBOT:
            return
        for name in names:
            if name[0] == ANONYMOUS:
                self.evidence.robot(name, event.ts)
                self.recent.see(name, event.ts)
                self._forget((name,))

    def _erased(self, names: Iterable[Identifier], ts: int) -> bool:
        told, key = self.base.erased, self._key
        return any(ts <= told.get(hash_of(key, *name), BEFORE) for name in names)

    def _forget(self, names: Sequence[Identifier]) -> None:
        """Drops what was worked out of people whom something new may change."""
        self._counts.touched(names)
        self._told.forget(names)
        self._sessions.forget(names)

    # who is who

    def find(self, name: Identifier, at_ms: int) -> Found | None:
        """The person that holds an identifier at a moment; None for nobody.

        By the rules of the build: worked out from the evidence around it alone.
        """
        return self.who.find(name, at_ms)

    def by_id(self, person_id: str, at_ms: int) -> Found | None:
        """The person of a person_id, also of a former one."""
        name = self.who.by_id(person_id)
        return self.who.find(name, at_ms) if name is not None else None

    def base_persons(self, group: Iterable[Identifier]) -> frozenset[int]:
        """The people of the build who hold any of these identifiers."""
        return self.who.base_persons(group)

    def _held(self, name: Identifier) -> Held | None:
        """What the base knows of an identifier."""
        history = self.base.history
        return history.held(*name) if history is not None else None

    def _digests(self, name: Identifier) -> Iterable[str]:
        return self.evidence.digests(name)

    # what is true of them

    def answer(self, name: Identifier, at_ms: int) -> Answer | None:
        """Everything about a person as of a moment, kept until the clock or an event changes it."""
        known = self._told.get(name)
        if known is None or at_ms < known.stamp:
            return self._keep(name, self._made(name, at_ms))
        if at_ms < known.until and not known.pending and not known.behind:
            return known
        return self._keep(
            name, self._truths.renewed(self._told, known, at_ms) or self._made(name, at_ms)
        )

    def session(self, name: Identifier, at_ms: int) -> Answer:
        """What is true of somebody of whom no more is known than was seen of one identifier."""
        known = self._sessions.get(name)
        if known is not None and known.stamp <= at_ms:
            if at_ms < known.until and not known.pending and not known.behind:
                return known
            made = self._truths.renewed(self._sessions, known, at_ms)
        else:
            made = None
        if made is None:
            found = Found("", name, {name: (None, None)}, frozenset(), (), frozenset((name,)))
            made = self._truths.work_out(found, at_ms)
        self._sessions.keep(name, made)
        return made

    def look(self, name: Identifier, at_ms: int) -> Answer | None:
        """As `answer`, for somebody who is not likely to be asked for again."""
        return self.answer(name, at_ms) if name in self._told else self._made(name, at_ms)

    def around(self, name: Identifier) -> list[Identifier]:
        """The identifiers that evidence links to one, of a shared one as many as are looked at."""
        return self.who.around(name, FEW)

    def _made(self, name: Identifier, at_ms: int) -> Answer | None:
        found = self.find(name, at_ms)
        return None if found is None else self._truths.work_out(found, at_ms)

    def _keep(self, name: Identifier, made: Answer | None) -> Answer | None:
        if made is None:
            self._told.drop(name)
        else:
            self._told.keep(name, made)
        return made

    def normal(self, kind: str, value: str) -> Identifier:
        """An identifier as it is filed."""
        return kind, normal_value(kind, value)

    async def count(self, segment: str, at_ms: int) -> int | None:
        """Members of a segment: as of the build, with everybody that events came of since.

        Gives way to other requests while it works; None where there is no such segment.
        """
        if segment not in self.base.project.segments:
            return None
        return await self._counts.count(segment, at_ms)


def _kept(event: Event, others: list[Identifier], found: Typed | None) -> Kept:
    """An event as it is kept; `found` where definitions read it."""
    name = event.event or IDENTIFY
    if found is None:
        return Kept(name, event.ts, event.message_id, others)
    return Kept(
        name, event.ts, event.message_id, others, event.type, event.received, event.channel,
        is_free(event, found), found.values, found.lines, found.cleared, event.digest,
    )  # fmt: skip
