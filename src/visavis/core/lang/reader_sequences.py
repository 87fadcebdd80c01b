"""What must or must not follow an event for a trait to keep it: `then` and `without`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import compress

from visavis.core.lang.reader_filters import Compiles, Mask, Spec, StepSpec, filter_of
from visavis.core.lang.reader_rows import Rows
from visavis.core.lang.reader_run import Run
from visavis.core.lang.reader_until import NEVER

Key = tuple[int, str]
"""A spot in the log: timestamp and message id."""
Follows = Callable[[Key], tuple[bool, int]]
"""Whether an event at a spot of the log is kept, and until when."""


def followed(
    follows: tuple[Follows, int], rows: Rows, low: int, high: int,
    kept: Mask, until: int,
) -> tuple[Mask, int]:  # fmt: skip
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


def follow(spec: Spec, compiler: Compiles) -> Callable[[Run], tuple[Follows, int]] | None:
    """What decides for an event whether it is followed, and when new events may change that."""
    then, without = spec.then, spec.without
    bar = _log(without, compiler) if without else None
    if then:
        return _then(then, _log(then, compiler), bar)
    return _alone(without, bar) if without and bar else None


Log = Callable[[Run], tuple[list[Key], int]]
"""A step's events so far, and when the next one happens."""


def _log(step: StepSpec, compiler: Compiles) -> Log:
    where = filter_of(step.where, compiler)

    def log(run: Run) -> tuple[list[Key], int]:
        rows = run.events(step.event)
        kept = where.span(rows, 0, rows.visible)
        keys = zip(rows.stream.ts[: rows.visible], rows.stream.message_ids, strict=False)
        found = list(keys) if kept is None else list(compress(keys, kept))
        return found, where.ahead(rows)

    return log


def _then(step: StepSpec, log: Log, bar: Log | None) -> Callable[[Run], tuple[Follows, int]]:
    """Kept if the first B after A is in time and no C stands between; a later B can't mend it."""
    within = step.within_ms

    def prepare(run: Run) -> tuple[Follows, int]:
        wanted, ahead = log(run)
        barred = bar(run)[0] if bar else []

        def follows(at: Key) -> tuple[bool, int]:
            i = bisect_right(wanted, at)
            if i == len(wanted) or (within is not None and wanted[i][0] > at[0] + within):
                return False, NEVER
            j = bisect_right(barred, at)
            return j == len(barred) or barred[j] >= wanted[i], NEVER

        return follows, ahead

    return prepare


def _alone(step: StepSpec, bar: Log) -> Callable[[Run], tuple[Follows, int]]:
    """Kept if no C has followed: ever, or within a time, which then has to have passed."""
    within = step.within_ms

    def prepare(run: Run) -> tuple[Follows, int]:
        barred, ahead = bar(run)
        now = run.now

        def follows(at: Key) -> tuple[bool, int]:
            i = bisect_right(barred, at)
            end = NEVER if within is None else at[0] + within
            if i < len(barred) and barred[i][0] <= end:
                return False, NEVER
            if within is None or now >= end:
                return True, NEVER
            return False, end

        return follows, ahead

    return prepare
