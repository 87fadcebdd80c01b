"""The command `visavis`: its commands are imported only when they are called for."""

from __future__ import annotations

import errno
import sys
from importlib import import_module

import rich_click as click

from visavis import __version__
from visavis.cli.context import Command, Group

_COMMANDS = {
    "init": "setup",
    "check": "setup",
    "build": "build",
    "query": "ask",
    "count": "ask",
    "people": "ask",
    "explain": "explain",
    "report": "explain",
    "decide": "messages",
    "plan": "messages",
    "send": "messages",
    "preview": "messages",
    "outbox": "messages",
    "unsubscribe": "messages",
    "test": "setup",
    "doctor": "setup",
    "simulate": "simulate",
    "quarantine": "care",
    "evaluate": "care",
    "keys": "live",
    "history": "live",
    "serve": "live",
    "flush": "ops",
    "backup": "ops",
    "restore": "ops",
    "erase": "ops",
    "export": "ops",
    "identity": "identity",
}


class _LazyGroup(Group):
    """Finds each command in the module that `_COMMANDS` names."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"visavis.cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="visavis")
def cli() -> None:
    """Customer data from every channel: one profile per person, and why each value is what it is.

    Start with `visavis init shop --orders orders.csv`, then `visavis -p shop build`.
    """


def main() -> None:
    """The entry point. Exit 0 done, 1 the user's data or project is at fault, 2 wrong usage."""
    try:
        cli(prog_name="visavis")
    except BrokenPipeError:  # the reader, such as `head`, has had enough
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT):
            raise
        click.echo(
            f"error[system]: {error.strerror}: {error.filename or 'while writing'}", err=True
        )
        sys.exit(1)


__all__ = ["Command", "cli", "main"]
