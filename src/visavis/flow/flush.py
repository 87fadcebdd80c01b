"""`flush`: what came in live goes to the lake, without a build and beside a service that runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visavis.core.progress import Progress
from visavis.flow.projects import changing, load_project
from visavis.store.lake import room_on_disk


def flush(root: Path, now_ms: int, progress: Progress) -> dict[str, Any]:
    """Takes every acknowledged frame of the tail into the lake, each once.

    The next build has less to do; the tail keeps its frames until a build covers them, so whoever
    answers from a build and the frames after it misses nothing and counts nothing twice.
    """
    from visavis.collect.context import Context
    from visavis.collect.live_load import THROUGH
    from visavis.collect.live_load import flush as take

    project = load_project(root)
    room = room_on_disk("what came in live")
    with room, changing(project, "flush", now_ms) as (lake, db, wh):
        loads = take(Context(project, lake, db, wh, now_ms, progress))
        return {
            "loads": [load["load_id"] for load in loads if "load_id" in load],
            "events": _sum(loads, "events"),
            "quarantined": _sum(loads, "quarantined"),
            "through_frame": int(db.fact(THROUGH) or 0),
        }


def _sum(loads: list[Mapping[str, Any]], name: str) -> int:
    return sum(int(load.get(name, 0)) for load in loads)
