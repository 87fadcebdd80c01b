"""query, count, people."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from visavis.cli.context import FILE, Command, moment, now_ms, progress, settings
from visavis.cli.output import FORMATS, choose_format, write_batches, write_json

_form = click.option("--format", "form", type=click.Choice(FORMATS), help="How it is written.")
_out = click.option(
    "--out",
    metavar="FILE",
    type=FILE,
    help="A file, which appears only once it is whole.",
)


@click.command("query", cls=Command)
@click.argument("sql", metavar="SQL")
@_form
@_out
def query_command(sql: str, form: str | None, out: Path | None) -> None:
    """Ask the published build in SQL, read only.

    Tables: people, events, order_lines, identifiers, evidence, tags, segment_members, accounts,
    account_members, completeness, freshness, quarantine, decisions, messages.
    """
    from visavis.flow import ask

    with ask.query(settings().root, sql) as batches:
        write_batches(batches, choose_format(form, settings().json, out), out)


@click.command("count", cls=Command)
@click.argument("condition", metavar="CONDITION")
@click.option("--as-of", metavar="TIME", help="As of that moment.")
def count_command(condition: str, as_of: str | None) -> None:
    """Count the people for whom CONDITION is true, like "orders > 2 and lifecycle = 'active'"."""
    from visavis.flow import ask

    as_of_ms = None if as_of is None else moment(as_of, "--as-of")
    settings().texts["<condition>"] = condition
    count = ask.count(settings().root, condition, as_of_ms, now_ms(), progress())
    if settings().json:
        write_json({"count": count})
    else:
        click.echo(str(count))


@click.command("people", cls=Command)
@click.option("--segment", metavar="NAME", help="Only the members of a segment.")
@click.option("--where", metavar="CONDITION", help="Only people for whom it is true.")
@click.option("--columns", metavar="a,b", help="Only these traits.")
@_form
@_out
def people_command(
    segment: str | None, where: str | None, columns: str | None, form: str | None, out: Path | None
) -> None:
    """List people with their traits."""
    from visavis.flow import ask

    if segment and where:
        raise click.UsageError("Give --segment or --where, not both.")
    settings().texts["<condition>"] = where or ""
    names = [c.strip() for c in columns.split(",") if c.strip()] if columns else None
    with ask.people(settings().root, segment, where, names) as batches:
        write_batches(batches, choose_format(form, settings().json, out), out)
