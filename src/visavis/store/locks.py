"""One writer at a time: a lock on the state directory that dies with the process holding it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from visavis.core.clock import format_time
from visavis.core.problems import Problem, ProblemsError

_LOCK = "lock"


@contextmanager
def writing(state: Path, command: str, now_ms: int, name: str = _LOCK) -> Iterator[None]:
    """Holds the state's only write lock (or another one, by its name) for the block.

    Raises ProblemsError `locked`, naming the holder, when another process has it. The lock is the
    kernel's, so a killed holder leaves none behind.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / name).open("a+", encoding="utf-8") as file:
        _take(file)
        _sign(file, f"process {os.getpid()} (visavis {command}) since {format_time(now_ms)}")
        try:
            yield
        finally:
            file.truncate(0)


def _take(file: IO[str]) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ProblemsError([_locked(file)]) from None


def _sign(file: IO[str], text: str) -> None:
    file.truncate(0)
    file.write(f"{text}\n")
    file.flush()


def _locked(file: IO[str]) -> Problem:
    file.seek(0)
    holder = file.read().strip() or "another process"
    return Problem(
        "locked",
        f"This project is being written by {holder}.",
        hint="Wait until it is done, or end that process; its lock goes with it.",
    )


def held(state: Path, name: str = _LOCK) -> bool:
    """Whether somebody holds a lock now; looking never takes it from anybody."""
    try:
        with (state / name).open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
