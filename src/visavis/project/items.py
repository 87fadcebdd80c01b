"""catalogue/*.yml and events/*.yml: what items and events are made of."""

from __future__ import annotations

from collections.abc import Mapping

from visavis.core.nouns import Catalogue, Field
from visavis.core.problems import Problem
from visavis.project.names import check_file_name
from visavis.project.registry import Registry
from visavis.project.section import Section
from visavis.project.sources import read_delimiter, read_encoding, read_field


def read_catalogues(
    sections: Mapping[str, Section], registry: Registry, problems: list[Problem]
) -> dict[str, Catalogue]:
    """The catalogues; their fields become readable in `each: products`."""
    result = {}
    for name, section in sections.items():
        named = check_file_name("catalogue", name, section.place, problems)
        fields = tuple(_fields(section, registry))
        if named and section.sound:
            result[name] = Catalogue(
                name=name,
                origin=section.text("from"),
                key=section.text("key"),
                fields=fields,
                place=section.place,
                encoding=read_encoding(section, problems),
                delimiter=read_delimiter(section, problems),
                places=dict(section.places),
            )
    return result


def _fields(section: Section, registry: Registry) -> list[Field]:
    parts = section.sections("fields")
    fields = [read_field(part, registry.line_type(part.name)) for part in parts]
    return [field for field in fields if registry.add_item(field)]


def read_events(sections: Mapping[str, Section], registry: Registry) -> None:
    """Declares events that no source makes, or more properties of known ones."""
    for name, section in sections.items():
        registry.event(name)
        for part in section.sections("properties"):
            registry.add(name, read_field(part, registry.property_type(part.name)))
        for part in section.sections("products"):
            registry.add_line(read_field(part, registry.line_type(part.name)))
