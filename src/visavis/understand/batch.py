"""The traits of everybody at once: one row per person, as of a moment, under a fit.

Fits (the cut points of `bucket`) are computed from everybody unless they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from visavis.core.clock import zone
from visavis.core.lang.form import Bucket, Node, Value, children, trait_names, walk
from visavis.core.lang.types import SCALE, Type
from visavis.core.nouns import Project, Trait
from visavis.store.engines.duckdb_names import identifier, literal, time_literal
from visavis.store.engines.duckdb_sql import Names, expression
from visavis.store.warehouse import Warehouse
from visavis.understand.streams import by_stream, grouped

Fits = dict[str, tuple[Value, ...]]
"""Cut points by the name of their fit, as the Python reader holds values."""


def compute_people(
    wh: Warehouse,
    project: Project,
    as_of_ms: int,
    fits: Mapping[str, Sequence[Value]] | None = None,
    target: str = "people_traits",
    base: str | None = None,
) -> Fits:
    """Create the table `target`: person and each trait of the project, for everybody in `persons`.

    Reads the relations ev, li, catalogue_products and persons; instead, `base` may be a query for
    person and every given and computed trait. Returns the fits: those given, or else the cut
    points computed from the people themselves.
    """
    wh.use_zone(zone(project.time_zone))
    known: Fits = {name: tuple(cuts) for name, cuts in (fits or {}).items()}
    traits = list(project.traits.values())
    depth = _bucket_depths(traits) if fits is None else dict.fromkeys(project.traits, 0)
    source, last = base or base_query(project, traits, as_of_ms), max(depth.values(), default=0)
    staged: list[str] = []
    for stage in range(last + 1):
        now = [t for t in traits if depth[t.name] == stage and t.kind in ("derived", "predicted")]
        known |= _fit(wh, source, now, as_of_ms, known) if stage else {}
        source = _layered(source, now, as_of_ms, known)
        if stage < last:
            staged.append(f"visavis_stage_{stage}")
            wh.execute(f"CREATE OR REPLACE TEMP TABLE {staged[-1]} AS {source}")
            source = f"SELECT * FROM {staged[-1]}"
    columns = ", ".join(["person", *(identifier(name) for name in project.traits)])
    wh.execute(f"CREATE OR REPLACE TABLE {identifier(target)} AS SELECT {columns} FROM ({source})")
    for table in staged:
        wh.execute(f"DROP TABLE {table}")
    return known


def condition_sql(
    wh: Warehouse,
    project: Project,
    node: Node,
    as_of_ms: int,
    fits: Mapping[str, Sequence[Value]],
) -> str:
    """SQL of an expression over the columns of the table that `compute_people` made."""
    wh.use_zone(zone(project.time_zone))
    return expression(node, _people(as_of_ms, fits))


def compute_fits(
    wh: Warehouse, project: Project, nodes: Iterable[Node], as_of_ms: int, people: str
) -> Fits:
    """The cut points of the buckets in `nodes` over the people in a table that is already made."""
    wh.use_zone(zone(project.time_zone))
    buckets = {b.fit: b for n in nodes for b in walk(n) if isinstance(b, Bucket)}
    return _cut_points(wh, f"SELECT * FROM {identifier(people)}", buckets, as_of_ms, {})


def _people(as_of_ms: int, fits: Mapping[str, Sequence[Value]]) -> Names:
    return Names(now=time_literal(as_of_ms), trait=identifier, fits=fits)


def base_query(
    project: Project, traits: Sequence[Trait], as_of_ms: int, people: str = "persons"
) -> str:
    """Everybody with their computed and given traits: one GROUP BY per stream, joined."""
    columns, joins = ["p.person"], [f"{people} p"]
    for number, (stream, shared) in enumerate(by_stream(traits).items()):
        group = grouped(project, stream, shared, as_of_ms, f"g{number}")
        for name, query in group.queries.items():
            joins.append(f"LEFT JOIN ({query}) {name} ON {name}.person = p.person")
        columns += [f"{sql} AS {identifier(name)}" for name, sql in group.values.items()]
    return f"SELECT {', '.join(columns)} FROM {' '.join(joins)}"


def _layered(
    source: str, traits: Sequence[Trait], as_of_ms: int, fits: Mapping[str, Sequence[Value]]
) -> str:
    """`source` with derived traits added, each in a layer above those that it reads."""
    names = _people(as_of_ms, fits)
    for layer in _layers(traits):
        added = ", ".join(f"{_value(t, names)} AS {identifier(t.name)}" for t in layer)
        source = f"SELECT *, {added} FROM ({source})"
    return source


def _value(trait: Trait, names: Names) -> str:
    if trait.value is None:
        return literal(None, trait.type)
    return expression(trait.value, names)


def _layers(traits: Sequence[Trait]) -> list[list[Trait]]:
    """Traits (in dependency order) by how many of them stand below each."""
    level: dict[str, int] = {}
    layers: list[list[Trait]] = []
    for trait in traits:
        below = trait_names(trait.value) if trait.value else frozenset()
        level[trait.name] = max((level[name] + 1 for name in below if name in level), default=0)
        if level[trait.name] == len(layers):
            layers.append([])
        layers[level[trait.name]].append(trait)
    return layers


def _bucket_depths(traits: Sequence[Trait]) -> dict[str, int]:
    """How many fits must be computed, one after the other, before each trait can be."""
    depth: dict[str, int] = {}
    for trait in traits:
        depth[trait.name] = 0
        if trait.value is not None:
            below = max((depth[name] for name in trait_names(trait.value)), default=0)
            depth[trait.name] = below + _nesting(trait.value)
    return depth


def _nesting(node: Node) -> int:
    below = max((_nesting(child) for child in children(node)), default=0)
    return below + 1 if isinstance(node, Bucket) else below


def _fit(wh: Warehouse, source: str, traits: Sequence[Trait], as_of_ms: int, known: Fits) -> Fits:
    values = [t.value for t in traits if t.value is not None]
    buckets = {b.fit: b for v in values for b in walk(v) if isinstance(b, Bucket)}
    return _cut_points(wh, source, buckets, as_of_ms, known)


def _cut_points(
    wh: Warehouse, source: str, buckets: Mapping[str, Bucket], as_of_ms: int, known: Fits
) -> Fits:
    """Nearest-rank quantiles of each bucket's argument over the rows of `source`."""
    if not buckets:
        return {}
    names = _people(as_of_ms, known)
    columns = [_quantiles(expression(b.arg, names), b) for b in buckets.values()]
    (row,) = wh.rows(f"SELECT {', '.join(columns)} FROM ({source})")
    return {
        name: tuple(_held(cut, bucket.arg.type) for cut in cuts or ())
        for (name, bucket), cuts in zip(buckets.items(), row, strict=True)
    }


def _quantiles(sql: str, bucket: Bucket) -> str:
    if bucket.arg.type is Type.TIME:
        sql = f"epoch_ms({sql})"
    elif bucket.arg.type is Type.DATE:
        sql = f"({sql} - DATE '1970-01-01')"
    # k/n cut off after 17 places: ceil(q m) is then that of the exact fraction for any m of ours
    cuts = ", ".join(f"0.{k * 10**17 // bucket.n:017d}" for k in range(1, bucket.n))
    return f"quantile_disc({sql}, [{cuts}])"


def _held(value: Any, kind: Type) -> Value:
    if kind is Type.DECIMAL:
        return int(Decimal(value) * SCALE)
    return float(value) if kind is Type.FLOAT else int(value)
