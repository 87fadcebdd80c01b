"""How the rows of a stream are read in SQL: which relations, which joins, which columns.

A stream is what traits can share one scan of: the same event, lines or not, the same sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from visavis.core.lang.form import Property, walk
from visavis.core.nouns import Project, Step, Trait
from visavis.store.engines.duckdb_aggregates import Rows
from visavis.store.engines.duckdb_names import identifier
from visavis.store.engines.duckdb_sql import Names, typed

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
            return (
                f"{own}.{_EVENT[node.name]}"
                if node.name in _EVENT
                else f"e.{identifier(node.name)}"
            )
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
