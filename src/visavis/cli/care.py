"""quarantine and evaluate."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from visavis.cli.context import Group, now_ms, progress, settings
from visavis.cli.output import target, write_json, write_rows

_source = click.option("--source", metavar="NAME", help="Only rows of this source.")


@click.group("quarantine", cls=Group)
def quarantine_command() -> None:
    """Rows that could not be used: list them, take them out for repair, bring them back."""


@quarantine_command.command("list")
@_source
def list_command(source: str | None) -> None:
    """Count the rows by source and reason."""
    from visavis.flow import quarantine

    rows = quarantine.summary(settings().root, source)
    if settings().json:
        write_json(rows)
    elif rows:
        write_rows(rows, "table")
    else:
        click.echo("Nothing is in quarantine.")


@quarantine_command.command("export")
@_source
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The CSV to write (default: standard output).",
)
def export_command(source: str | None, out: Path | None) -> None:
    """Write the rows as CSV, with what is wrong beside them, to be repaired and replayed."""
    from visavis.flow import quarantine

    text = quarantine.export(settings().root, source)
    with target(out) as stream:
        stream.write(text.encode())


@quarantine_command.command("replay")
@click.argument(
    "file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def replay_command(file: Path) -> None:
    """Take in an exported CSV whose rows were repaired; the next build has them."""
    from visavis.flow import quarantine

    rows = quarantine.replay(settings().root, file, now_ms(), progress())
    if settings().json:
        write_json(rows)
    else:
        write_rows(rows, "table")


@click.group("evaluate", cls=Group)
def evaluate_command() -> None:
    """Honest tests on your own data."""


@evaluate_command.command("sources")
def sources_command() -> None:
    """Score the quality of each source, with its parts."""
    from visavis.flow.sources import source_register

    rows = source_register(settings().root, now_ms(), progress())
    if settings().json:
        write_json(rows)
    else:
        write_rows(rows, "table")
