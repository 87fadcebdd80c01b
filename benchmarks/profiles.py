"""Profiles over HTTP: reads of a million people by a power law, one in ten just after an event.

An open loop, after half a minute of the same: reads begin at the stated rate whatever the service
does, and the clock of a read that finds no free connection runs. A read just after an event must
show that very event. Peer: Feast's feature server with its SQLite and Redis online stores, as fast
as it answers.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import feast_peer
import live
from harness import REPEATS, SCALE, WORK, emit, median, result, say

RATE, P99_MS, MEMORY_MIB, READY_SECONDS, FEAST_TARGET = 3_000, 2.0, 1024.0, 5.0, 5.0
SECONDS = max(3.0, 10.0 * min(1.0, SCALE))
CONNECTIONS = 32
REPEATS = min(REPEATS, 5)


def _stream(process: live.Process, turn: int = 0) -> dict[str, Any]:
    return {
        "kind": "profiles", "port": process.port, "people": live.PEOPLE, "rate": RATE,
        "connections": CONNECTIONS, "first": turn * 10**7,
    }  # fmt: skip


def _paced(process: live.Process, turn: int) -> dict[str, Any]:
    before = process.cpu
    told = live.load(SECONDS, _stream(process, turn), seed=100 + turn)
    spent = process.cpu - before
    reads, fresh = told["profile"], told["fresh profile"]
    wrong = {k: v for k, v in told.items() if k != "cpu" and (v["bad"] or v["unseen"])}
    if wrong:
        raise RuntimeError(f"answers that were not good or did not show the event: {wrong}")
    return {
        "rate": (reads["count"] + fresh["count"]) / SECONDS, "p50": reads["p50"],
        "p99": max(reads["p99"], fresh["p99"]), "fresh_p99": fresh["p99"],
        "busy": spent / SECONDS, "generator": told["cpu"] / SECONDS,
    }  # fmt: skip


def _greatest(process: live.Process, turn: int) -> float:
    """Reads a second in a closed loop."""
    stream = {
        "kind": "profiles", "port": process.port, "people": live.PEOPLE,
        "connections": CONNECTIONS, "first": 10**9 + turn * 10**7,
    }  # fmt: skip
    told = live.load(SECONDS / 2, stream, seed=200 + turn)
    return float((told["profile"]["count"] + told["fresh profile"]["count"]) / (SECONDS / 2))


def main() -> None:
    """Lines for latency, memory, readiness, and beside Feast's stores."""
    WORK.mkdir(parents=True, exist_ok=True)
    root = live.people_project()
    runs: list[dict[str, Any]] = []
    most: list[float] = []
    ready: list[float] = []
    with tempfile.TemporaryDirectory(dir=WORK) as name, feast_peer.stores(Path(name)) as stores:
        theirs: dict[str, list[float]] = {store: [] for store in stores}
        with live.served(root) as ours:
            live.warmed(_stream(ours))
            for turn in range(REPEATS):
                runs.append(_paced(ours, turn))
                most.append(_greatest(ours, turn))
                for store, port in stores.items():
                    theirs[store].append(feast_peer.rate(port, SECONDS / 2))
                say(f"{runs[-1]}, most {most[-1]:.0f}/s, feast {theirs}")
            mib, own = ours.mib, ours.own_mib
        for _ in range(3):  # with the tail that the runs left
            with live.served(root) as ours:
                ready.append(ours.ready_seconds)
        _tell(runs, most, theirs, (mib, own), ready)


def _tell(
    runs: list[dict[str, Any]], most: list[float], theirs: dict[str, list[float]],
    memory: tuple[float, float], ready: list[float],
) -> None:  # fmt: skip
    p99 = [run["p99"] for run in runs]
    middle = {k: round(median([run[k] for run in runs]), 3) for k in runs[0]}
    kept_up = middle["rate"] >= RATE * 0.98
    emit(
        result(
            f"profile reads of {live.PEOPLE} people at {RATE}/s, p99 ms", median(p99), None,
            peer_version="none", target=f"<= {P99_MS} ms", met=median(p99) <= P99_MS and kept_up,
            spread=p99, repeats=len(runs), **{k: v for k, v in middle.items() if k != "p99"},
        )
    )  # fmt: skip
    emit(
        result(
            "profile resident MiB", memory[0], None, peer_version="none",
            target=f"<= {MEMORY_MIB} MiB", met=memory[0] <= MEMORY_MIB, spread=[memory[0]],
            repeats=1, without_file_pages=round(memory[1], 1),
        )
    )  # fmt: skip
    emit(
        result(
            "profile restart to ready, s", median(ready), None, peer_version="none",
            target=f"<= {READY_SECONDS} s", met=median(ready) <= READY_SECONDS, spread=ready,
            repeats=len(ready),
        )
    )  # fmt: skip
    for store, rates in theirs.items():
        emit(
            result(
                f"profile reads/s beside Feast on {store}", median(most), median(rates),
                peer_version=f"feast {feast_peer.VERSION}, {feast_peer.PEOPLE} people",
                target=f">= {FEAST_TARGET}", met=median(most) / median(rates) >= FEAST_TARGET,
                spread=most, repeats=len(most), at=time.strftime("%Y-%m-%d"),
            )
        )  # fmt: skip
