"""Live events as Arrow columns in the shape of the lake: what the project names gets its type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from visavis.collect import kept
from visavis.collect.behaviour import ROBOT
from visavis.collect.calls import Bad, Event
from visavis.collect.live_names import ANONYMOUS
from visavis.collect.live_values import Names, is_free, typed_of
from visavis.collect.typed import BAD
from visavis.core.lang.types import Type

_encode = msgspec.json.Encoder(decimal_format="number").encode
_ARROW: Mapping[Type, pa.DataType] = {
    Type.TEXT: pa.string(),
    Type.INTEGER: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
}


@dataclass
class Sparse:
    """Columns by name of which a row has few: the rows that have one, and the values."""

    rows: dict[str, list[int]] = field(default_factory=dict)
    values: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, row: int, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name not in self.rows:
                self.rows[name], self.values[name] = [], []
            self.rows[name].append(row)
            self.values[name].append(value)

    def columns(self, size: int, types: Mapping[str, Type], prefix: str) -> dict[str, Any]:
        """Full columns of `size` rows, null where a row has no value."""
        return {
            prefix + name: _spread(column(self.values[name], types[name]), self.rows[name], size)
            for name in sorted(self.rows)
        }


def _spread(values: Any, rows: Sequence[int], size: int) -> Any:
    at = np.full(size, -1, dtype=np.int64)
    at[np.asarray(rows, dtype=np.int64)] = np.arange(len(rows))
    return values.take(pa.array(at, mask=at < 0))


def column(values: Sequence[Any], kind: Type) -> Any:
    """An Arrow column of values as the Python reader holds them."""
    if kind is Type.DECIMAL:
        return _decimals(np.asarray(values, dtype=np.int64))
    if kind is Type.TIME:
        return pa.array(np.asarray(values, dtype=np.int64) * 1000).cast(pa.timestamp("us"))
    if kind is Type.DATE:
        return pa.array(np.asarray(values, dtype=np.int32)).cast(pa.date32())
    return pa.array(values, _ARROW[kind])


def _decimals(scaled: npt.NDArray[np.int64]) -> Any:
    wide = np.empty((len(scaled), 2), dtype="<i8")
    wide[:, 0], wide[:, 1] = scaled, scaled >> 63
    return pa.Array.from_buffers(
        pa.decimal128(18, 6), len(scaled), [None, pa.py_buffer(wide.tobytes())]
    )


@dataclass(slots=True)
class Tables:
    """Events, their lines (by the event's `row`), what is bad, and the columns of identifiers."""

    events: pa.Table
    lines: pa.Table | None
    bad: list[tuple[str, int, Bad]]
    kinds: list[str]


Placed = tuple[str, int, Event | Bad]
"""Where a call stood (frame, place in it), and what it is."""


def tables_of(calls: Iterable[Placed], names: Names, known_kinds: Iterable[str]) -> Tables:
    """The columns of many events."""
    rows: list[Event] = []
    extra: list[tuple[list[str] | None, bool, str]] = []
    properties, lines = Sparse(), Sparse()
    line_rows: list[tuple[int, int]] = []
    ids = _Identifiers(known_kinds)
    bad: list[tuple[str, int, Bad]] = []
    for place, number, call in calls:
        if isinstance(call, Bad):
            bad.append((place, number, call))
            continue
        found = typed_of(call, names)
        if isinstance(found, str):
            bad.append((place, number, Bad(found, kept.of_event(call), call.received)))
            continue
        row = len(rows)
        rows.append(call)
        free = is_free(call, found)
        extra.append((found.cleared or None, free, _encode(call.values).decode()))
        properties.add(row, found.values)
        ids.add(row, call)
        for i, line in enumerate(found.lines):
            lines.add(len(line_rows), {k: v for k, v in line.items() if v not in (None, BAD)})
            line_rows.append((row, i))
    events = pa.table(
        {
            **_fixed(rows, extra),
            **ids.columns(len(rows)),
            **properties.columns(len(rows), names.types, "p_"),
        }
    )
    return Tables(events, _lines(lines, line_rows, names), bad, ids.names())


def _fixed(
    rows: Sequence[Event], extra: Sequence[tuple[list[str] | None, bool, str]]
) -> dict[str, Any]:
    return {
        "row": pa.array(range(len(rows)), pa.int64()),
        "message_id": pa.array([e.message_id for e in rows], pa.string()),
        "type": pa.array([e.type for e in rows], pa.string()),
        "event": pa.array([e.event for e in rows], pa.string()),
        "ms": pa.array([e.ts for e in rows], pa.int64()),
        "received": pa.array([e.received for e in rows], pa.int64()),
        "channel": pa.array([e.channel for e in rows], pa.string()),
        "context": pa.array([_marked(e) for e in rows], pa.string()),
        "given": pa.array([_encode(e.identifiers).decode() for e in rows], pa.string()),
        "digest": pa.array([e.digest for e in rows], pa.string()),
        "bot": pa.array([e.bot for e in rows], pa.string()),
        "cleared": pa.array([c for c, _, _ in extra], pa.list_(pa.string())),
        "free": pa.array([f for _, f, _ in extra], pa.bool_()),
        "properties": pa.array([p for _, _, p in extra], pa.string()),
    }


def _marked(event: Event) -> str | None:
    """The context; of a bot's event it says so."""
    if event.bot is None:
        return event.context
    mark = f'"bot":{_encode(event.bot).decode()}'
    inner = (event.context or "{}").strip()[1:-1].strip()
    return "{" + (f"{mark},{inner}" if inner else mark) + "}"


def _lines(lines: Sparse, places: Sequence[tuple[int, int]], names: Names) -> pa.Table | None:
    if not places:
        return None
    return pa.table(
        {
            "row": pa.array([r for r, _ in places], pa.int64()),
            "line": pa.array([i for _, i in places], pa.int32()),
            **lines.columns(len(places), names.line_types, "l_"),
        }
    )


class _Identifiers:
    """A column for each kind; a second identifier of a kind in one event gets `kind#2`, ..."""

    _MOST_NEW = 20

    def __init__(self, known: Iterable[str]) -> None:
        self._known = set(known)
        self._new: set[str] = set()
        self._found = Sparse()

    def add(self, row: int, event: Event) -> None:
        if event.bot not in (None, ROBOT):
            return
        seen: dict[str, int] = {}
        for kind, value in event.identifiers:
            if event.bot == ROBOT and kind != ANONYMOUS:
                continue
            if kind not in self._known and kind not in self._new:
                # names of kinds come from outside: only so many new ones are believed
                if len(self._new) >= self._MOST_NEW:
                    continue
                self._new.add(kind)
            seen[kind] = seen.get(kind, 0) + 1
            name = kind if seen[kind] == 1 else f"{kind}#{seen[kind]}"
            if seen[kind] <= 5:
                self._found.add(row, {name: value})

    def names(self) -> list[str]:
        return sorted(self._found.rows)

    def columns(self, size: int) -> dict[str, Any]:
        return self._found.columns(size, dict.fromkeys(self._found.rows, Type.TEXT), "id.")
