"""The live profile: what the published build knows of a person, and every event since.

Told of each durable frame before its request is answered, so that an answer is never behind what
was acknowledged. Nothing here waits for the warehouse: the build's history is a file of its own.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from visavis import __version__
from visavis.collect.behaviour import ROBOT
from visavis.collect.calls import Bad, Event, event_of
from visavis.collect.glance import Glance, Who, identifiers
from visavis.collect.live_names import ANONYMOUS
from visavis.collect.live_values import Names, Typed, is_free, names_of, typed_of
from visavis.collect.payloads import events_of, glances_of
from visavis.core.clock import zone
from visavis.core.consent import Word, verdict
from visavis.core.decisions import Identifier
from visavis.core.identifiers import normal_value
from visavis.core.lang.conditions import Conditions, compile_conditions
from visavis.core.lang.form import Node, Value
from visavis.core.lang.growing import Growing
from visavis.core.lang.history import IDENTIFY, History, Stream
from visavis.core.lang.needs import Needs, needs
from visavis.core.lang.reader import Program, Result, compile_program
from visavis.core.lang.reader_rows import Items
from visavis.core.lang.timeline import last_change
from visavis.core.lang.types import TIME_MIN
from visavis.core.nouns import Project
from visavis.core.tagging import expires_at, in_force, with_lineage
from visavis.core.vocabulary import EVENTS_WITH_LINES
from visavis.decide.asking import parts_of, withheld
from visavis.decide.menu import names_of as names_of_offer
from visavis.decide.menu import part_name
from visavis.flow.answering import Ways, ways_of
from visavis.flow.counting import Counts
from visavis.flow.keeping import Answer, Told
from visavis.flow.live_orders import Orders
from visavis.flow.live_who import Found, LiveWho
from visavis.flow.made import MADE, told_in
from visavis.flow.naming import Naming
from visavis.flow.rates import written_rates
from visavis.store.builds import Build, published
from visavis.store.erased import hash_of, noted_in
from visavis.store.history import FILE, Held, PublishedHistory, history_of, is_made, picked
from visavis.store.recent import Mark, Recent
from visavis.store.recent_part import Kept, Ref
from visavis.store.tail import Bodies, Frame
from visavis.store.words import Row
from visavis.unify.rules import pid_maker

_log = logging.getLogger("visavis.live")
SEGMENT, TAG = "segment ", "tag "
_REMEMBERED = 20_000
_SESSIONS, _SESSION_ROWS = 10_000, 100_000
"""Answers kept about visitors of whom only their session may be looked at, and their events."""
FEW = 64
"""Links of a shared identifier that are looked at."""
_NEVER = 1 << 62
_RETIRING_MS = 1_000
"""How long an answer is kept where a tag is retired on some day."""
_BEFORE = -(1 << 62)


@dataclass(slots=True)
class Base:
    """What live answers stand on: definitions, and a build's history where there is one."""

    project: Project
    program: Program
    offers: Conditions
    """What offers ask: the parts of their conditions, their values, their occasions."""
    parts: Mapping[str, tuple[str, ...]]
    """The names of the parts of each offer's condition."""
    needed: dict[str, Needs]
    names: Names
    fits: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    items: Items = field(default_factory=lambda: Items({}))
    history: PublishedHistory | None = None
    build_id: str | None = None
    as_of: int = TIME_MIN
    through: int = 0
    erased: Mapping[str, int] = field(default_factory=dict)
    """Hash of an erased identifier -> until when nothing dated comes back, UTC ms."""
    words: Sequence[Row] = ()
    """Words by hand that the build knew."""
    withheld: Mapping[str, str] = field(default_factory=dict)
    """Offers that nothing is sent of, and why: a source under its threshold."""

    ways: Ways = field(init=False)
    """The traits, and how their values are spelled."""

    def __post_init__(self) -> None:
        self.ways = ways_of({name: trait.type for name, trait in self.project.traits.items()})


