"""The grocer's numbers against SQL written by hand on the raw files, without visavis."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.examples.conftest import AS_OF, DATA, Visavis, run

from visavis.flow.report import chart, report

pytestmark = pytest.mark.xdist_group("grocer")  # built once

ORDERS = f"""
    select household_id h, basket_id b, min(transaction_timestamp) t,
           sum(sales_value::decimal(18,6)) revenue
    from '{DATA}/transactions.parquet' group by 1, 2 having revenue <> 0
"""


@pytest.fixture(scope="module")
def raw() -> Any:
    with duckdb.connect() as db:
        db.execute(f"create table orders as {ORDERS}")
        yield lambda sql: db.execute(sql).fetchall()


def test_the_figures_that_the_issue_names(ask: Visavis) -> None:
    (row,) = ask(
        "query",
        "select count(*) people, sum(orders) orders, sum(revenue) revenue from people "
        "where orders > 0",
    )
    assert row == {"people": 2469, "orders": 155370, "revenue": "4596039.58"}


def test_every_order_is_an_event_and_zero_ones_count_nowhere(ask: Visavis) -> None:
    (row,) = ask("query", "select count(*) n from events where event = 'Order Completed'")
    assert row["n"] == 155848


def test_orders_and_revenue_of_every_household(ask: Visavis, raw: Any) -> None:
    mine = {
        row["value"]: (row["orders"], Decimal(str(row["revenue"])), row["first"], row["last"])
        for row in ask(
            "query",
            "select i.value, p.orders, p.revenue, p.first_order_at as first, "
            "p.last_order_at as last from people p join identifiers i using (person_id) "
            "where i.kind = 'customer_id' and p.orders > 0",
        )
    }
    by_hand = {
        str(h): (n, revenue, first, last)
        for h, n, revenue, first, last in raw(
            "select h, count(*), sum(revenue), strftime(min(t), '%Y-%m-%dT%H:%M:%SZ'), "
            "strftime(max(t), '%Y-%m-%dT%H:%M:%SZ') from orders group by 1"
        )
    }
    assert mine == by_hand


def test_lifecycle_report(ask: Visavis, raw: Any) -> None:
    rows = ask("report", "lifecycle")["rows"]
    by_hand = {
        name: (people, revenue)
        for name, people, revenue in raw(
            f"""with p as (
                select h, count(*) n, sum(revenue) revenue,
                       date_diff('day', max(t)::date, date '{AS_OF[:10]}') as silent
                from orders group by 1)
            select case when silent > 365 then 'inactive' when silent > 90 then 'defecting'
                        when n = 1 then 'first_time' else 'active' end, count(*), sum(revenue)
            from p group by 1"""
        )
    }
    for row in rows:
        if row["lifecycle"] != "prospect":
            expected = by_hand.get(row["lifecycle"], (0, Decimal(0)))
            assert (row["people"], Decimal(str(row["revenue"]))) == expected
    for share in ("people_share", "revenue_share"):
        assert sum(Decimal(str(r[share])) for r in rows if r[share] is not None) == 100


def test_movement_is_between_the_two_moments(ask: Visavis, raw: Any) -> None:
    moved = ask("report", "lifecycle", "--since", "2017-10-01T00:00:00Z")["movement"]
    defecting = sum(r["people"] for r in moved if r["now"] == "defecting")
    assert sum(r["people"] for r in moved) >= 2469
    ((by_hand,),) = raw(
        f"""select count(*) from (select h from orders group by 1
            having date_diff('day', max(t)::date, date '{AS_OF[:10]}') between 91 and 365)"""
    )
    assert defecting == by_hand


def test_repeat_report(ask: Visavis, raw: Any) -> None:
    report = ask("report", "repeat")
    ((one, repeat),) = raw(
        """select avg(revenue) filter (where n = 1), avg(revenue) filter (where n > 1)
           from (select h, count(*) n, sum(revenue) revenue from orders group by 1)"""
    )
    assert float(report["totals"]["spend_ratio"]) == pytest.approx(repeat / one, rel=1e-6)
    cohorts = {row["cohort"]: (row["people"], row["returned"]) for row in report["cohorts"]}
    by_hand = {
        month: (people, returned)
        for month, people, returned in raw(
            """select strftime(first, '%Y-%m'), count(*), count(*) filter (where n > 1)
               from (select h, min(t) first, count(*) n from orders group by 1) group by 1"""
        )
    }
    assert cohorts == by_hand


def test_favourite_department_and_fresh_share(ask: Visavis, raw: Any) -> None:
    mine = {
        row["value"]: row["favourite_department"]
        for row in ask(
            "query",
            "select value, favourite_department from people join identifiers using (person_id) "
            "where kind = 'customer_id' and orders > 0",
        )
    }
    by_hand = {
        str(h): department
        for h, department in raw(
            f"""with l as (
                select household_id h, department, count(*) n
                from '{DATA}/transactions.parquet' t join orders o on o.b = t.basket_id
                left join '{DATA}/products.parquet' using (product_id)
                where department is not null group by 1, 2)
            select h, arg_min(department, (-n, department)) from l group by 1"""
        )
    }
    assert mine == by_hand


def test_campaigns_are_exposures_and_redemptions_responses(ask: Visavis, raw: Any) -> None:
    (mine,) = ask("query", "select sum(coupons_redeemed) c, sum(campaigns_received) r from people")
    ((received,),) = raw(
        f"""select count(*) from (select distinct household_id, campaign_id
            from '{DATA}/campaigns.parquet' join '{DATA}/campaign_descriptions.parquet'
            using (campaign_id) where start_date <= timestamp '2018-01-02')"""
    )
    ((redeemed,),) = raw(f"select count(*) from '{DATA}/coupon_redemptions.parquet'")
    assert mine == {"c": redeemed, "r": received}


def test_demographics_are_given_traits(ask: Visavis, raw: Any) -> None:
    mine = {
        (r["age"], r["n"])
        for r in ask("query", "select age, count(*) n from people where age is not null group by 1")
    }
    assert mine == set(raw(f"select age, count(*) from '{DATA}/demographics.parquet' group by 1"))


def test_segments_hold_whom_their_condition_names(ask: Visavis) -> None:
    (row,) = ask(
        "query",
        "select count(*) filter (where coupons_redeemed >= 3 or coupon_line_share > 0.05) a, "
        "(select count(*) from segment_members where segment = 'coupon_lovers') b from people",
    )
    assert row["a"] == row["b"] > 100
    assert ask("count", "in_segment('coupon_lovers')")["count"] == row["b"]


def test_since_when_somebody_is_defecting_is_exact(ask: Visavis, raw: Any) -> None:
    mine = {
        row["value"]: row["since"]
        for row in ask(
            "query",
            "select i.value, s.since from segment_members s join identifiers i using (person_id) "
            "where i.kind = 'customer_id' and s.segment = 'defecting'",
        )
    }
    by_hand = {
        str(h): since
        for h, since in raw(
            f"""select h, strftime(max(t)::date + 91, '%Y-%m-%dT00:00:00Z') from orders group by 1
                having date_diff('day', max(t)::date, date '{AS_OF[:10]}') between 91 and 365"""
        )
    }
    assert mine == by_hand


def test_the_example_passes_its_own_tests(grocer: Path) -> None:
    done = run("-p", str(grocer), "test")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_build_reads_nothing_and_changes_nothing(grocer: Path) -> None:
    def build() -> Any:
        done = run("-p", str(grocer), "build", "--as-of", AS_OF, "--json", "--quiet")
        return json.loads(done.stdout)

    files = sorted((grocer / ".visavis" / "lake").rglob("*"))
    before = {f: f.stat().st_mtime_ns for f in files}
    assert build() == build()
    assert {
        f: f.stat().st_mtime_ns for f in sorted((grocer / ".visavis" / "lake").rglob("*"))
    } == before


def test_charts_are_drawn(grocer: Path, tmp_path: Path) -> None:
    for name in ("lifecycle", "repeat", "sources"):
        made = report(grocer, name)
        for ending, start in (("svg", b"<svg"), ("png", b"\x89PNG"), ("html", b"<!DOCTYPE html>")):
            target = tmp_path / f"{name}.{ending}"
            chart(made, target)
            assert target.read_bytes().startswith(start)
            if ending == "html":
                assert b"width=device-width" in target.read_bytes()


def test_explain_leads_to_file_line_and_events(ask: Visavis) -> None:
    found = ask("explain", "customer_id:1", "--trait", "orders")
    text = json.dumps(found)
    assert "traits/starter.yml" in text
    assert "tills:" in text


def test_plan_shows_what_send_then_does(grocer: Path, tmp_path: Path) -> None:
    """The five campaigns of the example, on a copy: every person is written to or left out."""
    shop = tmp_path / "shop"
    shutil.copytree(grocer, shop, symlinks=True)
    at = ("--at", "2018-01-02T10:00:00Z", "--json", "--quiet")

    def told(*words: str) -> Any:
        done = run("-p", str(shop), *words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    plan, sent = told("plan", *at), told("send", *at)
    campaigns = plan["campaigns"]
    assert set(campaigns) == {"birthday", "thanks", "win_back", "reward", "promotion"}
    assert {name: c["messages"] for name, c in campaigns.items()} == sent["campaigns"]
    assert {name: c["left_out"] for name, c in campaigns.items()} == sent["left_out"]
    for name, campaign in campaigns.items():
        assert campaign["messages"] > 0, name
        assert campaign["messages"] + sum(campaign["left_out"].values()) == 2469, name
    reasons = {reason for c in campaigns.values() for reason in c["left_out"]}
    assert reasons >= {"no address", "no consent", "consent withdrawn", "address suppressed",
                       "missing field", "held out", "control group", "outranked"}  # fmt: skip
    mails = list((shop / ".visavis/mailbox/email/new").iterdir())
    assert len(mails) == sent["sent"] == sum(sent["campaigns"].values())
    again = told("send", *at)
    assert (again["planned"], again["sent"]) == (0, 0)


def test_one_decision_says_why_and_where(ask: Visavis) -> None:
    at = ("--at", "2018-01-02T10:00:00Z")
    made = ask("decide", "--person", "customer_id:2", "--placement", "email", *at)
    assert {c["offer"] for c in made["candidates"]} == {
        "birthday", "thanks", "win_back", "reward", "promotion",
    }  # fmt: skip
    for candidate in made["candidates"]:
        assert candidate["file"].split("/")[0] in ("offers", "segments", "policies", "content")
        assert candidate["line"] > 0
        assert candidate["fell"] != "not eligible" or candidate["detail"]
    again = ask("decide", "--person", "customer_id:2", "--placement", "email", *at)
    assert again == made
