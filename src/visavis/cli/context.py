"""What commands share: -p, --json, --quiet before or after them; `now`; Problems on screen."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import rich_click as click
from click.exceptions import Exit

from visavis.core.problems import Problem, ProblemsError, render
from visavis.core.progress import SILENT, Progress

if TYPE_CHECKING:
    from visavis.core.clock import Zone

_EXCERPT_LIMIT = 4_000_000
FILE = click.Path(path_type=Path, dir_okay=False)
"""The type of an option that names a file."""


@dataclass
class Settings:
    """The options that stand before or after any command; `texts` are shown as excerpts by name."""

    root: Path = Path(".")
    json: bool = False
    quiet: bool = False
    texts: dict[str, str] = field(default_factory=dict)


def settings() -> Settings:
    """The options of the command under way."""
    ctx: click.Context = cast(click.Context, click.get_current_context())
    return ctx.ensure_object(Settings)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    if value:  # an option that is not given never undoes one that was
        setattr(ctx.ensure_object(Settings), str(param.name), value)
    return value


def _shared_options() -> list[click.Parameter]:
    """New options each time: click ties a parameter to its command."""
    return [
        click.RichOption(
            ["-p", "--project", "root"],
            type=click.Path(path_type=Path, file_okay=False),
            metavar="DIR",
            expose_value=False,
            callback=_remember,
            help="The project folder (default: the current one).",
        ),
        click.RichOption(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="One compact line of JSON.",
        ),
        click.RichOption(
            ["--quiet"], is_flag=True, expose_value=False, callback=_remember, help="No progress."
        ),
    ]


class Command(click.RichCommand):
    """A command that takes the shared options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_shared_options())


class Group(click.RichGroup):
    """A group that takes the shared options, and shows Problems readably with exit code 1."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_shared_options())

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ProblemsError as error:
            shared = ctx.ensure_object(Settings)
            show_problems(error.problems, shared.root, shared.texts)
            fail()


def fail() -> NoReturn:
    """Ends the command with exit code 1: the user's data or project is at fault."""
    raise Exit(1)


def now_ms() -> int:
    """The clock, read here and nowhere below; VISAVIS_NOW (ISO 8601) fixes it, to repeat a run."""
    fixed = os.environ.get("VISAVIS_NOW")
    return moment(fixed, "VISAVIS_NOW") if fixed else time.time_ns() // 1_000_000


def clock_of_service() -> Callable[[], int]:
    """The clock of a process that goes on; fixed by VISAVIS_NOW it stands still."""
    if not os.environ.get("VISAVIS_NOW"):
        return lambda: time.time_ns() // 1_000_000
    at = now_ms()
    return lambda: at


def moment(text: str, option: str) -> int:
    """A TIME of the command line as UTC ms; without an offset it is in the project's zone."""
    from visavis.core.clock import parse_time, zone

    try:
        zoned = datetime.fromisoformat(text.strip()).tzinfo is not None
        return parse_time(text, zone("UTC") if zoned else _project_zone())
    except ValueError as error:
        raise click.BadParameter(
            f"'{text}' is no time: write it like 2018-01-02T00:00:00Z", param_hint=option
        ) from error


def _project_zone() -> Zone:
    from visavis.core.clock import zone
    from visavis.flow.projects import load_project

    return zone(load_project(settings().root).time_zone)


def progress() -> Progress:
    """Draws in a terminal, writes plain lines when piped, says nothing with --quiet."""
    if settings().quiet:
        return SILENT
    from visavis.cli.progress import PlainLines, Terminal

    return Terminal() if sys.stderr.isatty() else PlainLines()


def show_problems(
    problems: Iterable[Problem], root: Path, texts: Mapping[str, str] | None = None
) -> None:
    """Every Problem with excerpt, caret and hint, on standard error."""
    shown = list(problems)
    lines = {p.place.file: _lines(root, p.place.file) for p in shown if p.place}
    lines |= {name: text.splitlines() for name, text in (texts or {}).items()}
    for problem in shown:
        head, _, rest = render(problem, lines).partition("\n")
        colour = "red" if problem.severity == "error" else "yellow"
        click.echo(click.style(head, fg=colour, bold=True), err=True)
        click.echo(f"{rest}\n" if rest else "", err=True)


def _lines(root: Path, file: str) -> Sequence[str]:
    path = root / file
    if not path.is_file() or path.stat().st_size > _EXCERPT_LIMIT:
        return ()
    return path.read_text(encoding="utf-8", errors="replace").splitlines()
