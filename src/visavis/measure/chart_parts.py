"""What charts are made of: data, colours, axes and headings, as Vega-Lite through altair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visavis.measure.report import Row

COLOURS = {
    "first_time": "#5aa9a4",
    "active": "#1f6f78",
    "defecting": "#e0a030",
    "inactive": "#b8bcc2",
    "one_time": "#e0a030",
    "repeat": "#1f6f78",
}
OTHERS = ("#e0a030", "#c4453c", "#7a6f9b", "#b8bcc2", "#8a919c", "#d9c7a3", "#5b6470",
          "#e6b8b3", "#b3c6d9", "#c9b3d9")  # fmt: skip
"""For what has no colour of its own, in this order."""
INK, FAINT, LOSS, GAIN = "#20262e", "#5f6873", "#c4453c", "#1f6f78"
WIDTH = 640
BAR, HEADER = 44, 60
"""Pixels of one bar with its gap, and the least height of a chart."""


def data(alt: Any, rows: Sequence[Row]) -> Any:
    """Rows as a chart takes them: decimals as floats."""
    return alt.Data(values=[{k: _plain(v) for k, v in row.items()} for row in rows])


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (str, int, float)) else float(str(value))


def number(value: object) -> str:
    """A figure for a reader: whole where it is large."""
    number = float(str(value))
    return f"{number:,.0f}" if abs(number) >= 1000 or number == int(number) else f"{number:,.2f}"


def height(bars: int) -> int:
    """Of a chart with so many bars."""
    return max(HEADER, BAR * bars)


def heading(text: str) -> dict[str, object]:
    """The heading of one chart of several."""
    return {"text": text, "anchor": "start", "fontSize": 14, "color": INK}


def zero(alt: Any, **marks: Any) -> Any:
    """The line at which nothing is gained and nothing lost."""
    values = alt.Data(values=[{"zero": 0}])
    return alt.Chart(values).mark_rule(color=FAINT, **marks).encode(x="zero:Q")


def nothing(alt: Any, text: str) -> Any:
    """In the place of a chart without rows."""
    mark = alt.Chart(alt.Data(values=[{}])).mark_text(align="left", fontSize=14, color=INK)
    shown = mark.encode(text=alt.value(text), x=alt.value(0), y=alt.value(HEADER // 2))
    return shown.properties(width=WIDTH, height=HEADER)


def label_colour(alt: Any, dark: str) -> Any:
    """White on dark cells, ink on light ones; `dark` is an expression over the row."""
    return alt.condition(dark, alt.value("white"), alt.value(INK))
