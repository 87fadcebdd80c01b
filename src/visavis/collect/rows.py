"""Rows as they come in, whatever they come from: files, a database, or repaired quarantine rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from visavis.store.engines.duckdb_names import identifier, text_literal


class HasColumns(Protocol):
    """What the check for missing columns looks at."""

    @property
    def tables(self) -> Sequence[tuple[str, Mapping[str, str]]]:
        """Name and columns (name -> engine type) of each file."""


class Base(HasColumns, Protocol):
    """Rows before look-ups: those of files, or of a table."""

    @property
    def columns(self) -> Mapping[str, str]:
        """Column -> engine type."""

    @property
    def rejects(self) -> str | None:
        """A query for rows that could not be split: _file, _row, raw, json, reason."""

    @property
    def costly(self) -> bool:
        """Whether reading the rows twice is dear."""

    @property
    def faulty(self) -> tuple[int, ...]:
        """Numbers of files with bytes that their encoding lacks."""

    def select(self, columns: Sequence[str], numbered: bool = False) -> str:
        """A query for some columns, `_file` and, if asked for, `_row`."""


@dataclass
class Rows:
    """The raw rows of a load. `numbered` selects columns with `_file` and `_row`, `plain` without.

    `costly`: reading them twice is dear. `faulty`: files with bytes that their encoding lacks.
    """

    columns: Mapping[str, str]
    tables: Sequence[tuple[str, Mapping[str, str]]]
    base: Base
    rejects: str | None = None
    costly: bool = True
    faulty: tuple[int, ...] = ()
    joins: Sequence[Joined] = field(default_factory=list)

    def select(self, columns: Sequence[str], numbered: bool = False) -> str:
        """A query for some columns, `_file` and, if asked for, `_row`."""
        own = [c for c in columns if not any(c in j.columns for j in self.joins)]
        needed = [*own, *(j.on for j in self.joins if j.on not in own)]
        query = self.base.select(list(dict.fromkeys(needed)), numbered)
        for join in self.joins:
            query = join.over(query, [c for c in columns if c in join.columns])
        if not self.joins:
            return query
        tail = ["_file", *(["_row"] if numbered else [])]
        picked = ", ".join(identifier(c) for c in [*columns, *tail])
        return f"SELECT {picked} FROM ({query})"

    def with_json(self, gaps: str) -> str:
        """All columns with `_file`, `_row` and the row as it came, as JSON in `_json`.

        `gaps` is a table (_file, after, j) of rejects that the row numbers have to make room for.
        """
        joined = [c for j in self.joins for c in j.columns]
        own = [c for c in self.columns if c not in joined]
        pairs = ", ".join(f"{text_literal(c)}, {identifier(c)}" for c in own)
        query = self.select(list(self.columns), numbered=True)
        query = (
            f"SELECT q.* REPLACE (q._row + coalesce(g.j, 0) AS _row) FROM ({query}) AS q "
            f"ASOF LEFT JOIN {gaps} AS g ON g._file = q._file AND q._row > g.after"
        )
        return f"SELECT *, json_object({pairs}) AS _json FROM ({query})"


@dataclass(frozen=True, slots=True)
class Joined:
    """Columns of another file, joined by `on`; `query` has one row for each value `_on`."""

    on: str
    columns: Mapping[str, str]
    query: str

    def over(self, query: str, columns: Sequence[str]) -> str:
        """The query with the columns joined to it."""
        if not columns:
            return query
        picked = "".join(f", j.{identifier(c)}" for c in columns)
        key = f"trim(CAST(q.{identifier(self.on)} AS VARCHAR))"
        return (
            f"SELECT q.*{picked} FROM ({query}) AS q LEFT JOIN ({self.query}) AS j ON j._on = {key}"
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the warehouse as rows: it has `_file`, `_row` and text columns."""

    name: str
    columns: Mapping[str, str]
    files: Sequence[str]
    rejects: str | None = None
    costly: bool = False
    faulty: tuple[int, ...] = ()

    @property
    def tables(self) -> list[tuple[str, Mapping[str, str]]]:
        """Name and columns of the files that the rows are of."""
        return [(name, self.columns) for name in self.files]

    def select(self, columns: Sequence[str], numbered: bool = False) -> str:
        """A query for some columns, `_file` and, if asked for, `_row`."""
        tail = ["_file", *(["_row"] if numbered else [])]
        return f"SELECT {', '.join(identifier(c) for c in [*columns, *tail])} FROM {self.name}"
