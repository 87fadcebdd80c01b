"""Progress on standard error: moving lines in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from visavis.core.progress import Step

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@dataclass
class _Counter:
    done: int = 0

    def advance(self, amount: int = 1) -> None:
        self.done += amount


class PlainLines:
    """One line when a step ends, for logs and pipes."""

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Step]:
        """Prints the step's name and how long it took, once it has gone well."""
        began, counter = time.monotonic(), _Counter()
        yield counter
        done = f" ({counter.done:,})" if counter.done else ""
        self.note(f"{name}{done}: {time.monotonic() - began:.1f} s")

    def note(self, text: str) -> None:
        """Prints one line."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


@dataclass
class _Drawn:
    drawn: Progress
    task: TaskID

    def advance(self, amount: int = 1) -> None:
        self.drawn.advance(self.task, amount)


def _new_display() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


@dataclass
class Terminal:
    """A line for each step under way, drawn by rich; a tick and the seconds when it is done."""

    _display: Progress = field(default_factory=_new_display)
    _depth: int = 0

    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Step]:
        """Draws the step until the `with` block ends; steps may stand inside one another."""
        began, task = time.monotonic(), self._display.add_task(name, total=total)
        self._enter()
        try:
            yield _Drawn(self._display, task)
            self._display.console.print(
                f"[green]✓[/green] {name} [dim]{time.monotonic() - began:.1f} s[/dim]"
            )
        finally:
            self._display.remove_task(task)
            self._leave()

    def note(self, text: str) -> None:
        """Prints one line above what is being drawn."""
        self._display.console.print(text, markup=False, highlight=False)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth == 1:
            self._display.start()

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._display.stop()
