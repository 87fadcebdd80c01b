"""Every benchmark runs, at a size that proves nothing, and prints the keys of the contract."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
KEYS = {
    *("bench", "ours", "peer", "peer_version", "ratio"),
    *("target", "met", "repeats", "spread"),
}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("build", 3),
        pytest.param("whole", 2, marks=pytest.mark.long),
        ("start", 2),
        ("readers", 1),
        ("sending", 1),
        ("deciding", 1),
        pytest.param("matching", 2, marks=pytest.mark.long),
        ("collect", 2),
        pytest.param("people", 1, marks=pytest.mark.long),
        ("identity", 2),
        pytest.param("journey", 1, marks=pytest.mark.long),
        pytest.param("decide", 2, marks=pytest.mark.long),
    ],
)
def test_lines(name: str, lines: int, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "VISAVIS_BENCH_SCALE": "0.001",
        "VISAVIS_BENCH_REPEATS": "1",
        "VISAVIS_BENCH_DIR": str(tmp_path),
        "VISAVIS_BENCH_PEERS": "0",
    }
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), name], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    # of collection there are more lines where its peers are installed
    assert len(found) == lines or (name == "collect" and len(found) > lines)
    assert all(line.keys() >= KEYS for line in found)


def test_an_unknown_name_is_told() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), "nothing"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "there are: build, " in done.stderr
    assert "people, profile, readers, sending" in done.stderr
