"""Streams of events picked from and put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from visavis.core.lang.form import Value
from visavis.core.lang.history import History, Lines, Stream


def picked(stream: Stream, rows: Sequence[int]) -> Stream:
    """Some of a stream's events."""
    lines = None
    if stream.lines is not None:
        new = {row: i for i, row in enumerate(rows)}
        kept = [j for j, parent in enumerate(stream.lines.parent) if parent in new]
        lines = Lines(
            [new[stream.lines.parent[j]] for j in kept],
            {name: [column[j] for j in kept] for name, column in stream.lines.columns.items()},
        )
    cleared = stream.cleared
    return Stream(
        [stream.ts[i] for i in rows], [stream.message_ids[i] for i in rows],
        {name: [column[i] for i in rows] for name, column in stream.columns.items()}, lines,
        None if cleared is None else [cleared[i] for i in rows],
    )  # fmt: skip


def merged(streams: Sequence[Stream]) -> Stream:
    """Streams of one event name as one, in log order."""
    if len(streams) == 1:
        return streams[0]
    order = sorted(
        (ts, mid, n, i)
        for n, stream in enumerate(streams)
        for i, (ts, mid) in enumerate(zip(stream.ts, stream.message_ids, strict=True))
    )
    names = {name for stream in streams for name in stream.columns}
    columns: dict[str, list[Value]] = {}
    for name in names:
        held = [stream.columns.get(name) for stream in streams]
        columns[name] = [None if (c := held[n]) is None else c[i] for _, _, n, i in order]
    cleared: list[Sequence[str] | None] | None = None
    if any(stream.cleared for stream in streams):
        cleared = [(told[i] if (told := streams[n].cleared) else None) for _, _, n, i in order]
    return Stream(
        [ts for ts, _, _, _ in order], [mid for _, mid, _, _ in order], columns,
        _merged_lines(streams, order), cleared,
    )  # fmt: skip


def _merged_lines(
    streams: Sequence[Stream], order: Sequence[tuple[int, str, int, int]]
) -> Lines | None:
    if not any(stream.lines for stream in streams):
        return None
    of_row: dict[tuple[int, int], list[int]] = {}
    for n, stream in enumerate(streams):
        for j, parent in enumerate(stream.lines.parent if stream.lines else ()):
            of_row.setdefault((n, parent), []).append(j)
    taken = [(row, n, j) for row, (_, _, n, i) in enumerate(order) for j in of_row.get((n, i), ())]
    names = {name for s in streams if s.lines for name in s.lines.columns}
    columns: dict[str, list[Value]] = {}
    for name in names:
        held = [s.lines.columns.get(name) if s.lines else None for s in streams]
        columns[name] = [None if (c := held[n]) is None else c[j] for _, n, j in taken]
    return Lines([row for row, _, _ in taken], columns)


def history_of(parts: Iterable[tuple[str, Stream]]) -> History:
    """The history of several identifiers' streams."""
    by_event: dict[str, list[Stream]] = {}
    for event, stream in parts:
        by_event.setdefault(event, []).append(stream)
    return History({event: merged(streams) for event, streams in by_event.items()})
