"""explain and report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

from visavis.cli.context import FILE, Command, moment, settings
from visavis.cli.output import write_json, write_rows


@click.command("explain", cls=Command)
@click.argument("person", metavar="PERSON")
@click.option("--trait", metavar="T", help="Only this trait, with every event behind it.")
@click.option("--segment", metavar="S", help="Only this segment, part by part.")
@click.option("--message", metavar="ID", help="Only this message, and why not the others.")
@click.option("--identifier", metavar="I", help="The chain of evidence that leads to it.")
@click.option("--against", metavar="PERSON", help="Why these two are not one person.")
def explain_command(
    person: str,
    trait: str | None,
    segment: str | None,
    message: str | None,
    identifier: str | None,
    against: str | None,
) -> None:
    """Tell why: identifiers and evidence, traits and the events behind them, tags, segments.

    PERSON is kind:value, like email:a@b.co or customer_id:123, or a person_id.
    """
    from visavis.flow.explain import explain

    asked = (trait, segment, message, identifier, against)
    if sum(name is not None for name in asked) > 1:
        names = "--trait, --segment, --message, --identifier and --against"
        raise click.UsageError(f"Give one of {names}.")
    answer = explain(settings().root, person, trait, segment, message, identifier, against)
    if settings().json:
        write_json(answer)
    else:
        _show(answer)


def _show(answer: Mapping[str, Any]) -> None:
    from visavis.cli.spell import plain

    for name, value in answer.items():
        if not _is_table(value) and not isinstance(value, Mapping):
            click.echo(f"{name:<14} {plain(value)}")
    for name, value in answer.items():
        if isinstance(value, Mapping):
            click.echo(click.style(f"\n{name}", bold=True))
            for part, text in value.items():
                if text is not None and not isinstance(text, Mapping):
                    click.echo(f"  {part:<20} {plain(text)}")
    for name, value in answer.items():
        if _is_table(value) and value:
            click.echo(click.style(f"\n{name}", bold=True))
            _show_table(_short(value) if len(value) > 1 else value)


def _short(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Many values at once: where each is defined, not its whole definition."""
    if "file" not in rows[0]:
        return rows
    left_out = ("definition", "condition", "kind", "from_traits", "file", "line", "events")
    return [
        {n: value for n, value in row.items() if n not in left_out}
        | {"defined in": f"{row['file']}:{row['line']}" if row["file"] else ""}
        for row in rows
    ]


def _is_table(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)


def _show_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """The plain values as a table; lists in a row, such as the events behind it, below it."""
    names = [n for n in rows[0] if not any(_is_table(row.get(n)) and row.get(n) for row in rows)]
    write_rows([{n: row.get(n) for n in names} for row in rows], "table")
    if len(rows) > 1:
        return  # --trait and --segment show what is behind one value
    for name, value in rows[0].items():
        if name not in names and value:
            click.echo(click.style(f"\n{name}", bold=True))
            _show_table(value)


@click.command("report", cls=Command)
@click.argument("name", metavar="NAME")
@click.option(
    "--chart",
    metavar="FILE",
    type=FILE,
    help="Draw it into FILE: .svg, .png or .html.",
)
@click.option("--since", metavar="TIME", help="The moment that lifecycle compares with.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    help="How long after a message campaigns and lift look for orders (30).",
)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]))
def report_command(
    name: str, chart: Path | None, since: str | None, days: int | None, form: str | None
) -> None:
    """Show a report: lifecycle, repeat, economics, sources, campaigns, lift, profiles, identity."""
    from visavis.flow import report

    since_ms = None if since is None else moment(since, "--since")
    made = report.report(settings().root, name, since_ms, days or report.AFTER_DAYS)
    if chart is not None:
        report.chart(made, chart)
        if not settings().json and form is None:
            click.echo(f"Drawn into {chart}.")
            return
    if settings().json or form == "json":
        write_json(_as_json(made))
        return
    if form == "csv":
        write_rows(next(iter(made.tables.values())), "csv")
        return
    _show_report(made)


def _as_json(made: Any) -> dict[str, Any]:
    """The main table is `rows`; further tables stand beside it under their names."""
    from visavis.core.clock import format_time

    main, *others = made.tables.items()
    head = {"report": made.name, "title": made.title, "as_of": format_time(made.as_of_ms)}
    return {**head, "rows": main[1], **dict(others), "totals": made.totals, "notes": made.notes}


def _show_report(made: Any) -> None:
    from visavis.core.clock import format_time

    click.echo(click.style(made.title, bold=True) + f" (as of {format_time(made.as_of_ms)})")
    for name, rows in made.tables.items():
        click.echo(click.style(f"\n{name}", bold=True))
        if rows:
            rows = _narrow(name, rows)
            kept = [n for n in rows[0] if any(row[n] is not None for row in rows)]
            write_rows([{n: _shown(n, row[n]) for n in kept} for row in rows], "table")
    told = {name: _shown(name, value) for name, value in made.totals.items() if value is not None}
    if told:
        click.echo("\n" + ", ".join(f"{name} {value}" for name, value in told.items()))
    for note in made.notes:
        click.echo(note, err=True)


def _narrow(name: str, rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """What fits a screen: of lifts their intervals in one column, of campaigns what there is."""
    if name == "campaigns":
        return [{n: row[n] for n in row if any(r[n] for r in rows)} for row in rows]
    if name != "lift":
        return rows
    plain = ("campaign", "against", "treated", "kept_out", "treated_rate", "kept_out_rate")
    return [
        {n: row[n] for n in plain}
        | {
            "conversion_lift": _interval(row, "conversion_lift", 100, " points"),
            "per_head_lift": _interval(row, "per_head_lift", 1, ""),
            "verdict": row["verdict"] + (f": {row['why']}" if row["why"] else ""),
        }
        for row in rows
    ]


def _interval(row: Mapping[str, Any], name: str, times: int, unit: str) -> str | None:
    if row[name] is None:
        return None
    value, low, high = (row[n] * times for n in (name, f"{name}_low", f"{name}_high"))
    return f"{value:+,.2f}{unit} ({low:+,.2f} to {high:+,.2f})"


def _shown(name: str, value: object) -> object:
    """Rounded for the eye: money to two places, rates as percentages. JSON and CSV stay exact."""
    from decimal import Decimal

    if not isinstance(value, Decimal):
        return value
    if name.endswith(("_rate", "_share")) or name.startswith("returned_"):
        percent = value if name.endswith("_share") else value * 100
        return f"{percent:.1f} %"
    return f"{value:,.2f}"
