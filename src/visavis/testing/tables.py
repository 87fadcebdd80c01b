"""Invented histories as the relations of a build: ev, li, catalogue_products, persons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from visavis.core.lang.form import Value
from visavis.core.lang.types import TIME_MIN, Type
from visavis.core.nouns import Project
from visavis.testing.histories import Event

if TYPE_CHECKING:
    import pyarrow as pa

Numbered = list[tuple[int, int, Event]]
"""(seq, person, event) in the order of the log."""


def winners(events: Iterable[Event]) -> list[Event]:
    """One event per message id, that of the highest (revision, received_at, content hash); void
    ones left out.

    Written apart from the Python reader's own rule; what is missing is as in `_whole`.
    """
    best: dict[str, Event] = {}
    for event in events:
        known = best.get(event["message_id"])
        if known is None or _rank(event) > _rank(known):
            best[event["message_id"]] = event
    return [event for event in best.values() if not event.get("void")]


def _rank(event: Event) -> tuple[int, int, str]:
    received = event.get("received_at")
    arrived = TIME_MIN if received is None else int(received)
    return event.get("revision") or 0, arrived, event.get("content_hash") or ""


def _whole(event: Event) -> Event:
    """The event with everything that is understood where it is missing."""
    told = {key: value for key, value in event.items() if value is not None}
    name = told.get("event", "identify")
    kind = "identify" if name == "identify" else "track"
    usual = {"ts": TIME_MIN, "type": kind, "source": None, "channel": None, "properties": {}}
    return {**usual, **told, "event": name}


def relations(
    project: Project,
    histories: Sequence[Sequence[Event]],
    catalogue: Mapping[str, Mapping[str, Value]],
) -> dict[str, pa.Table]:
    """The relations of a project for people 0, 1, ... with these histories."""
    rows = [(n, _whole(e)) for n, history in enumerate(histories) for e in winners(history)]
    rows.sort(key=lambda row: (row[1]["ts"], row[1]["message_id"]))
    numbered = [(seq, n, e) for seq, (n, e) in enumerate(rows)]
    return {
        "ev": _events(numbered, project.properties),
        "li": _lines(numbered, project.line_fields),
        "catalogue_products": _catalogue(catalogue, project),
        "persons": _persons([_first_seen(history) for history in histories]),
    }


def _events(rows: Numbered, properties: Mapping[str, Mapping[str, Type]]) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, pa.Array[Any]] = {
        "seq": pa.array([seq for seq, _, _ in rows], pa.int64()),
        "ts": array(Type.TIME, [e["ts"] for _, _, e in rows]),
        **{n: _text(rows, n) for n in ("event", "type", "message_id", "source", "channel")},
        "person": pa.array([n for _, n, _ in rows], pa.int64()),
        "cleared": pa.array([e.get("cleared") or None for _, _, e in rows], pa.list_(pa.string())),
    }
    types: dict[str, set[Type]] = {}
    for fields in properties.values():
        for name, kind in fields.items():
            types.setdefault(name, set()).add(kind)
    for name, kinds in types.items():
        values = [e["properties"].get(name) for _, _, e in rows]
        columns[f"p_{name}"] = array(kinds.pop(), values) if len(kinds) == 1 else _mixed(values)
    return pa.table(columns)


def _mixed(values: Iterable[Value]) -> pa.Array[Any]:
    """Texts and whole numbers as what they have in common."""
    return array(Type.TEXT, [None if value is None else str(value) for value in values])


def _text(rows: Numbered, key: str) -> pa.Array[Any]:
    return array(Type.TEXT, [e[key] for _, _, e in rows])


def _lines(rows: Numbered, fields: Mapping[str, Type]) -> pa.Table:
    import pyarrow as pa

    flat = [
        (seq, number, person, event, line)
        for seq, person, event in rows
        for number, line in enumerate(event.get("products", ()))
    ]
    columns: dict[str, pa.Array[Any]] = {
        "seq": pa.array([f[0] for f in flat], pa.int64()),
        "line": pa.array([f[1] for f in flat], pa.int32()),
        "ts": array(Type.TIME, [f[3]["ts"] for f in flat]),
        **{n: array(Type.TEXT, [f[3][n] for f in flat]) for n in ("event", "source", "message_id")},
        "person": pa.array([f[2] for f in flat], pa.int64()),
    }
    for name, type in {"product_id": Type.TEXT, **fields}.items():
        columns[f"l_{name}"] = array(type, [f[4].get(name) for f in flat])
    return pa.table(columns)


def _catalogue(catalogue: Mapping[str, Mapping[str, Value]], project: Project) -> pa.Table:
    import pyarrow as pa

    columns = {"product_id": array(Type.TEXT, list(catalogue))}
    for field in (f for c in project.catalogues.values() for f in c.fields):
        values = [item.get(field.name) for item in catalogue.values()]
        columns[f"c_{field.name}"] = array(field.type, values)
    return pa.table(columns)


def _first_seen(history: Iterable[Event]) -> int | None:
    return min((_whole(event)["ts"] for event in winners(history)), default=None)


def _persons(first_seen: Sequence[int | None]) -> pa.Table:
    import pyarrow as pa

    numbers = range(len(first_seen))
    return pa.table(
        {
            "person": pa.array(numbers, pa.int64()),
            "person_id": pa.array([f"{n:032x}" for n in numbers], pa.string()),
            "first_seen": array(Type.TIME, first_seen),
        }
    )


def array(type: Type, values: Sequence[Any]) -> pa.Array[Any]:
    """Values as the Python reader holds them, as a column of the lake's type."""
    import pyarrow as pa

    if type is Type.TIME:
        return pa.array([None if v is None else v * 1000 for v in values], pa.timestamp("us"))
    if type is Type.DATE:
        return pa.array(values, pa.int32()).cast(pa.date32())
    if type is Type.DECIMAL:
        scaled = [None if v is None else Decimal(v).scaleb(-6) for v in values]
        return pa.array(scaled, pa.decimal128(18, 6))
    plain = {
        Type.BOOLEAN: pa.bool_(),
        Type.INTEGER: pa.int64(),
        Type.FLOAT: pa.float64(),
        Type.TEXT: pa.string(),
    }
    return pa.array(values, plain[type])


def reading(column: str, type: Type) -> str:
    """SQL that brings a column (already quoted) to a value that `held` understands."""
    if type is Type.TIME:
        return f"epoch_us({column})"
    if type is Type.DATE:
        return f"date_diff('day', DATE '1970-01-01', {column})"
    return column


def held(value: Any, type: Type) -> Value:
    """A fetched value as the Python reader holds it."""
    if value is None:
        return None
    if type is Type.DECIMAL:
        return int(Decimal(value).scaleb(6).to_integral_exact())
    if type is Type.TIME:
        whole, rest = divmod(int(value), 1000)
        return whole if not rest else value / 1000
    if type in (Type.INTEGER, Type.DATE):
        return int(value)
    return value  # type: ignore[no-any-return]
