"""Expressions of one value: closures that also lower run.until to the moment they may change.

Only the parts that were read count: the branch taken, the operand that decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang.form import (
    Aggregate,
    Bucket,
    Call,
    Case,
    Literal,
    Node,
    Now,
    TraitRef,
    reads_now,
)
from visavis.core.lang.reader_aggregates import aggregate
from visavis.core.lang.reader_filters import Spec, filter_of
from visavis.core.lang.reader_functions import COMPARISONS, element
from visavis.core.lang.reader_run import Run, Scalar
from visavis.core.lang.reader_select import Select, narrowed, selector
from visavis.core.lang.reader_ticks import Tick, tick_of
from visavis.core.lang.reader_until import NEVER, Clock, mirrored, thresholds


@dataclass(slots=True)
class Compiler:
    """Compiles the expressions of one set of traits; equal selections get one slot.

    `derived` holds the values of traits (those of computed ones don't read the clock), so that a
    comparison of `days_since_x` with a constant is as exact as one of days_since(x).
    """

    zone: Zone
    derived: Mapping[str, Node] = field(default_factory=dict)
    clock: Clock = field(init=False)
    specs: dict[tuple[Spec, Node | None], Select] = field(default_factory=dict)
    read: list[Select] = field(default_factory=list)
    """The selections of every aggregate compiled so far."""
    keys: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock(self.zone)

    def selection(self, spec: Spec, keep: Node | None = None) -> Select:
        """The rows that a trait's aggregates look at, or one with a filter of its own."""
        if (spec, keep) not in self.specs:
            if keep is None:
                made = selector(spec, len(self.specs), self)
            else:
                base = self.selection(spec)
                made = narrowed(len(self.specs), base, filter_of(keep, self))
            self.specs[spec, keep] = made
        return self.specs[spec, keep]

    def key(self, what: object) -> int:
        """A number for an expression, the same for equal ones: faster to look up than the tree."""
        return self.keys.setdefault(what, len(self.keys))

    def scalar(self, node: Node, spec: Spec | None = None) -> Scalar:
        """The closure of an expression; `spec` is what its aggregates look at."""
        match node:
            case Literal(value=value):
                return lambda run: value
            case TraitRef(name=name):
                return _trait(name)
            case Aggregate():
                return self._aggregate(node, spec)
            case Bucket():
                return _bucket(node, self.scalar(node.arg, spec))
            case Case():
                return self._case(node, spec)
            case Call():
                return self._call(node, spec)
            case Now():
                return _now
        raise TypeError(f"{type(node).__name__} is no expression")

    def _case(self, node: Case, spec: Spec | None) -> Scalar:
        branches = [(self.scalar(c, spec), self.scalar(v, spec)) for c, v in node.branches]
        default = self.scalar(node.default, spec)

        def choose(run: Run) -> Any:
            for condition, value in branches:
                if condition(run):
                    return value(run)
            return default(run)

        return choose

    def _call(self, node: Call, spec: Spec | None) -> Scalar:
        if node.function in COMPARISONS:
            compared = self._compared(node, spec)
            if compared:
                return compared
        if ticking := self._tick(node, spec):
            return ticking
        parts = [self.scalar(arg, spec) for arg in node.args]
        if node.function in ("and", "or"):
            return _junction(parts, node.function == "or")
        if node.function == "coalesce":
            return _coalesce(parts)
        return _apply(node, element(node, self.zone), parts)

    # values that read the clock

    def _expanded(self, node: Node) -> Node:
        """The value behind a derived trait's name."""
        while isinstance(node, TraitRef) and node.name in self.derived:
            node = self.derived[node.name]
        return node

    def _tick(self, node: Node, spec: Spec | None) -> Scalar | None:
        tick = tick_of(node, self.clock)
        if tick is None:
            return None
        other = self.scalar(tick.other, spec) if tick.other else None
        return _ticking(tick, other)

    def _compared(self, node: Call, spec: Spec | None) -> Scalar | None:
        """A comparison with a tick on one side and no clock on the other."""
        for i, operator in ((0, node.function), (1, mirrored(node.function))):
            side, constant = node.args[i], node.args[1 - i]
            tick = tick_of(self._expanded(side), self.clock)
            if tick and not reads_now(constant):
                other = self.scalar(tick.other, spec) if tick.other else None
                compared = Call(node.type, operator, (side, constant))
                return _threshold(tick, other, compared, self.scalar(constant, spec), self.zone)
        return None

    def _aggregate(self, node: Aggregate, spec: Spec | None) -> Scalar:
        if spec is None:
            raise ValueError(f"{node.function}() has no rows to look at here")
        select = self.selection(spec, node.filter)
        self.read.append(select)
        return aggregate(node, select, self)


def _now(run: Run) -> int:
    run.until = min(run.until, run.now + 1)
    return run.now


def _trait(name: str) -> Scalar:
    def read(run: Run) -> Any:
        until = run.untils.get(name, NEVER)
        if until < run.until:
            run.until = until
        return run.values[name]

    return read


def _against(node: Call, part: Scalar) -> Scalar | None:
    """A comparison with a constant, the usual shape of a condition."""
    limit = node.args[1]
    if not isinstance(limit, Literal) or limit.value is None:
        return None
    if limit.type is not node.args[0].type:
        return None
    compare, constant = COMPARISONS[node.function], limit.value

    def compared(run: Run) -> bool | None:
        value = part(run)
        return None if value is None else compare(value, constant)

    return compared


def _apply(node: Call, function: Any, parts: list[Scalar]) -> Scalar:
    if node.function in COMPARISONS and (quick := _against(node, parts[0])):
        return quick
    if len(parts) == 1:
        only = parts[0]
        return lambda run: function(only(run))
    if len(parts) == 2:
        first, second = parts
        if isinstance(node.args[1], Literal):
            constant = node.args[1].value
            return lambda run: function(first(run), constant)
        return lambda run: function(first(run), second(run))
    return lambda run: function(*[part(run) for part in parts])


def _coalesce(parts: list[Scalar]) -> Scalar:
    def first_known(run: Run) -> Any:
        for part in parts:
            value = part(run)
            if value is not None:
                return value
        return None

    return first_known


def _junction(parts: list[Scalar], decides: bool) -> Scalar:
    """`or` if true decides, `and` if false does: the deciding operand alone says until when."""

    def join(run: Run) -> bool | None:
        before, rest = run.until, NEVER
        result: bool | None = not decides
        for part in parts:
            run.until = NEVER
            value = part(run)
            if value is None:
                result = None
            elif value == decides:
                run.until = min(before, run.until)
                return decides
            rest = min(rest, run.until)
        run.until = min(before, rest)
        return result

    return join


def _bucket(node: Bucket, argument: Scalar) -> Scalar:
    """Without cut points, as when nobody had a value, there is no bucket."""

    def bucket(run: Run) -> int | None:
        value, cuts = argument(run), run.fits.get(node.fit)
        return bisect_left(cuts, value) + 1 if cuts and value is not None else None

    return bucket


def _ticked(tick: Tick, x: Any, run: Run) -> int | None:
    """The tick's value; if it is null for want of a time, until it has one."""
    value = tick.value(x, run.now)
    if value is None and run.now < tick.begins:
        run.until = min(run.until, tick.begins)
    return value


def _ticking(tick: Tick, other: Scalar | None) -> Scalar:
    def read(run: Run) -> int | None:
        x = other(run) if other else 0
        value = None if x is None else _ticked(tick, x, run)
        if value is None:
            return None
        run.until = min(run.until, tick.change(x, value, None, run.now))
        return tick.sign * value

    return read


def _threshold(
    tick: Tick, other: Scalar | None, node: Call, constant: Scalar, zone: Zone
) -> Scalar:
    """Whether a tick, first argument of the comparison, lies on one side of a limit."""
    compare, kind, fixed = element(node, zone), node.args[1].type, node.args[1]
    known = None
    if isinstance(fixed, Literal) and fixed.value is not None:
        known = thresholds(node.function, fixed.value, kind, tick.sign)

    def read(run: Run) -> bool | None:
        x = other(run) if other else 0
        limit = constant(run) if x is not None else None
        value = None if limit is None else _ticked(tick, x, run)
        if value is None:
            return None
        turns = known or thresholds(node.function, limit, kind, tick.sign)
        changes = tick.change(x, value, turns, run.now)
        if changes < run.until:
            run.until = changes
        return compare(tick.sign * value, limit)  # type: ignore[no-any-return]

    return read