def base_of(root: Path, state: Path, folder: Project) -> Base:
    """The base of the build published now; the folder's definitions before the first one."""
    build = published(state)
    if build is None:
        base = _base(folder)
        base.names = names_of(folder, written_rates(state))
        base.erased = noted_in(state)
        return base
    project = _definitions(root, build, folder)
    path = build.path / FILE
    base = _base(project)
    base.build_id, base.as_of, base.fits = build.id, build.as_of, build.fits()
    base.through = int(build.manifest.get("through_frame") or 0)
    base.erased = noted_in(state)
    base.words = [tuple(row) for row in build.manifest.get("words", [])]
    weak = build.manifest.get("withheld") or {}
    base.withheld = withheld(weak, project.offers.values())
    if is_made(build.path):
        base.history = PublishedHistory(path)
        base.items = Items(base.history.items())
        base.names = names_of(project, base.history.rates())
    return base


def _definitions(root: Path, build: Build, folder: Project) -> Project:
    from dataclasses import replace

    from visavis.project.load import load

    if folder.definition_hash == build.manifest["definition_hash"]:
        return folder
    copy, _ = load(build.path / "project")
    return replace(copy, root=root) if copy is not None else folder


def _base(project: Project) -> Base:
    conditions: dict[str, Node] = {
        f"{SEGMENT}{n}": s.condition for n, s in project.segments.items()
    }
    conditions |= {f"{TAG}{path}": tag.condition for path, tag in project.tags.items()}
    asked = {
        name: node for o in project.offers.values() for name, node in names_of_offer(o).items()
    }
    parts = {
        name: tuple(part_name(node) for node in parts_of(offer.eligible))
        for name, offer in project.offers.items()
    }
    local = zone(project.time_zone)
    program = compile_program(project.traits, conditions, local)
    compiled = compile_conditions(project.traits, asked, local)
    return Base(project, program, compiled, parts, needs(project), names_of(project))


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
            _stamp(base, key),
            digests=self._digests,
            trusted=trusted,
            read=self._read,
        )
        self.orders = Orders(base.project, base.history, self.recent)
        self._held = lru_cache(maxsize=_REMEMBERED)(self._hold)
        self._told = Told(self._first_told)
        self._sessions = Told(lambda names, rule, ts: _BEFORE, _SESSIONS, _SESSION_ROWS)
        self._kinds = base.project.kinds
        self._naming = Naming(base.project.kinds)
        self._names = lru_cache(maxsize=_REMEMBERED)(self._names_of)
        self.who = LiveWho(
            self._kinds, self.pid, self._naming.blocks, self.recent, self._held, base.history,
            base.words, base.project.growth.largest,
        )  # fmt: skip
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
        if self._told.concerns(names) or self._sessions.concerns(names):
            self._event(self._call(ref))
            return
        if len(names) > 1 or name in base.needed:
            self.recent.refer(names, ref)
        else:
            self.recent.see(names[0], ts)
        also = () if plain else self.who.take(names, name, ts)
        if also or (not plain and self.who.confirms(name)):
            self._forget((*names, *also))
        else:
            self._counts.touched(names)

    def _names_of(self, who: Who) -> tuple[tuple[Identifier, ...], bool]:
        """The identifiers of a usual event, and whether no other spelling can mean the same as one
        of them nor any event confirm it."""
        names = self._naming.of(identifiers(who))
        return names, self.who.are_plain(names)

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
        assert not isinstance(found, str)
        return _kept(event, others, found)

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
        also = self.who.take(names, kept.event, kept.ts)
        if also or self.who.confirms(kept.event):
            self._forget((*names, *also))
        else:
            self._counts.touched(names)
            self._told.hear(names, rule, kept, wanted)
            self._sessions.hear(names, rule, kept, wanted)

    def _first_told(self, names: tuple[Identifier, ...], rule: str, ts: int) -> int | None:
        """Since when it is known what an event of that moment says of these identifiers: that
        they were seen, and the first with each of the others. None where it says something new."""
        known = self._held(names[0])
        if len(names) == 1:
            span = self.recent.seen(names[0])
            firsts = [span[0]] if span is not None and span[0] < ts else []
            if known is not None and (known.first_seen is None or known.first_seen <= ts):
                firsts.append(_BEFORE if known.first_seen is None else known.first_seen)
            return min(firsts, default=None)
        since = {far: low for (far, said), (low, _) in self.recent.links(names[0]).items()
                 if said == rule and low < ts}  # fmt: skip
        missing = set(names[1:]) - since.keys()
        if missing and known is not None and self.base.history is not None:
            for other, said, first in self.base.history.ties(known.node):
                if other in missing and said == rule and (first is None or first <= ts):
                    since[other] = _BEFORE if first is None else first
        return max(since[n] for n in names[1:]) if since.keys() >= set(names[1:]) else None

    def _robot(self, event: Event, names: Sequence[Identifier]) -> None:
        """What a robot was told by is nobody's from then on."""
        if event.bot != ROBOT:
            return
        for name in names:
            if name[0] == ANONYMOUS:
                self.who.robot(name, event.ts)
                self.recent.see(name, event.ts)
                self._forget((name,))

    def _erased(self, names: Iterable[Identifier], ts: int) -> bool:
        told, key = self.base.erased, self._key
        return any(ts <= told.get(hash_of(key, *name), _BEFORE) for name in names)

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

    def _hold(self, name: Identifier) -> Held | None:
        """What the base knows of an identifier; remembered, for a base never changes."""
        history = self.base.history
        return history.held(*name) if history is not None else None

    def _digests(self, name: Identifier) -> Iterable[str]:
        return self.who.digests(name)

    # what is true of them

    def answer(self, name: Identifier, at_ms: int) -> Answer | None:
        """Everything about a person as of a moment, kept until the clock or an event changes it."""
        known = self._told.get(name)
        if known is None or at_ms < known.stamp:
            return self._keep(name, self._made(name, at_ms))
        if at_ms < known.until and not known.pending:
            return known
        return self._keep(name, self._renewed(known, at_ms) or self._made(name, at_ms))

    def session(self, name: Identifier, at_ms: int) -> Answer:
        """What is true of somebody of whom no more is known than was seen of one identifier."""
        known = self._sessions.get(name)
        if known is not None and known.stamp <= at_ms:
            if at_ms < known.until and not known.pending:
                return known
            made = self._renewed(known, at_ms)
        else:
            made = None
        if made is None:
            found = Found("", name, {name: (None, None)}, frozenset(), (), frozenset((name,)))
            made = self._work_out(found, at_ms)
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
        return None if found is None else self._work_out(found, at_ms)

    def _keep(self, name: Identifier, made: Answer | None) -> Answer | None:
        if made is None:
            self._told.drop(name)
        else:
            self._told.keep(name, made)
        return made

    def _work_out(self, found: Found, at_ms: int) -> Answer:
        base = self.base
        parts, since = self._gathered(found.members, found.shared, at_ms)
        history = self._joined(parts, since)
        result = base.program.run(history, at_ms, base.fits, base.items)
        made = self._answer(found, history, result, at_ms)
        # whoever did something is likely to go on; most of those asked for did nothing
        if since and not found.shared and not any(event["void"] for event in since):
            made.growing = Growing(history, base.project.properties, base.project.line_fields)
        return made

    def _renewed(self, known: Answer, at_ms: int) -> Answer | None:
        """The answer of a later moment, with the events since; None where who is who, or what
        counts, has to be worked out anew."""
        base, growing = self.base, known.growing
        if growing is None or at_ms >= known.found.until:
            return None
        if not all(growing.take(event.plain()) for event in known.pending):
            return None
        fed = frozenset(event.event for event in known.pending)
        result, changed = base.program.renewed(
            Result(known.values, known.untils), fed, growing.history, at_ms, base.fits, base.items
        )
        made = self._answer(known.found, growing.history, result, at_ms)
        made.growing, made.since = growing, known.since
        for key, lasting in known.lasting.items():
            lasting.changed(changed)
            made.lasting[key] = lasting
        return made

    def _answer(self, found: Found, history: History, result: Result, at_ms: int) -> Answer:
        segments = sorted(
            n for n in self.base.project.segments if result.values[f"{SEGMENT}{n}"] is True
        )
        tags, lasting = self._tags(history, result.values, at_ms)
        until = min((lasting, found.until, *result.untils.values()))
        return Answer(found, result.values, result.untils, until, at_ms, segments, tags)

    def _tags(
        self, history: History, values: Mapping[str, Value], at_ms: int
    ) -> tuple[list[str], int]:
        """The tags held, and until when that is so by the clock alone."""
        base, held, until = self.base, [], _NEVER
        if any(tag.expires_on is not None for tag in base.project.tags.values()):
            until = at_ms + _RETIRING_MS
        for path, tag in in_force(base.project.tags, at_ms, zone(base.project.time_zone)).items():
            if values[f"{TAG}{path}"] is not True:
                continue
            if tag.lasts_ms is not None:
                began = last_change(
                    base.program, f"{TAG}{path}", history, at_ms, base.fits, base.items
                )
                end = expires_at(tag, None if began in (None, TIME_MIN) else began)
                if end is not None and end <= at_ms:
                    continue
                until = min(until, _NEVER if end is None else end)
            held.append((path, None, None))
        return sorted(with_lineage(held)), until

    def history(
        self,
        members: Iterable[Identifier],
        shared: Iterable[Identifier] = (),
        at_ms: int = _NEVER,
    ) -> History:
        """The events of these identifiers, the build's and those since; of shared ones what the
        last login before it gives to these."""
        return self._joined(*self._gathered(members, shared, at_ms))

    def _gathered(
        self, members: Iterable[Identifier], shared: Iterable[Identifier], at_ms: int
    ) -> tuple[list[tuple[str, Stream]], list[Mapping[str, Any]]]:
        parts: list[tuple[str, Stream]] = []
        events: list[Mapping[str, Any]] = []
        held = set(members)
        for name in held:
            parts += self._published(name)
            events += [e.plain() for e in self._since(name)]
        nobodys = self.who.nobodys(at_ms) if shared else _no_name
        for name in shared:
            blocked = self._naming.blocks(name)
            mine, named = _no_login if blocked else self._logins(name, held), self._named(name)
            for event, stream in self._published(name):
                places = zip(stream.ts, stream.message_ids, strict=True)
                rows = [
                    i
                    for i, place in enumerate(places)
                    if _counts(place, named.get(place[1], ()), held, nobodys, mine)
                ]
                if rows:
                    parts.append((event, picked(stream, rows)))
            for e in self._since(name):
                if _counts((e.ts, e.message_id), e.others, held, nobodys, mine):
                    events.append(e.plain())
        return parts, events

    def _joined(
        self, parts: list[tuple[str, Stream]], events: Sequence[Mapping[str, Any]]
    ) -> History:
        if events:
            # what came again since the build was received later, so it counts
            again = {e["message_id"] for e in events}
            parts = [(event, _without(stream, again)) for event, stream in parts]
            project = self.base.project
            since = History.from_events(events, project.properties, project.line_fields)
            parts += since.streams.items()
        return history_of(parts)

    def _published(self, name: Identifier) -> list[tuple[str, Stream]]:
        history, known = self.base.history, self._held(name)
        if history is None or known is None:
            return []
        streams = list(history.streams(known.node))
        beaten = self.orders.beaten(name)
        return [(event, _without(s, beaten)) for event, s in streams] if beaten else streams

    def _since(self, name: Identifier) -> list[Kept]:
        """What came of an identifier since the build, of events that definitions read."""
        needed, beaten = self.base.needed, self.orders.beaten(name)
        found = self.recent.events(name)
        return [e for e in found if e.event in needed and e.message_id not in beaten]

    def _named(self, name: Identifier) -> dict[str, list[Identifier]]:
        history, held = self.base.history, self._held(name)
        found = history.named(held.node) if history is not None and held else {}
        return {mid: list(self._naming.of(others)) for mid, others in found.items()}

    def _logins(self, name: Identifier, held: set[Identifier]) -> Callable[[tuple[int, str]], bool]:
        """Tells of a place in the log whether the last login on a shared identifier at or before
        it was by one of `held`."""
        found: set[tuple[int, str, Identifier]] = set()
        history, held_there = self.base.history, self._held(name)
        if history is not None and held_there is not None:
            logins_there = history.logins(held_there.node)
            found |= {(at, mid, (kind, value)) for at, mid, kind, value in logins_there}
        for other in {other for other, _ in self.recent.links(name)}:
            kind = self._kinds.get(other[0])
            if kind is not None and kind.unique:
                found |= {
                    (e.ts, e.message_id, other)
                    for e in self.recent.events(other)
                    if name in e.others
                }
        logins = sorted(found)

        def mine(place: tuple[int, str]) -> bool:
            at = bisect_right(logins, (*place, ("\U0010ffff", "")))
            return at > 0 and logins[at - 1][2] in held

        return mine

    def words(self, found: Found) -> list[Word]:
        """What the build knows was said about consent, by or about the person's identifiers."""
        history = self.base.history
        if history is None:
            return []
        said = (word for person in found.base_persons for word in history.words(person))
        return [word for word in said if word.address in found.members]

    def normal(self, kind: str, value: str) -> Identifier:
        """An identifier as it is filed."""
        return kind, normal_value(kind, value)

    def consents(self, found: Found, at_ms: int) -> tuple[list[dict[str, Any]], int]:
        """Of each address, channel and purpose anything was said about: may it be written to? And
        until when that is so by the clock alone."""
        project, words = self.base.project, self.words(found)
        told = []
        for address in found.members:
            for channel in project.channels.values():
                if channel.identifier != address[0]:
                    continue
                for purpose in project.purposes:
                    said = verdict(words, address, channel.name, purpose, at_ms)
                    told.append(
                        {
                            "kind": address[0],
                            "value": address[1],
                            "channel": channel.name,
                            "purpose": purpose,
                            "allowed": said.allowed,
                            "reason": said.reason,
                        }
                    )
        return told, min((w.at_ms for w in words if w.at_ms > at_ms), default=_NEVER)

    async def count(self, segment: str, at_ms: int) -> int | None:
        """Members of a segment: as of the build, with everybody that events came of since.

        Gives way to other requests while it works; None where there is no such segment.
        """
        if segment not in self.base.project.segments:
            return None
        return await self._counts.count(segment, at_ms)


