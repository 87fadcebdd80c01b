"""What tells the rows of one trait from another's, and compiled conditions on rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
