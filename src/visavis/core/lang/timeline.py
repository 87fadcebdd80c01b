"""When a condition last became true: stepping through a history from change to change."""

from __future__ import annotations

from collections.abc import Iterator

from visavis.core.lang.history import History
from visavis.core.lang.reader import Program
from visavis.core.lang.reader_rows import Columns, Items
from visavis.core.lang.reader_run import Fits
from visavis.core.lang.types import DAY_MS, TIME_MIN

_FIRST_LOOK_BACK = 512 * DAY_MS


def last_change(
    program: Program,
    name: str,
    history: History,
    now_ms: int,
    fits: Fits | None = None,
    catalogue: Columns | Items | None = None,
) -> int | None:
    """The moment since which a condition has been true without a break, as of `now_ms`.

    None if it is not true now. The past begins with the person's first event: a condition that
    was true ever since gives that moment, TIME_MIN for a history with records of no time.
    """
    one = program.only([name])
    since: int | None = None
    for start, end in _spans(history, now_ms):
        entered, broken = _true_since(one, name, history, (start, end), (fits, catalogue))
        if entered is None:
            return since
        since = entered
        if broken:
            return since
    return since


def _spans(history: History, now_ms: int) -> Iterator[tuple[int, int]]:
    """Closed spans of time back from now to the first event, each longer than the one before."""
    first = min((s.ts[0] for s in history.streams.values() if s.ts), default=TIME_MIN)
    end, length = now_ms, _FIRST_LOOK_BACK
    while end >= first:
        start = max(end - length, first)
        yield start, end
        end, length = start - 1, length * 4


def _true_since(
    program: Program,
    name: str,
    history: History,
    span: tuple[int, int],
    given: tuple[Fits | None, Columns | Items | None],
) -> tuple[int | None, bool]:
    """Since when in a span the condition is true at its end, and whether it was ever not true."""
    at: int | None
    at, end = span
    entered: int | None = None
    broken = False
    while at is not None and at <= end:
        result = program.run(history, at, *given)
        if not result.values[name]:
            entered, broken = None, True
        elif entered is None:
            entered = at
        at = result.until[name]
    return entered, broken
