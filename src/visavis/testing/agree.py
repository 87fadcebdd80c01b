"""Asks both readers the same questions and tells where their answers differ.

A round is a project, conditions, people with their histories, and moments; each (expression,
history, now) of it is one triple.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose, isnan
from random import Random
from typing import TYPE_CHECKING, Any

from visavis.core.clock import zone
from visavis.core.lang.form import Node, Value
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.testing import shop
from visavis.testing.forms import Forms, Reached
from visavis.testing.histories import Event, Histories, later, moments_for
from visavis.testing.projects import Projects, tour
from visavis.testing.tables import held, reading, relations

if TYPE_CHECKING:
    from visavis.store.warehouse import Warehouse

Fits = Mapping[str, Sequence[Value]]
Answers = list[list[dict[str, Value]]]
"""Per moment, per person, the value of each trait and condition by name."""


@dataclass(frozen=True, slots=True)
class Round:
    """Questions for both readers."""

    project: Project
    conditions: Mapping[str, Node]
    histories: Sequence[Sequence[Event]]
    catalogue: Mapping[str, Mapping[str, Value]]
    nows: Sequence[int]
    reached: Reached = field(default_factory=Reached, compare=False)

    @property
    def types(self) -> dict[str, Type]:
        """The type of each trait and condition by name."""
        traits = {n: t.type for n, t in self.project.traits.items()}
        return {**traits, **dict.fromkeys(self.conditions, Type.BOOLEAN)}

    @property
    def triples(self) -> int:
        """How many (expression, history, now) it asks; given traits have no expression."""
        written = sum(t.kind != "given" for t in self.project.traits.values())
        return (written + len(self.conditions)) * len(self.histories) * len(self.nows)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One triple on which the readers differ."""

    round: Round
    name: str
    now: int
    history: Sequence[Event]
    batch: Value
    live: Value


def make_round(
    seed: int, people: int = 30, computed: int = 14, derived: int = 6, conditions: int = 6
) -> Round:
    """The round of a seed; rounds of different seeds have different zones, shops and people."""
    rng = Random(seed)
    moments = moments_for(rng, zone(shop.ZONES[seed % len(shop.ZONES)]))
    forms, histories = Forms(rng, moments), Histories(rng, moments)
    projects = Projects(rng, forms)
    project = projects.project(computed, derived, tour(seed))
    return Round(
        project,
        projects.conditions(project, conditions),
        [histories.history(str(n)) for n in range(people)],
        histories.catalogue(),
        [moments.now, *later(rng, moments)],
        forms.reached,
    )


def ask_batch(round: Round, open_warehouse: Callable[[], Warehouse]) -> tuple[Answers, Fits]:
    """What the batch reader answers for everybody, and the fits it made at the first moment."""
    from visavis.understand.batch import compute_people

    wh = open_warehouse()
    try:
        load(wh, relations(round.project, round.histories, round.catalogue))
        fits: Fits | None = None
        answers: Answers = []
        for now in round.nows:
            made = compute_people(wh, round.project, now, fits, "people_traits")
            fits = made if fits is None else fits
            answers.append(_fetch(wh, round, now, fits))
        return answers, fits or {}
    finally:
        wh.close()


def load(wh: Warehouse, tables: Mapping[str, Any]) -> None:
    """Makes the relations of a build from Arrow tables."""
    for name, table in tables.items():
        wh.register(f"arrow_{name}", table)
        wh.execute(f"create or replace table {name} as select * from arrow_{name}")


def _fetch(wh: Warehouse, round: Round, now: int, fits: Fits) -> list[dict[str, Value]]:
    from visavis.understand.batch import condition_sql

    traits = {n: t.type for n, t in round.project.traits.items()}
    columns = [reading(f'"{n}"', t) for n, t in traits.items()]
    columns += [
        f"({condition_sql(wh, round.project, node, now, fits)})"
        for node in round.conditions.values()
    ]
    sql = f"select {', '.join(columns)} from people_traits order by person"
    types = list(round.types.items())
    return [
        {name: held(value, type) for (name, type), value in zip(types, row, strict=True)}
        for row in wh.rows(sql)
    ]


def ask_live(round: Round, fits: Fits) -> Answers:
    """What the Python reader answers for each person, one at a time."""
    from visavis.core.lang.history import History
    from visavis.core.lang.reader import compile_program

    project = round.project
    program = compile_program(project.traits, round.conditions, zone(project.time_zone))
    people = [
        History.from_events(events, project.properties, project.line_fields)
        for events in round.histories
    ]
    return [
        [dict(program.run(person, now, fits, round.catalogue).values) for person in people]
        for now in round.nows
    ]


def same(a: Value, b: Value, type: Type) -> bool:
    """Equal, exactly; floats within 1e-9 of their size."""
    if a is None or b is None or type is not Type.FLOAT:
        return a == b and (a is None) == (b is None)
    x, y = float(a), float(b)
    return x == y or isclose(x, y, rel_tol=1e-9, abs_tol=1e-9) or (isnan(x) and isnan(y))


def differences(round: Round, batch: Answers, live: Answers) -> Iterator[Mismatch]:
    """Each triple on which the answers differ."""
    types = round.types
    for now, of_batch, of_live in zip(round.nows, batch, live, strict=True):
        for history, one, other in zip(round.histories, of_batch, of_live, strict=True):
            for name, type in types.items():
                if not same(one[name], other[name], type):
                    yield Mismatch(round, name, now, history, one[name], other[name])


def narrowed(round: Round, name: str, history: Sequence[Event], now: int) -> Round:
    """The same question about one expression of one person alone, with what it depends on."""
    from visavis.core.lang.form import trait_names

    node = round.conditions.get(name)
    needed, open_names = set(), [name] if node is None else list(trait_names(node))
    while open_names:
        trait = round.project.traits[open_names.pop()]
        needed.add(trait.name)
        open_names += trait_names(trait.value) - needed if trait.value is not None else ()
    traits = {n: t for n, t in round.project.traits.items() if n in needed}
    return replace(
        round,
        project=replace(round.project, traits=traits),
        conditions={} if node is None else {name: node},
        histories=[history],
        nows=[now],
    )
