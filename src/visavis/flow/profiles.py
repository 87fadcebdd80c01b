"""The live profile: what the published build knows of a person, and every event since.

Told of each durable frame before its request is answered, so that an answer is never behind what
was acknowledged. Nothing here waits for the warehouse: the build's history is a file of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from visavis.collect.behaviour import ROBOT
from visavis.collect.calls import Event
from visavis.collect.live_names import ANONYMOUS
from visavis.collect.live_values import Names, is_free, names_of, typed_of
from visavis.collect.payloads import events_of
from visavis.core.clock import zone
from visavis.core.consent import Word, verdict
from visavis.core.decisions import Identifier
from visavis.core.identifiers import normal_value, squeezed
from visavis.core.lang.form import Node, Value
from visavis.core.lang.history import IDENTIFY, History, Stream
from visavis.core.lang.needs import Needs, needs
from visavis.core.lang.reader import Program, compile_program
from visavis.core.lang.reader_rows import Items
from visavis.core.lang.timeline import last_change
from visavis.core.lang.types import TIME_MIN, Type
from visavis.core.nouns import IdentifierKind, Project
from visavis.core.tagging import expires_at, in_force, with_lineage
from visavis.decide.asking import parts_of
from visavis.flow.live_orders import Orders
from visavis.store.builds import Build, published
from visavis.store.history import FILE, PublishedHistory, history_of, picked
from visavis.store.tail import Frame
from visavis.unify.component import MOST
from visavis.unify.live import Who
from visavis.unify.rules import ALWAYS, pid_maker

SEGMENT, TAG = "segment ", "tag "
_KEPT = 20_000
_NEVER = 1 << 62
FEW = 64
"""Links of a shared identifier that are looked at."""


@dataclass(frozen=True, slots=True)
class TailEvent:
    """An event that the base does not have; `identifiers` are normal, the strongest first."""

    number: int
    event: str
    plain: Mapping[str, Any]
    identifiers: tuple[Identifier, ...]
    said: Mapping[str, Any]


@dataclass(slots=True)
class Link:
    """Two identifiers seen together; moments in UTC ms, None for always."""

    rule: str
    first_seen: int | None
    last_seen: int | None


@dataclass(slots=True)
class Base:
    """What live answers stand on: definitions, and a build's history where there is one."""

    project: Project
    program: Program
    needed: dict[str, Needs]
    names: Names
    fits: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    items: Items = field(default_factory=lambda: Items({}))
    history: PublishedHistory | None = None
    build_id: str | None = None
    as_of: int = TIME_MIN
    through: int = 0

    @property
    def types(self) -> dict[str, Type]:
        """The traits with their types."""
        return {name: trait.type for name, trait in self.project.traits.items()}


@dataclass(slots=True)
class Found:
    """A person as of a moment: identifiers with when each was first and last seen."""

    person_id: str
    name: Identifier
    members: dict[Identifier, tuple[int | None, int | None]]
    base_persons: frozenset[int]
    shared: tuple[Identifier, ...] = ()
    until: int = _NEVER
    """When evidence that is dated later may change who it is."""


@dataclass(slots=True)
class Answer:
    """What is true of a person as of a moment, and until when."""

    found: Found
    values: Mapping[str, Value]
    until: int
    stamp: int
    segments: list[str]
    tags: list[str]


def base_of(root: Path, state: Path, folder: Project) -> Base:
    """The base of the build published now; the folder's definitions before the first one."""
    build = published(state)
    if build is None:
        return _base(folder)
    project = _definitions(root, build, folder)
    path = build.path / FILE
    base = _base(project)
    base.build_id, base.as_of, base.fits = build.id, build.as_of, build.fits()
    base.through = int(build.manifest.get("through_frame") or 0)
    if path.exists():
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
    for name, offer in project.offers.items():
        parts = (("value", offer.value), ("occasion", offer.occasion))
        conditions |= {f"{part} {name}": node for part, node in parts if node is not None}
        eligible = parts_of(offer.eligible)
        conditions |= {f"part {j} {name}": node for j, node in enumerate(eligible)}
    program = compile_program(project.traits, conditions, zone(project.time_zone))
    return Base(project, program, needs(project), names_of(project))


