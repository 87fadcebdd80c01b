"""quarantine and evaluate."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from visavis.cli.context import FILE, Group, now_ms, progress, settings
from visavis.cli.output import show_rows, target, write_json, write_rows

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
    show_rows(rows, "Nothing is in quarantine.")


@quarantine_command.command("export")
@_source
@click.option(
    "--out",
    metavar="FILE",
    type=FILE,
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


@evaluate_command.command("matching")
@click.option(
    "--data",
    "files",
    metavar="FILE",
    multiple=True,
    required=True,
    type=FILE,
    help="A table of people (CSV, Parquet, JSON lines); given again, the records are pooled.",
)
@click.option(
    "--truth",
    metavar="COLUMN",
    required=True,
    help="The column whose equal values are one person; not looked at while matching.",
)
@click.option("--ignore", metavar="a,b", help="Columns to leave out, like ids of the records.")
def matching_command(files: tuple[Path, ...], truth: str, ignore: str | None) -> None:
    """Match the records of a table of people without labels, then score against the truth."""
    from visavis.flow.matching import evaluate

    left_out = [name.strip() for name in (ignore or "").split(",") if name.strip()]
    made = evaluate(files, truth, left_out, progress())
    if settings().json:
        write_json(made)
        return
    for name in ("records", "true_pairs", "precision", "recall", "f1", "b_cubed_f1", "threshold"):
        click.echo(f"{name:<12} {made[name]}")
    click.echo(f"{'seconds':<12} {made['seconds']}\n")
    for note in made["proposed"]:
        click.echo(note)
    click.echo("")
    write_rows(made["curve"], "table")
