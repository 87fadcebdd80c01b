"""`explain`: why a person is who they are, has each value, and is in each segment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from visavis.core.clock import to_datetime, zone
from visavis.core.lang.form import Call, Node, Property, Value, trait_names, walk
from visavis.core.lang.history import History
from visavis.core.lang.reader import Program, Result, compile_program
from visavis.core.lang.to_sql import to_sql
from visavis.core.lang.types import TIME_MIN, Type
from visavis.core.nouns import Project, Trait
from visavis.core.problems import Place, Problem, ProblemsError, nearest
from visavis.flow.chains import COLUMNS, against, chain, ends, joining, person_evidence
from visavis.flow.explain_message import message_told, told_of
from visavis.flow.persons import (
    PersonFound,
    find_person,
    of_person,
    open_lake,
    read_catalogue,
    read_history,
)
from visavis.flow.profile import completeness, given_values, shown_value
from visavis.flow.projects import open_warehouse
from visavis.flow.published import Published, published
from visavis.store.warehouse import Warehouse

SHOWN = 20
"""Events shown for each trait in the overview; one trait asked for shows all of its events."""


def explain(
    root: Path,
    person: str,
    trait: str | None = None,
    segment: str | None = None,
    message: str | None = None,
    identifier: str | None = None,
    other: str | None = None,
) -> dict[str, Any]:
    """Everything known about a person and why, or only about one trait, segment or message; the
    chain of evidence to one `identifier`; or why an `other` person is not the same.

    Raises ProblemsError for nobody, and for names that the published build doesn't have.
    """
    with published(root) as at:
        project = at.project()
        _check_names(project, trait, segment)
        with open_warehouse(project) as wh:
            open_lake(wh, at)
            if other is not None:
                return against(wh, at, person, other)
            found = find_person(wh, at, person)
            if identifier is not None:
                steps = chain(wh, at, found.person_id, identifier, person)
                return {"person_id": found.person_id, "chain": steps}
            head = {"person_id": found.person_id, "as_of": to_datetime(at.build.as_of)}
            if message is not None:
                told = message_told(wh, at, project, found, message)
                return head | told | {"features": _shown_features(project, told["features"])}
            return head | _about(wh, at, project, found, trait, segment)


def _about(
    wh: Warehouse,
    at: Published,
    project: Project,
    found: PersonFound,
    trait: str | None,
    segment: str | None,
) -> dict[str, Any]:
    """Who it is, and one trait, one segment or everything."""
    case = _open(wh, at, project, found, segment)
    who = _identity(wh, at, project, found)
    if trait is not None:
        return who | {"traits": [case.trait(project.traits[trait], None)]}
    if segment is not None:
        return who | {"segments": [_segment(wh, at, case, segment)]}
    return who | _overview(wh, at, case)


def _shown_features(project: Project, features: Mapping[str, Value]) -> dict[str, Any]:
    """The snapshot a decision was made with, as users see values."""
    return {
        name: shown_value(value, project.traits[name].type) if name in project.traits else value
        for name, value in features.items()
    }


def _check_names(project: Project, trait: str | None, segment: str | None) -> None:
    for name, known, noun in (
        (trait, project.traits, "trait"),
        (segment, project.segments, "segment"),
    ):
        if name is not None and name not in known:
            message = f"there is no {noun} '{name}' in the published build"
            raise ProblemsError([Problem("unknown-name", message, hint=nearest(name, known))])


@dataclass(frozen=True, slots=True)
class Case:
    """One person's history and what the Python reader makes of it at the build's moment."""

    project: Project
    person: PersonFound
    history: History
    program: Program
    now: int
    fits: Mapping[str, tuple[Value, ...]]
    catalogue: Mapping[str, Mapping[str, Value]]
    result: Result

    def trait(self, trait: Trait, limit: int | None) -> dict[str, Any]:
        """A trait's value, where it is defined, until when it holds, and the events behind it."""
        rows = self.program.rows_behind(
            trait.name, self.history, self.now, self.fits, self.catalogue
        )
        shown = rows if limit is None else rows[-limit:]
        until = self.result.until.get(trait.name)
        return {
            "name": trait.name,
            "value": shown_value(self.result.values[trait.name], trait.type),
            "kind": trait.kind,
            "definition": _definition(trait),
            **_place(trait.value_place or trait.place),
            "valid_until": None if until is None else to_datetime(until),
            "from_traits": sorted(trait_names(trait.value)) if trait.value else [],
            "events": [self._event(trait, *row) for row in shown],
            "events_total": len(rows),
            "updated_at": self._updated(rows),
            **({"given": given_values(self.history, trait, self.now)} if limit is None else {}),
        }

    def _updated(self, rows: Sequence[tuple[str, int, int | None]]) -> datetime | None:
        """When the value was last fed: its freshness."""
        last = max(
            (self.history.streams[event].ts[row] for event, row, _ in rows), default=TIME_MIN
        )
        return None if last == TIME_MIN else to_datetime(last)

    def _event(self, trait: Trait, event: str, row: int, line: int | None) -> dict[str, Any]:
        stream = self.history.streams[event]
        ts = stream.ts[row]
        return {
            "message_id": stream.message_ids[row],
            "event": event,
            "timestamp": None if ts == TIME_MIN else to_datetime(ts),
            "line": None if line is None else line - self._first_line(event, row),
            "values": self._values(trait, event, row, line),
        }

    def _first_line(self, event: str, row: int) -> int:
        lines = self.history.streams[event].lines
        return lines.parent.index(row) if lines else 0

    def _values(self, trait: Trait, event: str, row: int, line: int | None) -> dict[str, Any]:
        """What the trait reads of the row."""
        found = {}
        for name, kind, scope in _reads(self.project, trait, event):
            if scope == "property":
                column = self.history.streams[event].columns.get(name)
                value = column[row] if column else None
            else:
                value = self._of_line(event, line, name)
            found[name] = shown_value(value, kind)
        return found

    def _of_line(self, event: str, line: int | None, name: str) -> Value:
        lines = self.history.streams[event].lines
        if lines is None or line is None:
            return None
        own = lines.columns[name][line] if name in lines.columns else None
        item = lines.columns["product_id"][line]
        return own if own is not None else self.catalogue.get(str(item), {}).get(name)


