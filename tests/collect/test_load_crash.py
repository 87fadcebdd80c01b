"""A kill between any two steps of a load: the lake is as before, and the next run completes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kit import Shop, source

HERE = Path(__file__).parent
HEAD = "cust,ord,at,sku,amount\n"
POINTS = (
    "load-staged", "load-events", "load-lines", "load-quarantine", "load-nodes", "load-overlay",
    "load-made", "load-written", "load-renamed", "load-committed",
)  # fmt: skip
CODE = """
import sys
from pathlib import Path
from kit import Shop, source
Shop(Path(sys.argv[1]), source(origin="*.csv")).collect()
"""


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_loses_nothing_and_doubles_nothing(tmp_path: Path, point: str) -> None:
    s = Shop(tmp_path, source(origin="*.csv"))
    s.write("a.csv", HEAD + "1,A,2020-01-02,x,1\n1,A,2020-01-02,y,1\n2,B,2020-01-02,x,?\n")
    s.collect()
    before = s.orders()
    s.write(
        "b.csv",
        HEAD + "1,A,2020-01-02,x,1\n1,A,2020-01-02,y,5\n3,C,2020-01-02,x,?\n3,D,2020-01-02,x,2\n",
    )
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")])
    killed = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths, "VISAVIS_CRASH_AT": point},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    done = point == "load-committed"
    assert (s.orders() == before) is not done
    assert len(s.collect()) == (0 if done else 1)
    assert s.orders() == [
        ("shop:A", "Order Completed", 6.0, 2),
        ("shop:D", "Order Completed", 2.0, 1),
    ]
    assert [q[0] for q in s.quarantine()] == ["a.csv", "b.csv"]
