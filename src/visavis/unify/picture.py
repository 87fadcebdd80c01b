"""A person's identifiers and what joins them, drawn as SVG: strong ids left, each next to the one
that the evidence tied it to; dashed and red what was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from visavis.unify.rules import Name

WIDTH, HEIGHT, GAP, ROW = 236, 42, 150, 62
_LONGEST = 30
_COLOURS = {
    "customer_id": "#1f5f8b", "user_id": "#1f5f8b", "loyalty_id": "#2a7f62", "email": "#6b4c9a",
    "phone": "#a0527a", "social_id": "#9a6b1f", "device_id": "#5c6670", "anonymous_id": "#5c6670",
}  # fmt: skip
_RED, _INK, _LINE = "#b3261e", "#1d2530", "#9aa5b1"

Row = Mapping[str, Any]


def draw(title: str, start: Name, edges: Sequence[Row], refused: Sequence[Row]) -> str:
    """SVG text. `edges` (kind_a, value_a, kind_b, value_b, rule, source) join the person; `refused`
    have `guard` too and touch it. `start` is drawn first."""
    columns = _columns(start, edges, refused)
    at = {
        name: (40 + x * (WIDTH + GAP), 76 + y * ROW)
        for x, column in enumerate(columns)
        for y, name in enumerate(column)
    }
    wide = 80 + len(columns) * WIDTH + (len(columns) - 1) * GAP
    high = 110 + max(len(column) for column in columns) * ROW
    mine = {end for edge in edges for end in _ends(edge)} | {start}
    lines = [_line(at, edge, _LINE, "") for edge in edges]
    lines += [_line(at, edge, _RED, ' stroke-dasharray="5 4"') for edge in refused]
    boxes = [_box(name, *place, name == start, name in mine) for name, place in at.items()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}" font-family="Helvetica, Arial, sans-serif">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="40" y="40" font-size="17" fill="{_INK}">{escape(title)}</text>'
        f"{''.join(lines)}{''.join(boxes)}</svg>\n"
    )


def _ends(edge: Row) -> tuple[Name, Name]:
    return (edge["kind_a"], edge["value_a"]), (edge["kind_b"], edge["value_b"])


def _columns(start: Name, edges: Sequence[Row], refused: Sequence[Row]) -> list[list[Name]]:
    """Names by their distance from the start; what was refused stands behind everybody."""
    near: dict[Name, list[Name]] = {}
    for a, b in map(_ends, edges):
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    columns, placed = [[start]], {start}
    while nearer := [n for name in columns[-1] for n in sorted(near.get(name, ()))]:
        column = [n for n in dict.fromkeys(nearer) if n not in placed]
        if not column:
            break
        placed |= set(column)
        columns.append(column)
    others = sorted({end for edge in refused for end in _ends(edge)} - placed)
    return [*columns, others] if others else columns


def _line(at: Mapping[Name, tuple[int, int]], edge: Row, colour: str, style: str) -> str:
    a, b = sorted((at[end] for end in _ends(edge)), key=lambda place: place)
    right, left = a[0] + WIDTH, b[0]
    if a[0] == b[0]:
        left, bend = b[0] + WIDTH, right + 44
        label_x, anchor = right + 38, "start"
    else:
        bend = left - GAP // 2
        label_x, anchor = left - 8, "end"
    y1, y2 = a[1] + HEIGHT // 2, b[1] + HEIGHT // 2
    label_y = y2 - 6 if a[0] != b[0] else (y1 + y2) // 2
    text = " · ".join(x for x in (edge["rule"], edge.get("source"), edge.get("guard")) if x)
    return (
        f'<path d="M{right} {y1} C{bend} {y1} {bend} {y2} {left} {y2}" fill="none" '
        f'stroke="{colour}" stroke-width="1.5"{style}/>'
        f'<text x="{label_x}" y="{label_y}" font-size="10.5" text-anchor="{anchor}" '
        f'fill="{colour if colour == _RED else "#5c6670"}" stroke="#ffffff" stroke-width="3" '
        f'paint-order="stroke">{escape(text)}</text>'
    )


def _box(name: Name, x: int, y: int, first: bool, mine: bool) -> str:
    kind, value = name
    colour = _COLOURS.get(kind, "#44546a") if mine else _RED
    shown = value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
    return (
        f"<g><title>{escape(kind)}: {escape(value[:1024])}</title>"
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="#ffffff" '
        f'stroke="{colour}" stroke-width="{3 if first else 1.4}"/>'
        f'<text x="{x + 12}" y="{y + 16}" font-size="10.5" fill="{colour}">{escape(kind)}</text>'
        f'<text x="{x + 12}" y="{y + 33}" font-size="14" fill="{_INK}">{escape(shown)}</text></g>'
    )
