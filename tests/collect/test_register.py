"""The register's parts and score, by hand; cost tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit import AMOUNT, NOW, Shop, source

from visavis.collect.register import PARTS, register
from visavis.core.lang.types import DAY_MS
from visavis.store.lake import Lake
from visavis.store.state import State
from visavis.store.warehouse import connect

HEAD = "cust,ord,at,sku,amount\n"


def rows(s: Shop, now_ms: int) -> list[dict[str, Any]]:
    with connect() as wh, State(s.state_dir / "state.db") as state:
        return register(s.project, Lake(s.state_dir), state, wh, now_ms)


def test_each_part_is_computed_from_what_was_loaded(tmp_path: Path) -> None:
    tills = source(owner="ops", captured="till", party="second", threshold=60)
    s = Shop(tmp_path, tills, source("none", origin="none.csv"))
    newest = 1_577_923_200_000
    s.write("none.csv", HEAD)
    s.write(
        "shop.csv",
        HEAD + "1,A,2020-01-02,x,1\n1,A,2020-01-02,x,1\n,B,2020-01-02,,1\n2,C,never,x,1\n",
    )
    s.collect()
    row, empty = rows(s, newest + 30 * DAY_MS)
    # 3 lines x (amount, product, node, time) = 12 cells, one product and one customer missing
    assert (row["completeness"], row["validity"], row["uniqueness"]) == (83.3, 75.0, 66.7)
    assert (row["freshness"], row["provenance"]) == (50.0, 73.3)
    assert row["score"] == 69.7
    assert (row["rows"], row["quarantined"], row["below"]) == (4, 1, False)
    assert row["last_loaded"] == "2020-09-13T12:26:40Z"
    assert empty["rows"] == 0
    s.settings = {
        "settings": {"source_weights": {part: 0 for part in PARTS if part != "freshness"}}
    }
    assert rows(s, newest + 30 * DAY_MS)[0]["score"] == 50.0
    assert rows(s, newest + 30 * DAY_MS)[0]["below"]


def test_what_people_consented_to_is_scored_by_what_it_holds(tmp_path: Path) -> None:
    roles = {"channel": "ch", "purpose": "p", "status": "s", "time": "t"}
    who = {"customer_id": "c"}
    s = Shop(tmp_path, source("consents", "consents", "consents.csv", roles=roles, identifiers=who))
    s.write(
        "consents.csv",
        "c,ch,p,s,t\n1,email,news,yes,2020-01-01\n"
        "2,email,,yes,2020-01-02\n2,email,,no,2020-01-02\n",
    )
    s.collect()
    (row,) = rows(s, NOW)
    # 3 rows x (purpose, node, time), two purposes missing; a yes and a no are two things said
    assert (row["completeness"], row["uniqueness"]) == (77.8, 100.0)


def test_costs_load_in_the_projects_currency(tmp_path: Path) -> None:
    margins = {"product": "sku", "cost": "cost", "currency": "cur", "valid_from": "d"}
    ads = {"channel": "ch", "amount": "a", "valid_from": "d"}
    s = Shop(
        tmp_path,
        source("rates", "rates", "rates.csv", roles={"currency": "c", "rate": "r"}),
        source("margins", "margins", "margins.csv", roles=margins),
        source("ads", "acquisition_costs", "ads.csv", roles=ads),
        source("mail", "campaign_costs", "mail.csv", roles={"campaign": "id", "amount": "a"}),
    )  # fmt: skip
    s.write("rates.csv", "c,r\nUSD,0.5\n")
    s.write("margins.csv", "sku,cost,cur,d\nx,2,USD,2020-01-01\ny,2,GBP,2020-01-01\nz,3,,\n")
    s.write("ads.csv", "ch,a,d\nweb,40,2020-01-01\n")
    s.write("mail.csv", "id,a\nm1,5\n,6\n")
    s.collect()
    files = sorted(str(p) for p in s.state_dir.glob("lake/*/costs.parquet"))
    with connect() as wh:
        found = wh.rows(
            "SELECT kind, product, channel, campaign, CAST(cost AS DOUBLE), CAST(amount "
            "AS DOUBLE), rate::DOUBLE, "
            f"valid_from::VARCHAR FROM read_parquet({files}) ORDER BY kind, product"
        )
    assert found == [
        ("acquisition_costs", None, "web", None, None, 40.0, None, "2020-01-01"),
        ("campaign_costs", None, None, "m1", None, 5.0, None, None),
        ("margins", "x", None, None, 1.0, None, None, "2020-01-01"),
        ("margins", "z", None, None, 3.0, None, None, None),
        ("rates", None, None, None, None, None, 0.5, None),
    ]
    assert s.quarantine() == [("mail.csv", 2, "missing-campaign"), ("margins.csv", 2, "no-rate")]
    assert [r["source"] for r in rows(s, NOW)] == ["rates", "margins", "ads", "mail"]
    assert AMOUNT["amount"] == "amount"
