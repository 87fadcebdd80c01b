"""Computed and given traits as SQL: one GROUP BY per stream of events, many aggregates each.

A stream is what traits can share one scan of: the same event, lines or not, the same sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from visavis.core.lang.form import Aggregate, Node, Property, walk
from visavis.core.lang.types import TIME_MIN
from visavis.core.nouns import Project, Step, Trait
from visavis.store.engines.duckdb_aggregates import Halves, Rows, halves
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal
from visavis.store.engines.duckdb_sql import Names, expression

_EVENT = {"timestamp": "ts", "event": "event", "source": "source"}
"""Built-in properties that `ev` and `li` both have; the others are in `ev` alone."""


@dataclass(frozen=True)
class Stream:
    """Which rows a computed trait ranges over, before `where` and `within`."""

    event: str
    lines: bool
    then: Step | None
    without: Step | None

    @classmethod
    def of(cls, trait: Trait) -> Stream:
        """The stream of a computed or given trait."""
        if trait.kind == "given":
            return cls("identify", False, None, None)
        return cls(str(trait.event), trait.each is not None, trait.then, trait.without)


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


class Reading:
    """How the properties of one stream are written in SQL, and which joins that takes."""

    def __init__(self, project: Project, stream: Stream, traits: Sequence[Trait]) -> None:
        self._project, self._stream = project, stream
        self._catalogue = {f.name for c in project.catalogues.values() for f in c.fields}
        self._mixed = _mixed_types(project)
        nodes = [p for t in traits for p in properties(t)]
        self.joins_events = stream.lines and any(self._of_event(p) for p in nodes)
        self.joins_catalogue = stream.lines and any("c." in self.column(p) for p in nodes)

    def _of_event(self, node: Property) -> bool:
        return node.scope == "property" or (node.scope == "event" and node.name not in _EVENT)

    def column(self, node: Property) -> str:
        """SQL of a property: `e` is the event, `l` the line, `c` the item of the catalogue."""
        own = "l" if self._stream.lines else "e"
        if node.scope == "event":
            return f"{own}.{_EVENT[node.name]}" if node.name in _EVENT else f"e.{identifier(node.name)}"
        if node.scope == "property":
            return event_property("e", node, node.name in self._mixed)
        line, item = f"l.{identifier('l_' + node.name)}", f"c.{identifier('c_' + node.name)}"
        if node.scope == "catalogue" or node.name not in self._project.line_fields:
            return item
        return f"coalesce({line}, {item})" if node.name in self._catalogue else line

    def rows(self, now: str) -> Rows:
        """What aggregates need to know of these rows."""
        names = Names(now=now, column=self.column)
        if self._stream.lines:
            return Rows(names, "l.ts", ("l.seq", "l.line"))
        return Rows(names, "e.ts", ("e.seq",))

    def tables(self) -> str:
        """The FROM clause."""
        if not self._stream.lines:
            return "ev e"
        joins = "li l"
        if self.joins_events:
            joins += " JOIN ev e ON e.seq = l.seq AND e.event = l.event"
        if self.joins_catalogue:
            joins += " LEFT JOIN catalogue_products c ON c.product_id = l.l_product_id"
        return joins


def event_property(table: str, node: Property, mixed: bool) -> str:
    """A promoted property; where events disagree about its type the column is brought to ours."""
    from visavis.store.engines.duckdb_sql import typed

    column = f"{table}.{identifier('p_' + node.name)}"
    return f"TRY_CAST({column} AS {typed(node)})" if mixed else column


def _mixed_types(project: Project) -> set[str]:
    seen: dict[str, set[str]] = {}
    for properties_of_event in project.properties.values():
        for name, kind in properties_of_event.items():
            seen.setdefault(name, set()).add(kind)
    return {name for name, kinds in seen.items() if len(kinds) > 1}


def properties(trait: Trait) -> list[Property]:
    """The properties that a trait's value and `where` read."""
    nodes = [n for n in (trait.value, trait.where) if n is not None]
    return [p for n in nodes for p in walk(n) if isinstance(p, Property)]


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


