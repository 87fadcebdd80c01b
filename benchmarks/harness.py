"""What every benchmark shares: alternating repeats in fresh processes, medians, one JSON line.

A benchmark is a file here with `main()`, which emits its lines; `run.py` calls it.
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
BUDGET = float(os.environ.get("VISAVIS_BENCH_SECONDS", "780"))
"""Seconds after which a benchmark begins no further round; its lines tell how many it had."""
SCALE = float(os.environ.get("VISAVIS_BENCH_SCALE", "1"))
"""Sizes are multiplied by it; lines made at a scale other than 1 say so, and prove nothing."""
WORK = Path(os.environ.get("VISAVIS_BENCH_DIR", "/tmp/visavis-bench"))
SIDES = Path(__file__).parent / "sides"
_SRC = Path(__file__).parent.parent / "src"
_BEGAN = time.monotonic()
_KIB = 1024 if sys.platform != "darwin" else 1


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process: wall seconds, CPU seconds of all its threads, peak memory in MiB."""

    seconds: float
    cpu: float
    mib: float


def measured(words: Sequence[str], prints_seconds: bool = False) -> Run:
    """Runs a command to its end; with `prints_seconds` the clock is its own, its last word."""
    before = time.perf_counter()
    path = os.pathsep.join(filter(None, (str(_SRC), os.environ.get("PYTHONPATH"))))
    env = {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - before
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}")
    if prints_seconds:
        seconds = float(out.split()[-1])
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB / 1024**2)


def side(name: str, *words: object) -> Run:
    """Runs one of the scripts in sides/, which print their seconds."""
    script = str(SIDES / f"{name}.py")
    return measured([sys.executable, "-W", "ignore", script, *map(str, words)], prints_seconds=True)


def visavis(*words: object) -> Run:
    """Runs the command line."""
    call = "from visavis.cli.main import main; main()"
    return measured([sys.executable, "-c", call, *map(str, words)])


def alternate(
    sides: Mapping[str, Callable[[], Run]], repeats: int = REPEATS
) -> dict[str, list[Run]]:
    """Each side in turn, `repeats` times, so that drift hits all alike; warm them up before.

    Fewer where the time runs out, but at least once.
    """
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    longest = 0.0
    for turn in range(repeats):
        if turn and not time_for(longest):
            break
        start = time.monotonic()
        for name, run in sides.items():
            runs[name].append(run())
        longest = max(longest, time.monotonic() - start)
    return runs


def begin() -> None:
    """Starts the clock of a benchmark."""
    global _BEGAN
    _BEGAN = time.monotonic()


def time_for(seconds: float) -> bool:
    """Whether something that takes so long still ends within the benchmark's time."""
    return time.monotonic() - _BEGAN + seconds <= BUDGET


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def middle(runs: Sequence[Run], what: str = "seconds") -> float:
    """The median of one measure of the runs."""
    return median([getattr(run, what) for run in runs])


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
    if ratio is None and peer:
        ratio = ours / peer
    return {
        "bench": bench,
        "ours": round(ours, 6),
        "peer": None if peer is None else round(peer, 6),
        "peer_version": peer_version,
        "ratio": None if ratio is None else round(ratio, 3),
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
    """One line to the reader."""
    print(text, file=sys.stderr, flush=True)