def _stamp(base: Base, key: bytes) -> str:
    """What a file of recent events stands on; made for anything else it is no good."""
    parts = (
        __version__, base.build_id, base.through, base.project.definition_hash,
        sha256(key).hexdigest(), sorted(base.erased.items()), base.names.rates.told,
    )  # fmt: skip
    return sha256(repr(parts).encode()).hexdigest()


def _kept(event: Event, others: list[Identifier], found: Typed | None) -> Kept:
    """An event as it is kept; `found` where definitions read it."""
    name = event.event or IDENTIFY
    if found is None:
        return Kept(name, event.ts, event.message_id, others)
    return Kept(
        name, event.ts, event.message_id, others, event.type, event.received, event.channel,
        is_free(event, found), found.values, found.lines, found.cleared, event.digest,
    )  # fmt: skip


def _without(stream: Stream, beaten: Collection[str]) -> Stream:
    """A stream without events that are told better elsewhere."""
    if not any(mid in beaten for mid in stream.message_ids):
        return stream
    rows = [i for i, mid in enumerate(stream.message_ids) if mid not in beaten]
    return picked(stream, rows)


def _counts(
    place: tuple[int, str],
    others: Iterable[Identifier],
    held: set[Identifier],
    nobodys: Callable[[Identifier], bool],
    mine: Callable[[tuple[int, str]], bool],
) -> bool:
    """Whether an event whose strongest identifier is shared is one of these people's: that of the
    strongest other identifier that is somebody's, else of the last login."""
    for name in others:
        if name in held:
            return True
        if not nobodys(name):
            return False
    return mine(place)


def _no_name(name: Identifier) -> bool:
    """Nothing is shared, so nobody is asked about."""
    return False


def _no_login(place: tuple[int, str]) -> bool:
    """A blocked identifier was never logged in on."""
    return False
