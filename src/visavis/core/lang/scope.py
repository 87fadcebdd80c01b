"""What an expression may name and do where it stands, and where its text is in the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from visavis.core.clock import Zone
from visavis.core.lang.form import Literal, Node
from visavis.core.lang.types import Type
from visavis.core.problems import Place

UTC = Zone("UTC", (), (0,))


@dataclass(frozen=True, slots=True)
class Located:
    """An expression's text and where it is: `starts` has (line, column) in `file` of each line."""

    text: str
    file: str
    starts: tuple[tuple[int, int], ...] = ((1, 1),)

    def place(self, offset: int) -> Place:
        """The place of the character at `offset`; past the end it is the place of the end."""
        before = self.text[: max(offset, 0)]
        row = before.count("\n")
        column = len(before) - (before.rfind("\n") + 1)
        if row < len(self.starts):
            line, first = self.starts[row]
        else:
            line, first = self.starts[-1][0] + row - len(self.starts) + 1, 1
        return Place(self.file, line, first + column)


@dataclass(frozen=True, slots=True)
class Scope:
    """What the expression may use.

    `names` gives (type, scope) of every name; scope is "event", "property", "line", "catalogue",
    "row" or "trait". `aggregates` makes it the value of a computed trait, `clock` lets it ask for
    now. `population` is the fit name for bucket(), None where it is not allowed. `segments` are the
    conditions that in_segment('name') stands for. `hints` are shown for unknown names that are
    known elsewhere. `settings` are names that stand for a constant, unless `names` has them.
    `zone` reads time literals without an offset.
    """

    names: Mapping[str, tuple[Type, str]] = field(default_factory=dict)
    aggregates: bool = False
    clock: bool = False
    population: str | None = None
    segments: Mapping[str, Node] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Literal] = field(default_factory=dict)
    zone: Zone = UTC
