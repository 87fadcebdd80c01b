"""Conditions read when they are asked for, over traits that were worked out before.

A project may have hundreds of offers with conditions of their own; a decision reads those it comes
to, a profile none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from visavis.core.clock import Zone
from visavis.core.lang.form import Node, Value, trait_names
from visavis.core.lang.history import History
from visavis.core.lang.reader_rows import Items
from visavis.core.lang.reader_run import Fits, Run, Scalar
from visavis.core.lang.reader_scalar import Compiler
from visavis.core.lang.reader_until import NEVER
from visavis.core.nouns import Trait

_EMPTY, _NO_ITEMS = History(), Items({})


@dataclass(frozen=True, slots=True)
class Conditions:
    """Compiled conditions by name."""

    steps: Mapping[str, Scalar]
    rests: Mapping[str, frozenset[str]]
    """The traits that each rests on, however far down."""

    def over(
        self, values: dict[str, Value], untils: Mapping[str, int], now_ms: int, fits: Fits
    ) -> Reading:
        """Reads them for a person as of a moment; `untils` says how long each value holds."""
        run = Run(_EMPTY, now_ms, fits, _NO_ITEMS, 0)
        run.values, run.untils = values, untils  # type: ignore[assignment]
        return Reading(self.steps, run)


class Reading:
    """Conditions over one person's traits; each is read once."""

    __slots__ = ("_known", "_run", "_steps", "until")

    def __init__(self, steps: Mapping[str, Scalar], run: Run) -> None:
        self._steps, self._run = steps, run
        self._known: dict[str, tuple[Value, int]] = {}
        self.until = NEVER
        """The first later moment at which anything asked for since this was set may change by the
        clock."""

    def unmet(self, names: Sequence[str]) -> int | None:
        """The place of the first of these conditions that is not true; None where all are."""
        known = self._known
        for i, name in enumerate(names):
            value, until = known.get(name) or self._read(name)
            if until < self.until:
                self.until = until
            if value is not True:
                return i
        return None

    def value(self, name: str) -> Value:
        """The value of a condition."""
        value, until = self._known.get(name) or self._read(name)
        if until < self.until:
            self.until = until
        return value

    def _read(self, name: str) -> tuple[Value, int]:
        run = self._run
        run.until = NEVER
        value: Value = self._steps[name](run)
        found = self._known[name] = value, run.until
        return found


def compile_conditions(
    traits: Mapping[str, Trait], conditions: Mapping[str, Node], zone: Zone
) -> Conditions:
    """Compiles conditions that read traits and the clock."""
    values = {n: t.value for n, t in traits.items() if t.value}
    compiler = Compiler(zone, values)
    steps = {name: compiler.scalar(node) for name, node in conditions.items()}
    below = {name: _below(node, values) for name, node in values.items()}
    rests = {
        name: frozenset(part for read in trait_names(node) for part in (read, *below.get(read, ())))
        for name, node in conditions.items()
    }
    return Conditions(steps, rests)


def _below(node: Node, values: Mapping[str, Node]) -> frozenset[str]:
    """The traits that a trait's value rests on."""
    found: set[str] = set()
    waiting = list(trait_names(node))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += trait_names(values[name]) if name in values else ()
    return frozenset(found)
