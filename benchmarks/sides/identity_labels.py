"""The peer: label propagation in SQL on DuckDB, each identifier taking its neighbours' least."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

start = time.perf_counter()
file, target = map(Path, sys.argv[1:])
db = duckdb.connect(config={"memory_limit": "8GB", "temp_directory": str(file.parent / "spill")})
db.execute("SET enable_progress_bar = false")
db.execute("SET preserve_insertion_order = false")
db.execute(
    "CREATE TABLE names AS SELECT kind, value, row_number() OVER () AS node FROM ("
    f"SELECT kind_a AS kind, value_a AS value FROM '{file}' UNION "
    f"SELECT kind_b, value_b FROM '{file}')"
)
db.execute(
    "CREATE TABLE edges AS SELECT a.node AS a, b.node AS b "
    f"FROM '{file}' AS e JOIN names AS a ON a.kind = e.kind_a AND a.value = e.value_a "
    "JOIN names AS b ON b.kind = e.kind_b AND b.value = e.value_b"
)
db.execute("INSERT INTO edges SELECT b, a FROM edges")
db.execute("CREATE TABLE labels AS SELECT node, node AS label FROM names")
changed = 1
while changed:
    db.execute(
        "CREATE OR REPLACE TABLE fresh AS SELECT l.node, least(l.label, n.label) AS label "
        "FROM labels AS l LEFT JOIN (SELECT e.a AS node, min(o.label) AS label FROM edges AS e "
        "JOIN labels AS o ON o.node = e.b GROUP BY e.a) AS n USING (node)"
    )
    (changed,) = db.execute(
        "SELECT count(*) FROM fresh AS f JOIN labels AS l USING (node) WHERE f.label <> l.label"
    ).fetchone()
    db.execute("DROP TABLE labels")
    db.execute("ALTER TABLE fresh RENAME TO labels")
db.execute(
    "COPY (SELECT kind, value, label AS person FROM names JOIN labels USING (node)) "
    f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
)
print(time.perf_counter() - start)
