"""build."""

from __future__ import annotations

import rich_click as click

from visavis.cli.context import Command, moment, now_ms, progress, settings
from visavis.cli.output import write_json


@click.command("build", cls=Command)
@click.option("--as-of", metavar="TIME", help="Sees only events up to TIME, whenever they arrived.")
@click.option(
    "--accept-joins",
    is_flag=True,
    help="Publish even if more people become one than identity.yml allows at once.",
)
def build_command(as_of: str | None, accept_joins: bool) -> None:
    """Load what is new, work out people, traits, tags and segments, and publish them."""
    from visavis.flow.build import build

    as_of_ms = None if as_of is None else moment(as_of, "--as-of")
    made = build(settings().root, as_of_ms, now_ms(), progress(), accept_joins)
    if settings().json:
        write_json(made)
        return
    for name, value in made.items():
        if name == "segments":
            click.echo("segments")
            for segment, people in value.items():
                click.echo(f"  {segment:<24} {people:>12,}")
        else:
            click.echo(f"{name:<14} {value:,}" if isinstance(value, int) else f"{name:<14} {value}")
