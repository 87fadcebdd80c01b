"""Charts of people: their classes, how they move between them, and who comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visavis.measure.chart_parts import COLOURS, WIDTH, data, heading, label_colour
from visavis.measure.repeat import WINDOWS
from visavis.measure.report import Report, Row

_BARS = ("people", "revenue")
_DARK = frozenset({"active", "repeat"})
_SMALLEST = 7
"""A label needs room: slices of fewer per cent stay bare, the legend tells all."""


def lifecycle(alt: Any, report: Report) -> Any:
    """The classes, their share of people and revenue, and who moved from one to another."""
    parts = _shares(alt, report.tables["classes"], "lifecycle")
    movement = report.tables.get("movement")
    return alt.vconcat(parts, _movement(alt, movement), spacing=36) if movement else parts


def repeat(alt: Any, report: Report) -> Any:
    """One-time and repeat buyers, and how many of each month's new customers came back."""
    parts = _shares(alt, report.tables["buyers"], "buyers")
    both = alt.vconcat(parts, _cohorts(alt, report), spacing=36)
    return both.resolve_scale(color="independent")


def _shares(alt: Any, rows: Sequence[Row], of: str) -> Any:
    """Two bars that each make 100 %: of customers, and of their revenue."""
    told = [row for row in rows if row["people_share"] is not None]
    slices = [_slice(row, of, kind, i) for i, row in enumerate(told) for kind in _BARS]
    base = alt.Chart(data(alt, slices)).encode(
        y=alt.Y("bar:N", title=None, sort=list(_BARS), axis=alt.Axis(labelFontSize=14)),
        x=alt.X(
            "share:Q",
            stack="zero",
            title="% of customers, % of their revenue",
            scale=alt.Scale(domain=[0, 100]),
            axis=alt.Axis(values=[0, 25, 50, 75, 100]),
        ),
        order=alt.Order("order:Q"),
    )
    bars = base.mark_bar(height=46).encode(
        color=_classes(alt, told, of), tooltip=["name:N", "bar:N", "label:N"]
    )
    labels = base.mark_text(fontSize=13, fontWeight="bold").encode(
        x=alt.X("share:Q", stack="zero", bandPosition=0.5),
        text="label:N",
        color=label_colour(alt, "datum.dark"),
        opacity=alt.condition(f"datum.share >= {_SMALLEST}", alt.value(1), alt.value(0)),
        detail="name:N",
    )
    return alt.layer(bars, labels).properties(width=WIDTH, height=130)


def _slice(row: Row, of: str, bar: str, order: int) -> Row:
    share = float(str(row[f"{bar}_share"] or 0))
    label = f"{share:.1f} %"
    name = _legend(row, of)
    dark = row[of] in _DARK
    return {"name": name, "bar": bar, "share": share, "label": label, "order": order, "dark": dark}


def _legend(row: Row, of: str) -> str:
    """The class with both its shares: what is too small for a label is told here."""
    people, revenue = (float(str(row[f"{bar}_share"] or 0)) for bar in _BARS)
    return f"{row[of]}  {people:.1f} % / {revenue:.1f} %"


def _classes(alt: Any, rows: Sequence[Row], of: str) -> Any:
    names = [_legend(row, of) for row in rows]
    palette = [COLOURS.get(str(row[of]), "#7a6f9b") for row in rows]
    return alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=palette),
        sort=names,
        legend=alt.Legend(columns=4, labelLimit=260),
    )


def _movement(alt: Any, rows: Sequence[Row]) -> Any:
    order = ["new", "prospect", "first_time", "active", "defecting", "inactive"]
    most = max((int(str(r["people"])) for r in rows), default=0)
    moved = [{**r, "dark": int(str(r["people"])) > most // 4} for r in rows]
    base = alt.Chart(data(alt, moved)).encode(
        x=alt.X("now:N", sort=order, title="class now", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("was:N", sort=order, title="class before"),
    )
    cells = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color("people:Q", scale=alt.Scale(scheme="teals", type="symlog"), legend=None)
    )
    text = base.mark_text(fontSize=13).encode(
        text=alt.Text("people:Q", format=","),
        color=label_colour(alt, "datum.dark"),
    )
    title = heading("Where people moved from, and to")
    return alt.layer(cells, text).properties(width=WIDTH, height=180, title=title)


def _cohorts(alt: Any, report: Report) -> Any:
    rates = [
        {"cohort": r["cohort"], "within": _within(window), "rate": r[f"returned_{window}d"]}
        for r in report.tables["cohorts"]
        for window in WINDOWS
        if r[f"returned_{window}d"] is not None
    ]
    there = {row["within"] for row in rates}
    names = [_within(window) for window in WINDOWS if _within(window) in there]
    scale = alt.Scale(domain=names, range=["#e0a030", "#5aa9a4", "#1f6f78", "#0d3d45"])
    rate = alt.Axis(format="%", grid=True, gridColor="#eceef1")
    lines = alt.Chart(data(alt, rates)).mark_line(point=alt.OverlayMarkDef(size=40))
    return lines.encode(
        x=alt.X("cohort:O", title="month of the first order", axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("rate:Q", title="came back", axis=rate, scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("within:N", sort=names, scale=scale),
        tooltip=["cohort:O", "within:N", alt.Tooltip("rate:Q", format=".1%")],
    ).properties(width=WIDTH, height=220, title=heading("Share of new customers who came back"))


def _within(days: int) -> str:
    return f"within {days} days"
