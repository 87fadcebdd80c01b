"""Runs the project's schedule beside the service: each job in a process of its own, one at a time.

A job that fails is said on standard error by itself, counted, and runs again at its next time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from visavis.flow.schedule import Schedule

LOOK_SECONDS = 1.0
_MAIN = "from visavis.cli.main import main; main()"


async def run(schedule: Schedule, root: Path, now: Callable[[], int]) -> None:
    """Starts what is due, as long as the service runs."""
    while True:
        job = schedule.due(now())
        if job is not None:
            await _run(job, schedule, root, now)
        await asyncio.sleep(LOOK_SECONDS)


async def _run(job: str, schedule: Schedule, root: Path, now: Callable[[], int]) -> None:
    schedule.started(job, now())
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _MAIN, "-p", str(root), "--quiet", job,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        code = await child.wait()
    except asyncio.CancelledError:
        # a build or a flush can be ended anywhere; a send is let finish what it began
        if job != "send":
            child.terminate()
        code = await child.wait()
        schedule.ended(job, now(), code)
        raise
    schedule.ended(job, now(), code)
