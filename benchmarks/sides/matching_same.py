"""The peer under our settings: Splink trains, predicts and clusters by what we propose.

It gets the proposal and the prepared columns for nothing: its clock starts after them.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import numpy as np
from splink import DuckDBAPI, Linker

from visavis.store.warehouse import connect
from visavis.unify.matching.columns import describe, make_clean
from visavis.unify.matching.propose import PREPARED, propose
from visavis.unify.matching.train import settings

logging.disable(logging.CRITICAL)
file, target = map(Path, sys.argv[1:])
with connect() as wh:
    wh.execute(
        "CREATE TEMP TABLE records AS SELECT row_number() OVER () - 1 AS _row, 0 AS _file, * "
        f"EXCLUDE (person) FROM read_parquet('{file}')"
    )
    names = [name for name in wh.columns("records") if name[0] != "_"]
    make_clean(wh, "records", names, "clean")
    proposal = propose(wh, "clean", describe(wh, "clean", names), 0)
    start = time.perf_counter()
    even = [np.full(len(c.levels) + 1, 1 / (len(c.levels) + 1)) for c in proposal.comparisons]
    told = settings(proposal.comparisons, even, proposal.rules, 1 / proposal.rows)
    linker = Linker(DuckDBAPI(wh.connection).register(PREPARED), told)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for rule in proposal.training:
        linker.training.estimate_parameters_using_expectation_maximisation(rule.sql)
    pairs = linker.inference.predict(threshold_match_probability=0.01)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        pairs, threshold_match_probability=0.95
    )
    rows = wh.arrow(f"SELECT cluster_id FROM {clusters.physical_name} ORDER BY _row")
    np.save(target, rows["cluster_id"].to_numpy().astype(np.int64))
    print(time.perf_counter() - start)
