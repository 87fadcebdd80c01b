"""Chains of evidence: what ties two identifiers, and what kept two people apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from visavis.core.clock import to_ms
from visavis.core.identifiers import normal_value
from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError
from visavis.flow.persons import find_person
from visavis.flow.published import Published
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.warehouse import Warehouse
from visavis.unify.component import edge_priority, resolve
from visavis.unify.rules import ALWAYS, Edge, Name

COLUMNS = (
    "kind_a", "value_a", "kind_b", "value_b", "rule", "source", "first_seen", "last_seen",
)  # fmt: skip
_STEPS = 8
Row = dict[str, Any]


def edge_of(project: Project, row: Mapping[str, Any]) -> Edge:
    """A row of evidence as the rules see it."""
    first: datetime | None = row["first_seen"]
    seen = ALWAYS if first is None else to_ms(first.replace(tzinfo=UTC))
    a, b = ends(row)
    return Edge(a, b, row["rule"], edge_priority(a, b, project.kinds), seen)


def ends(row: Mapping[str, Any]) -> tuple[Name, Name]:
    """Both identifiers of a row of evidence."""
    return (row["kind_a"], row["value_a"]), (row["kind_b"], row["value_b"])


def _table(at: Published, name: str) -> str:
    return f"read_parquet({text_literal(str(at.build.table(name)))})"


def _tied(at: Published) -> str:
    """Evidence with the person of each end (null: nobody's) and the guard that refused it."""
    guard, join = "NULL::VARCHAR AS guard", ""
    if at.build.table("review").exists():
        guard = "v.guard"
        join = (
            f"LEFT JOIN {_table(at, 'review')} AS v ON v.rule = e.rule AND ("
            "(v.kind_a = e.kind_a AND v.value_a = e.value_a AND v.kind_b = e.kind_b AND "
            "v.value_b = e.value_b) OR (v.kind_a = e.kind_b AND v.value_a = e.value_b AND "
            "v.kind_b = e.kind_a AND v.value_b = e.value_a))"
        )
    people = _table(at, "identifiers")
    return (
        f"SELECT {', '.join(f'e.{c}' for c in COLUMNS)}, {guard}, a.person_id AS person_a, "
        f"b.person_id AS person_b FROM {_table(at, 'evidence')} AS e {join} "
        f"LEFT JOIN {people} AS a ON a.kind = e.kind_a AND a.value = e.value_a "
        f"LEFT JOIN {people} AS b ON b.kind = e.kind_b AND b.value = e.value_b"
    )


def person_evidence(wh: Warehouse, at: Published, person_id: str) -> tuple[list[Row], list[Row]]:
    """All evidence among a person's identifiers, and what ties them to others or to nobody."""
    rows = wh.arrow(
        f"SELECT * FROM ({_tied(at)}) WHERE person_a = $1 OR person_b = $1 ORDER BY ALL",
        [person_id],
    ).to_pylist()
    mine = [row for row in rows if row["person_a"] == row["person_b"]]
    return mine, [row for row in rows if row["person_a"] != row["person_b"]]


def joining(project: Project, rows: Sequence[Row]) -> set[tuple[Name, Name, str]]:
    """Of the evidence among one person's identifiers that which joins them: the strongest first."""
    edges = [edge_of(project, row) for row in rows]
    names = {name for edge in edges for name in (edge.a, edge.b)}
    found = resolve(names, edges, project.kinds, most=len(names), shared=())
    return {(e.a, e.b, e.rule) for e in found.kept}


def person_graph(wh: Warehouse, at: Published, person_id: str) -> tuple[Name, list[Row], list[Row]]:
    """The identifier that names a person, the evidence that joins, and what was refused."""
    project = at.project()
    mine, others = person_evidence(wh, at, person_id)
    kept = joining(project, mine)
    once: dict[tuple[Name, Name, str], Row] = {}
    for row in mine:
        key = (*ends(row), row["rule"])
        if key in kept:
            once.setdefault(key, row)
    named = wh.rows(
        "SELECT n.kind, n.value FROM node_persons AS p JOIN lake_nodes AS n ON n.node = p.person "
        "WHERE p.person_id = $1 LIMIT 1",
        [person_id],
    )
    kind, value = named[0]
    return (str(kind), str(value)), list(once.values()), others


def chain(wh: Warehouse, at: Published, person_id: str, text: str, start: str) -> list[Row]:
    """The evidence, strongest first choice, that leads from one identifier of a person to another.

    Raises ProblemsError `nobody` where the person has no such identifier.
    """
    named, edges, _ = person_graph(wh, at, person_id)
    held = {
        (str(k), str(v))
        for k, v in wh.rows(
            "SELECT n.kind, n.value FROM node_persons AS p JOIN lake_nodes AS n USING (node) "
            "WHERE p.person_id = $1",
            [person_id],
        )
    }
    goal = _name(text)
    if goal not in held:
        message = f"this person has no identifier '{text}'"
        hint = "`explain` without --identifier lists them."
        raise ProblemsError([Problem("nobody", message, hint=hint)])
    first = _name(start)
    return path(edges, first if first in held else named, goal)


def _name(text: str) -> Name:
    kind, _, value = text.partition(":")
    return kind.strip(), normal_value(kind.strip(), value)


def path(edges: Sequence[Row], start: Name, goal: Name) -> list[Row]:
    """The shortest way over the edges, each turned to lead onwards; empty where there is none."""
    near: dict[Name, list[tuple[Name, Row]]] = {}
    for row in edges:
        a, b = ends(row)
        near.setdefault(a, []).append((b, row))
        near.setdefault(b, []).append((a, row))
    came: dict[Name, tuple[Name, Row]] = {}
    stage, seen = [start], {start}
    while stage and goal not in seen:
        further = []
        for name in stage:
            for other, row in near.get(name, ()):
                if other not in seen:
                    seen.add(other)
                    came[other] = (name, row)
                    further.append(other)
        stage = further
    steps: list[Row] = []
    while goal != start and goal in came:
        before, row = came[goal]
        steps.append(_turned(row, before, goal))
        goal = before
    return steps[::-1]


def _turned(row: Row, a: Name, b: Name) -> Row:
    left_out = ("person_a", "person_b")
    turned = {key: value for key, value in row.items() if key not in left_out}
    return turned | {"kind_a": a[0], "value_a": a[1], "kind_b": b[0], "value_b": b[1]}


def against(wh: Warehouse, at: Published, one: str, other: str) -> dict[str, Any]:
    """Why two people are not one: the evidence between them, and the guard that refused it.

    Where a person has no evidence at all to the other, the chain is empty.
    """
    first, second = (find_person(wh, at, text).person_id for text in (one, other))
    head = {"person_id": first, "against": second, "same_person": first == second}
    if first == second:
        text = other if ":" in other else one
        told = chain(wh, at, first, text, one) if ":" in text else []
        return {**head, "verdict": "They are one person.", "chain": told}
    rows = _between(wh, at, first, second)
    why = [row for row in rows if row["guard"]]
    if not rows:
        verdict = "Nothing was ever seen that ties them."
    else:
        guards = sorted({str(row["guard"] or row["rule"]) for row in (why or rows)})
        verdict = f"What ties them was refused: {', '.join(guards)}."
    return {**head, "verdict": verdict, "chain": rows}


def _between(wh: Warehouse, at: Published, first: str, second: str) -> list[Row]:
    """The shortest chain of refused evidence between two people, over shared identifiers too."""
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE crossing AS SELECT *, "
        "coalesce(person_a, kind_a || ':' || value_a) AS one, "
        "coalesce(person_b, kind_b || ':' || value_b) AS other "
        f"FROM ({_tied(at)}) WHERE person_a IS DISTINCT FROM person_b OR person_a IS NULL"
    )
    came: dict[str, tuple[str, Row]] = {first: ("", {})}
    stage = [first]
    for _ in range(_STEPS):
        found = wh.arrow(
            "SELECT * FROM crossing WHERE list_contains($1, one) OR list_contains($1, other) "
            "ORDER BY ALL",
            [stage],
        ).to_pylist()
        here, stage = set(stage), []
        for row in found:
            for a, b in ((row["one"], row["other"]), (row["other"], row["one"])):
                if a in here and b not in came:
                    came[b] = (a, row)
                    stage.append(b)
        if second in came or not stage:
            break
    steps, at_end = [], second
    while at_end in came and at_end != first:
        at_end, row = came[at_end]
        steps.append({k: v for k, v in row.items() if k not in ("one", "other")})
    return steps[::-1]
