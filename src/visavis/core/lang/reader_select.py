"""Which rows a computed trait looks at: filter, window, and what must or must not follow.

Equal selections are worked out once a run, whichever traits ask.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any, Protocol

from visavis.core.clock import Zone
from visavis.core.lang.form import Node
from visavis.core.lang.reader_rows import Column, Rows, clock_free, mask, once
from visavis.core.lang.reader_run import Run, Scalar
from visavis.core.lang.reader_until import NEVER


@dataclass(frozen=True, slots=True)
class StepSpec:
    """A Step without its place, so that equal ones are equal."""

    event: str
    where: Node | None
    within_ms: int | None


@dataclass(frozen=True, slots=True)
class Spec:
    """What tells one selection of rows from another."""

    event: str
    lines: bool = False
    where: Node | None = None
    within_ms: int | None = None
    then: StepSpec | None = None
    without: StepSpec | None = None


class Selection:
    """Rows low to high of a stream, those kept whose `mask` is truthy (None: all)."""

    __slots__ = ("_taken", "high", "low", "mask", "rows", "until", "whole")

    def __init__(
        self, rows: Rows, low: int, high: int, mask: Sequence[Any] | None, until: int
    ) -> None:
        self.rows, self.low, self.high, self.mask, self.until = rows, low, high, mask, until
        self.whole = mask is None and not low and high == rows.size
        self._taken: dict[int, Sequence[Any]] = _UNTAKEN

    def size(self) -> int:
        """How many rows are kept."""
        return self.high - self.low if self.mask is None else self.mask.count(True)

    def first(self) -> int | None:
        """The earliest kept row."""
        if self.mask is None:
            return self.low if self.low < self.high else None
        return self.low + self.mask.index(True) if True in self.mask else None

    def last(self) -> int | None:
        """The latest kept row."""
        if self.mask is None:
            return self.high - 1 if self.low < self.high else None
        return next((self.high - 1 - i for i, keep in enumerate(reversed(self.mask)) if keep), None)

    def take(self, key: int, read: Column) -> Sequence[Any]:
        """The kept values of an expression, read over all rows; `key` is the expression's."""
        if self.whole:
            return read(self.rows)
        if self._taken is _UNTAKEN:
            self._taken = {}
        found = self._taken.get(key)
        if found is None:
            found = read(self.rows)
            if self.low or self.high != self.rows.size:
                found = found[self.low : self.high]
            if self.mask is not None:
                found = list(compress(found, self.mask))
            self._taken[key] = found
        return found

    def indexes(self) -> Iterator[int]:
        """The kept rows."""
        span = range(self.low, self.high)
        return iter(span) if self.mask is None else compress(span, self.mask)

    def narrowed(self, mask: Sequence[Any], until: int) -> Selection:
        """Those rows whose own mask is truthy too; that mask holds until then."""
        both = mask
        if self.mask is not None:
            both = [a and b for a, b in zip(self.mask, mask, strict=True)]
        return Selection(self.rows, self.low, self.high, both, min(self.until, until))


_UNTAKEN: dict[int, Sequence[Any]] = {}
"""Stands for no columns taken yet: most selections are only counted."""


@dataclass(frozen=True, slots=True)
class Select:
    """A compiled selection: `run.selections[slot] or make(run)`, so that it is made once a run."""

    slot: int
    make: Callable[[Run], Selection]

    def of(self, run: Run) -> Selection:
        """The selection in a run."""
        return run.selections[self.slot] or self.make(run)


def kept_in(slot: int, compute: Callable[[Run], Selection]) -> Select:
    """The selection that is made by `compute` and kept in a slot of the run."""

    def make(run: Run) -> Selection:
        found = run.selections[slot] = compute(run)
        return found

    return Select(slot, make)


def narrowed(slot: int, base: Select, keep: Filter) -> Select:
    """A selection less the rows that an aggregate's own filter leaves out."""

    def compute(run: Run) -> Selection:
        rows = base.of(run)
        mask, until = keep.span(run, rows.rows, rows.low, rows.high)
        return rows.narrowed(mask or (), until)

    return kept_in(slot, compute)


Kept = tuple[Sequence[Any] | None, int]
"""The mask of a span of rows (None: all) and until when it holds."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled condition on rows: of a span, and the first later row that will pass it."""

    span: Callable[[Run, Rows, int, int], Kept]
    ahead: Callable[[Rows], int]


def every_row(run: Run, rows: Rows, low: int, high: int) -> Kept:
    """The span of a trait without a condition."""
    return None, NEVER


def next_row(rows: Rows) -> int:
    """When the first row later than now happens."""
    return rows.time(rows.visible) if rows.visible < rows.size else NEVER


EVERYTHING = Filter(every_row, next_row)


class Compiles(Protocol):
    """What selections want of the compiler of expressions."""

    zone: Zone

    def scalar(self, node: Node) -> Scalar:
        """A closure for expressions that read the clock or other traits."""

    def key(self, what: object) -> int:
        """A number for an expression, the same for equal ones."""


def filter_of(where: Node | None, compiler: Compiles) -> Filter:
    """The filter of a condition."""
    if where is None:
        return EVERYTHING
    if not clock_free(where):
        return _one_by_one(compiler.scalar(where))
    # a mask is not the condition's column: in it null and false are one
    return _pure(once(compiler.key(("mask", where)), mask(where, compiler.zone)))


def _pure(whole: Column) -> Filter:

    def span(run: Run, rows: Rows, low: int, high: int) -> Kept:
        kept = whole(rows)
        return kept if not low and high == rows.size else kept[low:high], NEVER

    def ahead(rows: Rows) -> int:
        if rows.visible == rows.size:
            return NEVER
        kept = whole(rows)
        passing = (rows.time(i) for i in range(rows.visible, rows.size) if kept[i])
        return next(passing, NEVER)

    return Filter(span, ahead)


