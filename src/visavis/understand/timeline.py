"""Since when a condition is true of each person it is true of: the exact moment, for everybody.

For each member the values that the condition reads are computed at every moment at which they
change (events come, events leave windows), the condition also at every moment at which the clock
switches a comparison; the last change from not true to true is the answer. Fits stand still.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from visavis.core.clock import zone
from visavis.core.lang.form import Node, Value
from visavis.core.lang.types import TIME_MIN
from visavis.core.nouns import Project, Trait
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal
from visavis.store.engines.duckdb_sql import Names, expression
from visavis.store.warehouse import Warehouse
from visavis.understand.batch import condition_sql
from visavis.understand.moments import moments
from visavis.understand.reading import Stream
from visavis.understand.states import States
from visavis.understand.switches import Unfolded, switches, unfolded

Fits = Mapping[str, Sequence[Value]]
_START = time_literal(TIME_MIN)


def exact_in_sql(condition: Node, traits: Mapping[str, Trait]) -> bool:
    """Whether `since` can answer for a condition; for others one has to step through time."""
    return unfolded(condition, traits) is not None


def since(
    wh: Warehouse,
    project: Project,
    conditions: Mapping[str, Node],
    as_of_ms: int,
    fits: Fits,
    people: str = "people_traits",
    target: str = "since",
) -> None:
    """Create the table `target`(name, person, since): when each condition last became true.

    One row for each person of whom it is true in `people`, the table of `compute_people` as of the
    same moment. The past begins with the person's first sighting (`persons.first_seen`, if there is
    such a column): a condition true ever since has that moment, or null where it isn't known.
    ValueError for a condition for which `exact_in_sql` says no.
    """
    wh.use_zone(zone(project.time_zone))
    wh.execute(
        f"CREATE OR REPLACE TABLE {identifier(target)}"
        " (name VARCHAR, person BIGINT, since TIMESTAMP)"
    )
    for shared in _by_streams(conditions, project):
        _members(wh, project, shared, as_of_ms, fits, people)
        switched = _switched(project, list(shared.values()), as_of_ms, fits)
        wh.execute(f"CREATE OR REPLACE TEMP TABLE visavis_switched AS {switched}")
        _insert(wh, list(shared), target)
    wh.execute("DROP TABLE IF EXISTS visavis_members")
    wh.execute("DROP TABLE IF EXISTS visavis_switched")


def _by_streams(conditions: Mapping[str, Node], project: Project) -> Iterable[dict[str, Node]]:
    """Conditions that read the same streams by the same windows share one pass over them."""
    out: dict[frozenset[object], dict[str, Node]] = {}
    for name, node in conditions.items():
        found = unfolded(node, project.traits)
        if found is None:
            raise ValueError(f"the moments of condition '{name}' can't be told in SQL")
        out.setdefault(frozenset(_streams(found[1])), {})[name] = node
    return out.values()


def _streams(atoms: Unfolded) -> Iterable[tuple[Stream, int | None]]:
    """What makes a pass long: the events of streams, and when they leave windows."""
    yield from ((Stream.of(trait), trait.within_ms) for trait, _ in atoms.aggregates.values())
    yield from ((Stream.of(trait), None) for trait in atoms.given.values())


def _members(
    wh: Warehouse,
    project: Project,
    conditions: Mapping[str, Node],
    as_of_ms: int,
    fits: Fits,
    people: str,
) -> None:
    """Make the temporary table of people of whom any condition is true, with which ones are."""
    sqls = [condition_sql(wh, project, node, as_of_ms, fits) for node in conditions.values()]
    flags = ", ".join(f"coalesce({sql}, false) AS m{i}" for i, sql in enumerate(sqls))
    anybody = " OR ".join(f"m{i}" for i in range(len(sqls)))
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE visavis_members AS SELECT * FROM"
        f" (SELECT person, {flags} FROM {identifier(people)}) WHERE {anybody}"
    )


def _switched(project: Project, nodes: Sequence[Node], as_of_ms: int, fits: Fits) -> str:
    """SQL: per member the last moment (column s0, s1, ...) at which each condition became true."""
    atoms = Unfolded(project.traits)
    wholes = [atoms.unfold(node) for node in nodes]
    names = Names(now="moment", trait=identifier, fits=fits)
    found = {moments(s, names) for whole in wholes for s in switches(whole) or ()}
    states = States(project, atoms, as_of_ms, "visavis_members").sql()
    rows = _with_moments(states, sorted(found), as_of_ms)
    truths = ", ".join(f"{expression(whole, names)} AS c{i}" for i, whole in enumerate(wholes))
    # what follows the last moment at which it was not true is the moment it became true
    turned = ", ".join(
        f"coalesce(max(following) FILTER (WHERE c{i} IS NOT TRUE), {_START}) AS s{i}"
        for i in range(len(nodes))
    )
    return (
        f"SELECT person, {turned} FROM (SELECT person, following, {truths} FROM ({rows}))"
        " GROUP BY person"
    )


def _with_moments(states: str, found: Sequence[str], as_of_ms: int) -> str:
    """The states at their beginning, and again at each moment within them that the clock makes.

    `moment` is when, `following` the next such moment of the person, null for the last.
    """
    if not found:
        return f"SELECT *, began AS moment, next_began AS following FROM ({states})"
    ended = f"coalesce(next_began - to_milliseconds(1), {time_literal(as_of_ms)})"
    listed = f"flatten([{', '.join(['[began]', *found])}])"
    within = f"list_filter({listed}, lambda moment: moment BETWEEN began AND ended)"
    return (
        "SELECT *, unnest(moments) AS moment,"
        " unnest(list_append(moments[2:], next_began)) AS following FROM"
        f" (SELECT *, list_sort({within}) AS moments FROM"
        f" (SELECT *, {ended} AS ended FROM ({states})))"
    )


def _insert(wh: Warehouse, names: Sequence[str], target: str) -> None:
    seen = "first_seen" in wh.columns("persons")
    known = "p.first_seen" if seen else "CAST(NULL AS TIMESTAMP)"
    for i, name in enumerate(names):
        wh.execute(
            f"INSERT INTO {identifier(target)} SELECT {text_literal(name)}, m.person,"
            f" greatest(nullif(s.s{i}, {_START}), {known}) FROM visavis_members m"
            " JOIN persons p ON p.person = m.person"
            f" LEFT JOIN visavis_switched s ON s.person = m.person WHERE m.m{i}"
        )
