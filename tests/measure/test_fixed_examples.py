"""The fixed examples of the requirements, from files through the command line to the report."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.examples.conftest import run

NOW = "2026-06-01T00:00:00Z"


def shop(tmp_path: Path, orders: str, extra: dict[str, str] | None = None) -> Path:
    (tmp_path / "orders.csv").write_text(orders, encoding="utf-8")
    folder = tmp_path / "shop"
    done = run("init", str(folder), "--orders", str(tmp_path / "orders.csv"), "--yes")
    assert done.returncode == 0, done.stderr
    for name, text in (extra or {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    done = run("-p", str(folder), "build", "--as-of", NOW)
    assert done.returncode == 0, done.stderr
    return folder


def report(folder: Path, name: str) -> Any:
    done = run("-p", str(folder), "report", name, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, parse_float=Decimal)


HEAD = "order_id,customer_id,time,product_id,quantity,amount,channel\n"
COSTS = """
sources:
  margins:
    kind: margins
    from: margins.csv
    map: {margin: margin, valid_from: from}
  acquisition:
    kind: acquisition_costs
    from: acquisition.csv
    map: {channel: channel, amount: cost}
"""


def test_a_first_order_of_120_at_20_percent_after_40_of_acquisition_is_minus_16(
    tmp_path: Path,
) -> None:
    orders = HEAD + (
        "1,ann,2026-01-10T10:00:00,A,1,120.00,web\n"
        "2,ann,2026-02-10T10:00:00,A,1,120.00,web\n"
        "3,bob,2026-03-10T10:00:00,B,2,200.00,store\n"
    )
    folder = shop(
        tmp_path,
        orders,
        {
            "sources/costs.yml": COSTS,
            "margins.csv": "margin,from\n0.5,2020-01-01\n0.2,2026-01-01\n",
            "acquisition.csv": "channel,cost\nweb,40\n",
        },
    )
    rows = {row["group"]: row for row in report(folder, "economics")["rows"]}
    web = rows["web"]
    assert (web["first_order_margin"], web["acquisition_cost"]) == (24, 40)
    assert (web["first_order_result"], web["result_per_customer"], web["at_a_loss"]) == (
        -16,
        -16,
        1,
    )
    # the second order's 24 covers what was missing, 31 days after the first
    assert (web["paid_back"], web["payback_days"]) == (1, 31)
    store = rows["store"]
    assert (store["first_order_margin"], store["first_order_result"]) == (40, None)


def test_repeat_buyers_spend_8_point_7_times_as_much(tmp_path: Path) -> None:
    # 78 customers buy once and bring 2,896; 22 buy twice and bring 7,104
    lines = [f"a{i},one{i},2026-05-01T10:00:00,A,1,37.00,web" for i in range(77)]
    lines.append("a77,one77,2026-05-01T10:00:00,A,1,47.00,web")
    lines += [f"b{i},two{i},2026-05-02T10:00:00,A,1,161.00,web" for i in range(22)]
    lines += [f"c{i},two{i},2026-05-12T10:00:00,A,1,161.00,web" for i in range(21)]
    lines.append("c21,two21,2026-05-12T10:00:00,A,1,181.00,web")
    folder = shop(tmp_path, HEAD + "\n".join(lines) + "\n")
    made = report(folder, "repeat")
    one, repeat = made["rows"]
    assert (one["people_share"], one["revenue_share"]) == (78, Decimal("28.96"))
    assert (repeat["people_share"], repeat["revenue_share"]) == (22, Decimal("71.04"))
    assert round(made["totals"]["spend_ratio"], 1) == Decimal("8.7")


def test_shares_sum_to_100_whatever_the_numbers(tmp_path: Path) -> None:
    lines = [
        f"{i},c{i % 7},202{5 - i % 3}-0{1 + i % 5}-1{i % 9}T08:00:00,A,1,{3.33 * (i + 1):.2f},web"
        for i in range(11)
    ]
    rows = report(shop(tmp_path, HEAD + "\n".join(lines) + "\n"), "lifecycle")["rows"]
    for share in ("people_share", "revenue_share"):
        assert sum(row[share] for row in rows if row[share] is not None) == 100