def _one_by_one(condition: Scalar) -> Filter:
    def span(run: Run, rows: Rows, low: int, high: int) -> Kept:
        return over_rows(condition, run, rows, range(low, high))

    return Filter(span, next_row)


def over_rows(
    compiled: Scalar, run: Run, rows: Rows, indexes: Sequence[int]
) -> tuple[list[Any], int]:
    """The values of a scalar at each row, and until when they all hold."""
    before = run.rows, run.row, run.until
    run.rows, run.until = rows, NEVER
    values = []
    for run.row in indexes:
        values.append(compiled(run))
    until = run.until
    run.rows, run.row, run.until = before
    return values, until


def selector(spec: Spec, slot: int, compiler: Compiles) -> Select:
    """The compiled selection of a trait's rows."""
    where = filter_of(spec.where, compiler)
    follow = _follow(spec, compiler)
    event, lines, within = spec.event, spec.lines, spec.within_ms

    def plain(run: Run) -> Selection:
        rows = run.lines(event) if lines else run.events(event)
        high, until = rows.visible, NEVER
        if high < rows.size:
            until = rows.time(high)
        if within is None:
            return Selection(rows, 0, high, None, until)
        low = rows.after(run.now - within)
        if low < high:
            until = min(until, rows.time(low) + within)
        return Selection(rows, low, high, None, until)

    def compute(run: Run) -> Selection:
        rows = run.lines(event) if lines else run.events(event)
        low = 0 if within is None else rows.after(run.now - within)
        high = rows.visible
        kept, until = where.span(run, rows, low, high)
        if rows.visible < rows.size:
            until = min(until, where.ahead(rows))
        if follow:
            kept, until = _followed(follow(run), rows, low, high, kept, until)
        if within is not None:
            until = min(until, _leaves(rows, low, high, kept, within))
        return Selection(rows, low, high, kept, until)

    return kept_in(slot, compute if spec.where or follow else plain)


def _leaves(rows: Rows, low: int, high: int, kept: Sequence[Any] | None, within: int) -> int:
    """When the oldest kept row falls out of the window."""
    if kept is None:
        return rows.time(low) + within if low < high else NEVER
    return rows.time(low + kept.index(True)) + within if True in kept else NEVER


# sequences

Key = tuple[int, str]
"""A spot in the log: timestamp and message id."""
Follows = Callable[[Key], tuple[bool, int]]
"""Whether an event at a spot of the log is kept, and until when."""


def _followed(
    follows: tuple[Follows, int], rows: Rows, low: int, high: int,
    kept: Sequence[Any] | None, until: int,
) -> Kept:  # fmt: skip
    """The mask narrowed to the rows whose event is followed as the trait wants."""
    test, ahead = follows
    until = min(until, ahead)
    stream = rows.stream
    known: dict[int, bool] = {}
    result = []
    for i in range(low, high):
        if kept is not None and not kept[i - low]:
            result.append(False)
            continue
        event = rows.parent(i)
        if event not in known:
            known[event], holds = test((stream.ts[event], stream.message_ids[event]))
            until = min(until, holds)
        result.append(known[event])
    return result, until


def _follow(spec: Spec, compiler: Compiles) -> Callable[[Run], tuple[Follows, int]] | None:
    """What decides for an event whether it is followed, and when new events may change that."""
    then, without = spec.then, spec.without
    bar = _log(without, compiler) if without else None
    if then:
        return _then(then, _log(then, compiler), bar)
    return _alone(without, bar) if without and bar else None


Log = Callable[[Run], tuple[list[Key], int, int]]
"""A step's events so far, until when these are the ones, and when the next one happens."""


def _log(step: StepSpec, compiler: Compiles) -> Log:
    where = filter_of(step.where, compiler)

    def log(run: Run) -> tuple[list[Key], int, int]:
        rows = run.events(step.event)
        kept, until = where.span(run, rows, 0, rows.visible)
        keys = zip(rows.stream.ts[: rows.visible], rows.stream.message_ids, strict=False)
        found = list(keys) if kept is None else list(compress(keys, kept))
        return found, until, where.ahead(rows)

    return log


def _then(step: StepSpec, log: Log, bar: Log | None) -> Callable[[Run], tuple[Follows, int]]:
    """Kept if the first B after A is in time and no C stands between; a later B can't mend it."""
    within = step.within_ms

    def prepare(run: Run) -> tuple[Follows, int]:
        wanted, until, ahead = log(run)
        barred, holds, _ = bar(run) if bar else ([], NEVER, NEVER)

        def follows(at: Key) -> tuple[bool, int]:
            i = bisect_right(wanted, at)
            if i == len(wanted) or (within is not None and wanted[i][0] > at[0] + within):
                return False, NEVER
            j = bisect_right(barred, at)
            return j == len(barred) or barred[j] >= wanted[i], NEVER

        return follows, min(until, holds, ahead)

    return prepare


def _alone(step: StepSpec, bar: Log) -> Callable[[Run], tuple[Follows, int]]:
    """Kept if no C has followed: ever, or within a time, which then has to have passed."""
    within = step.within_ms

    def prepare(run: Run) -> tuple[Follows, int]:
        barred, until, ahead = bar(run)
        now = run.now

        def follows(at: Key) -> tuple[bool, int]:
            i = bisect_right(barred, at)
            end = NEVER if within is None else at[0] + within
            if i < len(barred) and barred[i][0] <= end:
                return False, NEVER
            if within is None or now >= end:
                return True, NEVER
            return False, end

        return follows, min(until, ahead)

    return prepare
