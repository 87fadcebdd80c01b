"""segments/*.yml and tags/*.yml: conditions over traits, who owns them, what they are for."""

from __future__ import annotations

from collections.abc import Mapping

from visavis.core.lang.form import Node
from visavis.core.lang.types import Type
from visavis.core.nouns import Segment, Tag
from visavis.core.problems import Problem
from visavis.project.expressions import Expressions, Names
from visavis.project.section import Section


class Conditions:
    """Reads segments and tags over the names of all traits."""

    def __init__(
        self,
        language: Expressions,
        names: Names,
        hints: Mapping[str, str],
        problems: list[Problem],
    ) -> None:
        self.language = language
        self.names = names
        self.hints = hints
        self.problems = problems

    def parse(
        self, section: Section, key: str, expect: Type | None, segments: Mapping[str, Node]
    ) -> Node | None:
        """The expression under a key; None where it isn't there or has Problems."""
        text = section.expression(key)
        if text is None:
            return None
        return self.language.parse(
            text, self.names, expect=expect, clock=True, segments=segments, hints=self.hints
        )

    def segment(self, name: str, section: Section, segments: Mapping[str, Node]) -> Segment | None:
        """The segment of a section."""
        condition = self.parse(section, "condition", Type.BOOLEAN, segments)
        if condition is None:
            return None
        return Segment(
            name=name,
            condition=condition,
            place=section.place,
            description=section.text("description"),
            owner=section.text("owner"),
            use=section.text("use", "analysis"),
            condition_place=section.at("condition"),
        )

    def tag(self, path: str, section: Section, segments: Mapping[str, Node]) -> Tag | None:
        """The tag of a section."""
        condition = self.parse(section, "condition", Type.BOOLEAN, segments)
        weight = self.parse(section, "weight", Type.DECIMAL, segments)
        if condition is None:
            return None
        how, when = section.values.get("expires", ("", None))
        return Tag(
            path=path,
            condition=condition,
            weight=weight,
            place=section.place,
            description=section.text("description"),
            owner=section.text("owner"),
            use=section.text("use"),
            refresh=section.text("refresh"),
            expires_on=when if how == "on" else None,
            lasts_ms=when if how == "lasts" else None,
            condition_place=section.at("condition"),
        )
