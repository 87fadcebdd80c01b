"""A source under its threshold holds back the sending segments that rest on it, and only those."""

from __future__ import annotations

import json
from pathlib import Path

from tests.examples.conftest import run

ORDERS = """order_id,customer_id,time,product_id,quantity,amount
1,ann,2026-01-10T10:00:00,A,1,120.00
2,bob,never,B,2,200.00
3,bob,sometime,B,2,200.00
"""
SEGMENTS = """
segments:
  write_to:
    condition: average_order_value > 10
    use: sending
  look_at:
    condition: orders > 0
  everybody:
    condition: 1 = 1
    use: sending
"""


def test_under_the_threshold_nothing_may_be_sent(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS, encoding="utf-8")
    shop = tmp_path / "shop"
    orders = ("--orders", str(tmp_path / "orders.csv"), "--map", "time=time", "--yes")
    assert run("init", str(shop), *orders).returncode == 0
    (shop / "segments" / "mine.yml").write_text(SEGMENTS, encoding="utf-8")
    words = ("-p", str(shop), "build", "--as-of", "2026-02-01T00:00:00Z", "--json")
    assert "withheld" not in json.loads(run(*words).stdout)
    source = shop / "sources" / "orders.yml"
    text = source.read_text(encoding="utf-8").replace("    map:", "    threshold: 95\n    map:", 1)
    source.write_text(text, encoding="utf-8")
    done = run(*words)
    made = json.loads(done.stdout)
    assert made["withheld"] == {"write_to": ["orders"]}
    assert "Nothing may be sent by the segment 'write_to'" in done.stderr
    assert made["segments"]["write_to"] == 1
