"""What the traits of a project read of events: the columns that a history must hold, no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from visavis.core.lang.form import Node, Property, walk
from visavis.core.lang.history import BUILT_IN, IDENTIFY
from visavis.core.lang.types import Type
from visavis.core.nouns import Project, Trait


@dataclass(slots=True)
class Needs:
    """Of one event: its properties and built-in columns, and the fields of its lines, by type."""

    columns: dict[str, Type] = field(default_factory=dict)
    lines: dict[str, Type] = field(default_factory=dict)
    has_lines: bool = False


def needs(project: Project) -> dict[str, Needs]:
    """Event name -> what is read of it, in a stable order."""
    found: dict[str, Needs] = {}
    for trait in project.traits.values():
        for event, nodes, lines in _parts(trait):
            need = found.setdefault(event, Needs())
            need.has_lines = need.has_lines or lines
            for node in nodes:
                _add(need, node, event, project)
        if trait.kind == "given":
            need = found.setdefault(IDENTIFY, Needs())
            name = trait.given or trait.name
            need.columns[name] = project.properties[IDENTIFY][name]
            if trait.resolve == "trusted":
                need.columns["source"] = Type.TEXT
    for need in found.values():
        if need.has_lines:
            need.lines["product_id"] = Type.TEXT
    return dict(sorted(found.items()))


def _parts(trait: Trait) -> Iterator[tuple[str, list[Node], bool]]:
    if trait.kind != "computed" or trait.event is None:
        return
    own = [node for node in (trait.value, trait.where) if node is not None]
    yield trait.event, own, trait.each is not None
    for step in (trait.then, trait.without):
        if step is not None:
            yield step.event, [step.where] if step.where else [], False


def _add(need: Needs, node: Node, event: str, project: Project) -> None:
    properties: Mapping[str, Type] = project.properties.get(event, {})
    for leaf in walk(node):
        if not isinstance(leaf, Property):
            continue
        if leaf.scope == "line" and leaf.name in project.line_fields:
            need.lines[leaf.name] = project.line_fields[leaf.name]
        elif leaf.scope == "property" and leaf.name in properties:
            need.columns[leaf.name] = properties[leaf.name]
        elif leaf.scope == "event" and leaf.name in BUILT_IN and leaf.name != "message_id":
            need.columns[leaf.name] = Type.TEXT
