"""A build on top of the one before: whose events changed, and what holds on of everybody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from visavis.core.clock import zone
from visavis.core.lang.form import Node, Value
from visavis.core.nouns import Project
from visavis.flow.inputs import Inputs, same_definitions
from visavis.flow.relations import make_relations
from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal
from visavis.store.lake import Lake
from visavis.store.relations import texts
from visavis.store.warehouse import Warehouse
from visavis.understand.batch import base_query
from visavis.understand.steady import Step

Fits = Mapping[str, Sequence[Value]]
_MOST = 0.5
"""Where more of the people than this changed, everything is worked out anew."""


@dataclass(frozen=True, slots=True)
class Again:
    """What a build takes over of `before`: all but of the persons in the table `changed`.

    Those have an event that one of both builds saw and the other did not, or other identifiers.
    """

    wh: Warehouse
    project: Project
    before: Build
    as_of_ms: int
    merged: bool

    def base(self) -> str:
        """A query for given and computed traits; of changed people, and moving ones, anew."""
        traits = [t for t in self.project.traits.values() if t.kind in ("given", "computed")]
        step = self._step({}, {})
        kept = [t for t in traits if step.trait(t)]
        moving = [t for t in traits if not step.trait(t)]
        with self.changed_only():
            query = base_query(self.project, kept, self.as_of_ms, "changed")
            self.wh.execute(f"CREATE OR REPLACE TEMP TABLE changed_base AS {query}")
        names = "".join(f", {identifier(t.name)}" for t in kept)
        old = text_literal(str(self.before.table("people")))
        people = (
            f"SELECT person{names} FROM changed_base UNION ALL "
            f"SELECT person{names} FROM read_parquet({old}) JOIN persons USING (person_id) "
            "WHERE person NOT IN (SELECT person FROM changed)"
        )
        if not moving:
            return people
        again = base_query(self.project, moving, self.as_of_ms)
        return f"SELECT * FROM ({people}) JOIN ({again}) USING (person)"

    @contextmanager
    def changed_only(self) -> Iterator[None]:
        """Within the block `ev` and `li` hold the events of changed people alone."""
        make_relations(self.wh, self.project, self.merged, "IN (SELECT person FROM changed)")
        yield
        make_relations(self.wh, self.project, self.merged)

    def steady(self, conditions: Mapping[str, Node], fits: Fits) -> dict[str, Node]:
        """Conditions that are for everybody but changed people what they were all the time."""
        step, known = self._step(self.before.fits(), fits), self.before.manifest["conditions"]
        return {
            name: node
            for name, node in conditions.items()
            if name in known and step.condition(node, self.project)
        }

    def take_over_since(self, names: Sequence[str]) -> None:
        """Adds to the table `since` what the build before knows of people who did not change."""
        listed = ", ".join(text_literal(name) for name in names)
        old = text_literal(str(self.before.table("since")))
        self.wh.execute(
            f"INSERT INTO since SELECT name, person, since FROM read_parquet({old}) "
            f"JOIN persons USING (person_id) WHERE name IN ({listed}) "
            "AND person NOT IN (SELECT person FROM changed)"
        )

    def _step(self, before: Fits, after: Fits) -> Step:
        local, was = zone(self.project.time_zone), self.before.as_of
        same_date = local.date_of(was) == local.date_of(self.as_of_ms)
        return Step(was == self.as_of_ms, same_date, before, after)


def on_top_of(
    before: Build | None,
    wh: Warehouse,
    project: Project,
    lake: Lake,
    inputs: Inputs,
    as_of_ms: int,
    merged: bool,
) -> Again | None:
    """What can be taken over of the build before; None when it is quicker, or right, to start anew.

    Makes the table `changed`; `node_persons` and the lake's views must be there.
    """
    if before is None or not same_definitions(before, inputs):
        return None
    old = set(before.manifest["loads"])
    if not old <= set(inputs.load_ids):
        return None
    new = [load for load in inputs.load_ids if load not in old]
    parts = [
        *_new_events(lake, new),
        *_moved_events(before.as_of, as_of_ms),
        *_replaced_events(wh, lake, new, old),
        *_attributed_events(before),
    ]
    _find_changed(wh, before, parts)
    changed, people = (wh.value(f"SELECT count(*) FROM {name}") for name in ("changed", "persons"))
    if changed > _MOST * people:
        return None
    return Again(wh, project, before, as_of_ms, merged)


def _new_events(lake: Lake, new: Sequence[str]) -> list[str]:
    """Nodes of the events of new loads."""
    files = [path for load in new if (path := lake.folder(load) / "events.parquet").exists()]
    return [f"SELECT node FROM read_parquet({texts(files)})"] if files else []


def _moved_events(before: int, after: int) -> list[str]:
    """Nodes of the events that only one of both moments sees."""
    low, high = time_literal(min(before, after)), time_literal(max(before, after))
    return [f"SELECT node FROM lake_events WHERE ts > {low} AND ts <= {high}"]


def _replaced_events(wh: Warehouse, lake: Lake, new: Sequence[str], old: set[str]) -> list[str]:
    """Nodes of rows of old loads that new loads replaced."""
    files = [path for load in new if (path := lake.folder(load) / "overlay.parquet").exists()]
    if not files:
        return []
    overlay = f"read_parquet({texts(files)}, union_by_name = true)"
    touched = [str(r[0]) for r in wh.rows(f"SELECT DISTINCT load_id FROM {overlay} ORDER BY 1")]
    attributed = f"SELECT node FROM attributed JOIN {overlay} AS o ON attributed.seq = o.new_seq"
    return [attributed] + [
        f"SELECT e.node FROM read_parquet({texts([lake.folder(load) / 'events.parquet'])}) AS e "
        f"JOIN {overlay} AS o ON o.load_id = {text_literal(load)} AND o.seq = e.seq"
        for load in touched
        if load in old
    ]


def _attributed_events(before: Build) -> list[str]:
    """Nodes that gained or lost an event of a shared identifier."""
    if not before.table("attributed").exists():
        return []
    old = f"read_parquet({text_literal(str(before.table('attributed')))})"
    joined = (
        f"{old} AS o FULL JOIN attributed AS n USING (seq) WHERE o.node IS DISTINCT FROM n.node"
    )
    return [f"SELECT o.node FROM {joined}", f"SELECT n.node FROM {joined}"]


def _find_changed(wh: Warehouse, before: Build, parts: Sequence[str]) -> None:
    """Makes `changed` of nodes with other events, and of people with other identifiers."""
    old = text_literal(str(before.table("persons")))
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE moved_nodes AS SELECT node, o.person_id AS old_id "
        f"FROM read_parquet({old}) AS o FULL JOIN node_persons AS n USING (node) "
        "WHERE o.person_id IS DISTINCT FROM n.person_id"
    )
    # whoever lost an identifier still holds others that were with it
    nodes = " UNION ALL ".join(
        [
            *parts,
            "SELECT node FROM moved_nodes",
            f"SELECT node FROM read_parquet({old}) "
            "WHERE person_id IN (SELECT old_id FROM moved_nodes)",
        ]
    )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE changed AS SELECT DISTINCT person FROM node_persons "
        f"WHERE node IN (SELECT node FROM ({nodes}) WHERE node IS NOT NULL)"
    )
