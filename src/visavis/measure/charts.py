"""Reports as pictures: Vega-Lite through altair, saved as SVG, PNG or self-contained HTML."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time
from visavis.core.problems import Problem, ProblemsError
from visavis.measure import chart_people, chart_results
from visavis.measure.chart_parts import FAINT, INK, number
from visavis.measure.report import Report

FORMATS = ("svg", "png", "html")
_DRAWERS: dict[str, Callable[[Any, Report], Any]] = {
    "lifecycle": chart_people.lifecycle,
    "repeat": chart_people.repeat,
    "economics": chart_results.economics,
    "sources": chart_results.sources,
    "campaigns": chart_results.campaigns,
    "lift": chart_results.lift,
}
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <style>
    body {{ margin: 0 auto; max-width: 860px; overflow-x: auto; }}
    /* on a phone it shrinks only as long as it can be read, then it scrolls */
    #vis svg {{ width: 100%; min-width: 560px; height: auto; }}
  </style>
</head>
<body>
  {chart}
</body>
</html>
"""


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
        path.write_text(_page(chart, report.title), encoding="utf-8")
    else:
        chart.save(str(path), format=kind, **({"scale_factor": 2} if kind == "png" else {}))


def _page(chart: Any, title: str) -> str:
    options = {"renderer": "svg", "actions": False}
    body = chart.to_html(inline=True, fullhtml=False, embed_options=options)
    return _PAGE.format(title=html.escape(title), chart=body)


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
        .configure_legend(
            labelFontSize=12, labelColor=INK, title=None, orient="top", symbolType="square"
        )
    )


def _headline(report: Report) -> list[str]:
    totals = report.totals
    match report.name:
        case "lifecycle":
            return [f"{number(totals['people'])} people, revenue {number(totals['revenue'])}"]
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
                [f"A first order brings {number(each)} after the cost of winning the customer"]
                if each is not None
                else []
            )
        case _:
            return []
