"""Bad input: an error or quarantine with a reason, and nothing lost."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from kit import AMOUNT, NOW, Shop, source

from visavis.core.problems import ProblemsError

HEAD = "cust,ord,at,sku,amount\n"


def shop(tmp_path: Path, **given: object) -> Shop:
    return Shop(tmp_path, source(**given))  # type: ignore[arg-type]


def revenue(s: Shop) -> dict[str, float]:
    return {m.removeprefix("shop:"): r for m, _, r, _ in s.orders()}


def test_rows_cut_in_the_middle(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write(
        "shop.csv",
        HEAD + '1,A,2020-01-02,x,1\n1,B,2020\n1,C,2020-01-02,"x,3\n'
        "1,D,2020-01-02,x,4\n1,D,2020-01-02,x,?\n1,E,20",
    )
    s.collect()
    assert revenue(s) == {"A": 1.0, "D": 4.0}
    assert s.quarantine() == [
        ("shop.csv", 2, "cut-row"), ("shop.csv", 3, "cut-row"), ("shop.csv", 5, "bad-number"),
        ("shop.csv", 6, "cut-row"),
    ]  # fmt: skip
    (row,) = s.rows("SELECT row FROM quarantine WHERE row_number = 3")
    assert json.loads(row[0])["_line"] == '1,C,2020-01-02,"x,3'


def test_a_total_that_does_not_fit_puts_its_order_aside(tmp_path: Path) -> None:
    s = shop(tmp_path, origin="*.csv")
    most = "1,A,2020-01-02,x,999999999999\n"
    s.write("a.csv", HEAD + most * 2 + "1,B,2020-01-02,x,5\n" + most.replace("A", "C"))
    s.collect()
    assert revenue(s) == {"B": 5.0, "C": 999999999999.0}
    assert s.quarantine() == [("a.csv", 1, "bad-amount"), ("a.csv", 2, "bad-amount")]
    # corrected, C no longer fits: it stays as it was
    s.write("b.csv", HEAD + 2 * most.replace("A", "C") + "1,D,2020-01-02,x,7\n")
    s.collect()
    assert revenue(s) == {"B": 5.0, "C": 999999999999.0, "D": 7.0}
    assert s.quarantine()[2:] == [("b.csv", 1, "bad-amount"), ("b.csv", 2, "bad-amount")]


def test_a_value_for_each_reason(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write(
        "shop.csv",
        HEAD + "1,A,2020-01-02,x,1\n1,,2020-01-02,x,1\n1,B,soon,x,1\n1,C,2020-01-02,x,much\n"
        "1,D,2020-01-02,x,\n1,E,,x,1\n1,F,2020-09-15,x,1\n1,G,2020-01-02,x,1e13\n1,H,2020-09-14,x,8\n",
    )
    (summary,) = s.collect()
    assert revenue(s) == {"A": 1.0, "H": 8.0}
    assert [q[1:] for q in s.quarantine()] == [
        (2, "missing-order"), (3, "bad-time"), (4, "bad-number"), (5, "missing-amount"),
        (6, "bad-time"), (7, "future"), (8, "bad-number"),
    ]  # fmt: skip
    assert (summary["rows"], summary["quarantined"]) == (9, 7)
    (row,) = s.rows("SELECT row FROM quarantine WHERE row_number = 4")
    assert row[0] == '{"cust":"1","ord":"C","at":"2020-01-02","sku":"x","amount":"much"}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "gb18030"])
def test_encodings_are_told_by_the_bytes(tmp_path: Path, encoding: str) -> None:
    name = "北京烤鸭店大学" if encoding == "gb18030" else "Crème brûlée à la"
    s = shop(tmp_path)
    s.write("shop.csv", (HEAD + f"1,A,2020-01-02,{name},1\n").encode(encoding))
    s.collect()
    assert s.rows("SELECT l_product_id FROM lines") == [(name,)]


def test_bytes_that_do_not_fit_the_encoding(tmp_path: Path) -> None:
    s = shop(tmp_path, encoding="utf-8")
    s.write("shop.csv", HEAD.encode() + b"1,A,2020-01-02,x,1\n1,B,2020-01-02,cr\xe8me,1\n")
    s.collect()
    assert revenue(s) == {"A": 1.0}
    assert s.quarantine() == [("shop.csv", 2, "bad-encoding")]


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["12,50", "1.234,56", "3"], [12.5, 1234.56, 3]),
        (["12.50", "1,234.56", "1,234"], [12.5, 1234.56, 1234]),
        (["€ 12,50", "1 234,5", "(3,00)"], [12.5, 1234.5, 3]),
        (["1.234", "2.5", "7"], [1.234, 2.5, 7]),
    ],
)
def test_a_column_shows_its_decimal_mark(
    tmp_path: Path, amounts: list[str], expected: list[float]
) -> None:
    s = shop(tmp_path, delimiter=";")
    rows = "".join(f"1;{i};2020-01-02;x;{a}\n" for i, a in enumerate(amounts))
    s.write("shop.csv", HEAD.replace(",", ";") + rows)
    s.collect()
    assert [o[2] for o in s.orders()] == expected


def test_a_mark_that_stays_open_or_clashes_is_asked_for(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write("shop.csv", HEAD + '1,A,2020-01-02,x,"1,234"\n1,B,2020-01-02,x,5\n')
    s.collect()
    assert revenue(s) == {"B": 5.0}
    (reason,) = s.rows("SELECT reason FROM quarantine")
    assert "decimal_mark" in reason[0]
    other = shop(tmp_path / "b")
    other.write(
        "shop.csv",
        HEAD + '1,A,2020-01-02,x,"1.234,56"\n1,B,2020-01-02,x,5.25\n1,C,2020-01-02,x,5.75\n',
    )
    other.collect()
    assert revenue(other) == {"B": 5.25, "C": 5.75}
    assert other.quarantine() == [("shop.csv", 1, "bad-number")]


def test_dates_in_three_formats(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write("shop.csv", HEAD + "1,A,2020-01-05 10:00:00,x,1\n1,B,25/01/2020,x,1\n"
            "1,C,05/02/2020 08:30,x,1\n"
            '1,D,"Jan 7, '
            '2020",x,1\n1,E,20200108,x,1\n'
            "1,F,2020-01-09T00:00:00+02:00,x,1\n1,G,1578614400,x,1\n")  # fmt: skip
    s.collect()
    assert [r[0] for r in s.rows("SELECT CAST(ts AS VARCHAR) FROM events ORDER BY message_id")] == [
        "2020-01-05 10:00:00", "2020-01-25 00:00:00", "2020-02-05 08:30:00", "2020-01-07 00:00:00",
        "2020-01-08 00:00:00", "2020-01-08 22:00:00", "2020-01-10 00:00:00",
    ]  # fmt: skip


def test_day_and_month_that_stay_open_are_asked_for(tmp_path: Path) -> None:
    s = shop(tmp_path)
    s.write("shop.csv", HEAD + "1,A,05/02/2020,x,1\n1,B,03/03/2020,x,1\n")
    s.collect()
    assert revenue(s) == {"B": 1.0}
    (reason,) = s.rows("SELECT reason FROM quarantine")
    assert "time_format" in reason[0]
    s.sources["shop"] = source(time_format="%m/%d/%Y")
    s.collect()
    assert revenue(s) == {"A": 1.0, "B": 1.0}
    assert s.quarantine() == []


def test_times_without_offset_are_of_the_sources_zone(tmp_path: Path) -> None:
    s = shop(tmp_path, time_zone="Europe/Paris")
    s.write(
        "shop.csv",
        HEAD + "1,A,2020-03-29 02:30,x,1\n1,B,2020-10-25 02:30,x,1\n1,C,2020-07-01 12:00,x,1\n",
    )
    s.collect(now_ms=1_700_000_000_000)
    assert [r[0] for r in s.rows("SELECT CAST(ts AS VARCHAR) FROM events ORDER BY message_id")] == [
        "2020-03-29 01:30:00", "2020-10-25 00:30:00", "2020-07-01 10:00:00",
    ]  # fmt: skip


def test_a_vanished_column_is_a_problem_and_the_others_load(tmp_path: Path) -> None:
    s = Shop(tmp_path, source(), source("web", origin="web.csv"))
    s.write("shop.csv", HEAD + "1,A,2020-01-02,x,1\n")
    s.write("web.csv", HEAD)
    s.collect()
    s.write("shop.csv", "cust,ord,at,sku,amout\n1,B,2020-01-02,x,1\n")
    s.write("web.csv", HEAD + "1,Z,2020-01-02,x,1\n")
    with pytest.raises(ProblemsError) as caught:
        s.collect()
    (problem,) = caught.value.problems
    assert problem.code == "missing-column"
    assert "shop.csv has no column 'amount'" in problem.message
    assert problem.hint == "Did you mean 'amout'?"
    assert [m for m, *_ in s.orders()] == ["shop:A", "web:Z"]


def test_only_what_is_new_is_read(tmp_path: Path) -> None:
    s = shop(tmp_path, origin="*.csv")
    s.write("a.csv", HEAD + "1,A,2020-01-02,x,1\n" * 1000)
    first = s.collect()
    assert first[0]["bytes_read"] > 19_000
    s.write("b.csv", HEAD + "1,B,2020-01-02,x,1\n")
    (second,) = s.collect()
    assert second["bytes_read"] < 200
    os.utime(tmp_path / "a.csv", ns=(1, 1))
    assert s.collect() == []
    assert s.collect() == []


def test_gz_json_and_parquet(tmp_path: Path) -> None:
    s = shop(tmp_path, origin="data/*")
    s.write("data/a.csv.gz", gzip.compress((HEAD + "1,A,2020-01-02,x,1\n").encode()))
    s.write(
        "data/b.jsonl", '{"cust":1,"ord":"B","at":"2020-01-02","sku":"x","amount":2.5}\nbroken\n'
    )
    from visavis.store.warehouse import connect

    with connect() as wh:
        wh.write_parquet(
            "SELECT 1.0::DOUBLE AS cust, 'C' AS ord, TIMESTAMP '2020-01-02' AS at, 5 AS "
            "sku, 0.1::DOUBLE AS amount",
            tmp_path / "data" / "c.parquet",
        )
    s.collect(NOW)
    assert revenue(s) == {"A": 1.0, "B": 2.5, "C": 0.1}
    assert s.quarantine() == [("data/b.jsonl", 2, "bad-row")]
    assert s.rows("SELECT value FROM nodes") == [("1",)]
    assert s.rows("SELECT l_product_id FROM lines WHERE message_id = 'shop:C'") == [("5",)]


def test_rules_send_rows_to_quarantine(tmp_path: Path) -> None:
    from visavis.core.lang.form import Call, Literal, Property
    from visavis.core.lang.types import Type
    from visavis.core.nouns import Rule

    amount = Property(Type.DECIMAL, name="amount", scope="row")
    rule = Rule(
        "small",
        Call(Type.BOOLEAN, function="<", args=(amount, Literal(Type.DECIMAL, value=5_000_000))),
        "quarantine",
    )
    s = shop(tmp_path, rules=(rule,), roles=AMOUNT)
    s.write("shop.csv", HEAD + "1,A,2020-01-02,x,4.99\n1,B,2020-01-02,x,5\n")
    s.collect()
    assert revenue(s) == {"A": 4.99}
    assert s.quarantine() == [("shop.csv", 2, "rule")]