class Profiles:
    """Everything about people that is known this very moment."""

    def __init__(self, base: Base, key: bytes) -> None:
        self.base = base
        self.pid = pid_maker(key)
        self.tail: dict[Identifier, list[TailEvent]] = {}
        self.links: dict[Identifier, dict[Identifier, Link]] = {}
        self.seen: dict[Identifier, tuple[int, int]] = {}
        self.stamp = 0
        self.touched: dict[Identifier, int] = {}
        self.bots: dict[Identifier, int] = base.history.bots() if base.history else {}
        self.orders = Orders(base.project, base.history)
        self._cache: OrderedDict[Identifier, Answer] = OrderedDict()
        self._stamps: dict[Identifier, int] = {}
        self._kinds = base.project.kinds

    # events in

    def take(self, frames: Iterable[Frame]) -> None:
        """Takes durable frames in; those the base has already are passed over."""
        for frame in frames:
            if frame.number > self.base.through:
                for event in events_of(frame.number, frame.received_ms, frame.head, frame.body):
                    if isinstance(event, Event):
                        self._event(frame.number, event)

    def _event(self, number: int, event: Event) -> None:
        names = identifiers_of(event.identifiers, self._kinds)
        found = typed_of(event, self.base.names)
        if isinstance(found, str) or event.bot:
            self._robot(event, names)
            return
        changed = self.orders.take(event, found, names[0] if names else None)
        self.stamp += 1
        self.touched.update(dict.fromkeys(changed, self.stamp))
        if not names:
            return
        plain = {
            "message_id": event.message_id,
            "event": event.event,
            "type": event.type,
            "ts": event.ts,
            "received_at": event.received,
            "source": "live",
            "channel": event.channel,
            "void": is_free(event, found),
            "properties": found.values,
            "products": found.lines,
            "cleared": found.cleared,
        }
        kept = TailEvent(number, event.event, plain, names, found.values)
        self.tail.setdefault(names[0], []).append(kept)
        for name in names:
            low, high = self.seen.get(name, (event.ts, event.ts))
            self.seen[name] = (min(low, event.ts), max(high, event.ts))
            self.touched[name] = self.stamp
        rule = "alias" if event.type == "alias" else "same row"
        for other in names[1:]:
            self._link(names[0], other, rule, event.ts)

    def _robot(self, event: Event, names: Sequence[Identifier]) -> None:
        """What a robot was told by is nobody's from then on."""
        if event.bot != ROBOT:
            return
        self.stamp += 1
        for name in names:
            if name[0] == ANONYMOUS:
                self.bots[name] = min(event.ts, self.bots.get(name, event.ts))
                low, high = self.seen.get(name, (event.ts, event.ts))
                self.seen[name] = (min(low, event.ts), max(high, event.ts))
                self.touched[name] = self.stamp

    def _is_robot(self, name: Identifier, at_ms: int) -> bool:
        since = self.bots.get(name)
        return since is not None and since <= at_ms

    def _link(self, a: Identifier, b: Identifier, rule: str, ts: int) -> None:
        for one, other in ((a, b), (b, a)):
            known = self.links.setdefault(one, {}).get(other)
            if known is None:
                self.links[one][other] = Link(rule, ts, ts)
            else:
                known.first_seen = min(known.first_seen or ts, ts)
                known.last_seen = max(known.last_seen or ts, ts)

    # who is who

    def find(self, name: Identifier, at_ms: int) -> Found | None:
        """The person that holds an identifier at a moment; None for nobody.

        By the rules of the build: the component is worked out from its evidence alone.
        """
        members, links = self._component(name)
        members = {m: seen for m, seen in members.items() if not self._is_robot(m, at_ms)}
        if name not in members:
            return None
        project = self.base.project
        who = Who(project.kinds)
        for member, (first, _) in members.items():
            if first is None or first <= at_ms:
                who.see(member, ALWAYS if first is None else first)
        for (a, b), evidence in links.items():
            for link in evidence:
                if link.first_seen is None or link.first_seen <= at_ms:
                    who.add(a, b, link.rule, ALWAYS if link.first_seen is None else link.first_seen)
        naming = who.person_of(name)
        if naming is None:
            return None
        group = who.identifiers_of(name)
        held = set(group)
        beside = {n for pair in links for n in pair if held & set(pair)} - held
        shared = tuple(sorted(n for n in beside if n in members and who.person_of(n) is None))
        return Found(
            self.pid(*naming), naming, {m: members[m] for m in group}, self._base_persons(group),
            shared, self._until(members, links, at_ms),
        )  # fmt: skip

    def _until(
        self,
        members: Mapping[Identifier, tuple[int | None, int | None]],
        links: Mapping[tuple[Identifier, Identifier], Sequence[Link]],
        at_ms: int,
    ) -> int:
        """The first moment after this one at which there is more evidence."""
        later = [first for first, _ in members.values()]
        later += [link.first_seen for evidence in links.values() for link in evidence]
        later += [self.bots[m] for m in members if m in self.bots]
        return min((ms for ms in later if ms is not None and ms > at_ms), default=_NEVER)

    def by_id(self, person_id: str, at_ms: int) -> Found | None:
        """The person of a person_id, also of a former one."""
        history = self.base.history
        if history is not None:
            person = history.person_by_id(person_id)
            held = history.identifiers(person) if person is not None else []
            for _, kind, value, *_ in held:
                found = self.find((kind, value), at_ms)
                if found is not None:
                    return found
        for name in self.seen:
            if self.pid(*name) == person_id:
                return self.find(name, at_ms)
        return None

    def _base_persons(self, group: Iterable[Identifier]) -> frozenset[int]:
        history = self.base.history
        if history is None:
            return frozenset()
        nodes = (history.node_of(*name) for name in group)
        persons = (history.person_of(node) for node in nodes if node is not None)
        return frozenset(person for person in persons if person is not None)

    def _component(
        self, start: Identifier
    ) -> tuple[
        dict[Identifier, tuple[int | None, int | None]],
        dict[tuple[Identifier, Identifier], list[Link]],
    ]:
        """Everything linked to an identifier, directly or not, at whatever moment.

        What is shared is nobody's and leads nowhere: of its links only as many are looked at as
        show that it is.
        """
        members: dict[Identifier, tuple[int | None, int | None]] = {}
        links: dict[tuple[Identifier, Identifier], list[Link]] = {}
        border: set[Identifier] = set()
        waiting = [start]
        while waiting and len(members) < MOST:
            name = waiting.pop()
            if name in members:
                continue
            seen = self.seen.get(name)
            kept, base_links, dead_end = self._of_base(name)
            if seen is None and kept is None:
                continue
            members[name] = _both(seen, kept)
            for other, link in (*base_links, *self._tail_links(name)):
                held = links.setdefault((min(name, other), max(name, other)), [])
                if link not in held:
                    held.append(link)
                if dead_end and name != start:
                    border.add(other)
                else:
                    waiting.append(other)
        for name in border - members.keys():
            kept, seen = self._of_base(name)[0], self.seen.get(name)
            if kept is not None or seen is not None:
                members[name] = _both(seen, kept)
        return members, links

    def _tail_links(self, name: Identifier) -> list[tuple[Identifier, Link]]:
        return list(self.links.get(name, {}).items())

    def _of_base(
        self, name: Identifier
    ) -> tuple[tuple[int | None, int | None] | None, list[tuple[Identifier, Link]], bool]:
        """When the base saw it, its links, and whether it was nobody's there."""
        history = self.base.history
        node = history.node_of(*name) if history is not None else None
        if history is None or node is None:
            return None, [], False
        row = history.identifier(node)
        found: list[tuple[Identifier, Link]] = []
        nobodys = history.person_of(node) is None
        for a, b, rule, _source, first, last in history.links(node, MOST if not nobodys else FEW):
            other = history.identifier(b if a == node else a)
            if other is not None:
                found.append(((other[1], other[2]), Link(rule, first, last)))
        return (row[3], row[4]) if row else None, found, nobodys

    # what is true of them

    def answer(self, name: Identifier, at_ms: int) -> Answer | None:
        """Everything about a person as of a moment, kept until the clock or an event changes it."""
        known = self._cache.get(name)
        if known is not None and known.stamp <= at_ms < known.until:
            stamp = self._stamps[name]
            concerned = (*known.found.members, *known.found.shared)
            if not any(self.touched.get(m, 0) > stamp for m in concerned):
                self._cache.move_to_end(name)
                return known
        found = self.find(name, at_ms)
        if found is None:
            return None
        made = self._work_out(found, at_ms)
        self._keep(name, made)
        return made

    def _keep(self, name: Identifier, made: Answer) -> None:
        self._cache[name] = made
        self._stamps[name] = self.stamp
        self._cache.move_to_end(name)
        while len(self._cache) > _KEPT:
            old, _ = self._cache.popitem(last=False)
            self._stamps.pop(old, None)

    def _work_out(self, found: Found, at_ms: int) -> Answer:
        base = self.base
        history = self.history(found.members, found.shared, at_ms)
        result = base.program.run(history, at_ms, base.fits, base.items)
        until = min((u for u in result.until.values() if u is not None), default=_NEVER)
        until = min(until, found.until)
        segments = sorted(
            n for n in base.project.segments if result.values[f"{SEGMENT}{n}"] is True
        )
        tags = self._tags(history, result.values, at_ms)
        return Answer(found, result.values, until, at_ms, segments, tags)

    def _tags(self, history: History, values: Mapping[str, Value], at_ms: int) -> list[str]:
        base, held = self.base, []
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
            held.append((path, None, None))
        return sorted(with_lineage(held))

    def history(
        self,
        members: Iterable[Identifier],
        shared: Iterable[Identifier] = (),
        at_ms: int = _NEVER,
    ) -> History:
        """The events of these identifiers, the build's and those since; of shared ones what the
        last login before it gives to these."""
        parts: list[tuple[str, Stream]] = []
        events: list[Mapping[str, Any]] = []
        held = set(members)
        for name in held:
            parts += self._published(name)
            events += [e.plain for e in self._since(name)]
        shared = set(shared)

        @cache
        def nobodys(name: Identifier) -> bool:
            return name in shared or self.find(name, at_ms) is None

        for name in shared:
            mine, named = self._logins(name, held), self._named(name)
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
                place = (e.plain["ts"], e.plain["message_id"])
                if _counts(place, e.identifiers[1:], held, nobodys, mine):
                    events.append(e.plain)
        if events:
            known = {mid for _, stream in parts for mid in stream.message_ids}
            fresh = [e for e in events if e["message_id"] not in known]
            project = self.base.project
            since = History.from_events(fresh, project.properties, project.line_fields)
            parts += since.streams.items()
        return history_of(parts)

    def _published(self, name: Identifier) -> list[tuple[str, Stream]]:
        published = self.base.history
        node = published.node_of(*name) if published is not None else None
        if published is None or node is None:
            return []
        streams = list(published.streams(node))
        beaten = self.orders.beaten.get(name)
        return [(event, _without(s, beaten)) for event, s in streams] if beaten else streams

    def _since(self, name: Identifier) -> list[TailEvent]:
        """What came of an identifier since the build, of events that definitions read."""
        beaten = self.orders.beaten.get(name, ())
        return [
            e
            for e in self.tail.get(name, ())
            if self._wanted(e.plain) and e.plain["message_id"] not in beaten
        ]

    def _named(self, name: Identifier) -> dict[str, list[Identifier]]:
        history = self.base.history
        node = history.node_of(*name) if history is not None else None
        if history is None or node is None:
            return {}
        found = history.named(node)
        return {mid: list(identifiers_of(others, self._kinds)) for mid, others in found.items()}

    def _logins(self, name: Identifier, held: set[Identifier]) -> Callable[[tuple[int, str]], bool]:
        """Tells of a place in the log whether the last login on a shared identifier at or before
        it was by one of `held`."""
        found: set[tuple[int, str, Identifier]] = set()
        history = self.base.history
        node = history.node_of(*name) if history is not None else None
        if history is not None and node is not None:
            found |= {(at, mid, (kind, value)) for at, mid, kind, value in history.logins(node)}
        for other in self.links.get(name, {}):
            kind = self._kinds.get(other[0])
            if kind is not None and kind.unique:
                found |= {
                    (e.plain["ts"], e.plain["message_id"], other)
                    for e in self.tail.get(other, ())
                    if name in e.identifiers
                }
        logins = sorted(found)

        def mine(place: tuple[int, str]) -> bool:
            at = bisect_right(logins, (*place, ("\U0010ffff", "")))
            return at > 0 and logins[at - 1][2] in held

        return mine

    def _wanted(self, plain: Mapping[str, Any]) -> bool:
        event = plain.get("event") or IDENTIFY
        return event in self.base.needed

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

    def consents(self, found: Found, at_ms: int) -> list[dict[str, Any]]:
        """Of each address, channel and purpose anything was said about: may it be written to?"""
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
        return told

    def count(self, segment: str, at_ms: int) -> int | None:
        """Members of a segment: as of the build, with everybody that events came of since."""
        base = self.base
        if segment not in base.project.segments:
            return None
        total = base.history.sizes().get(segment, 0) if base.history else 0
        before: set[int] = set()
        now: set[str] = set()
        for name in {*self.seen, *self.orders.beaten}:
            made = self.answer(name, at_ms)
            if made is None:
                before |= self._base_persons((name,))
                continue
            before |= made.found.base_persons
            if segment in made.segments:
                now.add(made.found.person_id)
        history = base.history
        was = sum(segment in history.segments_of(p) for p in before) if history else 0
        return total - was + len(now)


