"""Ours: identifiers numbered in the warehouse, the guards and people by columns, and the file."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from visavis.project.identity import DEFAULTS
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.warehouse import connect
from visavis.unify.batch import Identifiers, Links, who_is_who

start = time.perf_counter()
file, target = map(Path, sys.argv[1:])
with connect("2500MiB", file.parent / "spill") as wh:
    wh.execute("SET preserve_insertion_order = false")
    evidence = f"read_parquet({text_literal(str(file))})"
    wh.execute(
        "CREATE TEMP TABLE names AS SELECT kind, value, CAST(row_number() OVER () - 1 AS BIGINT) "
        "AS node, first_seen FROM (SELECT kind, value, min(first_ms) AS first_seen FROM ("
        f"SELECT kind_a AS kind, value_a AS value, first_ms FROM {evidence} UNION ALL "
        f"SELECT kind_b, value_b, first_ms FROM {evidence}) GROUP BY kind, value)"
    )
    links = wh.arrow(
        "SELECT a.node AS node_a, b.node AS node_b, 0::BIGINT AS rule, e.first_ms AS first_seen "
        f"FROM {evidence} AS e JOIN names AS a ON a.kind = e.kind_a AND a.value = e.value_a "
        "JOIN names AS b ON b.kind = e.kind_b AND b.value = e.value_b"
    )
    names = wh.arrow("SELECT kind, value, node, first_seen FROM names")
people = who_is_who(Identifiers.from_table(names), Links.from_table(links, ["same row"]), DEFAULTS)
told = names.select(["kind", "value"]).append_column("person", pa.array(people.person))
pq.write_table(told, target, compression="zstd", use_dictionary=["kind"])
print(time.perf_counter() - start)
