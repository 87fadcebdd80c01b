"""init, check, test, doctor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from visavis.cli.context import Command, fail, settings, show_problems
from visavis.cli.output import write_json, write_rows

if TYPE_CHECKING:
    from visavis.flow.setup import Proposal


@click.command("init", cls=Command)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--template", metavar="NAME", help="A shipped template (default: starter).")
@click.option(
    "--orders",
    "files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A table of order lines: CSV, Parquet or JSON lines; also a folder of them, or a pattern "
    "like 'exports/*.csv', which takes in later files, too. May be given more than once.",
)
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="ROLE=COLUMN",
    help="What a column is, over the guess; ROLE= with nothing after it takes the role away.",
)
@click.option("--time-zone", default="UTC", show_default=True, help="The project's IANA zone.")
@click.option("--currency", metavar="CODE", help="The project's currency (default: guessed).")
@click.option("--yes", is_flag=True, help="Take the mapping without asking.")
def init_command(
    directory: Path,
    template: str | None,
    files: tuple[Path, ...],
    mapping: tuple[str, ...],
    time_zone: str,
    currency: str | None,
    yes: bool,
) -> None:
    """Make a project in DIR: from a template, or from tables of order lines."""
    from visavis.flow import setup

    if not files:
        if mapping:
            raise click.UsageError("--map goes with --orders FILE.")
        _report_made(setup.init(directory, template or "starter", time_zone, currency), directory)
        return
    try:
        proposal = setup.propose(files, _roles(mapping))
    except FileNotFoundError as error:
        message = f"There is no file '{error}'."
        raise click.BadParameter(message, param_hint="--orders") from error
    _show(proposal)
    if not yes:
        _confirm()
    made = setup.init_orders(directory, proposal, template or "starter", time_zone, currency)
    _report_made(made, directory, proposal)


def _roles(mapping: tuple[str, ...]) -> dict[str, str]:
    from visavis.flow.setup import ROLES

    roles = {}
    for pair in mapping:
        role, equals, column = pair.partition("=")
        if not equals or role not in ROLES:
            raise click.BadParameter(
                f"'{pair}' is not ROLE=COLUMN with ROLE one of {', '.join(ROLES)}.",
                param_hint="--map",
            )
        roles[role] = column
    return roles


def _show(proposal: Proposal) -> None:
    if not settings().json:
        write_rows(proposal.rows(), "table")
    for note in proposal.notes:
        click.echo(note, err=True)


def _confirm() -> None:
    if not sys.stdin.isatty():
        click.echo("Nothing is written yet: add --yes to take this mapping.", err=True)
        fail()
    click.confirm("Write the project with this mapping?", default=True, abort=True, err=True)


def _report_made(made: list[str], directory: Path, proposal: Proposal | None = None) -> None:
    if settings().json:
        rows = {"mapping": proposal.rows(), "notes": list(proposal.notes)} if proposal else {}
        write_json({"project": str(directory), "files": made, **rows})
        return
    click.echo(f"{len(made)} files written in {directory}. Next: visavis -p {directory} build")


@click.command("check", cls=Command)
def check_command() -> None:
    """Show every Problem of the project at once."""
    from visavis.flow.check import check

    root = settings().root
    problems = check(root)
    if settings().json:
        write_json([p.as_json() for p in problems])
    else:
        show_problems(problems, root)
        errors = sum(p.severity == "error" for p in problems)
        click.echo(
            f"{errors} errors, {len(problems) - errors} warnings" if problems else "No Problems."
        )
    if any(p.severity == "error" for p in problems):
        fail()


@click.command("test", cls=Command)
def test_command() -> None:
    """Run the project's own tests, each through both readers."""
    from visavis.flow.usertests import run

    results = run(settings().root)
    if settings().json:
        write_json([r.as_json() for r in results])
    else:
        for result in results:
            mark = click.style("ok", fg="green") if result.ok else click.style("FAILED", fg="red")
            click.echo(f"{mark:>6}  {result.name}")
            for line in result.lines():
                click.echo(f"        {line}")
        failed = sum(not r.ok for r in results)
        click.echo(f"{len(results) - failed} of {len(results)} tests passed")
    if not all(r.ok for r in results):
        fail()


@click.command("doctor", cls=Command)
def doctor_command() -> None:
    """Show the environment: what is installed, what is missing and how to get it."""
    from visavis.flow.doctor import examine

    rows = examine(settings().root)
    if settings().json:
        write_json(rows)
    else:
        write_rows(rows, "table")
    if any(row["state"] == "broken" for row in rows):
        fail()
