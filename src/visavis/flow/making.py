"""One build in the making: who is who, traits, segments, tags; then manifest and publication."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time, zone
from visavis.core.lang.form import Node, Value
from visavis.core.nouns import Project, Tag
from visavis.core.progress import Progress
from visavis.flow.accounts import write_accounts
from visavis.flow.again import Again, on_top_of
from visavis.flow.extras import need_splink
from visavis.flow.growing import check_growth, growth_since
from visavis.flow.identity_words import words_at
from visavis.flow.inputs import Inputs, same_definitions
from visavis.flow.match_fits import fits_of, told, write_fits
from visavis.flow.portions import base_in_portions, drop_base
from visavis.flow.relations import make_catalogue, make_relations, snapshot, use_catalogue
from visavis.flow.stepping import add_since
from visavis.segment import batch as segments
from visavis.store import builds, crash
from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal
from visavis.store.key import project_key
from visavis.store.lake import Lake
from visavis.store.profile import described
from visavis.store.relations import attribute, texts
from visavis.store.warehouse import Warehouse
from visavis.understand import batch as traits
from visavis.understand import tags as labels
from visavis.understand.timeline import exact_in_sql, since
from visavis.unify import matches
from visavis.unify import tables as unify

Fits = Mapping[str, Sequence[Value]]


@dataclass(slots=True)
class Making:
    """Makes one build; `as_of_ms` is the moment that it answers for."""

    project: Project
    lake: Lake
    wh: Warehouse
    inputs: Inputs
    as_of_ms: int
    withheld: Mapping[str, Sequence[str]] = field(default_factory=dict)
    accept_joins: bool = False
    growth: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    again: Again | None = None
    attributed: int = 0
    merged: bool = False
    matching: dict[str, Any] = field(default_factory=dict)

    def make(self, before: Build | None, of_now: bool, progress: Progress) -> Build:
        """Works everything out, writes it and publishes it; `before` is the build published now."""
        start = time.perf_counter()
        state = self.lake.state
        build_id = next_id(state, self.as_of_ms)
        folder = builds.start(state, build_id)
        with self._timed("people", progress):
            catalogue = self._who(folder, before, progress)
        crash.point("build-unified")
        with self._timed("traits", progress):
            fits = self._traits(folder)
        crash.point("build-traits")
        with self._timed("segments", progress):
            members = self._groups(folder, before, fits)
        counts = self._counts()
        with self._timed("accounts", progress):
            write_accounts(self.wh, self.project, self.as_of_ms, folder)
        crash.point("build-segments")
        manifest = {
            "build_id": build_id,
            "as_of": format_time(self.as_of_ms),
            "as_of_ms": self.as_of_ms,
            "of_now": of_now,
            "before": before.id if before else None,
            **counts,
            "segments": members,
            "withheld": dict(self.withheld),
            "attributed": self.attributed,
            "matching": self.matching,
            "growth": self.growth,
            "seconds": round(time.perf_counter() - start, 3),
            "timings": self.timings,
            **self._origins(catalogue),
        }
        with self._timed("publish", progress):
            return builds.publish(state, folder, manifest)

    @contextmanager
    def _timed(self, name: str, progress: Progress) -> Iterator[None]:
        start = time.perf_counter()
        with progress.step(name):
            yield
        self.timings[name] = round(time.perf_counter() - start, 3)

    def _who(self, folder: Path, before: Build | None, progress: Progress) -> dict[str, str]:
        """Who is who, written; and the relations that traits are worked out from."""
        inputs = self.inputs
        snapshot(self.wh, self.project, self.lake, inputs.load_ids, inputs.dictionary)
        known = self.wh.arrow(_known(before)) if before else None
        key = project_key(self.lake.state)
        if self.project.matching:
            need_splink()
        words = words_at(inputs.words, self.as_of_ms)
        fits = fits_of(before, self.as_of_ms)
        fits.folder = folder
        merged = unify.identify_people(
            self.wh, self.project.kinds, key, self.as_of_ms, known, self.project.matching, words,
            "lake_bots", fits, self.project.growth.largest,
        )  # fmt: skip
        self.growth = growth_since(before, self.wh)
        check_growth(self.project, self.growth, self.accept_joins, progress)
        write_fits(folder, fits)
        self.matching = told(fits, (folder / "id").read_text(encoding="utf-8"), before)
        write = self.wh.write_parquet
        write(unify.IDENTIFIERS, folder / "identifiers.parquet")
        write(unify.EVIDENCE, folder / "evidence.parquet")
        write(matches.TABLE, folder / "matches.parquet")
        write("SELECT * FROM node_persons ORDER BY node", folder / "persons.parquet")
        write(unify.REVIEW, folder / "review.parquet")
        self.attributed = write(unify.ATTRIBUTED, folder / "attributed.parquet")
        if self.attributed:
            attribute(self.wh, "attributed")
        catalogue = self._catalogue(folder / "catalogue.parquet", before, progress)
        make_relations(self.wh, self.project, merged)
        self.merged = merged
        self.again = on_top_of(
            before, self.wh, self.project, self.lake, self.inputs, self.as_of_ms, merged
        )
        return catalogue

    def _catalogue(self, target: Path, before: Build | None, progress: Progress) -> dict[str, str]:
        """The items, taken over where neither their files nor any definition changed."""
        if before is not None and same_definitions(before, self.inputs):
            shutil.copyfile(before.table("catalogue"), target)
            use_catalogue(self.wh, target)
            return dict(before.manifest["catalogue"])
        work = self.lake.state / "tmp" / "catalogue"
        work.mkdir(parents=True, exist_ok=True)
        try:
            return make_catalogue(self.wh, self.project, target, work, progress)
        finally:
            shutil.rmtree(work)

    def _traits(self, folder: Path) -> Fits:
        self.wh.use_zone(zone(self.project.time_zone))
        base = (
            self.again.base()
            if self.again
            else base_in_portions(self.wh, self.project, self.as_of_ms, self.merged)
        )
        fits = traits.compute_people(
            self.wh, self.project, self.as_of_ms, None, "people_traits", base
        )
        drop_base(self.wh)
        names = "".join(f", t.{identifier(name)}" for name in self.project.traits)
        self.wh.write_parquet(
            f"SELECT p.person_id{names} FROM persons AS p JOIN people_traits AS t USING (person) "
            "ORDER BY p.person_id",
            folder / "people.parquet",
        )
        text = json.dumps({name: list(cuts) for name, cuts in fits.items()}, ensure_ascii=False)
        (folder / "fits.json").write_text(f"{text}\n", encoding="utf-8")
        return fits

    def _groups(self, folder: Path, before: Build | None, fits: Fits) -> dict[str, int]:
        """Segments and tags with since when, and the changes against the build before."""
        tags = labels.in_force(self.project.tags, self.as_of_ms, zone(self.project.time_zone))
        self._since(_conditions(self.project, tags), fits)
        self.wh.write_parquet(
            "SELECT name, person_id, since FROM since JOIN persons USING (person) ORDER BY ALL",
            folder / "since.parquet",
        )
        members = segments.write_members(self.wh, folder / "segment_members.parquet")
        counts = {name: members.get(name, 0) for name in self.project.segments}
        shared = [name for name in counts if before and name in before.manifest["segments"]]
        segments.write_changes(
            self.wh,
            folder / "segment_changes.parquet",
            before.table("segment_members") if before else None,
            shared,
            time_literal(self.as_of_ms),
        )
        labels.write_tags(
            self.wh,
            folder / "tags.parquet",
            tags,
            self.as_of_ms,
            lambda node: traits.condition_sql(self.wh, self.project, node, self.as_of_ms, fits),
        )
        self._copy_project(folder / "project")
        return counts

    def _since(self, conditions: Mapping[str, Node], fits: Fits) -> None:
        """Makes the table `since`: name, person, and when the condition last became true."""
        self.conditions = sorted(conditions)
        steady = self.again.steady(conditions, fits) if self.again else {}
        moving = {name: node for name, node in conditions.items() if name not in steady}
        self._since_of(moving, fits, "people_traits", "since")
        if self.again and steady:
            self.wh.execute(
                "CREATE OR REPLACE TEMP TABLE changed_people AS SELECT * FROM people_traits "
                "WHERE person IN (SELECT person FROM changed)"
            )
            with self.again.changed_only():
                self._since_of(steady, fits, "changed_people", "changed_since")
            self.wh.execute("INSERT INTO since SELECT * FROM changed_since")
            self.again.take_over_since(list(steady))

    def _since_of(
        self, conditions: Mapping[str, Node], fits: Fits, people: str, target: str
    ) -> None:
        told = {n: c for n, c in conditions.items() if exact_in_sql(c, self.project.traits)}
        rest = {n: c for n, c in conditions.items() if n not in told}
        since(self.wh, self.project, told, self.as_of_ms, fits, people, target)
        add_since(self.wh, self.project, rest, self.as_of_ms, fits, people, target)

    def _copy_project(self, target: Path) -> None:
        for name, text in self.project.files.items():
            path = target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def _counts(self) -> dict[str, int]:
        value = self.wh.value
        return {
            "events": self._events(),
            "quarantined": value("SELECT count(*) FROM lake_quarantine WHERE NOT replayed"),
            "people": value("SELECT count(*) FROM persons"),
        }

    def _events(self) -> int:
        """Events up to the moment; told by the files' footers where no event is later."""
        if any(
            load.max_ts is not None and load.max_ts > self.as_of_ms for load in self.inputs.loads
        ):
            moment = time_literal(self.as_of_ms)
            return int(self.wh.value(f"SELECT count(*) FROM lake_events WHERE ts <= {moment}"))
        files = self.lake.files("events", self.inputs.loads)
        if not files:
            return 0
        rows = self.wh.value(f"SELECT sum(num_rows) FROM parquet_file_metadata({texts(files)})")
        if not self.lake.files("overlay", self.inputs.loads):
            return int(rows)
        loads = texts(self.inputs.load_ids)
        dead = "SELECT count(*) FROM lake_overlay WHERE new_seq IS NULL"
        return int(rows) - int(self.wh.value(f"{dead} AND list_contains({loads}, load_id)"))

    def _through_seq(self) -> int | None:
        """No event of the build stands later in the log than this."""
        files = self.lake.files("events", self.inputs.loads)
        if not files:
            return None
        last = self.wh.value(
            "SELECT max(CAST(stats_max_value AS BIGINT)) FROM "
            f"parquet_metadata({texts(files)}) WHERE path_in_schema = 'seq'"
        )
        if self.lake.files("overlay", self.inputs.loads):
            last = max(last, self.wh.value("SELECT coalesce(max(new_seq), 0) FROM lake_overlay"))
        return int(last)

    def _origins(self, catalogue: Mapping[str, str]) -> dict[str, Any]:
        """What the build was made from, and what reading it later needs to know."""
        return {
            "loads": self.inputs.load_ids,
            "words": [list(row) for row in self.inputs.words],
            "dictionary": list(self.inputs.dictionary),
            "through_seq": self._through_seq(),
            "through_frame": self.inputs.tail,
            "definition_hash": self.inputs.definition_hash,
            "catalogues": dict(self.inputs.catalogues),
            "versions": dict(self.inputs.versions),
            "profile": described(self.project.traits),
            "time_zone": self.project.time_zone,
            "properties": lake_properties(self.project),
            "line_fields": {name: str(kind) for name, kind in self.project.line_fields.items()},
            "catalogue": dict(catalogue),
            "conditions": self.conditions,
            "changed": self.wh.value("SELECT count(*) FROM changed") if self.again else None,
            "traits": {name: str(trait.type) for name, trait in self.project.traits.items()},
        }


def lake_properties(project: Project) -> dict[str, str]:
    """The lake's property columns: a name has one type wherever it appears."""
    return {name: str(kind) for of in project.properties.values() for name, kind in of.items()}


def _conditions(project: Project, tags: Mapping[str, Tag]) -> dict[str, Node]:
    found = {segments.PREFIX + name: s.condition for name, s in project.segments.items()}
    return found | {labels.PREFIX + path: tag.condition for path, tag in tags.items()}


def _known(before: Build) -> str:
    persons = text_literal(str(before.table("persons")))
    return f"SELECT person, person_id FROM read_parquet({persons}) WHERE node = person"


def next_id(state: Path, as_of_ms: int) -> str:
    """An id that sorts after every other: a number and the moment."""
    numbers = [int(name.split("-")[0]) for name in builds.listed(state)]
    stamp = format_time(as_of_ms).replace(":", "").replace("-", "")
    return f"{max(numbers, default=0) + 1:06d}-{stamp}"
