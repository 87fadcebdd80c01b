"""Order lines to events, by contract §4."""

from __future__ import annotations

from pathlib import Path

from kit import AMOUNT, ROLES, Shop, source

from visavis.core.lang.form import Call, Literal, Property
from visavis.core.lang.types import Type
from visavis.core.nouns import Field, Rule
from visavis.store.lake import Lake
from visavis.store.state import State
from visavis.store.warehouse import connect

HEAD = "cust,ord,at,sku,amount\n"


def shop(tmp_path: Path, **given: object) -> Shop:
    return Shop(tmp_path, source(**given))  # type: ignore[arg-type]


def test_lines_of_one_order_become_one_event_at_the_earliest_time(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write(
        "shop.csv",
        HEAD + "1,A,2020-01-02 10:00,x,1.25\n1,A,2020-01-02 09:00,y,2\n2,B,2020-01-03,z,0\n",
    )
    s.collect()
    assert s.orders() == [
        ("shop:A", "Order Completed", 3.25, 2),
        ("shop:B", "Order Completed", 0.0, 1),
    ]
    assert s.rows("SELECT CAST(ts AS VARCHAR), void FROM events ORDER BY message_id") == [
        ("2020-01-02 09:00:00", False),
        ("2020-01-03 00:00:00", True),
    ]


def test_negative_lines_are_a_refund_at_its_own_time(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write("shop.csv", HEAD + "1,A,2020-01-02,x,10\n,A,2020-02-02,x,-4\n")
    s.collect()
    assert s.orders() == [
        ("shop:A", "Order Completed", 10.0, 1),
        ("shop:A:refund", "Order Refunded", 4.0, 1),
    ]
    assert s.rows("SELECT count(DISTINCT node), count(node) FROM events") == [(1, 2)]


def test_amount_is_quantity_times_price_with_six_places(tmp_path: Path) -> None:
    s = shop(tmp_path, roles={**ROLES, "quantity": "q", "price": "p"})
    s.write(
        "shop.csv",
        "cust,ord,at,sku,q,p\n1,A,2020-01-02,x,3,0.333333\n1,B,2020-01-02,x,1.5,2.123457\n",
    )
    s.collect()
    assert [str(r[0]) for r in s.rows("SELECT p_revenue FROM events ORDER BY message_id")] == [
        "0.999999",
        "3.185186",
    ]


def test_statuses_tell_cancelled_and_test_orders(tmp_path: Path) -> None:
    s = shop(
        tmp_path,
        roles={**AMOUNT, "status": "st"},
        statuses={"cancelled": ("Void",), "test": ("test",), "refunded": ("back",)},
    )
    s.write(
        "shop.csv",
        "cust,ord,at,sku,amount,st\n1,A,2020-01-02,x,1,ok\n1,B,2020-01-02,x,2,VOID\n"
        "9,C,2020-01-02,x,3,test\n1,D,2020-01-02,x,4,back\n1,E,2020-01-02,x,5,void\n1,E,2020-01-02,y,6,ok\n",
    )
    (summary,) = s.collect()
    assert s.orders() == [
        ("shop:A", "Order Completed", 1.0, 1),
        ("shop:B", "Order Cancelled", 2.0, 1),
        ("shop:C", "Test Order", 3.0, 1),
        ("shop:D", "Order Completed", 4.0, 1),
        ("shop:D:refund", "Order Refunded", 4.0, 1),
        ("shop:E", "Order Completed", 6.0, 1),
        ("shop:E:cancelled", "Order Cancelled", 5.0, 1),
    ]
    assert summary["test_orders"] == 1
    assert summary["other_statuses"] == {"ok": 2}
    assert s.rows("SELECT count(*) FROM sightings") == [(1,)]


def test_guests_are_nobody(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write("shop.csv", HEAD + ",A,2020-01-02,x,1\nGuest,B,2020-01-02,x,1\n 7 ,C,2020-01-02,x,1\n")
    (summary,) = s.collect()
    assert s.rows("SELECT message_id, node FROM events ORDER BY message_id") == [
        ("shop:A", None),
        ("shop:B", None),
        ("shop:C", 1),
    ]
    assert s.rows("SELECT * FROM nodes") == [(1, "customer_id", "7")]
    assert summary["guests"] == 2


def test_the_same_order_in_two_files(tmp_path: Path) -> None:
    s = shop(tmp_path, origin="*.csv")
    s.write("a.csv", HEAD + "1,EQUAL,2020-01-02,x,1\n1,EQUAL,2020-01-02,x,1\n"
            "1,JOIN,2020-01-02,x,1\n"
            "1,FIX,2020-01-02,x,1\n1,FIX,2020-01-02,y,2\n")  # fmt: skip
    s.write("b.csv", HEAD + "1,EQUAL,2020-01-02,x,1\n1,EQUAL,2020-01-02,x,1\n"
            "1,JOIN,2020-01-02,y,5\n"
            "1,FIX,2020-01-02,x,1\n1,FIX,2020-01-02,y,9\n")  # fmt: skip
    (summary,) = s.collect()
    expected = [
        ("shop:EQUAL", "Order Completed", 2.0, 2),
        ("shop:FIX", "Order Completed", 10.0, 2),
        ("shop:JOIN", "Order Completed", 6.0, 2),
    ]
    assert s.orders() == expected
    assert (summary["corrections"], summary["corrected_orders"]) == (1, ["FIX"])
    assert s.collect() == []
    assert s.orders() == expected


def test_the_same_order_in_two_loads(tmp_path: Path) -> None:
    s = shop(tmp_path, origin="*.csv")
    s.write("a.csv", HEAD + "1,EQUAL,2020-01-02,x,1\n1,JOIN,2020-01-02,x,1\n"
            "1,FIX,2020-01-02,x,1\n1,FIX,2020-01-02,y,2\n")  # fmt: skip
    s.collect()
    s.write("b.csv", HEAD + "1,EQUAL,2020-01-02,x,1\n1,JOIN,2020-01-02,y,5\n"
            "1,FIX,2020-01-02,x,1\n1,FIX,2020-01-02,y,9\n")  # fmt: skip
    (summary,) = s.collect()
    assert s.orders() == [
        ("shop:EQUAL", "Order Completed", 1.0, 1),
        ("shop:FIX", "Order Completed", 10.0, 2),
        ("shop:JOIN", "Order Completed", 6.0, 2),
    ]
    assert (summary["corrections"], summary["events"]) == (1, 2)


def test_a_file_that_grows_or_is_edited(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write("shop.csv", HEAD + "1,A,2020-01-02,x,1\n1,B,2020-01-03,x,2\n")
    s.collect()
    s.write(
        "shop.csv",
        HEAD + "1,A,2020-01-02,x,7\n1,B,2020-01-03,x,2\n1,B,2020-01-03,y,3\n2,C,2020-01-04,x,4\n",
    )
    s.collect()
    assert s.orders() == [
        ("shop:A", "Order Completed", 7.0, 1),
        ("shop:B", "Order Completed", 5.0, 2),
        ("shop:C", "Order Completed", 4.0, 1),
    ]


def test_a_later_status_changes_the_order(tmp_path: Path) -> None:
    given = {"roles": {**AMOUNT, "status": "st"}, "statuses": {"cancelled": ("void",)}}
    s = shop(tmp_path, origin="*.csv", **given)
    head = "cust,ord,at,sku,amount,st\n"
    s.write("a.csv", head + "1,A,2020-01-02,x,1,ok\n")
    s.collect()
    s.write("b.csv", head + "1,A,2020-01-02,x,1,void\n")
    s.collect()
    assert s.orders() == [("shop:A", "Order Cancelled", 1.0, 1)]


def test_money_of_another_currency_by_dated_rates(tmp_path: Path) -> None:
    rates = source(
        "rates", "rates", "rates.csv", roles={"currency": "c", "valid_from": "d", "rate": "r"}
    )
    s = Shop(tmp_path, rates, source(roles={**AMOUNT, "currency": "cur"}))
    s.write("rates.csv", "c,d,r\nUSD,2020-01-01,0.5\nUSD,2020-02-01,0.25\n")
    s.write(
        "shop.csv",
        "cust,ord,at,sku,amount,cur\n1,A,2020-01-02,x,1,EUR\n1,B,2020-01-31,x,2,usd\n"
        "1,C,2020-02-01,x,2,USD\n1,D,2019-12-31,x,2,USD\n1,D,2019-12-31,y,2,USD\n",
    )
    s.collect()
    assert s.orders() == [
        ("shop:A", "Order Completed", 1.0, 1),
        ("shop:B", "Order Completed", 1.0, 1),
        ("shop:C", "Order Completed", 0.5, 1),
    ]
    assert s.quarantine() == [("shop.csv", 4, "no-rate"), ("shop.csv", 5, "no-rate")]


def test_a_corrected_customer_leaves_nobody_behind(tmp_path: Path) -> None:
    s = shop(tmp_path, roles={**AMOUNT, "email": "mail"})
    head = "cust,ord,at,sku,amount,mail\n"
    s.write("shop.csv", head + "1,A,2020-01-02,x,1,a@b.co\n2,B,2020-01-03,x,2,\n")
    s.collect()
    s.write("shop.csv", head + "3,A,2020-01-02,x,1,a@b.co\n2,B,2020-01-03,x,2,\n")
    s.collect()
    seen = "SELECT kind, value FROM nodes JOIN sightings USING (node) ORDER BY 1, 2"
    assert s.rows(seen) == [("customer_id", "2"), ("customer_id", "3"), ("email", "a@b.co")]
    linked = "SELECT value FROM links JOIN nodes ON node = node_a"
    assert s.rows(linked) == [("3",)]


def test_a_removed_source_no_longer_counts(tmp_path: Path) -> None:
    s = Shop(tmp_path, source(), source("web", origin="web.csv"))
    for name in ("shop.csv", "web.csv"):
        s.write(name, HEAD + "1,A,2020-01-02,x,1\n")
    s.collect()
    del s.sources["shop"]
    s.collect()
    assert s.orders() == [("web:A", "Order Completed", 1.0, 1)]


def test_times_in_fields_and_in_two_columns(tmp_path: Path) -> None:
    fields = (Field("shipped", Type.TIME, "ship"), Field("gift", Type.BOOLEAN, "gift"))
    s = shop(
        tmp_path,
        roles={**AMOUNT, "time": "day\nclock"},
        fields=fields,
        line_fields=(Field("best", Type.DATE, "best"),),
        time_zone="Europe/Paris",
    )
    s.write(
        "shop.csv",
        "cust,ord,day,clock,sku,amount,ship,gift,best\n"
        "1,A,13/01/2020,09:30,x,1,2020-01-14T10:00:00,yes,2021-01-01\n",
    )
    s.collect()
    assert s.rows("SELECT ts::VARCHAR, p_shipped::VARCHAR, p_gift FROM events") == [
        ("2020-01-13 08:30:00", "2020-01-14 09:00:00", True)
    ]
    assert s.rows("SELECT l_best::VARCHAR FROM lines") == [("2021-01-01",)]


def test_a_changed_rate_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    roles = {"campaign": "id", "amount": "a"}
    s = Shop(tmp_path, source("mail", "campaign_costs", "mail*.csv", roles=roles))
    s.write("mail1.csv", "id,a\nm1,5\n")
    s.collect()
    s.write("mail2.csv", "id,a\nm2,6\n")
    s.collect()
    s.write("mail1.csv", "id,a\nm1,7\n")
    s.collect()
    with connect() as wh, State(s.state_dir / "state.db") as state:
        files = [str(p) for p in Lake(s.state_dir).files("costs", state.loads())]
        rows = wh.rows(f"SELECT campaign, amount::INT FROM read_parquet({files}) ORDER BY 1")
    assert rows == [("m1", 7), ("m2", 6)]


def test_a_rule_that_warns_only_counts(tmp_path: Path) -> None:
    amount = Property(Type.DECIMAL, name="amount", scope="row")
    low = Call(Type.BOOLEAN, function="<", args=(amount, Literal(Type.DECIMAL, value=2_000_000)))
    s = shop(tmp_path, rules=(Rule("low", low, "warn"),))
    s.write("shop.csv", HEAD + "1,A,2020-01-02,x,1\n1,B,2020-01-02,x,5\n1,C,2020-01-02,x,6\n")
    (summary,) = s.collect()
    assert summary["warnings"] == {"low": 2}
    assert len(s.orders()) == 3
