"""Parses the expressions of a project: settings become their values, Problems are gathered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from visavis.core.clock import Zone
from visavis.core.lang.form import Aggregate, Bucket, Call, Case, Literal, Node, Property
from visavis.core.lang.parse import Located, Scope, parse
from visavis.core.lang.types import Type
from visavis.core.problems import Problem

Names = Mapping[str, tuple[Type, str]]
SETTING = "setting"


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
        known = {name: (value.type, SETTING) for name, value in self.settings.items()}
        scope = Scope(
            names={**known, **names},
            aggregates=aggregates,
            clock=clock,
            population=population,
            segments=segments or {},
            hints=hints or {},
            zone=self.zone,
        )
        node, problems = parse(text, scope, expect)
        self.problems.extend(problems)
        return None if node is None or problems else bind(node, self.settings)


def bind(node: Node, settings: Mapping[str, Literal]) -> Node:
    """The form with every setting's value in place of its name."""
    match node:
        case Property(scope="setting", name=name):
            return replace(settings[name], place=node.place)
        case Call(args=args):
            return replace(node, args=tuple(bind(a, settings) for a in args))
        case Case(branches=branches, default=default):
            pairs = tuple((bind(c, settings), bind(v, settings)) for c, v in branches)
            return replace(node, branches=pairs, default=bind(default, settings))
        case Aggregate(args=args, filter=keep):
            kept = None if keep is None else bind(keep, settings)
            return replace(node, args=tuple(bind(a, settings) for a in args), filter=kept)
        case Bucket(arg=arg):
            return replace(node, arg=bind(arg, settings))
    return node
