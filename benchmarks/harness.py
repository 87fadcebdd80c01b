"""What every benchmark shares: alternating repeats in fresh processes, medians, one JSON line.

A benchmark is a file here with `main(options) -> Iterable[dict]`; `run.py` prints what it yields.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REPEATS = int(os.environ.get("VISAVIS_BENCH_REPEATS", "5"))
SCALE = float(os.environ.get("VISAVIS_BENCH_SCALE", "1"))
"""Sizes are multiplied by it; results at a scale other than 1 say so."""
WORK = Path(os.environ.get("VISAVIS_BENCH_DIR", "/tmp/visavis-bench"))


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall seconds that it measured itself, peak memory in MiB."""

    seconds: float
    mib: float


def measured(script: Path, words: Sequence[str], env: Mapping[str, str] | None = None) -> Run:
    """Runs a script that prints its own seconds last; memory as the system counted it."""
    before = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, str(script), *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{script.name} {' '.join(words)} failed with {process.returncode}")
    lines = out.split()
    seconds = float(lines[-1]) if lines else time.perf_counter() - before
    return Run(
        seconds,
        usage.ru_maxrss
        / (1 if sys.platform == "darwin" else 1024)
        / (1024 if sys.platform == "darwin" else 1),
    )


def alternate(
    sides: Mapping[str, Callable[[], Run]], repeats: int = REPEATS
) -> dict[str, list[Run]]:
    """Every side once uncounted, then each in turn `repeats` times: drift hits all alike."""
    for side in sides.values():
        side()
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            runs[name].append(side())
    return runs


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def result(
    bench: str,
    ours: float,
    peer: float | None,
    *,
    peer_version: str,
    target: float | str,
    met: bool,
    spread: Sequence[float],
    ratio: float | None = None,
    repeats: int = REPEATS,
    **more: object,
) -> dict[str, object]:
    """The line of the contract; `ratio` is ours / peer unless said otherwise."""
    return {
        "bench": bench,
        "ours": round(ours, 6),
        "peer": None if peer is None else round(peer, 6),
        "peer_version": peer_version,
        "ratio": round(ratio if ratio is not None else ours / peer, 3) if peer or ratio else None,
        "target": target,
        "met": met,
        "repeats": repeats,
        "spread": [round(min(spread), 6), round(max(spread), 6)],
        **({"scale": SCALE} if SCALE != 1 else {}),
        **more,
    }


def emit(line: Mapping[str, object]) -> None:
    """One JSON line on standard output; everything else goes to standard error."""
    print(json.dumps(line), flush=True)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
