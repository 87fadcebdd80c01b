"""What holds of each person between two events: the values of aggregates at every moment of change.

The streams are put one after another with the moments at which rows leave a window; each aggregate
then is a window over the person's rows up to the moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from visavis.core.lang.form import Aggregate, Property
from visavis.core.lang.types import TIME_MAX, TIME_MIN
from visavis.core.nouns import Project, Trait
from visavis.store.engines.duckdb_aggregates import Rows, halves
from visavis.store.engines.duckdb_names import identifier, text_literal, time_literal
from visavis.store.engines.duckdb_sql import Names, expression
from visavis.understand.reading import Reading, Stream
from visavis.understand.resolving import resolving
from visavis.understand.streams import Parts
from visavis.understand.switches import Unfolded


@dataclass(frozen=True)
class _Atom:
    """One value that changes by events: what it takes of a row, and the window over the rows."""

    trait: Trait
    columns: Mapping[str, str]
    window: str
    parts: tuple[str, ...]
    value: str


class States:
    """SQL of the states of the people in `members` under the atoms of some conditions."""

    def __init__(self, project: Project, atoms: Unfolded, as_of_ms: int, members: str) -> None:
        self._project, self._as_of, self._members = project, as_of_ms, members
        self._parts = Parts("w")
        self._traits = [t for t, _ in atoms.aggregates.values()] + list(atoms.given.values())
        readings = {s: Reading(project, s, of) for s, of in self._by_stream().items()}
        self._rows: dict[Stream, dict[str, str]] = {stream: {} for stream in readings}
        self._readings, self._ends = readings, set[tuple[str, int]]()
        self._windows: dict[str, str] = {}
        self._values: dict[str, str] = {}
        for name, (trait, node) in atoms.aggregates.items():
            self._values[name] = self._aggregate(trait, node)
        for name, trait in atoms.given.items():
            self._values[name] = self._given(trait)

    def _by_stream(self) -> dict[Stream, list[Trait]]:
        out: dict[Stream, list[Trait]] = {}
        for trait in self._traits:
            out.setdefault(Stream.of(trait), []).append(trait)
        return out

    def sql(self) -> str:
        """One row per person and moment of change: person, began, next_began (or null), atoms."""
        union = " UNION ALL BY NAME ".join(
            [*(self._stream(stream) for stream in self._rows), self._starts()]
        )
        ends = "".join(f" UNION ALL BY NAME {self._end(*end)}" for end in sorted(self._ends))
        windows = ", ".join(f"{name} AS ({frame})" for name, frame in self._frames().items())
        parts = "".join(f", {sql} AS {name}" for sql, name in self._parts.columns.items())
        values = "".join(f", {sql} AS {identifier(name)}" for name, sql in self._values.items())
        return (
            f"SELECT person, began, next_began{values} FROM ("
            f"WITH rows_of AS ({union}), moments_of AS (FROM rows_of{ends})"
            f" SELECT person, began, lead(began) OVER following AS next_began{parts}"
            f" FROM moments_of WINDOW following AS (PARTITION BY person ORDER BY began), {windows}"
            ") WHERE next_began IS NULL OR next_began > began"
        )

    def _frames(self) -> dict[str, str]:
        order = "PARTITION BY person ORDER BY began RANGE BETWEEN"
        whole = {"ever": f"{order} UNBOUNDED PRECEDING AND CURRENT ROW"}
        return {**whole, **{n: f"{order} {f} AND CURRENT ROW" for n, f in self._windows.items()}}

    def _aggregate(self, trait: Trait, node: Aggregate) -> str:
        """The value of an aggregate over columns that its stream is given."""
        stream = Stream.of(trait)
        rows = self._readings[stream].rows("NULL")
        conditions = [n for n in (trait.where, node.filter) if n is not None]
        keep = " AND ".join(expression(n, rows.names) for n in conditions) or "true"
        kept = self._column(stream, f"coalesce({keep}, false)")
        args = tuple(
            Property(a.type, self._column(stream, expression(a, rows.names)), "event")
            for a in node.args
        )
        window = self._window(trait, kept)
        over = Rows(
            Names(column=lambda p: p.name), "began", ("seq", "line") if stream.lines else ("seq",)
        )
        made = halves(replace(node, args=args, filter=None), over, [kept], f" OVER {window}")
        return made.finish([self._parts.name(sql) for sql in made.parts])

    def _given(self, trait: Trait) -> str:
        stream, name = Stream.of(trait), str(trait.given or trait.name)
        column = self._readings[stream].column(Property(trait.type, name, "property"))
        cleared = f"list_contains(e.cleared, {text_literal(name)})"
        value = self._column(stream, column)
        kept = self._column(stream, f"coalesce({column} IS NOT NULL OR {cleared}, false)")
        source = self._column(stream, "e.source")
        part, finish = resolving(trait, value, "seq", source)
        return finish(self._parts.name(f"{part} FILTER (WHERE {kept}) OVER ever"))

    def _column(self, stream: Stream, sql: str) -> str:
        """The column of the union that holds this expression of a stream's rows."""
        number = sum(len(columns) for columns in self._rows.values())
        return self._rows[stream].setdefault(sql, f"r{number}")

    def _window(self, trait: Trait, kept: str) -> str:
        within = trait.within_ms
        if within is None or within > TIME_MAX - TIME_MIN:
            return "ever"
        self._ends.add((kept, within))
        # moments are whole milliseconds: later than now - w is from one after it on
        self._windows[f"last_{within}"] = f"to_milliseconds({within - 1}) PRECEDING"
        return f"last_{within}"

    def _stream(self, stream: Stream) -> str:
        reading = self._readings[stream]
        row = "l" if stream.lines else "e"
        columns = "".join(f", {sql} AS {name}" for sql, name in self._rows[stream].items())
        line = ", l.line AS line" if stream.lines else ""
        return (
            f"SELECT {row}.person AS person, {row}.ts AS began, {row}.seq AS seq{line}{columns}"
            f" FROM {reading.tables()} WHERE {row}.event = {text_literal(stream.event)}"
            f" AND {row}.ts <= {time_literal(self._as_of)}"
            f" AND {row}.person IN (SELECT person FROM {self._members})"
        )

    def _starts(self) -> str:
        """Everybody before anything happened."""
        return (
            f"SELECT person, {time_literal(TIME_MIN)} AS began, CAST(NULL AS BIGINT) AS seq"
            f" FROM {self._members}"
        )

    def _end(self, kept: str, within: int) -> str:
        """The moments at which rows leave a window."""
        latest = self._as_of - within
        reached = f"began <= {time_literal(latest)}" if latest >= TIME_MIN else "false"
        return (
            f"SELECT person, began + to_milliseconds({within}) AS began FROM rows_of"
            f" WHERE {kept} AND {reached}"
        )
