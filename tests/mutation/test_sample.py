"""Some mutants of each reader: the laws notice all of them. `make mutate` tries every one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.long
def test_the_laws_notice_a_sample_of_mutants() -> None:
    count = 30
    command = [sys.executable, "tools/mutate.py", "--quick", "--sample", str(count), "--jobs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert {part["killed"] for part in report.values()} == {count}
