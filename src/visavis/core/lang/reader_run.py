"""One reading of a history: what has been worked out so far, and until when it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from visavis.core.lang.form import Value
from visavis.core.lang.history import History, Lines, Stream
from visavis.core.lang.reader_rows import Items, LineRows, Rows
from visavis.core.lang.reader_until import NEVER

if TYPE_CHECKING:
    from visavis.core.lang.reader_select import Selection

Fits = Mapping[str, Sequence[Any]]


class Run:
    """The state of one Program.run. `until` is lowered by everything that a value rests on."""

    __slots__ = (
        "_events", "_lines", "catalogue", "fits", "history", "now", "selections",
        "until", "untils", "values",
    )  # fmt: skip

    def __init__(
        self, history: History, now: int, fits: Fits, catalogue: Items, selections: int
    ) -> None:
        self.history, self.now, self.fits, self.catalogue = history, now, fits, catalogue
        self.values: dict[str, Value] = {}
        self.untils: dict[str, int] = {}
        self.until = NEVER
        self.selections: list[Selection | None] = [None] * selections
        self._events: dict[str, Rows] = {}
        self._lines: dict[str, Rows] = {}

    def events(self, event: str) -> Rows:
        """The events of a name; none is an empty stream."""
        found = self._events.get(event)
        if found is None:
            stream = self.history.streams.get(event) or _NOTHING
            found = self._events[event] = Rows(event, stream, self.now)
        return found

    def lines(self, event: str) -> Rows:
        """The lines of the events of a name."""
        found = self._lines.get(event)
        if found is None:
            events = self.events(event)
            lines = events.stream.lines or _NO_LINES
            found = self._lines[event] = LineRows(events, lines, self.catalogue)
        return found


Scalar = Callable[[Run], Any]
"""A compiled expression: gives its value and lowers run.until to the moment it may change."""

_NOTHING = Stream([], [], {})
_NO_LINES = Lines([], {})
