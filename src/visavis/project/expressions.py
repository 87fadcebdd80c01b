"""Parses the expressions of a project: settings become their values, Problems are gathered."""

from __future__ import annotations

from collections.abc import Mapping

from visavis.core.clock import Zone
from visavis.core.lang.form import Literal, Node
from visavis.core.lang.parse import Located, Scope, parse
from visavis.core.lang.types import Type
from visavis.core.problems import Problem

Names = Mapping[str, tuple[Type, str]]


class Expressions:
    """What every expression of the project shares: its zone, its settings, its list of Problems."""

    def __init__(
        self, zone: Zone, settings: Mapping[str, Literal], problems: list[Problem]
    ) -> None:
        self.zone = zone
        self.settings = settings
        self.problems = problems

    def parse(
        self,
        text: Located,
        names: Names,
        *,
        expect: Type | None = None,
        aggregates: bool = False,
        clock: bool = False,
        population: str | None = None,
        segments: Mapping[str, Node] | None = None,
        hints: Mapping[str, str] | None = None,
    ) -> Node | None:
        """The form of an expression; None, with its Problems gathered, where it has none."""
        scope = Scope(
            names=names,
            aggregates=aggregates,
            clock=clock,
            population=population,
            segments=segments or {},
            hints=hints or {},
            settings=self.settings,
            zone=self.zone,
        )
        node, problems = parse(text, scope, expect)
        self.problems.extend(problems)
        return node
