"""`plan`: what the next build and the next send would change, before anything happens.

It makes that very build, in a copy of the state that shares its files, and asks what would be due.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time
from visavis.core.decisions import Due
from visavis.core.nouns import Project
from visavis.core.offers import Content
from visavis.core.progress import Progress
from visavis.flow.build import build_project
from visavis.flow.due import due
from visavis.flow.fresh_words import FreshWords
from visavis.flow.projects import load_project, open_warehouse, state_of
from visavis.flow.published import Published
from visavis.store import builds
from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.outbox import Outbox
from visavis.unify.growth import NO_GROWTH

_KINDS = (
    "sources", "catalogues", "kinds", "traits", "segments", "tags", "offers", "contents",
    "channels", "caps", "quiet_hours",
)  # fmt: skip
_SHARED = ("lake", "builds")
_SINGLE = ("key", "current")


def plan(
    root: Path, as_of_ms: int | None, at_ms: int | None, now_ms: int, progress: Progress
) -> dict[str, Any]:
    """What would change, as plain values. `as_of_ms` is the moment of the build (none: as the
    published one where that is of the past, else now), `at_ms` that of sending."""
    project = load_project(root)
    state = state_of(project)
    with builds.reading(state) as before, _copy(state) as copy:
        if as_of_ms is None and before is not None and not before.manifest["of_now"]:
            as_of_ms = before.as_of
        trial = replace(project, state=str(copy))
        build_project(trial, as_of_ms, now_ms, progress, accept_joins=True)
        after = builds.published(copy)
        assert after is not None
        moment = at_ms if at_ms is not None else (as_of_ms if as_of_ms is not None else now_ms)
        with Outbox(copy) as outbox:
            # the tail is where it was: a build may come that has more of it
            fresh = FreshWords(state, after, trial, outbox)
            found = due(Published(root, copy, after), trial, outbox, moment, fresh, progress)
        told = _told(project, state, before, after, found)
    with Outbox(state) as outbox:
        outbox.show(
            {
                "definition_hash": after.manifest["definition_hash"],
                "loads": after.manifest["loads"],
                "messages": found.messages(),
                "at": moment,
            }
        )
    return told


@contextmanager
def _copy(state: Path) -> Iterator[Path]:
    """A copy of the state that shares its immutable files, gone after the block."""
    copy = state.resolve() / "tmp" / f"plan-{os.getpid()}"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    try:
        for name in _SHARED:
            if (state / name).is_dir():
                shutil.copytree(state / name, copy / name, copy_function=_link)
        for name in _SINGLE:
            if (state / name).exists():
                shutil.copy2(state / name, copy / name)
        if (state / "state.db").exists():
            with (
                closing(sqlite3.connect(state / "state.db")) as source,
                closing(sqlite3.connect(copy / "state.db")) as target,
            ):
                source.backup(target)
        yield copy
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _told(
    project: Project, state: Path, before: Build | None, after: Build, found: Due
) -> dict[str, Any]:
    old = None
    if before is not None:
        old = Published(project.root, state, before).project()
    messages = found.messages()
    return {
        "definitions": definitions(old, project),
        "people": {
            "before": before.manifest["people"] if before else 0,
            "after": after.manifest["people"],
        },
        "joins": joins(project, before, after),
        "segments": _segments(project, before, after),
        "as_of": after.manifest["as_of"],
        "at": format_time(found.at_ms),
        "campaigns": {
            name: {
                "messages": messages.get(name, 0),
                "left_out": found.left_out.get(name, {}),
            }
            for name, offer in project.offers.items()
            if offer.channel
        },
        "left_out_people": [
            {"campaign": c, "person_id": p, "reason": r, "detail": d or None}
            for c, p, r, d in found.named
        ],
    }


def joins(project: Project, before: Build | None, after: Build) -> dict[str, Any]:
    """How many people would become one with each other; `allowed` is the share of identity.yml."""
    same = before is not None and before.id == after.id
    told = dict(NO_GROWTH if same else after.manifest["growth"])
    most = project.growth.joined
    return {**told, "allowed": most, "over": most is not None and told["share"] > most}


def definitions(old: Project | None, new: Project) -> dict[str, list[dict[str, Any]]]:
    """Definitions that were added, changed and removed, each with its kind, name and place."""
    found: dict[str, list[dict[str, Any]]] = {"added": [], "changed": [], "removed": []}
    for kind in _KINDS:
        now: Mapping[str, Any] = getattr(new, kind)
        was: Mapping[str, Any] = getattr(old, kind) if old else {}
        for name, definition in now.items():
            if name not in was:
                found["added"].append(_entry(kind, name, definition))
            elif not _same(was[name], definition):
                found["changed"].append(_entry(kind, name, definition))
        for name in was.keys() - now.keys():
            found["removed"].append(_entry(kind, name, was[name]))
    return {
        what: sorted((e for e in entries if e["file"]), key=lambda e: (e["kind"], e["name"]))
        for what, entries in found.items()
    }


def _entry(kind: str, name: str, definition: Any) -> dict[str, Any]:
    place = definition.place
    return {
        "kind": {"catalogues": "catalogue", "contents": "content"}.get(kind, kind),
        "name": name,
        "file": place.file if place else None,
        "line": place.line if place else None,
    }


def _same(was: Any, now: Any) -> bool:
    """Whether two definitions say the same, wherever they stand."""
    if isinstance(was, Content) and isinstance(now, Content):
        return _words(was) == _words(now) and was.defaults == now.defaults
    return bool(replace(was, place=now.place) == now)


def _words(content: Content) -> dict[str, dict[str, str]]:
    return {
        language: {part: template.text for part, template in parts.items()}
        for language, parts in content.parts.items()
    }


def _segments(project: Project, before: Build | None, after: Build) -> dict[str, dict[str, int]]:
    """Of each segment how many are in it before and after, come and go."""
    with open_warehouse(project) as wh:
        none = "(SELECT NULL::VARCHAR AS segment, NULL::VARCHAR AS person_id WHERE false)"
        old = _members(before) if before else none
        rows = wh.rows(
            "SELECT coalesce(a.segment, b.segment), count(a.person_id), count(b.person_id), "
            "count_if(b.person_id IS NULL), count_if(a.person_id IS NULL) "
            f"FROM {_members(after)} AS a FULL JOIN {old} AS b "
            "ON a.segment = b.segment AND a.person_id = b.person_id GROUP BY 1 ORDER BY 1"
        )
    counted = {
        str(name): {"before": b, "after": a, "entering": enter, "leaving": leave}
        for name, a, b, enter, leave in rows
    }
    nobody = {"before": 0, "after": 0, "entering": 0, "leaving": 0}
    return {
        name: counted.get(name, nobody) for name in dict.fromkeys((*project.segments, *counted))
    }


def _members(build: Build) -> str:
    file = text_literal(str(build.table("segment_members")))
    return f"(SELECT segment, person_id FROM read_parquet({file}))"
