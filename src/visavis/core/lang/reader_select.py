"""Which rows a computed trait looks at: filter, window, and what must or must not follow.

Equal selections are worked out once a run, whichever traits ask.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang.form import Node
from visavis.core.lang.reader_rows import Rows, clock_free, mask, once
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

    __slots__ = ("_taken", "high", "low", "mask", "parts", "rows", "size", "until")

    def __init__(
        self, rows: Rows, low: int, high: int, mask: Sequence[Any] | None, until: int
    ) -> None:
        self.rows, self.low, self.high, self.mask, self.until = rows, low, high, mask, until
        self.size = high - low if mask is None else sum(map(bool, mask))
        self._taken: dict[Any, Sequence[Any]] = {}
        self.parts: dict[Node, Selection] = {}

    def take(self, key: object, column: Sequence[Any]) -> Sequence[Any]:
        """The kept values of a whole column; `key` names the column."""
        found = self._taken.get(key)
        if found is None:
            found = column
            if self.low or self.high != self.rows.size:
                found = column[self.low : self.high]
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


Select = Callable[[Run], Selection]
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
    return rows.ts[rows.visible] if rows.visible < rows.size else NEVER


EVERYTHING = Filter(every_row, next_row)


def filter_of(where: Node | None, zone: Zone, scalar: Callable[[Node], Scalar]) -> Filter:
    """The filter of a condition; `scalar` compiles one that reads the clock or other traits."""
    if where is None:
        return EVERYTHING
    return _pure(where, zone) if clock_free(where) else _one_by_one(scalar(where))


def _pure(where: Node, zone: Zone) -> Filter:
    whole = once(_Masked(where), mask(where, zone))

    def span(run: Run, rows: Rows, low: int, high: int) -> Kept:
        kept = whole(rows)
        return kept if not low and high == rows.size else kept[low:high], NEVER

    def ahead(rows: Rows) -> int:
        if rows.visible == rows.size:
            return NEVER
        kept = whole(rows)
        passing = (rows.ts[i] for i in range(rows.visible, rows.size) if kept[i])
        return next(passing, NEVER)

    return Filter(span, ahead)


@dataclass(frozen=True, slots=True)
class _Masked:
    """Key of a condition's mask, which is not its column: null and false are one."""

    where: Node


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


def selector(spec: Spec, index: int, zone: Zone, scalar: Callable[[Node], Scalar]) -> Select:
    """The compiled selection; `index` is its slot in a run."""
    where = filter_of(spec.where, zone, scalar)
    follow = _follow(spec, zone, scalar)

    def compute(run: Run) -> Selection:
        rows = run.lines(spec.event) if spec.lines else run.events(spec.event)
        low = 0 if spec.within_ms is None else rows.after(run.now - spec.within_ms)
        high = max(rows.visible, low)
        kept, until = where.span(run, rows, low, high)
        if rows.visible < rows.size:
            until = min(until, where.ahead(rows))
        if follow:
            kept, until = _followed(follow(run), rows, low, high, kept, until)
        if spec.within_ms is not None:
            until = min(until, _leaves(rows, low, high, kept, spec.within_ms))
        return Selection(rows, low, high, kept, until)

    def select(run: Run) -> Selection:
        found = run.selections[index]
        if found is None:
            found = run.selections[index] = compute(run)
        return found

    return select


def _leaves(rows: Rows, low: int, high: int, kept: Sequence[Any] | None, within: int) -> int:
    """When the oldest kept row falls out of the window."""
    if kept is None:
        return rows.ts[low] + within if low < high else NEVER
    oldest = next((i for i, keep in enumerate(kept) if keep), None)
    return NEVER if oldest is None else rows.ts[low + oldest] + within


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


def _follow(
    spec: Spec, zone: Zone, scalar: Callable[[Node], Scalar]
) -> Callable[[Run], tuple[Follows, int]] | None:
    """What decides for an event whether it is followed, and when new events may change that."""
    then, without = spec.then, spec.without
    bar = _log(without, zone, scalar) if without else None
    if then:
        return _then(then, _log(then, zone, scalar), bar)
    return _alone(without, bar) if without and bar else None


Log = Callable[[Run], tuple[list[Key], int, int]]
"""A step's events so far, until when these are the ones, and when the next one happens."""


def _log(step: StepSpec, zone: Zone, scalar: Callable[[Node], Scalar]) -> Log:
    where = filter_of(step.where, zone, scalar)

    def log(run: Run) -> tuple[list[Key], int, int]:
        rows = run.events(step.event)
        kept, until = where.span(run, rows, 0, rows.visible)
        keys = zip(rows.ts[: rows.visible], rows.stream.message_ids, strict=False)
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
