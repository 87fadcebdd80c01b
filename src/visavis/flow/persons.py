"""One person of the published build: found by any identifier or id, and their history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from visavis.core.identifiers import family, key_of, normal_value
from visavis.core.lang.form import Value
from visavis.core.lang.history import History
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError
from visavis.flow.naming import Naming
from visavis.flow.published import Published
from visavis.flow.rows import as_held, events_of, held_columns
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.key import project_key
from visavis.store.relations import create_view, create_views
from visavis.store.views import snapshot_of
from visavis.store.warehouse import Warehouse
from visavis.unify.rules import pid_maker


@dataclass(frozen=True, slots=True)
class PersonFound:
    """A person and the nodes of their identifiers."""

    person_id: str
    nodes: tuple[int, ...]


def open_lake(wh: Warehouse, at: Published) -> None:
    """Makes the lake's views and `node_persons` as the build saw them."""
    create_views(wh, snapshot_of(at.build, at.lake.path))
    table = text_literal(str(at.build.table("persons")))
    create_view(wh, "node_persons", f"SELECT * FROM read_parquet({table})")


def find_person(wh: Warehouse, at: Published, text: str) -> PersonFound:
    """The person of `kind:value`, of a person_id, or of the id that any identifier gives.

    Raises ProblemsError `nobody`.
    """
    kind, colon, value = text.partition(":")
    if colon:
        found = _by_identifier(wh, at, kind.strip(), value)
    else:
        found = wh.rows("SELECT person_id FROM node_persons WHERE person_id = $1 LIMIT 1", [text])
        found = found or _by_former_id(wh, at, text)
    if not found:
        raise ProblemsError([_nobody(wh, at, text)])
    person_id = str(found[0][0])
    nodes = wh.rows("SELECT node FROM node_persons WHERE person_id = $1 ORDER BY 1", [person_id])
    return PersonFound(person_id, tuple(int(node) for (node,) in nodes))


def _by_identifier(wh: Warehouse, at: Published, kind: str, value: str) -> list[tuple[Any, ...]]:
    """Who has the identifier as it is kept, else one that is the same written differently."""
    holds = (
        "SELECT p.person_id FROM lake_nodes AS n JOIN node_persons AS p USING (node) "
        "WHERE n.kind = $1 AND n.value"
    )
    kept = normal_value(kind, value)
    found = wh.rows(f"{holds} = $2", [kind, kept])
    if found or family(kind) == "other":
        return found
    kinds = at.project().kinds
    country = kinds[kind].country if kind in kinds else None
    key = key_of(kind, kept, country)
    tail = key.partition("@")[0][-4:]  # what no way of writing it changes
    bare = "regexp_replace(lower(value), '[^a-z0-9]', '', 'g')"
    near = wh.rows(
        f"SELECT DISTINCT value FROM lake_nodes WHERE kind = $1 AND contains({bare}, $2)",
        [kind, "".join(c for c in tail if c.isascii() and c.isalnum())],
    )
    same = sorted(str(v) for (v,) in near if key_of(kind, str(v), country) == key)
    return wh.rows(f"{holds} = $2", [kind, same[0]]) if same else []


def _by_former_id(wh: Warehouse, at: Published, pid: str) -> list[tuple[Any, ...]]:
    """Who holds the identifier that gives this id: only merged people have more than one."""
    make = pid_maker(project_key(at.state))
    rows = wh.rows(
        "SELECT n.kind, n.value, p.person_id FROM node_persons AS p JOIN lake_nodes AS n "
        "USING (node) WHERE p.node <> p.person"
    )
    return [(person_id,) for kind, value, person_id in rows if make(kind, value) == pid][:1]


def _nobody(wh: Warehouse, at: Published, text: str) -> Problem:
    """Why there is no such person: unknown, or an identifier that is nobody's."""
    kind, colon, raw = text.partition(":")
    name = (kind.strip(), normal_value(kind.strip(), raw))
    known = wh.rows("SELECT 1 FROM lake_nodes WHERE kind = $1 AND value = $2", list(name))
    message = f"there is no person '{text}' in the published build"
    if colon and Naming(at.project().kinds).blocks(name):
        hint = "The value is blocked (identity.yml): it is nobody's."
    elif known:
        message = f"'{text}' is nobody's in the published build"
        hint = "It is shared, or a robot's. `visavis identity review` tells what was seen with it."
        policy = at.project().kinds.get(name[0])
        hint = "It names an account." if policy is not None and policy.account else hint
    else:
        kinds = [str(row[0]) for row in wh.rows("SELECT DISTINCT kind FROM lake_nodes ORDER BY 1")]
        hint = "A person is KIND:VALUE or a person_id."
        hint += f" Kinds here: {', '.join(kinds)}." if not colon or kind not in kinds else ""
    return Problem("nobody", message, hint=hint)


def read_history(wh: Warehouse, project: Project, nodes: Iterable[int]) -> History:
    """The person's events of the lake, as the Python reader reads them."""
    listed = ", ".join(str(node) for node in nodes)
    where = f"node IN ({listed}) AND void IS NOT TRUE"
    events = events_of(wh, project, "lake_events", "lake_lines", where)
    return History.from_events(events, project.properties, project.line_fields)


def read_catalogue(wh: Warehouse, at: Published, history: History) -> dict[str, dict[str, Value]]:
    """The items that the history's lines name, by product_id."""
    items = {
        str(product)
        for stream in history.streams.values()
        if stream.lines is not None
        for product in stream.lines.columns.get("product_id", ())
        if product is not None
    }
    fields = {name: Type(kind) for name, kind in at.build.manifest["catalogue"].items()}
    rows = wh.arrow(
        f"SELECT product_id, {held_columns('c_', fields)} FROM read_parquet("
        f"{text_literal(str(at.build.table('catalogue')))}) WHERE list_contains($1, product_id)",
        [sorted(items)],
    ).to_pylist()
    return {str(row.pop("product_id")): as_held(row, "c_") for row in rows}


def of_person(
    wh: Warehouse, at: Published, table: str, columns: Sequence[str], person_id: str
) -> list[dict[str, Any]]:
    """A person's rows of one of the build's tables."""
    file = text_literal(str(at.build.table(table)))
    listed = ", ".join(identifier(column) for column in columns)
    rows = wh.rows(
        f"SELECT {listed} FROM read_parquet({file}) WHERE person_id = $1 ORDER BY ALL", [person_id]
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]