def _without(stream: Stream, beaten: set[str]) -> Stream:
    """A stream without events that another source tells better."""
    rows = [i for i, mid in enumerate(stream.message_ids) if mid not in beaten]
    return stream if len(rows) == len(stream.message_ids) else picked(stream, rows)


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


def identifiers_of(
    given: Iterable[Identifier], kinds: Mapping[str, IdentifierKind]
) -> tuple[Identifier, ...]:
    """The usable identifiers of an event in normal form, the strongest first."""
    found: dict[Identifier, None] = {}
    for kind, value in given:
        normal = normal_value(kind, value)
        known = kinds.get(kind)
        if normal and not is_blocked(normal, known):
            found[kind, normal] = None
    plain = IdentifierKind("")

    def strength(name: Identifier) -> tuple[bool, int, str]:
        kind = kinds.get(name[0], plain)
        return (not kind.unique, kind.priority, name[0])

    return tuple(sorted(found, key=strength))


def is_blocked(value: str, kind: IdentifierKind | None) -> bool:
    """Whether a normal value is nobody's: blocked texts ignore case and white space, ^...$ is a
    pattern."""
    if len(value) > 1024:
        return True
    if kind is None:
        return False
    texts, patterns = _nobodys(tuple(kind.blocked))
    return squeezed(value) in texts or any(p.fullmatch(value) for p in patterns)


@lru_cache(maxsize=1024)
def _nobodys(blocked: tuple[str, ...]) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]]:
    plain = frozenset(squeezed(b) for b in blocked if not b.startswith("^"))
    return plain, tuple(re.compile(b) for b in blocked if b.startswith("^"))


def _both(
    one: tuple[int | None, int | None] | None, other: tuple[int | None, int | None] | None
) -> tuple[int | None, int | None]:
    if one is None or other is None:
        found = one or other
        assert found is not None
        return found
    first = None if one[0] is None or other[0] is None else min(one[0], other[0])
    lasts = [last for last in (one[1], other[1]) if last is not None]
    return first, max(lasts, default=None)
