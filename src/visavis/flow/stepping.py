"""Since when a condition is true, where SQL can't tell: histories stepped from change to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from visavis.core.clock import zone
from visavis.core.lang.form import Node, Value, trait_names
from visavis.core.lang.history import History, Stream
from visavis.core.lang.reader import compile_program
from visavis.core.lang.timeline import last_change
from visavis.core.lang.types import TIME_MIN
from visavis.core.nouns import Project
from visavis.flow.relations import catalogue_fields
from visavis.flow.rows import as_held, events_of, held_columns
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.warehouse import Warehouse
from visavis.understand.batch import condition_sql

Fits = Mapping[str, Sequence[Value]]
_BATCH = 20_000


def add_since(
    wh: Warehouse,
    project: Project,
    conditions: Mapping[str, Node],
    as_of_ms: int,
    fits: Fits,
    people: str = "people_traits",
    target: str = "since",
) -> None:
    """Adds to the table `target` the moment that each condition last became true of each member.

    Only of those in `people`, the table of `compute_people` or a part of it.
    """
    items = _items(wh, project) if conditions else {}
    for name, node in conditions.items():
        program = compile_program(project.traits, {name: node}, zone(project.time_zone))
        wh.execute(
            "CREATE OR REPLACE TEMP TABLE stepped_members AS SELECT person, first_seen "
            f"FROM persons WHERE person IN (SELECT person FROM {people} "
            f"WHERE {condition_sql(wh, project, node, as_of_ms, fits)})"
        )
        found = [
            (person, last_change(program, name, history, as_of_ms, fits, items))
            for person, history in _histories(wh, project, node, as_of_ms)
        ]
        _insert(wh, name, found, target)


def _insert(wh: Warehouse, name: str, found: Sequence[tuple[int, int | None]], target: str) -> None:
    import pyarrow as pa

    persons, moments = [p for p, _ in found], [m for _, m in found]
    columns = {"person": pa.array(persons, pa.int64()), "ms": pa.array(moments, pa.int64())}
    wh.register("stepped", pa.table(columns))
    wh.execute(
        f"INSERT INTO {target} SELECT {text_literal(name)}, person, "
        f"CASE WHEN ms > {TIME_MIN} THEN make_timestamp(ms * 1000) END FROM stepped"
    )


def _histories(
    wh: Warehouse, project: Project, node: Node, as_of_ms: int
) -> Iterator[tuple[int, History]]:
    """Each member with the events that the condition rests on."""
    names = ", ".join(text_literal(name) for name in sorted(_event_names(project, node))) or "''"
    members = wh.rows("SELECT person, epoch_ms(first_seen) FROM stepped_members ORDER BY person")
    for start in range(0, len(members), _BATCH):
        part = members[start : start + _BATCH]
        low, high = part[0][0], part[-1][0]
        chosen = (
            f"event IN ({names}) AND ts <= {time_literal(as_of_ms)} AND person BETWEEN {low} AND "
            f"{high} AND person IN (SELECT person FROM stepped_members)"
        )
        events = _by_person(events_of(wh, project, "ev", "li", chosen, "person, "))
        for person, first in part:
            history = History.from_events(
                events.get(person, []), project.properties, project.line_fields
            )
            # a stream that nobody reads: the past begins when the person was first seen
            begun = TIME_MIN if first is None else int(first)
            history.streams["\0first seen"] = Stream([begun], [""], {})
            yield int(person), history


def _by_person(events: Iterable[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    ordered = sorted(events, key=lambda event: event["person"])
    return {p: list(rows) for p, rows in groupby(ordered, key=lambda event: event["person"])}


def _event_names(project: Project, node: Node) -> set[str]:
    """The events that a condition's traits are made of, directly or below."""
    names: set[str] = set()
    todo, done = set(trait_names(node)), set[str]()
    while todo:
        trait = project.traits[todo.pop()]
        done.add(trait.name)
        steps = [step.event for step in (trait.then, trait.without) if step is not None]
        names |= {trait.event or "identify", *steps} if trait.kind != "derived" else set()
        todo |= (trait_names(trait.value) if trait.value else frozenset()) - done
    return names


def _items(wh: Warehouse, project: Project) -> dict[str, dict[str, Value]]:
    """The whole catalogue, by product_id."""
    fields = catalogue_fields(project)
    columns = held_columns("c_", fields)
    rows = wh.arrow(f"SELECT product_id, {columns} FROM catalogue_products").to_pylist()
    return {str(row["product_id"]): as_held(row, "c_") for row in rows}
