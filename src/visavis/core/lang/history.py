"""One person's events as columns, the shape the Python reader reads.

Rows of a stream stand in log order, (timestamp, message_id); a repeated message id is there once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from sys import intern
from typing import Any

from visavis.core.lang.form import Value
from visavis.core.lang.types import TIME_MIN, Type

IDENTIFY = "identify"
"""The stream of given traits."""
BUILT_IN = ("type", "source", "channel", "message_id")
"""Columns every stream has, beside its timestamp; they win over properties of the same name."""


@dataclass(slots=True)
class Lines:
    """The lines of a stream's events, sorted by (parent, line); `parent` is the event's row."""

    parent: list[int]
    columns: dict[str, list[Value]]


@dataclass(slots=True)
class Stream:
    """All events of one name, `ts` in ms; `cleared` names the given traits a row sets to null."""

    ts: list[int]
    message_ids: list[str]
    columns: dict[str, list[Value]]
    lines: Lines | None = None
    cleared: list[Sequence[str] | None] | None = None


@dataclass(slots=True)
class History:
    """One person's streams by event name; 'identify' carries what given traits read."""

    streams: dict[str, Stream] = field(default_factory=dict)

    @classmethod
    def from_events(
        cls,
        events: Iterable[Mapping[str, Any]],
        properties: Mapping[str, Mapping[str, Type]],
        line_fields: Mapping[str, Type],
    ) -> History:
        """The history of plain events, in any order and with repeats.

        An event has message_id, event and ts (ms; absent = valid at every moment) and may have
        type, source, channel, received_at, revision, content_hash, void, properties and products
        (values as the reader holds them) and cleared. Of one message id the highest (revision,
        received_at, content hash) counts; a void event is in no stream. Undeclared fields are left
        out.
        """
        rows: dict[str, list[Mapping[str, Any]]] = {}
        for event in _winners(events):
            if not event.get("void"):
                rows.setdefault(event.get("event") or IDENTIFY, []).append(event)
        return cls({n: _stream(r, properties.get(n, {}), line_fields) for n, r in rows.items()})


def _winners(events: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """One event a message id."""
    by_id: dict[str, Mapping[str, Any]] = {}
    for event in events:
        held = by_id.setdefault(event["message_id"], event)
        if held is not event and _beats(event, held):
            by_id[event["message_id"]] = event
    return by_id.values()


def _beats(event: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    ours, theirs = _rank(event), _rank(held)
    return ours > theirs or (ours == theirs and _content(event) > _content(held))


def _rank(event: Mapping[str, Any]) -> tuple[int, int]:
    received = event.get("received_at")
    return event.get("revision") or 0, TIME_MIN if received is None else received


def _content(event: Mapping[str, Any]) -> str:
    """The content hash that came with the event, else one of all it holds."""
    known = event.get("content_hash")
    if known is not None:
        return str(known)
    return sha256(json.dumps(event, sort_keys=True, default=str).encode()).hexdigest()


def _time(event: Mapping[str, Any]) -> int:
    ts = event.get("ts")
    return TIME_MIN if ts is None else int(ts)


def _stream(
    rows: list[Mapping[str, Any]], declared: Mapping[str, Type], line_fields: Mapping[str, Type]
) -> Stream:
    rows.sort(key=lambda e: (_time(e), e["message_id"]))
    held = [e.get("properties") or {} for e in rows]
    columns: dict[str, list[Value]] = {n: _column(held, n) for n in declared}
    for name in BUILT_IN:
        columns[name] = _column(rows, name)
    columns["type"] = [t or _default_type(e) for t, e in zip(columns["type"], rows, strict=True)]
    cleared = [tuple(e.get("cleared") or ()) or None for e in rows]
    return Stream(
        ts=[_time(e) for e in rows],
        message_ids=[e["message_id"] for e in rows],
        columns=columns,
        lines=_lines(rows, line_fields),
        cleared=list(cleared) if any(cleared) else None,
    )


def _default_type(event: Mapping[str, Any]) -> str:
    return IDENTIFY if event.get("event") in (None, IDENTIFY) else "track"


def _lines(rows: list[Mapping[str, Any]], line_fields: Mapping[str, Type]) -> Lines | None:
    found = [(i, line) for i, event in enumerate(rows) for line in event.get("products") or ()]
    if not found:
        return None
    names = {"product_id": Type.TEXT, **line_fields}
    held = [line for _, line in found]
    return Lines([i for i, _ in found], {n: _column(held, n) for n in names})


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> list[Value]:
    """One field of many rows."""
    return [shared(row.get(name)) for row in rows]


def shared(value: Value) -> Value:
    """The value, one object for all equal texts: those compare fastest."""
    return intern(value) if type(value) is str else value