def given_part(trait: Trait, reading: Reading) -> str:
    """The latest row that sets or clears a given property."""
    name = str(trait.given or trait.name)
    column = reading.column(Property(trait.type, name, "property"))
    cleared = f"list_contains(e.cleared, {text_literal(name)})"
    return f"arg_max_null({column}, e.seq) FILTER (WHERE {column} IS NOT NULL OR {cleared})"


@dataclass(frozen=True)
class Grouped:
    """SQL that gives one row per person, and how each trait's value is made of its columns."""

    sql: str
    values: Mapping[str, str]


def grouped(
    project: Project, stream: Stream, traits: Sequence[Trait], as_of_ms: int, prefix: str
) -> Grouped:
    """The one GROUP BY of a stream, for everybody as of a moment."""
    reading, parts, now = Reading(project, stream, traits), Parts(prefix), time_literal(as_of_ms)
    rows = reading.rows(now)
    keeps = {t.name: kept(t, reading, as_of_ms, now) for t in traits}
    common = [c for c in keeps[traits[0].name] if all(c in keep for keep in keeps.values())]
    values = {}
    for trait in traits:
        if trait.kind == "given":
            values[trait.name] = parts.name(given_part(trait, reading))
        elif trait.value is not None:
            keep = [c for c in keeps[trait.name] if c not in common]
            values[trait.name] = finished(
                trait.value, parts, now, lambda node, keep=keep: halves(node, rows, keep)
            )
    scanned = [*_scan(stream, traits, rows.time, as_of_ms), *common]
    if stream.then or stream.without:
        scanned.append(f"{rows.order[0]} IN ({sequence(project, stream, as_of_ms)})")
    person = "l.person" if stream.lines else "e.person"
    selected = ", ".join(filter(None, (f"{person} AS person", parts.select())))
    sql = f"SELECT {selected} FROM {reading.tables()} WHERE {' AND '.join(scanned)} GROUP BY {person}"
    return Grouped(sql, values)


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


def sequence(project: Project, stream: Stream, as_of_ms: int) -> str:
    """The seq of each event A of a stream that its `then` and `without` keep.

    Only the next B and the next C after A matter: an earlier B is never worse than a later one.
    """
    then, without = stream.then, stream.without
    events = sorted({stream.event, *(s.event for s in (then, without) if s)})
    listed = ", ".join(text_literal(event) for event in events)
    columns = ["e.seq", "e.ts", f"e.event = {text_literal(stream.event)} AS is_a"]
    for step, letter in ((then, "b"), (without, "c")):
        if step:
            hit = _hit(project, step, as_of_ms)
            columns.append(f"min(CASE WHEN {hit} THEN e.seq END) OVER later AS {letter}_seq")
            columns.append(f"min(CASE WHEN {hit} THEN e.ts END) OVER later AS {letter}_ts")
    return (
        f"SELECT seq FROM (SELECT {', '.join(columns)} FROM ev e"
        f" WHERE e.event IN ({listed}) AND e.ts <= {time_literal(as_of_ms)}"
        " WINDOW later AS (PARTITION BY e.person ORDER BY e.seq"
        " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING))"
        f" WHERE is_a AND {_holds(then, without, as_of_ms)}"
    )


def _hit(project: Project, step: Step, as_of_ms: int) -> str:
    event = f"e.event = {text_literal(step.event)}"
    if step.where is None:
        return event
    reading = Reading(project, Stream(step.event, False, None, None), ())
    names = Names(now=time_literal(as_of_ms), column=reading.column)
    return f"{event} AND {expression(step.where, names)}"


def _holds(then: Step | None, without: Step | None, as_of_ms: int) -> str:
    if then:
        holds = "b_seq IS NOT NULL"
        if then.within_ms is not None:
            holds += f" AND epoch_ms(b_ts) - epoch_ms(ts) <= {then.within_ms}"
        return f"{holds} AND (c_seq IS NULL OR c_seq >= b_seq)" if without else holds
    if without is None or without.within_ms is None:
        return "c_seq IS NULL"
    passed = f"epoch_ms(ts) <= {as_of_ms - without.within_ms}"
    return f"{passed} AND (c_ts IS NULL OR epoch_ms(c_ts) - epoch_ms(ts) > {without.within_ms})"
