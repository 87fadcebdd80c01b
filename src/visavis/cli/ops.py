"""flush, backup and restore."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rich_click as click

from visavis.cli.context import Command, now_ms, progress, settings
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
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
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
