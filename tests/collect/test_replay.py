"""What was put aside comes back: repaired, replaced with its file, or once a rate is there."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from kit import AMOUNT, NOW, Shop, source

from visavis.collect.quarantine import replay
from visavis.core.progress import SILENT
from visavis.store.lake import Lake
from visavis.store.state import State
from visavis.store.warehouse import connect

HEAD = "cust,ord,at,sku,amount\n"


def export(s: Shop, fix: dict[int, dict[str, str]]) -> Path:
    """The open rows as the command line exports them, with some cells repaired by row number."""
    found = s.rows(
        "SELECT source, reason, file, row_number, row FROM quarantine WHERE NOT replayed "
        "ORDER BY 3, 4"
    )
    rows = [(r[:4], json.loads(r[4])) for r in found]
    names = list(dict.fromkeys(n for _, row in rows for n in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["_source", "_reason", "_file", "_row", *names])
    for place, row in rows:
        row = {**row, **fix.get(place[3], {})}
        writer.writerow([*place, *(row.get(n) for n in names)])
    return s.write("bad.csv", out.getvalue())


def run_replay(s: Shop, path: Path) -> list[object]:
    with connect("1GB", s.root / "spill", 1) as wh, State(s.state_dir / "state.db") as state:
        wh.execute("SET preserve_insertion_order = false")
        return list(replay(s.project, Lake(s.state_dir), state, wh, NOW, SILENT, path))


def test_repaired_rows_join_their_order(tmp_path: Path) -> None:
    s = Shop(tmp_path, source())
    s.write(
        "shop.csv", HEAD + "1,A,2020-01-02,x,1\n1,A,2020-01-02,y,lots\n2,B,2020\n3,C,never,z,1\n"
    )
    s.collect()
    assert len(s.quarantine()) == 3
    path = export(s, {2: {"amount": "2"}, 3: {"at": "2020-01-03", "sku": "z", "amount": "3"}})
    run_replay(s, path)
    expected = [("shop:A", "Order Completed", 3.0, 2), ("shop:B", "Order Completed", 3.0, 1)]
    assert s.orders() == expected
    assert s.quarantine() == [("shop.csv", 4, "bad-time")]
    run_replay(s, path)
    assert s.orders() == expected
    assert s.collect() == []


def test_a_replaced_file_closes_its_rows_and_repairs(tmp_path: Path) -> None:
    s = Shop(tmp_path, source())
    s.write("shop.csv", HEAD + "1,A,2020-01-02,x,1\n1,A,2020-01-02,y,lots\n1,A,2020-01-02,z,more\n")
    s.collect()
    run_replay(s, export(s, {2: {"amount": "2"}}))
    assert s.orders() == [("shop:A", "Order Completed", 3.0, 2)]
    s.write("shop.csv", HEAD + "1,A,2020-01-02,x,1\n1,A,2020-01-02,y,20\n")
    s.collect()
    assert s.orders() == [("shop:A", "Order Completed", 21.0, 2)]
    assert s.quarantine() == []


def test_orders_wait_for_a_rate(tmp_path: Path) -> None:
    rates = source(
        "rates", "rates", "rates*.csv", roles={"currency": "c", "valid_from": "d", "rate": "r"}
    )
    s = Shop(tmp_path, rates, source(roles={**AMOUNT, "currency": "cur"}))
    s.write("rates1.csv", "c,d,r\nUSD,2020-01-01,0.5\n")
    s.write(
        "shop.csv",
        "cust,ord,at,sku,amount,cur\n1,A,2020-01-02,x,1,EUR\n1,A,2020-01-02,y,1,GBP\n2,B,2020-01-02,x,2,CHF\n",
    )
    s.collect()
    assert s.orders() == []
    assert [q[2] for q in s.quarantine()] == ["no-rate"] * 3
    s.write("rates2.csv", "c,d,r\nGBP,2020-01-01,2\n")
    s.collect()
    assert s.orders() == [("shop:A", "Order Completed", 3.0, 2)]
    assert s.quarantine() == [("shop.csv", 3, "no-rate")]
    assert s.collect() == []


def test_sources_of_one_namespace_tell_an_order_once(tmp_path: Path) -> None:
    def pair(trust: int) -> list[object]:
        return [
            source("web", origin="web.csv", namespace="o", trust=50),
            source("erp", origin="erp.csv", namespace="o", trust=trust, mode="snapshot"),
        ]

    s = Shop(tmp_path, *pair(80))  # type: ignore[arg-type]
    s.write("web.csv", HEAD + "1,A,2020-01-02,x,1\n1,B,2020-01-02,x,1\n")
    s.write("erp.csv", HEAD + "1,A,2020-01-02,x,9\n")
    s.collect()
    expected = [("o:A", "Order Completed", 9.0, 1), ("o:B", "Order Completed", 1.0, 1)]
    assert s.orders() == expected
    assert s.collect() == []
    s.sources = {x.name: x for x in pair(20)}  # type: ignore[attr-defined]
    s.collect()
    assert [o[2] for o in s.orders()] == [1.0, 1.0]
    s.sources = {x.name: x for x in pair(80)}  # type: ignore[attr-defined]
    s.write("erp.csv", HEAD + "1,C,2020-01-02,x,9\n")
    s.collect()
    assert [o[:3:2] for o in s.orders()] == [("o:A", 1.0), ("o:B", 1.0), ("o:C", 9.0)]


def test_a_snapshot_replaces_and_a_changed_definition_loads_anew(tmp_path: Path) -> None:
    s = Shop(tmp_path, source(mode="snapshot"))
    s.write("shop.csv", HEAD + "1,A,2020-01-02,x,1\n")
    s.collect()
    s.write("shop.csv", HEAD + "2,B,2020-01-02,x,2\n")
    s.collect()
    assert [o[0] for o in s.orders()] == ["shop:B"]
    s.sources["shop"] = source(mode="snapshot", owner="me")
    assert s.collect() == []
    s.sources["shop"] = source(mode="snapshot", namespace="n")
    s.collect()
    assert [o[0] for o in s.orders()] == ["n:B"]
