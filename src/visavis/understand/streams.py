"""Computed and given traits as SQL: one GROUP BY per stream of events, many aggregates each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from visavis.core.lang.form import Aggregate, Node, Property
from visavis.core.lang.types import TIME_MIN
from visavis.core.nouns import Project, Trait
from visavis.store.engines.duckdb_aggregates import Halves, Rows, halves
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.engines.duckdb_sql import Names, expression
from visavis.understand.reading import Reading, Stream
from visavis.understand.resolving import resolving
from visavis.understand.sequences import sequence
from visavis.understand.tallies import Tallies, tallied


def by_stream(traits: Iterable[Trait]) -> dict[Stream, list[Trait]]:
    """Computed and given traits by the scan they share, in order of appearance."""
    out: dict[Stream, list[Trait]] = {}
    for trait in traits:
        if trait.kind in ("computed", "given"):
            out.setdefault(Stream.of(trait), []).append(trait)
    return out


@dataclass
class Parts:
    """Aggregates shared by traits: equal SQL is computed once. `prefix` keeps names apart."""

    prefix: str
    columns: dict[str, str] = field(default_factory=dict)

    def name(self, sql: str) -> str:
        """The column that holds this aggregate."""
        return self.columns.setdefault(sql, f"{self.prefix}{len(self.columns)}")

    def select(self) -> str:
        """The aggregates with their column names, for a SELECT."""
        return ", ".join(f"{sql} AS {name}" for sql, name in self.columns.items())


def window_start(as_of_ms: int, within_ms: int) -> str | None:
    """SQL of the moment after which a window begins; None when that is before all time."""
    start = as_of_ms - within_ms
    return time_literal(start) if start >= TIME_MIN else None


def kept(trait: Trait, reading: Reading, as_of_ms: int, now: str) -> list[str]:
    """Conditions on the rows of a trait: its window and its `where`."""
    rows = reading.rows(now)
    out = []
    if trait.within_ms is not None:
        start = window_start(as_of_ms, trait.within_ms)
        if start is not None:
            out.append(f"{rows.time} > {start}")
    if trait.where is not None:
        out.append(expression(trait.where, rows.names))
    return out


def finished(node: Node, parts: Parts, now: str, cut: Callable[[Aggregate], Halves]) -> str:
    """SQL of a computed trait's value over the columns of `parts`, which it adds to."""

    def aggregate(found: Aggregate) -> str:
        made = cut(found)
        return made.finish([parts.name(sql) for sql in made.parts])

    return expression(node, Names(now=now, aggregate=aggregate))


def given_value(trait: Trait, reading: Reading, parts: Parts) -> str:
    """The value of a given trait over the columns of `parts`, which it adds to."""
    name = str(trait.given or trait.name)
    column = reading.column(Property(trait.type, name, "property"))
    cleared = f"list_contains(e.cleared, {text_literal(name)})"
    kept = f"FILTER (WHERE {column} IS NOT NULL OR {cleared})"
    part, finish = resolving(trait, column, "e.seq", "e.source")
    return finish(parts.name(f"{part} {kept}"))


@dataclass(frozen=True)
class Grouped:
    """Queries (by name) with a row per person, and how each trait is made of their columns."""

    queries: Mapping[str, str]
    values: Mapping[str, str]


def grouped(
    project: Project, stream: Stream, traits: Sequence[Trait], as_of_ms: int, prefix: str
) -> Grouped:
    """The one GROUP BY of a stream, for everybody as of a moment."""
    reading, parts = Reading(project, stream, traits), Parts(f"{prefix}_")
    now = time_literal(as_of_ms)
    rows = reading.rows(now)
    tallies = Tallies(prefix, rows.names)
    keeps = {t.name: kept(t, reading, as_of_ms, now) for t in traits}
    common = [c for c in keeps[traits[0].name] if all(c in keep for keep in keeps.values())]
    values = {}
    for trait in traits:
        if trait.kind == "given":
            values[trait.name] = given_value(trait, reading, parts)
        elif trait.value is not None:
            keep = [c for c in keeps[trait.name] if c not in common]
            cut = partial(_halves, stream, tallies, rows, keep)
            values[trait.name] = finished(trait.value, parts, now, cut)
    scanned = [*_scan(stream, traits, rows.time, as_of_ms), *common]
    if stream.then or stream.without:
        scanned.append(f"{rows.order[0]} IN ({sequence(project, stream, as_of_ms)})")
    person = "l.person" if stream.lines else "e.person"
    selected = ", ".join(filter(None, (f"{person} AS person", parts.select())))
    sql = (
        f"SELECT {selected} FROM {reading.tables()} WHERE {' AND '.join(scanned)} GROUP BY {person}"
    )
    return Grouped({prefix: sql, **tallies.queries(person, reading.tables(), scanned)}, values)


def _halves(
    stream: Stream, tallies: Tallies, rows: Rows, keep: Sequence[str], node: Aggregate
) -> Halves:
    """An aggregate in the GROUP BY, or in a tally where the rows are cheap to read again."""
    if tallied(node) and not (stream.then or stream.without):
        return tallies.halves(node, keep)
    return halves(node, rows, keep)


def _scan(stream: Stream, traits: Sequence[Trait], time: str, as_of_ms: int) -> list[str]:
    """Conditions on the scan itself: the event, the moment, and the widest window."""
    table = time.split(".")[0]
    out = [f"{table}.event = {text_literal(stream.event)}", f"{time} <= {time_literal(as_of_ms)}"]
    windows = [t.within_ms for t in traits]
    if all(w is not None for w in windows):
        start = window_start(as_of_ms, max(w for w in windows if w is not None))
        if start is not None:
            out.append(f"{time} > {start}")
    return out
