"""What tells the rows of one trait from another's, and compiled conditions on rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from visavis.core.clock import Zone
from visavis.core.lang.form import Node
from visavis.core.lang.reader_rows import Column, Rows, mask, once
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
    lines: bool
    where: Node | None
    within_ms: int | None
    then: StepSpec | None
    without: StepSpec | None


Mask = Sequence[Any] | None
"""Which rows of a span are kept; None: all."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled condition on rows: of a span, and the first later row that will pass it."""

    span: Callable[[Rows, int, int], Mask]
    ahead: Callable[[Rows], int]


def every_row(rows: Rows, low: int, high: int) -> Mask:
    """The span of a trait without a condition."""
    return None


def next_row(rows: Rows) -> int:
    """When the first row later than now happens."""
    return rows.time(rows.visible) if rows.visible < rows.size else NEVER


EVERYTHING = Filter(every_row, next_row)


class Compiles(Protocol):
    """What selections want of the compiler; the language keeps clock and traits out of rows."""

    zone: Zone

    def key(self, what: object) -> int:
        """A number for an expression, the same for equal ones."""


def filter_of(where: Node | None, compiler: Compiles) -> Filter:
    """The filter of a condition."""
    if where is None:
        return EVERYTHING
    # a mask is not the condition's column: in it null and false are one
    return _pure(once(compiler.key(("mask", where)), mask(where, compiler.zone)))


def _pure(whole: Column) -> Filter:

    def span(rows: Rows, low: int, high: int) -> Mask:
        kept = whole(rows)
        return kept if not low and high == rows.size else kept[low:high]

    def ahead(rows: Rows) -> int:
        if rows.visible == rows.size:
            return NEVER
        kept = whole(rows)
        passing = (rows.time(i) for i in range(rows.visible, rows.size) if kept[i])
        return next(passing, NEVER)

    return Filter(span, ahead)
