"""Which rows a computed trait looks at: filter, window, and what must or must not follow.

Equal selections are worked out once a run, whichever traits ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from visavis.core.lang.reader_filters import Compiles, Filter, Spec, filter_of
from visavis.core.lang.reader_rows import Column, Rows
from visavis.core.lang.reader_run import Run
from visavis.core.lang.reader_sequences import follow, followed
from visavis.core.lang.reader_until import NEVER


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

    def narrowed(self, mask: Sequence[Any]) -> Selection:
        """Those rows whose own mask is truthy too."""
        both = mask
        if self.mask is not None:
            both = [a and b for a, b in zip(self.mask, mask, strict=True)]
        return Selection(self.rows, self.low, self.high, both, self.until)


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
        return rows.narrowed(keep.span(rows.rows, rows.low, rows.high) or ())

    return kept_in(slot, compute)


def selector(spec: Spec, slot: int, compiler: Compiles) -> Select:
    """The compiled selection of a trait's rows."""
    where = filter_of(spec.where, compiler)
    after = follow(spec, compiler)
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
        kept = where.span(rows, low, high)
        until = where.ahead(rows)
        if after:
            kept, until = followed(after(run), rows, low, high, kept, until)
        if within is not None and kept is not None:
            until = min(until, _leaves(rows, low, kept, within))
        return Selection(rows, low, high, kept, until)

    return kept_in(slot, compute if spec.where or after else plain)


def _leaves(rows: Rows, low: int, kept: Sequence[Any], within: int) -> int:
    """When the oldest kept row falls out of the window."""
    return rows.time(low + kept.index(True)) + within if True in kept else NEVER
