"""Conditions read when they are asked for, over traits that were worked out before.

A project may have hundreds of offers with conditions of their own; a decision reads those it comes
to, a profile none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from visavis.core.clock import Zone
from visavis.core.lang.form import Node, Value
from visavis.core.lang.history import History
from visavis.core.lang.reader_rows import Items
from visavis.core.lang.reader_run import Fits, Run, Scalar
from visavis.core.lang.reader_scalar import Compiler
from visavis.core.lang.reader_until import NEVER
from visavis.core.nouns import Trait

_EMPTY, _NO_ITEMS = History(), Items({})


class _Untils(dict[str, int]):
    """Until when each trait holds; one that is not in it does for ever."""

    def __missing__(self, name: str) -> int:
        return NEVER


@dataclass(frozen=True, slots=True)
class Conditions:
    """Compiled conditions by name."""

    steps: Mapping[str, Scalar]

    def over(
        self, values: dict[str, Value], until: Mapping[str, int | None], now_ms: int, fits: Fits
    ) -> Reading:
        """Reads them for a person as of a moment; `until` says how long each value holds."""
        run = Run(_EMPTY, now_ms, fits, _NO_ITEMS, 0)
        run.values = values
        run.untils = _Untils((name, u) for name, u in until.items() if u is not None)
        return Reading(self.steps, run)


class Reading:
    """Conditions over one person's traits."""

    __slots__ = ("_run", "_steps", "_true")

    def __init__(self, steps: Mapping[str, Scalar], run: Run) -> None:
        self._steps, self._run = steps, run
        self._true: dict[str, bool] = {}
        run.until = NEVER

    def unmet(self, names: Sequence[str]) -> int | None:
        """The place of the first of these conditions that is not true; None where all are."""
        true, steps = self._true, self._steps
        for i, name in enumerate(names):
            met = true.get(name)
            if met is None:
                met = true[name] = steps[name](self._run) is True
            if not met:
                return i
        return None

    def value(self, name: str) -> Value:
        """The value of a condition; `until` is lowered to the moment it may change."""
        run = self._run
        value: Value = self._steps[name](run)
        return value

    @property
    def until(self) -> int:
        """The first later moment at which any value read so far may change by the clock."""
        return self._run.until


def compile_conditions(
    traits: Mapping[str, Trait], conditions: Mapping[str, Node], zone: Zone
) -> Conditions:
    """Compiles conditions that read traits and the clock."""
    derived = {n: t.value for n, t in traits.items() if t.kind == "derived" and t.value}
    compiler = Compiler(zone, derived)
    return Conditions({name: compiler.scalar(node) for name, node in conditions.items()})
