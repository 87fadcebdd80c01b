"""Ours: settings proposed, trained, pairs weighed and grouped."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import splink  # noqa: F401 - as on the other side, imports are not timed

from visavis.store.warehouse import connect
from visavis.unify.matching.match import match

file, target = map(Path, sys.argv[1:])
start = time.perf_counter()
with connect() as wh:
    wh.execute(
        "CREATE TEMP TABLE records AS SELECT row_number() OVER () - 1 AS _row, 0 AS _file, * "
        f"EXCLUDE (person) FROM read_parquet('{file}')"
    )
    names = [name for name in wh.columns("records") if name[0] != "_"]
    found = match(wh, "records", names)
np.save(target, found.groups)
print(time.perf_counter() - start)
