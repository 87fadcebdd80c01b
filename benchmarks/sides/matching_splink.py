"""The peer: Splink with settings written by hand for this file, as its documentation advises."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

logging.disable(logging.CRITICAL)
file, target = map(Path, sys.argv[1:])
start = time.perf_counter()
db = duckdb.connect()
db.execute(
    "CREATE TABLE records AS SELECT row_number() OVER () - 1 AS unique_id, * EXCLUDE (person) "
    f"FROM read_parquet('{file}')"
)
settings = SettingsCreator(
    link_type="dedupe_only",
    blocking_rules_to_generate_predictions=[
        block_on("first_name", "surname"),
        block_on("surname", "dob"),
        block_on("first_name", "dob"),
        block_on("email"),
        block_on("first_name", "city"),
        block_on("surname", "city"),
    ],
    comparisons=[
        cl.NameComparison("first_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        cl.EmailComparison("email"),
    ],
)
linker = Linker(DuckDBAPI(db).register("records"), settings)
rules = [block_on("email"), block_on("first_name", "surname", "dob")]
linker.training.estimate_probability_two_random_records_match(rules, recall=0.7)
linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
for rule in (block_on("first_name", "surname"), block_on("dob")):
    linker.training.estimate_parameters_using_expectation_maximisation(rule)
pairs = linker.inference.predict(threshold_match_probability=0.01)
clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
    pairs, threshold_match_probability=0.95
)
rows = db.execute(
    f"SELECT cluster_id FROM {clusters.physical_name} ORDER BY unique_id"
).fetchnumpy()
np.save(target, rows["cluster_id"].astype(np.int64))
print(time.perf_counter() - start)
