"""A history that takes events in one at a time, with the same rows as one made of all at once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from visavis.core.lang.form import Value
from visavis.core.lang.history import BUILT_IN, IDENTIFY, History, Lines, Stream, shared
from visavis.core.lang.types import TIME_MIN, Type


class Growing:
    """A person's history and the message ids in it.

    A stream is copied before the first event is put into it: whoever made it may hold it, too.
    """

    __slots__ = ("_ids", "_line_fields", "_own", "_properties", "history")

    def __init__(
        self,
        history: History,
        properties: Mapping[str, Mapping[str, Type]],
        line_fields: Mapping[str, Type],
    ) -> None:
        self.history = history
        self._properties, self._line_fields = properties, line_fields
        self._ids: set[str] | None = None
        self._own: set[str] = set()

    @property
    def size(self) -> int:
        """How many events there are."""
        return sum(len(stream.ts) for stream in self.history.streams.values())

    def take(self, event: Mapping[str, Any]) -> bool:
        """Puts in an event as `History.from_events` takes it.

        False, and nothing is put in, where its message id is there already or it counts in no
        trait: which of two events wins has to be worked out of all of them.
        """
        if self._ids is None:
            streams = self.history.streams.values()
            self._ids = {mid for stream in streams for mid in stream.message_ids}
        message_id = event["message_id"]
        if message_id in self._ids or event.get("void"):
            return False
        self._ids.add(message_id)
        name, streams_of = event.get("event") or IDENTIFY, self.history.streams
        stream = streams_of.get(name)
        if stream is None:
            made = History.from_events([event], self._properties, self._line_fields)
            streams_of[name] = made.streams[name]
        elif name in self._own:
            _insert(stream, event, self._line_fields)
        else:
            stream = streams_of[name] = _copied(stream)
            _insert(stream, event, self._line_fields)
        self._own.add(name)
        return True


def _copied(stream: Stream) -> Stream:
    lines = stream.lines
    if lines is not None:
        lines = Lines(list(lines.parent), {n: list(c) for n, c in lines.columns.items()})
    cleared = None if stream.cleared is None else list(stream.cleared)
    columns = {name: list(column) for name, column in stream.columns.items()}
    return Stream(list(stream.ts), list(stream.message_ids), columns, lines, cleared)


def _insert(stream: Stream, event: Mapping[str, Any], line_fields: Mapping[str, Type]) -> None:
    """Puts an event where it stands in the order of (timestamp, message id)."""
    given = event.get("ts")
    ts, message_id = TIME_MIN if given is None else int(given), event["message_id"]
    low, high = bisect_left(stream.ts, ts), bisect_right(stream.ts, ts)
    row = bisect_left(stream.message_ids, message_id, low, high)
    stream.ts.insert(row, ts)
    stream.message_ids.insert(row, message_id)
    held = event.get("properties") or {}
    for name, column in stream.columns.items():
        column.insert(row, _built_in(event, name) if name in BUILT_IN else shared(held.get(name)))
    cleared = tuple(event.get("cleared") or ()) or None
    if stream.cleared is not None:
        stream.cleared.insert(row, cleared)
    elif cleared is not None:
        stream.cleared = [None] * len(stream.ts)
        stream.cleared[row] = cleared
    _insert_lines(stream, row, event.get("products") or (), line_fields)


def _built_in(event: Mapping[str, Any], name: str) -> Value:
    value = event.get(name)
    if name == "type" and not value:
        value = IDENTIFY if event.get("event") in (None, IDENTIFY) else "track"
    return shared(value)


def _insert_lines(
    stream: Stream,
    row: int,
    products: Sequence[Mapping[str, Any]],
    line_fields: Mapping[str, Type],
) -> None:
    lines = stream.lines
    if lines is None:
        if not products:
            return
        lines = stream.lines = Lines([], {name: [] for name in ("product_id", *line_fields)})
    at = bisect_left(lines.parent, row)
    lines.parent[at:] = [*([row] * len(products)), *(parent + 1 for parent in lines.parent[at:])]
    for name, column in lines.columns.items():
        column[at:at] = [shared(line.get(name)) for line in products]