def _reads(project: Project, trait: Trait, event: str) -> list[tuple[str, Type, str]]:
    """Name, type and scope of what a trait reads of an event: its own, or those it rests on."""
    found: dict[str, tuple[str, Type, str]] = {}
    for part in _sources(project, trait):
        if part.kind == "given":
            found[part.given or part.name] = (part.given or part.name, part.type, "property")
        if part.event != event:
            continue
        for node in (part.value, part.where):
            for leaf in walk(node) if node else ():
                if isinstance(leaf, Property) and leaf.scope != "event":
                    found[leaf.name] = (leaf.name, leaf.type, leaf.scope)
    return list(found.values())


def _sources(project: Project, trait: Trait) -> Iterable[Trait]:
    if trait.kind in ("given", "computed") or trait.value is None:
        return [trait]
    below = (project.traits[name] for name in sorted(trait_names(trait.value)))
    return [part for other in below for part in _sources(project, other)]


def _open(
    wh: Warehouse, at: Published, project: Project, person: PersonFound, segment: str | None
) -> Case:
    history = read_history(wh, project, person.nodes)
    catalogue = read_catalogue(wh, at, history)
    conditions = _parts(project, segment) if segment else {}
    program = compile_program(project.traits, conditions, zone(project.time_zone))
    fits = at.fits()
    result = program.run(history, at.build.as_of, fits, catalogue)
    return Case(project, person, history, program, at.build.as_of, fits, catalogue, result)


def _identity(
    wh: Warehouse, at: Published, project: Project, person: PersonFound
) -> dict[str, Any]:
    """The person's identifiers, and of all evidence among them the edges that join them."""
    identifiers = of_person(
        wh, at, "identifiers", ("kind", "value", "first_seen", "last_seen"), person.person_id
    )
    mine, others = person_evidence(wh, at, person.person_id)
    kept = joining(project, mine)
    evidence = [
        {name: row[name] for name in COLUMNS}
        | {"joins": (*ends(row), row["rule"]) in kept, "refused": row["guard"]}
        for row in (*mine, *others)
    ]
    return {"identifiers": identifiers, "evidence": evidence}


def _overview(wh: Warehouse, at: Published, case: Case) -> dict[str, Any]:
    person_id = case.person.person_id
    tags = of_person(wh, at, "tags", ("tag", "weight", "since"), person_id)
    for tag in tags:
        known = case.project.tags.get(tag["tag"])
        tag |= _place(known.place) if known else {"file": None, "line": None}
    segments = of_person(wh, at, "segment_members", ("segment", "since"), person_id)
    for row in segments:
        row |= _place(case.project.segments[row["segment"]].place)
    return {
        "accounts": _accounts(wh, at, person_id),
        "completeness": completeness(case.project, case.result.values),
        "traits": [case.trait(trait, SHOWN) for trait in case.project.traits.values()],
        "tags": tags,
        "segments": segments,
        **told_of(wh, at, case.project, case.person),
    }


def _accounts(wh: Warehouse, at: Published, person_id: str) -> list[dict[str, Any]]:
    """The companies that the person belongs to."""
    if not at.build.table("account_members").exists():  # a build of before there were accounts
        return []
    columns = ("account_id", "role", "first_seen", "last_seen")
    return of_person(wh, at, "account_members", columns, person_id)


def _segment(wh: Warehouse, at: Published, case: Case, name: str) -> dict[str, Any]:
    """Whether and since when the person is a member, and the value of each part of it."""
    segment = case.project.segments[name]
    rows = of_person(wh, at, "segment_members", ("segment", "since"), case.person.person_id)
    since = next((row["since"] for row in rows if row["segment"] == name), None)
    values, until = case.result.values, case.result.until
    names = sorted(trait_names(segment.condition))
    traits = case.project.traits
    first = until.get("part 0")
    return {
        "segment": name,
        "member": values["part 0"] is True,
        "since": since,
        "valid_until": None if first is None else to_datetime(first),
        "condition": to_sql(segment.condition),
        **_place(segment.condition_place or segment.place),
        "parts": [
            {"condition": to_sql(node), "value": values[part]}
            for part, node in _parts(case.project, name).items()
        ],
        "traits": [case.trait(traits[trait], SHOWN) for trait in names],
    }


def _parts(project: Project, segment: str) -> dict[str, Node]:
    """The condition as 'part 0' and below it the parts that and, or and not put together."""
    condition = project.segments[segment].condition
    return {f"part {n}": node for n, node in enumerate(_split(condition))}


def _split(node: Node) -> list[Node]:
    if isinstance(node, Call) and node.function in ("and", "or", "not"):
        return [node, *(part for arg in node.args for part in _split(arg))]
    return [node]


def _definition(trait: Trait) -> str:
    """The trait's rule in words of the language."""
    if trait.kind == "given" or trait.value is None:
        if trait.kind != "given":
            return trait.kind
        rule = "" if trait.resolve == "latest" else f", {trait.resolve}"
        return f"given as {trait.given or trait.name}{rule}"
    return to_sql(trait.value)


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line}
