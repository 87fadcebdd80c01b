"""Charts of what it costs and brings: new customers, sources, campaigns, messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from visavis.measure.chart_parts import (
    GAIN,
    INK,
    LOSS,
    OTHERS,
    WIDTH,
    data,
    height,
    label_colour,
    nothing,
    number,
    zero,
)
from visavis.measure.report import Report, Row

_VERDICTS = {"better": GAIN, "worse": LOSS, "no effect shown": INK, "too early": "#b8bcc2",
             "sample ratio mismatch": "#e0a030"}  # fmt: skip


def economics(alt: Any, report: Report) -> Any:
    """What the first order of a customer brings, by the channel that won them."""
    rows = [r for r in report.tables["channels"] if r["result_per_customer"] is not None]
    rows = [{**r, "group": r["group"] or "(no channel)"} for r in rows]
    if not rows:
        return nothing(alt, "Nothing to draw yet.")
    base = alt.Chart(data(alt, rows)).encode(y=alt.Y("group:N", title=None, sort="-x"))
    bars = base.mark_bar(height=28).encode(
        x=alt.X(
            "result_per_customer:Q",
            title="margin of the first order less acquisition cost, per customer",
            scale=alt.Scale(padding=60),
        ),
        color=alt.condition("datum.result_per_customer < 0", alt.value(LOSS), alt.value(GAIN)),
    )
    text = alt.Text("result_per_customer:Q", format=",.2f")
    gains = base.transform_filter("datum.result_per_customer >= 0")
    losses = base.transform_filter("datum.result_per_customer < 0")
    above = gains.mark_text(dx=6, align="left", fontSize=13, color=INK)
    below = losses.mark_text(dx=-6, align="right", fontSize=13, color=INK)
    labels = [m.encode(x="result_per_customer:Q", text=text) for m in (above, below)]
    return alt.layer(bars, *labels, zero(alt)).properties(width=WIDTH, height=height(len(rows)))


def sources(alt: Any, report: Report) -> Any:
    """The five parts of every source's score, the worst in red."""
    parts = ("completeness", "validity", "freshness", "uniqueness", "provenance")
    rows = [
        {
            "source": f"{r['source']}  {'-' if r['score'] is None else number(r['score'])}",
            "part": part,
            "score": r[part],
        }
        for r in next(iter(report.tables.values()))
        for part in parts
    ]
    base = alt.Chart(data(alt, rows)).encode(
        x=alt.X("part:N", sort=list(parts), title=None, axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("source:N", title=None),
    )
    cells = base.mark_rect(cornerRadius=3, stroke="white", strokeWidth=3).encode(
        color=alt.Color(
            "score:Q",
            scale=alt.Scale(domain=[0, 60, 100], range=[LOSS, "#f3dca8", GAIN]),
            legend=None,
        )
    )
    text = base.mark_text(fontSize=13).encode(
        text=alt.Text("score:Q", format=".0f"),
        color=label_colour(alt, "datum.score > 85 || datum.score < 25"),
    )
    named = {row["source"] for row in rows}
    return alt.layer(cells, text).properties(width=WIDTH, height=height(len(named)))


def campaigns(alt: Any, report: Report) -> Any:
    """Of each campaign who got it, who was kept out, and who was left out for which reason."""
    sent: list[Row] = [
        {"campaign": r["campaign"], "what": "sent", "people": r["sent"], "order": 0}
        for r in report.tables["campaigns"]
    ]
    left = [
        {"campaign": r["campaign"], "what": r["reason"], "people": r["people"], "order": n + 1}
        for n, r in enumerate(report.tables["left_out"])
    ]
    reasons = sorted({str(row["what"]) for row in left})
    colours = [GAIN, *(OTHERS[n % len(OTHERS)] for n in range(len(reasons)))]
    bars = alt.Chart(data(alt, [*sent, *left])).mark_bar(height=26)
    return bars.encode(
        y=alt.Y("campaign:N", title=None),
        x=alt.X("people:Q", title="people"),
        order=alt.Order("order:Q"),
        color=alt.Color(
            "what:N",
            scale=alt.Scale(domain=["sent", *reasons], range=colours),
            legend=alt.Legend(columns=5),
        ),
        tooltip=["campaign:N", "what:N", "people:Q"],
    ).properties(width=WIDTH, height=height(len(report.tables["campaigns"])))


def lift(alt: Any, report: Report) -> Any:
    """What messages changed, with intervals: of conversion, and of revenue per head."""
    panels = (
        ("conversion_lift", "conversion, points", 100),
        ("per_head_lift", "revenue per head", 1),
    )
    rows = next(iter(report.tables.values()))
    if all(row["conversion_lift"] is None for row in rows):
        return nothing(alt, "Nothing to draw yet.")
    parts = [_forest(alt, rows, name, title, times) for name, title, times in panels]
    return alt.vconcat(*parts, spacing=36)


def _forest(alt: Any, rows: Sequence[Row], name: str, title: str, times: int) -> Any:
    """A dot with its interval for each comparison; zero is no effect."""
    shown = [
        {
            "campaign": f"{r['campaign']}  against {r['against']}",
            "verdict": r["verdict"],
            "value": float(str(r[name])) * times,
            "low": float(str(r[f"{name}_low"])) * times,
            "high": float(str(r[f"{name}_high"])) * times,
        }
        for r in rows
        if r[name] is not None
    ]
    order = [str(row["campaign"]) for row in shown]
    base = alt.Chart(data(alt, shown)).encode(
        y=alt.Y("campaign:N", title=None, sort=order, axis=alt.Axis(labelLimit=260)),
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=list(_VERDICTS), range=list(_VERDICTS.values())),
            legend=alt.Legend(symbolOpacity=1),
        ),
    )
    lines = base.mark_rule(strokeWidth=4, opacity=0.5).encode(
        x=alt.X("low:Q", title=f"{title}: treated less kept out"), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(x="value:Q")
    return alt.layer(zero(alt, strokeDash=[4, 4]), lines, dots).properties(
        width=WIDTH, height=height(len(shown))
    )
