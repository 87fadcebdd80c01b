"""The right of access: everything that is kept of one person, from the build and from since then.

What came in live after the published build is told by the live rules of who is who, as of now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visavis.collect.calls import Event
from visavis.collect.kept import as_text
from visavis.collect.payloads import events_of
from visavis.core.clock import to_datetime
from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError
from visavis.flow.answering import spelled_all
from visavis.flow.base import base_of
from visavis.flow.erasing import KEPT_OF, MESSAGES_OF, Names, names_of
from visavis.flow.keeping import Answer
from visavis.flow.knowing import catch_up
from visavis.flow.naming import Naming
from visavis.flow.profiles import Profiles
from visavis.flow.projects import load_project, state_of
from visavis.store import builds
from visavis.store.key import project_key
from visavis.store.outbox import Outbox
from visavis.store.tail import frames_after
from visavis.store.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class _Since:
    """What came in live of a person since the build, and what is true of them by it."""

    person_id: str
    identifiers: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    now: Mapping[str, Any]


def export(root: Path, person: str, now_ms: int) -> dict[str, Any]:
    """Everything kept of a person: what `explain` tells, every event, messages, decisions, arms.

    `since` tells the traits, tags and segments as of `now_ms` where something came after the
    build. Raises ProblemsError `nobody`, `not-built` where nothing came live either.
    """
    project = load_project(root)
    state = state_of(project)
    since = _since(root, state, project, person, now_ms)
    try:
        told, names = _built(root, person)
    except ProblemsError as error:
        if since is None or error.problems[0].code not in ("nobody", "not-built"):
            raise
        told, names = {"person_id": since.person_id, **since.now, "order_lines": []}, ()
    else:
        told |= {"since": since.now} if since is not None else {}
    if since is not None:
        more = [i for i in since.identifiers if (i["kind"], i["value"]) not in set(names)]
        names = [*names, *((i["kind"], i["value"]) for i in more)]
        told["identifiers"] = [*told.get("identifiers", ()), *more]
        told["events"] = [*told.get("events", ()), *since.events]
    with Outbox(state) as outbox:
        return told | {name: _kept(outbox.db, query, names) for name, query in _SELECTS.items()}


def _built(root: Path, person: str) -> tuple[dict[str, Any], Names]:
    """What the published build knows, and under which identifiers."""
    from visavis.flow.explain import explain
    from visavis.flow.persons import find_person, open_lake
    from visavis.flow.published import open_warehouse, published

    told = explain(root, person)
    with published(root) as at, open_warehouse(at.project()) as wh:
        open_lake(wh, at)
        found = find_person(wh, at, person)
        if found.person_id != told["person_id"]:
            raise ProblemsError([Problem("locked", "A build came in between.", hint="Try again.")])
        names = names_of(wh, found.nodes)
        events = _rows(wh, found.nodes, "lake_events")
        lines = _rows(wh, found.nodes, "lake_lines")
    traits = {t["name"]: t["value"] for t in told.get("traits", ())}
    return {**told, "traits": traits, "events": events, "order_lines": lines}, names


_SELECTS = {
    "messages": f"SELECT * FROM messages WHERE {MESSAGES_OF}",
    "decisions": f"SELECT * FROM decisions WHERE {KEPT_OF}",
    "arms": f"SELECT * FROM arms WHERE {KEPT_OF}",
}


def _kept(db: sqlite3.Connection, query: str, names: Names) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        cursor = db.execute(query, name)
        columns = [column[0] for column in cursor.description]
        for row in cursor:
            one = dict(zip(columns, row, strict=True))
            found[repr(row)] = {k: v for k, v in one.items() if v is not None}
    return list(found.values())


def _rows(wh: Warehouse, nodes: Iterable[int], table: str) -> list[dict[str, Any]]:
    """Rows of the lake under these nodes, without what is empty and what is only visavis' own."""
    listed = ", ".join(str(node) for node in nodes)
    rows = wh.arrow(f"SELECT * FROM {table} WHERE node IN ({listed}) ORDER BY seq").to_pylist()
    own = {"seq", "node", "nodes", "revision", "void", "origin", "line_ts"}
    return [
        {_plain(k): v for k, v in row.items() if v is not None and k not in own} for row in rows
    ]


def _plain(name: str) -> str:
    return name[2:] if name.startswith(("p_", "l_")) else name


def _since(root: Path, state: Path, project: Project, person: str, now_ms: int) -> _Since | None:
    """What came in live since the build; None where nothing of the person did."""
    profiles = _live(root, state, project)
    if profiles is None:
        return None
    try:
        catch_up(profiles, state)
        answer = _asked(profiles, person, now_ms)
        if answer is None:
            return None
        events = _events(profiles, state, answer, now_ms)
        if not events:
            return None
        identifiers = [
            {"kind": k, "value": v, "first_seen": _time(low), "last_seen": _time(high)}
            for (k, v), (low, high) in answer.found.members.items()
        ]
        now = _now(profiles, answer, now_ms)
        return _Since(answer.found.person_id, identifiers, events, now)
    finally:
        profiles.close()


def _live(root: Path, state: Path, project: Project) -> Profiles | None:
    """The live profiles over the published build; None where no frame came after it."""
    build = builds.published(state)
    through = int(build.manifest.get("through_frame") or 0) if build else 0
    if next(iter(frames_after(state, through)), None) is None:
        return None
    if build is not None:
        from visavis.flow.histories import write_history
        from visavis.flow.published import published

        with published(root) as at:
            write_history(at, at.project())
    return Profiles(base_of(root, state, project), project_key(state), state / "tmp" / "export")


def _asked(profiles: Profiles, person: str, now_ms: int) -> Answer | None:
    kind, colon, value = person.partition(":")
    if colon:
        return profiles.answer(profiles.normal(kind.strip(), value), now_ms)
    found = profiles.by_id(person, now_ms)
    return profiles.answer(found.name, now_ms) if found else None


def _events(profiles: Profiles, state: Path, answer: Answer, now_ms: int) -> list[dict[str, Any]]:
    """The person's events in the frames, the last received of each message id, in their order."""
    found = answer.found
    streams = profiles.gathering.history(found.members, found.shared, now_ms).streams.values()
    on_shared = {mid for stream in streams for mid in stream.message_ids} if found.shared else set()
    naming, kept = Naming(profiles.base.project.kinds), dict[str, Event]()
    for frame in frames_after(state, profiles.base.through):
        for event in events_of(frame.number, frame.received_ms, frame.head, frame.body):
            if not isinstance(event, Event):
                continue
            names = naming.of(event.identifiers)
            if (names and names[0] in found.members) or event.message_id in on_shared:
                kept[event.message_id] = event
    return [_event(e) for e in sorted(kept.values(), key=lambda e: (e.ts, e.message_id))]


def _event(event: Event) -> dict[str, Any]:
    """As a row of the lake has it."""
    told = {
        "message_id": event.message_id, "type": event.type, "event": event.event,
        "ts": to_datetime(event.ts), "received_at": to_datetime(event.received), "source": "live",
        "channel": event.channel, "properties": as_text(event.values), "context": event.context,
        "given": as_text(event.identifiers), "bot": event.bot,
    }  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _now(profiles: Profiles, answer: Answer, now_ms: int) -> Mapping[str, Any]:
    return {
        "as_of": to_datetime(now_ms),
        "traits": spelled_all(answer.values, profiles.base.ways),
        "tags": answer.tags,
        "segments": answer.segments,
    }


def _time(ms: int | None) -> Any:
    return None if ms is None else to_datetime(ms)
