"""Ten minutes of events, reads and decisions together: memory must stay flat.

VISAVIS_BENCH_SECONDS shortens it. Memory is looked at every second; flat means that the mean of the
last quarter is at most a twentieth above that of the second one.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import live
from harness import WORK, emit, result, say

LENGTH = min(600.0, float(os.environ.get("VISAVIS_BENCH_SECONDS", "600")))
EVENTS, READS, DECISIONS = 2_000, 500, 200
MOST_GROWTH = 1.05


class _Memory(threading.Thread):
    """Looks at a process' memory once a second."""

    def __init__(self, process: live.Process) -> None:
        super().__init__(daemon=True)
        self.process, self.mib, self.own = process, list[float](), list[float]()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(1.0):
            self.mib.append(self.process.mib)
            self.own.append(self.process.own_mib)
            if len(self.mib) % 30 == 0:
                say(f"{len(self.mib)} s: {self.mib[-1]:.0f} MiB, {self.own[-1]:.0f} of its own")


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def growth(mib: list[float]) -> float:
    """The last quarter against the second."""
    quarter = max(1, len(mib) // 4)
    return _mean(mib[-quarter:]) / _mean(mib[quarter : 2 * quarter])


def main() -> None:
    """One line."""
    WORK.mkdir(parents=True, exist_ok=True)
    root = live.people_project()
    with live.served(root) as process:
        memory = _Memory(process)
        memory.start()
        began = time.monotonic()
        told = live.load(LENGTH, *_streams(process.port))
        memory.over.set()
        memory.join()
        seconds = time.monotonic() - began
    bad = sum(v["bad"] + v["unseen"] for k, v in told.items() if k != "cpu")
    grew = growth(memory.own)
    emit(
        result(
            "soak: memory of the last quarter over the second", grew, None, peer_version="none",
            target=f"<= {MOST_GROWTH}, no bad answer", met=grew <= MOST_GROWTH and not bad,
            spread=memory.own, repeats=1, seconds=round(seconds), bad_answers=bad,
            resident_mib=round(max(memory.mib)), own_mib=round(max(memory.own)),
            **{k.replace(" ", "_"): {n: v[n] for n in ("count", "p50", "p99")}
               for k, v in told.items() if k != "cpu"},
        )
    )  # fmt: skip


def _streams(port: int) -> list[dict[str, Any]]:
    common = {"port": port, "people": live.PEOPLE, "connections": 16}
    return [
        {**common, "kind": "singles", "rate": EVENTS, "first": 10**9},
        {**common, "kind": "profiles", "rate": READS, "first": 0, "part": (2, 0)},
        {**common, "kind": "decisions", "rate": DECISIONS, "first": 10**8, "part": (2, 1)},
    ]
