"""Ours: a file of evidence to a file of people, with the guards that every project begins with."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from visavis.project.identity import DEFAULTS
from visavis.unify.evidence import identify_file

start = time.perf_counter()
file, target = map(Path, sys.argv[1:])
identify_file(file, target, DEFAULTS, "1GiB", file.parent / "spill")
print(time.perf_counter() - start)
