"""Collection: durable requests a second, single and in batches, beside the disk itself and peers.

Peers: an append + fdatasync of the same bytes; FastAPI with PostgreSQL; redis-server's streams
with appendfsync always, behind a bare HTTP collector, and spoken to in their own protocol without
HTTP, which leaves out what a collector does. All sides take turns on this machine, by the same
load generator (load.py) on 64 connections.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import live
import load
import peers
from harness import REPEATS, SCALE, WORK, emit, median, result, say, time_for

SECONDS = 4.0 * min(1.0, SCALE)
CONNECTIONS = 64
BATCH = 100
SINGLE_TARGET, BARE_TARGET, POSTGRES_TARGET, REDIS_TARGET = 10_000, 0.4, 5.0, 2.0
_WARM = min(0.5, SECONDS)
Sides = dict[str, list[dict[str, Any]]]


def _loaded(
    process: live.Process, kind: str, label: str, store: live.Process | None = None, **more: Any
) -> dict[str, Any]:
    """Good answers a second, latencies, and CPU of the service, with its store, and generator."""
    processes = [process, *filter(None, [store])]
    stream = {"kind": kind, "port": process.port, "connections": CONNECTIONS, **more}
    live.load(_WARM, {**stream, "first": 10**9})
    before = sum(p.cpu for p in processes)
    told = live.load(SECONDS, stream)
    one = told[label]
    if one["bad"]:
        raise RuntimeError(f"{one['bad']} of {one['count']} answers were not good")
    spent = sum(p.cpu for p in processes) - before
    return {
        "rate": one["count"] / SECONDS, "p99": one["p99"], "generator": told["cpu"] / SECONDS,
        "cpu_ms": spent / one["count"] * 1000,
    }  # fmt: skip


def _bare(folder: Path, size: int) -> dict[str, Any]:
    """Appends of a batch's bytes with fdatasync, a second, by a process that does only this."""
    data = os.urandom(size)
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    end, count = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end:
        os.write(file, data)
        os.fdatasync(file)
        count += 1
    os.close(file)
    (folder / "bare").unlink()
    return {"rate": count / SECONDS}


def _round(folder: Path, python: Path | None, size: int, sides: Sides) -> None:
    """Each side once, from an empty store."""
    root = live.empty_project(folder / "ours")
    with live.served(root) as ours:
        sides["single"].append(_loaded(ours, "singles", "event"))
    root = live.empty_project(folder / "ours")
    with live.served(root) as ours:
        sides["batches"].append(_loaded(ours, "batches", "batch", batch=BATCH))
    sides["bare"].append(_bare(folder, size))
    if python is not None:
        with peers.postgres(folder / "postgres") as found:
            if found is not None:
                dsn, store = found
                with peers.fastapi(python, dsn) as app:
                    sides["postgres single"].append(_loaded(app, "singles", "event", store))
                    more = _loaded(app, "batches", "batch", store, batch=BATCH)
                    sides["postgres batches"].append(more)
    with peers.redis(folder / "redis") as server:
        if server is not None:
            sides["redis single"].append(_loaded(server, "redis", "redis"))
            sides["redis batches"].append(_loaded(server, "redis", "redis", batch=BATCH))
            if python is not None:
                with peers.collector(python, server.port) as app:
                    one = _loaded(app, "singles", "event", server)
                    sides["redis by HTTP single"].append(one)
                    more = _loaded(app, "batches", "batch", server, batch=BATCH)
                    sides["redis by HTTP batches"].append(more)


def rates(runs: list[dict[str, Any]], what: str = "rate") -> list[float]:
    """One figure of the runs."""
    return [float(run[what]) for run in runs]


def main() -> None:
    """Eight lines at most: ours alone, then beside each peer."""
    WORK.mkdir(parents=True, exist_ok=True)
    python = peers.environment("collect", peers.COLLECT)
    size = len(next(load.batches({"batch": BATCH}, Random(7)))[0].data)
    names = ("single", "batches", "bare", "postgres single", "postgres batches", "redis single",
             "redis batches", "redis by HTTP single", "redis by HTTP batches")  # fmt: skip
    sides: Sides = {name: [] for name in names}
    longest = 0.0
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        folder = Path(name)
        shutil.copymode(WORK, folder)  # PostgreSQL runs as another user
        folder.chmod(0o755)
        for turn in range(REPEATS):
            if turn and not time_for(longest):
                break
            began = time.monotonic()
            _round(folder, python, size, sides)
            longest = max(longest, time.monotonic() - began)
            say(", ".join(f"{n} {r[-1]['rate']:.0f}/s" for n, r in sides.items() if r))
    _tell(sides)


def _tell(sides: Sides) -> None:
    single, batches = rates(sides["single"]), rates(sides["batches"])
    _line("single events", sides["single"], None, "none", f">= {SINGLE_TARGET}/s",
          median(single) >= SINGLE_TARGET)  # fmt: skip
    bare = rates(sides["bare"])
    _line("batches of 100", sides["batches"], bare, "append + fdatasync of the same bytes",
          f">= {BARE_TARGET}", median(batches) / median(bare) >= BARE_TARGET,
          events_per_second=round(median(batches) * BATCH))  # fmt: skip
    for peer, target, version in (
        ("postgres", POSTGRES_TARGET, " ".join(peers.COLLECT)),
        ("redis", REDIS_TARGET, "redis-server streams, appendfsync always, without HTTP"),
        ("redis by HTTP", REDIS_TARGET, f"the same behind uvicorn, {peers.COLLECT[-1]}"),
    ):
        for shape, own in (("single", sides["single"]), ("batches", sides["batches"])):
            theirs = sides[f"{peer} {shape}"]
            if theirs:
                ratio = median(rates(own)) / median(rates(theirs))
                _line(f"{shape} beside {peer}", own, rates(theirs), version, f">= {target}",
                      ratio >= target, peer_generator_cpu=_middle(theirs, "generator"),
                      peer_cpu_ms=_middle(theirs, "cpu_ms"))  # fmt: skip


def _middle(runs: list[dict[str, Any]], what: str) -> float:
    return round(median(rates(runs, what)), 4)


def _line(
    name: str,
    ours: list[dict[str, Any]],
    peer: list[float] | None,
    version: str,
    target: str,
    met: bool,
    **more: object,
) -> None:
    emit(
        result(
            f"collect {name}, durable requests/s", median(rates(ours)),
            median(peer) if peer else None, peer_version=version, target=target, met=met,
            spread=rates(ours), repeats=len(ours), p99_ms=_middle(ours, "p99"),
            cpu_ms_per_request=_middle(ours, "cpu_ms"), generator_cpu=_middle(ours, "generator"),
            **more,
        )
    )  # fmt: skip
