"""Progress: how long work tells what it is doing, without knowing who listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Step(Protocol):
    """One step under way."""

    def advance(self, amount: int = 1) -> None:
        """`amount` more of the step's total is done."""


class Progress(Protocol):
    """Listens to long work. Given as an argument; `SILENT` where nobody listens."""

    def step(self, name: str, total: int | None = None) -> AbstractContextManager[Step]:
        """A step that lasts as long as the `with` block; `total` is what `advance` adds up to."""

    def note(self, text: str) -> None:
        """One sentence that the user should see now, such as a warning."""


class _Silent:
    @contextmanager
    def step(self, name: str, total: int | None = None) -> Iterator[Step]:
        yield self

    def advance(self, amount: int = 1) -> None:
        pass

    def note(self, text: str) -> None:
        pass


SILENT: Progress = _Silent()
"""Tells nobody anything."""
