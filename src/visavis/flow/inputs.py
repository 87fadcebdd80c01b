"""What a build is made from, and whether a published build already is the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from visavis.collect.files import ByteCounter, Found, find, sha256
from visavis.collect.live_load import THROUGH
from visavis.collect.own import SOURCE
from visavis.core.nouns import Project, Trait
from visavis.flow.holding import still_holds
from visavis.store.builds import Build
from visavis.store.lake import Lake
from visavis.store.state import Load, State
from visavis.store.warehouse import Warehouse
from visavis.store.words import Row, said

Mark = Mapping[str, object]

OWN_SOURCE = SOURCE
"""The source of what visavis itself records, such as entries into segments."""
OWN_EVENTS = frozenset({"Segment Entered", "Segment Exited"})


@dataclass(frozen=True, slots=True)
class Inputs:
    """Equal inputs as of the same moment make equal builds."""

    loads: tuple[Load, ...]
    dictionary: tuple[str, ...]
    definition_hash: str
    catalogues: Mapping[str, list[Mark]]
    versions: Mapping[str, str]
    tail: int = 0
    """The last frame of the live tail that the loads hold."""
    words: tuple[Row, ...] = ()

    @property
    def load_ids(self) -> list[str]:
        return [load.load_id for load in self.loads]


def gather(project: Project, db: State, before: Build | None) -> Inputs:
    """The inputs as they are now; reads catalogue files only where they changed since `before`."""
    known = before.manifest["catalogues"] if before else {}
    catalogues = {
        name: [_mark(file, known.get(name, ())) for file in find(project.root, catalogue.origin)]
        for name, catalogue in sorted(project.catalogues.items())
    }
    versions = {name: version(name) for name in ("visavis", "duckdb")}
    every = tuple(load.load_id for load in db.loads(active_only=False))
    tail = int(db.fact(THROUGH) or 0)
    loads, words = tuple(db.loads()), tuple(said(db.db))
    return Inputs(loads, every, project.definition_hash, catalogues, versions, tail, words)


def _mark(file: Found, known: Iterable[Mark]) -> Mark:
    """A file as it is now; its digest is taken over where the rest is as it was."""
    looks = {"name": file.name, "size": file.size, "mtime_ns": file.mtime_ns}
    for mark in known:
        if looks.items() <= mark.items():
            return mark
    return looks | {"sha256": sha256(file.path, ByteCounter())}


def _digests(catalogues: Mapping[str, list[Mark]]) -> dict[str, list[object]]:
    return {name: [mark["sha256"] for mark in marks] for name, marks in catalogues.items()}


def same_definitions(build: Build, inputs: Inputs) -> bool:
    """Whether a build was made by the same definitions, items and versions."""
    manifest = build.manifest
    return (
        manifest["definition_hash"] == inputs.definition_hash
        and [tuple(row) for row in manifest.get("words", [])] == list(inputs.words)
        and _digests(manifest["catalogues"]) == _digests(inputs.catalogues)
        and bool(manifest["versions"] == dict(inputs.versions))
    )


def answers(
    build: Build,
    inputs: Inputs,
    project: Project,
    lake: Lake,
    wh: Warehouse,
    as_of_ms: int | None,
    now_ms: int,
) -> bool:
    """Whether the published build is what these inputs would make again."""
    manifest = build.manifest
    if not same_definitions(build, inputs) or not _same_loads(manifest["loads"], inputs, project):
        return False
    if as_of_ms is not None:
        return build.as_of == as_of_ms
    if not manifest["of_now"]:
        return False
    return build.as_of == now_ms or still_holds(project, inputs.loads, lake, wh, build, now_ms)


def _same_loads(before: list[str], inputs: Inputs, project: Project) -> bool:
    """The same loads, but for entries that earlier builds recorded and no definition reads."""
    old = set(before)
    new = [load for load in inputs.loads if load.load_id not in old]
    if len(old) + len(new) != len(inputs.loads):
        return False
    return not new or (all(_is_entries(x) for x in new) and not _reads_own(project))


def _is_entries(load: Load) -> bool:
    return load.source == OWN_SOURCE and all(m.path.startswith("build:") for m in load.files)


def _reads_own(project: Project) -> bool:
    return any(OWN_EVENTS & set(_events(trait)) for trait in project.traits.values())


def _events(trait: Trait) -> Iterator[str]:
    steps = (trait.then, trait.without)
    yield from (name for name in (trait.event, *(s.event for s in steps if s)) if name)


def summary(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What `visavis build` says of a build."""
    keys = ("build_id", "as_of", "events", "quarantined", "people", "segments", "seconds")
    said = {key: manifest[key] for key in keys}
    return said | {key: manifest[key] for key in ("withheld",) if manifest.get(key)}
