"""The project's schedule: which command is due, when each ran last and runs next.

What ran is kept in the state, so that a restart neither repeats nor forgets: a time that passed
while nothing ran is made up once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from visavis.core.clock import Zone, format_time, zone
from visavis.core.nouns import Project
from visavis.core.schedule import Job
from visavis.store.locks import held

_FILE = "schedule.json"
_LOCKS = {"build": "lock", "flush": "lock", "send": "send.lock"}
JOBS = tuple(_LOCKS)
"""The commands that can be scheduled; of several that are due the first goes first."""


@dataclass(slots=True)
class Run:
    """What is known of a job: moments in UTC ms; `since` is when it was first seen."""

    since: int
    started: int | None = None
    ended: int | None = None
    exit: int | None = None
    succeeded: int | None = None


@dataclass(slots=True)
class Schedule:
    """The jobs of a project over its state directory. One process at a time runs them."""

    state: Path
    jobs: Mapping[str, Job]
    local: Zone
    runs: dict[str, Run] = field(default_factory=dict)

    def due(self, now_ms: int) -> str | None:
        """The job to start now: never one whose lock somebody holds, it is asked for again."""
        for name in JOBS:
            is_due = name in self.jobs and self.next_at(name, now_ms) <= now_ms
            if is_due and not held(self.state, _LOCKS[name]):
                return name
        return None

    def next_at(self, name: str, now_ms: int) -> int:
        """When a job runs next, UTC ms; in the past when it is due."""
        run, job = self.runs.setdefault(name, Run(now_ms)), self.jobs[name]
        if run.started is None and job.every_ms is not None:
            return run.since
        return job.next_after(run.since if run.started is None else run.started, self.local)

    def started(self, name: str, now_ms: int) -> None:
        """Notes that a job was started."""
        run = self.runs.setdefault(name, Run(now_ms))
        run.started, run.ended, run.exit = now_ms, None, None
        self._keep()

    def ended(self, name: str, now_ms: int, code: int) -> None:
        """Notes how a job ended."""
        run = self.runs[name]
        run.ended, run.exit = now_ms, code
        if code == 0:
            run.succeeded = now_ms
        self._keep()

    def told(self, now_ms: int) -> dict[str, dict[str, object]]:
        """Of each job the last start, how it ended (None while it runs), and the next start."""
        return {
            name: {
                "last": _time(self.runs[name].started) if name in self.runs else None,
                "succeeded": _time(self.runs[name].succeeded) if name in self.runs else None,
                "exit": self.runs[name].exit if name in self.runs else None,
                "next": format_time(max(now_ms, self.next_at(name, now_ms))),
            }
            for name in JOBS
            if name in self.jobs
        }

    def _keep(self) -> None:
        new = self.state / f"{_FILE}.new"
        text = json.dumps({name: asdict(run) for name, run in self.runs.items()})
        new.write_text(text, encoding="utf-8")
        os.replace(new, self.state / _FILE)


def schedule_of(project: Project) -> Schedule:
    """The schedule of a project with what its state knows of earlier runs."""
    state = project.root / project.state
    try:
        kept = json.loads((state / _FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        kept = {}
    runs = {name: Run(**run) for name, run in kept.items() if name in JOBS}
    return Schedule(state, project.schedule, zone(project.time_zone), runs)


def _time(ms: int | None) -> str | None:
    return None if ms is None else format_time(ms)
