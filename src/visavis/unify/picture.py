"""A person's identifiers and what joins them, drawn as SVG.

The identifier that names the person stands left, the others in columns by how far the evidence is
from it, so that a line only ever runs between neighbouring columns or beside its own. Dashed and
red is what a guard refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any
from unicodedata import east_asian_width

from visavis.unify.rules import Name

WIDTH, GAP, PORT, LEAST, BETWEEN = 232, 250, 17, 46, 22
_LEFT, _TOP, _FOOT, _ARC = 36, 92, 66, 22
_LONGEST = 27
_FOLD = 9
"""So many identifiers of a kind that hang on one other are shown; of more the rest is a number."""
_COLOURS = {
    "customer_id": "#1f5f8b", "user_id": "#1f5f8b", "loyalty_id": "#2a7f62", "email": "#6b4c9a",
    "phone": "#a0527a", "social_id": "#9a6b1f", "device_id": "#5c6670", "anonymous_id": "#5c6670",
}  # fmt: skip
_OTHER, _RED, _INK, _GREY, _LINE = "#44546a", "#b3261e", "#1d2530", "#5c6670", "#8d99a6"
_FONT = "Helvetica, Arial, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"

Row = Mapping[str, Any]


@dataclass(slots=True)
class _Box:
    name: Name
    column: int
    note: str = ""
    more: int = 0
    mine: bool = True
    x: int = 0
    y: int = 0
    left: list[_Line] = field(default_factory=list)
    right: list[_Line] = field(default_factory=list)

    @property
    def high(self) -> int:
        return max(LEAST, PORT * max(len(self.left), len(self.right)) + 12)

    @property
    def middle(self) -> float:
        return self.y + self.high / 2

    def port(self, line: _Line, ports: Sequence[_Line]) -> float:
        """Where a line leaves the box: the lines of a side stand below each other."""
        at = next(i for i, other in enumerate(ports) if other is line)
        return self.middle + PORT * (at - (len(ports) - 1) / 2)


@dataclass(slots=True)
class _Line:
    a: _Box
    b: _Box
    texts: tuple[str, ...]
    refused: bool

    @property
    def beside(self) -> bool:
        """Whether both ends stand in one column."""
        return self.a.column == self.b.column


def draw(title: str, start: Name, edges: Sequence[Row], refused: Sequence[Row]) -> str:
    """SVG text. `edges` (kind_a, value_a, kind_b, value_b, rule, source) join the person; `refused`
    have `guard` too and touch it. `start` is drawn first."""
    mine = {end for edge in edges for end in _ends(edge)} | {start}
    boxes = _boxes(start, edges, refused, mine)
    lines = _lines(boxes, edges, refused)
    columns = _columns(boxes)
    _place(columns)
    shown = list({id(box): box for box in boxes.values()}.values())
    high = max(box.y + box.high for box in shown) + _FOOT
    arcs = max((len([x for x in lines if x.beside and x.a.column == len(columns) - 1]), 0))
    wide = _LEFT * 2 + len(columns) * WIDTH + (len(columns) - 1) * GAP
    wide += (_ARC * arcs + 170) if arcs else 0
    wide = max(wide, 760)
    drawn = [_curve(line) for line in lines]
    drawn += [_label(line) for line in lines]
    drawn += [_shape(box, box.name == start) for box in shown]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" '
        f'viewBox="0 0 {wide} {high}" font-family="{_FONT}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="{_LEFT}" y="42" font-size="19" font-weight="bold" fill="{_INK}">'
        f"{escape(title)}</text>"
        f'<text x="{_LEFT}" y="63" font-size="12" fill="{_GREY}">{_summary(mine, lines)}</text>'
        f"{''.join(drawn)}{_legend(high, any(line.refused for line in lines))}</svg>\n"
    )


def _ends(edge: Row) -> tuple[Name, Name]:
    return (edge["kind_a"], edge["value_a"]), (edge["kind_b"], edge["value_b"])


def _boxes(
    start: Name, edges: Sequence[Row], refused: Sequence[Row], mine: set[Name]
) -> dict[Name, _Box]:
    """The box of every identifier; several share one where they only hang on the same other."""
    near: dict[Name, set[Name]] = {}
    for a, b in map(_ends, (*edges, *refused)):
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    boxes = {start: _Box(start, 0)}
    stage = [start]
    while stage:
        further: list[Name] = []
        for name in stage:
            new = sorted(n for n in near.get(name, ()) if n not in boxes)
            column = boxes[name].column + 1
            boxes |= {n: _Box(n, column, mine=n in mine) for n in new}
            further += new
        stage = further
    notes = _notes(refused, mine)
    for name, box in boxes.items():
        box.note = notes.get(name, "")
    return _folded(boxes, near)


def _folded(boxes: dict[Name, _Box], near: Mapping[Name, set[Name]]) -> dict[Name, _Box]:
    alike: dict[tuple[object, ...], list[_Box]] = {}
    for name, box in boxes.items():
        if box.column and len(near[name]) == 1:
            key = (name[0], min(near[name]), box.mine, box.note)
            alike.setdefault(key, []).append(box)
    for held in alike.values():
        for box in held[_FOLD:]:
            boxes[box.name] = held[_FOLD - 1]
        held[min(len(held), _FOLD) - 1].more = max(0, len(held) - _FOLD)
    return boxes


def _notes(refused: Sequence[Row], mine: set[Name]) -> dict[Name, str]:
    """What the others are: nobody's, or another person's."""
    found = {}
    for row in refused:
        for name, side in zip(_ends(row), ("person_a", "person_b"), strict=True):
            if name not in mine:
                found[name] = "another person" if row.get(side) else "shared: nobody's"
    return found


def _lines(boxes: Mapping[Name, _Box], edges: Sequence[Row], refused: Sequence[Row]) -> list[_Line]:
    """One line for all evidence between two boxes, the nearer to the start first."""
    found: dict[tuple[int, int, bool], _Line] = {}
    for edge in (*edges, *refused):
        ends = sorted((boxes[end] for end in _ends(edge)), key=lambda box: box.column)
        key = (id(ends[0]), id(ends[1]), bool(edge.get("guard")))
        text = _text(edge)
        if key not in found:
            found[key] = _Line(ends[0], ends[1], (text,), key[2])
        elif text not in found[key].texts:
            found[key].texts += (text,)
    for line in found.values():
        line.a.right.append(line)
        (line.b.right if line.beside else line.b.left).append(line)
    return list(found.values())


def _text(edge: Row) -> str:
    first = edge.get("first_seen")
    day = f"{first:%Y-%m-%d}" if first is not None else ""
    guard = f"refused: {edge['guard']}" if edge.get("guard") else ""
    return " · ".join(x for x in (guard or edge["rule"], edge.get("source"), day) if x)


def _columns(boxes: Mapping[Name, _Box]) -> list[list[_Box]]:
    """The columns from left to right, in each the boxes near what they hang on."""
    columns: list[list[_Box]] = []
    for box in {id(box): box for box in boxes.values()}.values():
        while len(columns) <= box.column:
            columns.append([])
        columns[box.column].append(box)
    for one, column in enumerate(columns):
        rank = {id(box): i for i, box in enumerate(columns[one - 1])} if one else {}

        def order(box: _Box, rank: Mapping[int, int] = rank) -> tuple[object, ...]:
            at = [rank[id(line.a)] for line in box.left]
            return (sum(at) / len(at) if at else 0, not box.mine, _weight(box.name[0]), box.name)

        column.sort(key=order)
    return columns


def _weight(kind: str) -> int:
    """Strong kinds stand above weak ones."""
    return list(_COLOURS).index(kind) if kind in _COLOURS else len(_COLOURS) - 2


def _place(columns: Sequence[Sequence[_Box]]) -> None:
    tall = [sum(box.high + BETWEEN for box in column) - BETWEEN for column in columns]
    for number, column in enumerate(columns):
        y = _TOP + (max(tall) - tall[number]) // 2
        for box in column:
            box.x, box.y = _LEFT + number * (WIDTH + GAP), y
            y += box.high + BETWEEN
    for column in columns:
        for box in column:
            box.left.sort(key=lambda line: line.a.middle)
            box.right.sort(key=lambda line, box=box: _other(line, box).middle)  # type: ignore[misc]


def _other(line: _Line, box: _Box) -> _Box:
    return line.b if line.a is box else line.a


def _at(line: _Line) -> tuple[float, float, float, float]:
    x1, y1 = line.a.x + WIDTH, line.a.port(line, line.a.right)
    if line.beside:
        return x1, y1, line.b.x + WIDTH, line.b.port(line, line.b.right)
    return x1, y1, line.b.x, line.b.port(line, line.b.left)


def _bulge(line: _Line) -> float:
    """How far a line beside its column goes out: the further its ends, the further."""
    return _ARC + min(70.0, abs(line.a.middle - line.b.middle) / 5)


def _curve(line: _Line) -> str:
    x1, y1, x2, y2 = _at(line)
    if line.beside:
        out = x1 + _bulge(line) * 4 / 3
        path = f"M{x1} {y1} C{out} {y1} {out} {y2} {x2} {y2}"
    else:
        # the last stretch is level, so that the label stands on it
        level = x2 - GAP * 0.62
        bend = (x1 + level) / 2
        path = f"M{x1} {y1} C{bend} {y1} {bend} {y2} {level} {y2} L{x2} {y2}"
    style = f'stroke="{_RED}" stroke-dasharray="5 4"' if line.refused else f'stroke="{_LINE}"'
    return f'<path d="{path}" fill="none" stroke-width="1.6" {style}/>'


def _label(line: _Line) -> str:
    x1, y1, x2, y2 = _at(line)
    x, y, anchor = x2 - 7, y2 - 4, "end"
    if line.beside:
        x, y, anchor = x1 + _bulge(line) + 5, (y1 + y2) / 2 + 4, "start"
    more = f" and {len(line.texts) - 1} more" if len(line.texts) > 1 else ""
    text = _cut(line.texts[0], 38 - len(more)) + more
    whole = escape("; ".join(line.texts))
    colour = _RED if line.refused else _GREY
    return (
        f'<text x="{x}" y="{y}" font-size="10.5" text-anchor="{anchor}" fill="{colour}" '
        f'stroke="#ffffff" stroke-width="4" stroke-linejoin="round" paint-order="stroke">'
        f"<title>{whole}</title>{escape(text)}</text>"
    )


def _shape(box: _Box, first: bool) -> str:
    kind, value = box.name
    colour = _COLOURS.get(kind, _OTHER) if box.mine else _RED
    shown = _cut(value, _LONGEST - 10) + f" and {box.more} more" if box.more else ""
    shown = shown or _cut(value, _LONGEST)
    top = box.middle - LEAST / 2
    fill = "#ffffff" if box.mine else "#fdf3f2"
    note = f" · {box.note}" if box.note else ""
    x, y = box.x, box.y
    return (
        f"<g><title>{escape(kind)}: {escape(value[:1024])}</title>"
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{box.high}" rx="8" fill="{fill}" '
        f'stroke="{colour}" stroke-width="{2.6 if first else 1.2}"/>'
        f'<rect x="{x + 8}" y="{y + 9}" width="4" height="{box.high - 18}" rx="2" '
        f'fill="{colour}"/>'
        f'<text x="{x + 21}" y="{top + 18}" font-size="10.5" fill="{colour}">'
        f"{escape(kind + note)}</text>"
        f'<text x="{x + 21}" y="{top + 36}" font-size="14" fill="{_INK}">{escape(shown)}</text></g>'
    )


def _cut(text: str, most: int) -> str:
    """The text, cut where it would be too wide; Chinese signs count twice."""
    wide = 0
    for i, sign in enumerate(text):
        wide += 2 if east_asian_width(sign) in "WF" else 1
        if wide > most:
            # ids differ at their ends
            tail = 8 if most >= _LONGEST and text.isascii() and "@" not in text else 0
            return text[: max(1, i - 1 - tail)] + "…" + (text[-tail:] if tail else "")
    return text


def _summary(mine: Iterable[Name], lines: Sequence[_Line]) -> str:
    held = sorted(kind for kind, _ in mine)
    counts = ", ".join(f"{held.count(kind)} {kind}" for kind in dict.fromkeys(held))
    refused = sum(line.refused for line in lines)
    return escape(f"{counts}" + (f"; {refused} refused" if refused else ""))


def _legend(high: int, refused: bool) -> str:
    y, x = high - 26, _LEFT
    parts = [(f'stroke="{_LINE}"', "evidence that joins", _GREY)]
    if refused:
        parts.append((f'stroke="{_RED}" stroke-dasharray="5 4"', "refused by a guard", _RED))
    drawn = ""
    for style, text, colour in parts:
        drawn += (
            f'<path d="M{x} {y} h34" fill="none" stroke-width="1.6" {style}/>'
            f'<text x="{x + 42}" y="{y + 4}" font-size="11" fill="{colour}">{text}</text>'
        )
        x += 200
    return drawn
