"""Reports as pictures: Vega-Lite through altair, saved as SVG, PNG or self-contained HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis.core.clock import format_time
from visavis.core.problems import Problem, ProblemsError
from visavis.measure.repeat import WINDOWS
from visavis.measure.report import Report, Row

if TYPE_CHECKING:
    pass

COLOURS = {
    "first_time": "#5aa9a4",
    "active": "#1f6f78",
    "defecting": "#e0a030",
    "inactive": "#b8bcc2",
    "one_time": "#e0a030",
    "repeat": "#1f6f78",
}
INK, FAINT, LOSS, GAIN = "#20262e", "#8a919c", "#c4453c", "#1f6f78"
WIDTH = 640
FORMATS = ("svg", "png", "html")
_BARS = ("people", "revenue")


def draw(report: Report, path: Path) -> None:
    """Writes the chart of a report; the ending of `path` (svg, png, html) tells the format."""
    kind = path.suffix.lstrip(".").lower()
    if kind not in FORMATS:
        raise ProblemsError(
            [
                Problem(
                    "chart-format",
                    f"'{path.name}' ends in no known format",
                    hint="Use .svg, .png or .html.",
                )
            ]
        )
    if report.name not in _DRAWERS:
        known = ", ".join(sorted(_DRAWERS))
        raise ProblemsError(
            [Problem("no-chart", f"report {report.name} has no chart", hint=f"Charts: {known}.")]
        )
    chart = _themed(_DRAWERS[report.name](_altair(), report), report)
    if kind == "html":
        path.write_text(chart.to_html(inline=True), encoding="utf-8")
    else:
        chart.save(str(path), format=kind, **({"scale_factor": 2} if kind == "png" else {}))


def _altair() -> Any:
    try:
        import altair
        import vl_convert  # noqa: F401 - altair needs it to save without a browser
    except ImportError as error:
        problem = Problem(
            "missing-extra", "charts need the extra 'charts'", hint="pip install 'visavis[charts]'"
        )
        raise ProblemsError([problem]) from error
    return altair


def _themed(chart: Any, report: Report) -> Any:
    moment = f"as of {format_time(report.as_of_ms)}"
    subtitle = [*_headline(report), moment, *report.notes]
    chart = chart.properties(
        title={"text": report.title, "subtitle": subtitle, "anchor": "start", "offset": 16}
    )
    return (
        chart.configure(
            font="Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif",
            background="white",
            padding=24,
        )
        .configure_title(
            fontSize=20, color=INK, subtitleColor=FAINT, subtitleFontSize=13, subtitlePadding=6
        )
        .configure_axis(
            labelColor=INK,
            titleColor=FAINT,
            titleFontWeight="normal",
            grid=False,
            domain=False,
            ticks=False,
            labelFontSize=12,
            labelPadding=8,
        )
        .configure_view(stroke=None)
        .configure_legend(labelFontSize=12, title=None, orient="top", symbolType="square")
    )


def _headline(report: Report) -> list[str]:
    totals = report.totals
    match report.name:
        case "lifecycle":
            return [f"{_number(totals['people'])} people, revenue {_number(totals['revenue'])}"]
        case "repeat":
            times = totals.get("spend_ratio")
            return (
                [f"A repeat buyer spends {float(str(times)):.1f} times as much as a one-time buyer"]
                if times
                else []
            )
        case "economics":
            each = totals.get("result_per_customer")
            return (
                [f"A first order brings {_number(each)} after the cost of winning the customer"]
                if each is not None
                else []
            )
        case _:
            return []


def _number(value: object) -> str:
    number = float(str(value))
    return f"{number:,.0f}" if abs(number) >= 1000 or number == int(number) else f"{number:,.2f}"


def _data(alt: Any, rows: Sequence[Row]) -> Any:
    return alt.Data(values=[{k: _plain(v) for k, v in row.items()} for row in rows])


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (str, int, float)) else float(str(value))


def _lifecycle(alt: Any, report: Report) -> Any:
    shares = _shares(alt, report.tables["classes"], "lifecycle")
    movement = report.tables.get("movement")
    return alt.vconcat(shares, _movement(alt, movement), spacing=36) if movement else shares


def _shares(alt: Any, rows: Sequence[Row], of: str) -> Any:
    """Two bars that each make 100 %: of customers, and of their revenue."""
    told = [row for row in rows if row["people_share"] is not None]
    slices = [_slice(row, of, kind, i) for i, row in enumerate(told) for kind in _BARS]
    base = alt.Chart(_data(alt, slices)).encode(
        y=alt.Y("bar:N", title=None, sort=list(_BARS), axis=alt.Axis(labelFontSize=14)),
        x=_percent(alt),
        order=alt.Order("order:Q"),
    )
    names = [str(row[of]) for row in told]
    bars = base.mark_bar(height=46).encode(
        color=_colour(alt, "name", names), tooltip=["name:N", "bar:N", "label:N"]
    )
    # a label needs room: slices under 6 % stay bare, the legend and the table name them
    labels = base.mark_text(color="white", fontSize=13, fontWeight="bold").encode(
        x=alt.X("share:Q", stack="zero", bandPosition=0.5),
        text="label:N",
        opacity=alt.condition("datum.share >= 6", alt.value(1), alt.value(0)),
        detail="name:N",
    )
    return alt.layer(bars, labels).properties(width=WIDTH, height=130)


def _slice(row: Row, of: str, bar: str, order: int) -> Row:
    share = float(str(row[f"{bar}_share"] or 0))
    label = f"{share:.1f} %"
    return {"name": row[of], "bar": bar, "share": share, "label": label, "order": order}


def _percent(alt: Any) -> Any:
    return alt.X(
        "share:Q",
        stack="zero",
        title="% of customers, % of their revenue",
        scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(values=[0, 25, 50, 75, 100]),
    )


def _movement(alt: Any, rows: Sequence[Row]) -> Any:
    order = ["new", "prospect", "first_time", "active", "defecting", "inactive"]
    most = max((int(str(r["people"])) for r in rows), default=0)
    moved = [{**r, "dark": int(str(r["people"])) > most // 4} for r in rows]
    base = alt.Chart(_data(alt, moved)).encode(
        x=alt.X("now:N", sort=order, title="class now", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("was:N", sort=order, title="class before"),
    )
    cells = base.mark_rect(cornerRadius=3).encode(
        color=alt.Color("people:Q", scale=alt.Scale(scheme="teals", type="symlog"), legend=None)
    )
    text = base.mark_text(fontSize=13).encode(
        text=alt.Text("people:Q", format=","),
        color=alt.condition("datum.dark", alt.value("white"), alt.value(INK)),
    )
    heading = _heading("Where people moved from, and to")
    return alt.layer(cells, text).properties(width=WIDTH, height=180, title=heading)


def _heading(text: str) -> dict[str, object]:
    return {"text": text, "anchor": "start", "fontSize": 14, "color": INK}


def _colour(alt: Any, field: str, names: Sequence[str]) -> Any:
    palette = [COLOURS.get(name, "#7a6f9b") for name in names]
    return alt.Color(
        f"{field}:N", scale=alt.Scale(domain=list(names), range=palette), sort=list(names)
    )


def _repeat(alt: Any, report: Report) -> Any:
    shares = _shares(alt, report.tables["buyers"], "buyers")
    both = alt.vconcat(shares, _cohorts(alt, report), spacing=36)
    return both.resolve_scale(color="independent")


def _cohorts(alt: Any, report: Report) -> Any:
    names = [f"{window} days" for window in WINDOWS]
    rates = [
        {"cohort": r["cohort"], "within": name, "rate": r[f"returned_{window}d"]}
        for r in report.tables["cohorts"]
        for window, name in zip(WINDOWS, names, strict=True)
        if r[f"returned_{window}d"] is not None
    ]
    scale = alt.Scale(domain=names, range=["#b5d5d2", "#5aa9a4", "#1f6f78", "#0d3d45"])
    rate = alt.Axis(format="%", grid=True, gridColor="#eceef1")
    lines = alt.Chart(_data(alt, rates)).mark_line(point=alt.OverlayMarkDef(size=40))
    return lines.encode(
        x=alt.X("cohort:O", title="month of the first order", axis=alt.Axis(labelAngle=-40)),
        y=alt.Y("rate:Q", title="came back", axis=rate, scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("within:N", sort=names, scale=scale),
    ).properties(width=WIDTH, height=220, title=_heading("Share of new customers who came back"))


def _economics(alt: Any, report: Report) -> Any:
    rows = [r for r in report.tables["channels"] if r["result_per_customer"] is not None]
    rows = [{**r, "group": r["group"] or "(no channel)"} for r in rows]
    base = alt.Chart(_data(alt, rows)).encode(y=alt.Y("group:N", title=None, sort="-x"))
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
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=FAINT).encode(x="zero:Q")
    return alt.layer(bars, *labels, zero).properties(width=WIDTH, height=max(60, 44 * len(rows)))


def _sources(alt: Any, report: Report) -> Any:
    parts = ("completeness", "validity", "freshness", "uniqueness", "provenance")
    rows = [
        {
            "source": f"{r['source']}  {float(str(r['score'])):.0f}",
            "part": part,
            "score": float(str(r[part] or 0)),
        }
        for r in next(iter(report.tables.values()))
        for part in parts
    ]
    base = alt.Chart(_data(alt, rows)).encode(
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
        color=alt.condition(
            "datum.score > 85 || datum.score < 25", alt.value("white"), alt.value(INK)
        ),
    )
    sources = {row["source"] for row in rows}
    return alt.layer(cells, text).properties(width=WIDTH, height=max(60, 44 * len(sources)))


_VERDICTS = {"better": GAIN, "worse": LOSS, "no effect shown": INK, "too early": "#b8bcc2",
             "sample ratio mismatch": "#e0a030"}  # fmt: skip


def _lift(alt: Any, report: Report) -> Any:
    panels = (
        ("conversion_lift", "conversion, points", 100),
        ("per_head_lift", "revenue per head", 1),
    )
    rows = next(iter(report.tables.values()))
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
    base = alt.Chart(_data(alt, shown)).encode(
        y=alt.Y("campaign:N", title=None, sort=order, axis=alt.Axis(labelLimit=260)),
        color=alt.Color(
            "verdict:N",
            scale=alt.Scale(domain=list(_VERDICTS), range=list(_VERDICTS.values())),
        ),
    )
    lines = base.mark_rule(strokeWidth=4, opacity=0.5).encode(
        x=alt.X("low:Q", title=f"{title}: treated less kept out"), x2="high:Q"
    )
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(x="value:Q")
    zero = alt.Chart(alt.Data(values=[{"zero": 0}])).mark_rule(color=FAINT, strokeDash=[4, 4])
    return alt.layer(zero.encode(x="zero:Q"), lines, dots).properties(
        width=WIDTH, height=max(60, 40 * len(shown))
    )


def _campaigns(alt: Any, report: Report) -> Any:
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
    greys = ["#e0a030", "#c4453c", "#7a6f9b", "#b8bcc2", "#8a919c", "#d9c7a3", "#5b6470",
             "#e6b8b3", "#b3c6d9", "#c9b3d9"]  # fmt: skip
    colours = [GAIN, *(greys[n % len(greys)] for n in range(len(reasons)))]
    bars = alt.Chart(_data(alt, [*sent, *left])).mark_bar(height=26)
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
    ).properties(width=WIDTH, height=max(60, 44 * len(report.tables["campaigns"])))


_DRAWERS: dict[str, Callable[[Any, Report], Any]] = {
    "lifecycle": _lifecycle,
    "repeat": _repeat,
    "economics": _economics,
    "sources": _sources,
    "campaigns": _campaigns,
    "lift": _lift,
}
