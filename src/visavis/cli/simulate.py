"""simulate."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from visavis.cli.context import Command, settings
from visavis.cli.output import write_json


@click.command("simulate", cls=Command)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--people", default=1000, show_default=True, type=click.IntRange(1, 20_000_000))
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 3650))
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1))
@click.option(
    "--end",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day on which the history ends (default: 2026-11-01).",
)
@click.option(
    "--stream-days",
    type=click.IntRange(0, 3650),
    default=3,
    show_default=True,
    help="So many of the last days of web and app are requests to post, not files.",
)
def simulate_command(
    directory: Path, people: int, days: int, seed: int, end: object, stream_days: int
) -> None:
    """Write an invented fashion brand into DIR: a project, its data, and the truth about it."""
    from datetime import UTC, datetime

    from visavis.flow.simulate import END, simulate
    from visavis.testing.brand_people import Brand

    last = int(end.replace(tzinfo=UTC).timestamp()) * 1000 if isinstance(end, datetime) else END
    summary = simulate(directory, Brand(people, days, seed, last, min(stream_days, days)))
    if settings().json:
        write_json(summary)
        return
    total = sum(n for name, n in summary["rows"].items() if name.startswith("data/"))
    click.echo(
        f"{people} people over {days} days: {total} rows in {directory}/data, "
        f"{summary['rows']['streams/requests.jsonl']} requests in streams/, the truth in truth/. "
        f"Next: visavis -p {directory} build --as-of {summary['to']}"
    )
