"""`visavis --help` and `import visavis`: how long a user waits before anything happens."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from harness import REPEATS, emit, median, result

HELP, IMPORT = 0.5, 0.3


def seconds(words: Sequence[str]) -> float:
    before = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


def main() -> None:
    """Two lines: the help against a bare interpreter, and the import alone."""
    visavis = str(Path(sys.executable).with_name("visavis"))
    bare = [sys.executable, "-c", "pass"]
    sides = {
        "start: visavis --help": ([visavis, "--help"], HELP),
        "start: import visavis": ([sys.executable, "-c", "import visavis"], IMPORT),
    }
    for name, (words, target) in sides.items():
        seconds(words)
        pairs = [(seconds(words), seconds(bare)) for _ in range(REPEATS)]
        ours, peer = (median([pair[i] for pair in pairs]) for i in (0, 1))
        emit(
            result(
                name,
                ours,
                peer,
                peer_version=f"bare Python {sys.version.split()[0]}",
                target=f"<= {target} s",
                met=ours <= target,
                spread=[pair[0] for pair in pairs],
            )
        )
