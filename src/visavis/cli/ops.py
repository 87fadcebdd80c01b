"""flush, backup and restore, erase and export."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rich_click as click

from visavis.cli.context import FILE, Command, now_ms, progress, settings
from visavis.cli.output import write_json


def show(made: Mapping[str, Any]) -> None:
    """A command's result as aligned lines, or as JSON."""
    if settings().json:
        write_json(made)
        return
    for name, value in made.items():
        listed = ", ".join(str(v) for v in value) if isinstance(value, (list, tuple)) else value
        shown = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else listed
        click.echo(f"{name:<14} {'' if shown is None else shown}".rstrip())


@click.command("flush", cls=Command)
def flush_command() -> None:
    """Move what came in live to the lake, so that the next build has less to do."""
    from visavis.flow.flush import flush

    show(flush(settings().root, now_ms(), progress()))


@click.command("backup", cls=Command)
@click.argument("file", metavar="FILE", type=FILE)
def backup_command(file: Path) -> None:
    """Write everything the project keeps to a new file, while serving goes on.

    The file holds customers' data and the project's key: keep it as safe as the state itself.
    """
    from visavis.flow.backup import backup

    show(backup(settings().root, file, now_ms()))


@click.command("restore", cls=Command)
@click.argument(
    "file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
def restore_command(file: Path) -> None:
    """Bring a backup back, into a project without a state or into a new folder."""
    from visavis.flow.backup import restore

    show(restore(settings().root, file))


@click.command("erase", cls=Command)
@click.argument("person", metavar="PERSON")
@click.option("--yes", is_flag=True, help="Don't ask.")
def erase_command(person: str, yes: bool) -> None:
    """Erase a person from everything the project keeps; this can't be undone.

    PERSON is kind:value, like email:a@b.co, or a person_id. What names the person and is dated up
    to now does not come back, whichever file has it. Files of your own are not touched.
    """
    from visavis.flow.erasing import erase

    if not yes and not settings().json and sys.stdin.isatty():
        click.confirm(f"Erase {person} for good?", abort=True, err=True)
    made = erase(settings().root, person, now_ms(), progress())
    show(made)
    if made["backups"]:
        click.echo(
            "Backups made before still hold the person: delete them, or erase again after a "
            "restore.",
            err=True,
        )


@click.command("export", cls=Command)
@click.argument("person", metavar="PERSON")
@click.option(
    "--out",
    metavar="FILE",
    type=FILE,
    help="The JSON file to write (default: standard output).",
)
def export_command(person: str, out: Path | None) -> None:
    """Write everything the project keeps of a person as JSON, to hand to them."""
    from visavis.cli.output import target
    from visavis.cli.spell import dump
    from visavis.flow.export import export

    text = dump(export(settings().root, person, now_ms()))
    with target(out) as stream:
        stream.write(f"{text}\n".encode())
    if out is not None:
        out.chmod(0o600)
