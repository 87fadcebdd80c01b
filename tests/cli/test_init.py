"""init: from a template and from tables of order lines, through to the published build."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shops import ORDERS, Run


def rows_of(text: str, **changes: str) -> list[dict[str, str]]:
    return [dict(row) | changes for row in csv.DictReader(text.splitlines())]


def people(run: Run, columns: str = "orders, revenue") -> list[dict[str, object]]:
    run("-p", "shop", "build", "--quiet")
    found = run("-p", "shop", "query", f"select {columns} from people order by all", "--json")
    return json.loads(found.stdout)  # type: ignore[no-any-return]


TRUTH = [
    {"orders": 2, "revenue": 11.75},
    {"orders": 2, "revenue": 16},
    {"orders": 2, "revenue": 22.25},
    {"orders": 2, "revenue": 23},
]


def test_a_template(run: Run, tmp_path: Path) -> None:
    run("init", "fresh", "--time-zone", "Europe/Vienna", "--currency", "usd")
    text = (tmp_path / "fresh" / "visavis.yml").read_text()
    assert "name: fresh" in text
    assert "time_zone: Europe/Vienna " in text
    assert "currency: USD " in text
    assert run("-p", "fresh", "check").stdout == "No Problems.\n"
    assert "7 of 7 tests passed" in run("-p", "fresh", "test").stdout
    assert ".visavis/" in (tmp_path / "fresh" / ".gitignore").read_text()


def test_from_orders_to_people(run: Run, shop: Path) -> None:
    assert run("-p", "shop", "check").stdout == "No Problems.\n"
    assert people(run) == TRUTH
    assert "7 of 7 tests passed" in run("-p", "shop", "test").stdout


def test_the_mapping_is_shown_and_written_readably(run: Run, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    shown = run("init", "shop", "--orders", "orders.csv", "--yes").stdout
    assert "customer_id" in shown
    text = (tmp_path / "shop" / "sources" / "orders.yml").read_text()
    assert "customer: customer_id" in text
    assert "# 95%, by its name" in text


def test_without_yes_nobody_waits_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    result = run("init", "shop", "--orders", "orders.csv", exit_code=1)
    assert "--yes" in result.stderr
    assert not (tmp_path / "shop").exists()


def test_map_stands_above_the_guess(run: Run, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    made = run(
        "init", "shop", "--orders", "orders.csv", "--map", "place=channel", "--map", "category=",
        "--yes", "--json",
    )  # fmt: skip
    mapping = {row["role"]: row for row in json.loads(made.stdout)["mapping"]}
    assert mapping["place"]["column"] == "channel"
    assert mapping["place"]["because"] == "given"
    assert "category" not in mapping
    assert "channel" not in mapping


def test_a_wrong_map_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    words = ("init", "shop", "--orders", "orders.csv", "--yes", "--map")
    assert "Did you mean 'customer_id'?" in run(*words, "customer=custmer_id", exit_code=1).stderr
    run(*words, "buyer=customer_id", exit_code=2)


def test_nothing_is_written_over(run: Run, shop: Path) -> None:
    before = (shop / "visavis.yml").read_text()
    assert "file-exists" in run("init", "shop", exit_code=1).stderr
    assert (shop / "visavis.yml").read_text() == before


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("latin-1", ";"), ("utf-16", ","), ("gb18030", ","), ("utf-8-sig", "\t"), ("cp1252", "|")],
)
def test_odd_encodings_and_delimiters(
    run: Run, tmp_path: Path, encoding: str, delimiter: str
) -> None:
    word = "文具 办公用品" if encoding == "gb18030" else "Bürobedarf für Übungen"
    text = ORDERS.replace("office", word if encoding != "utf-16" else "Büro 文具")
    (tmp_path / "o.csv").write_bytes(text.replace(",", delimiter).encode(encoding))
    run("init", "shop", "--orders", "o.csv", "--yes")
    assert people(run) == TRUTH
    found = run("-p", "shop", "query", "select distinct category c from order_lines order by 1",
                "--json")  # fmt: skip
    expected = word if encoding != "utf-16" else "Büro 文具"
    assert expected in [row["c"] for row in json.loads(found.stdout)]


def test_parquet_and_json_lines(run: Run, tmp_path: Path) -> None:
    rows = rows_of(ORDERS)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "o.parquet")
    run("init", "shop", "--orders", "o.parquet", "--yes")
    assert people(run) == TRUTH
    (tmp_path / "o.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run("init", "shop2", "--orders", "o.jsonl", "--yes")
    run("-p", "shop2", "build", "--quiet")
    assert run("-p", "shop2", "count", "orders = 2").stdout == "4\n"


@pytest.mark.parametrize(
    ("form", "example"),
    [
        ("%d.%m.%Y %H:%M", "05.01.2018 10:00"),
        ("%m/%d/%Y", "01/13/2018"),
        ("%d/%m/%y", "13/01/18"),
        ("%Y%m%d", "20180105"),
        ("%d %b %Y", "05 Jan 2018"),
        ("excel", "43105.5"),
    ],
)
def test_dates_as_text(run: Run, tmp_path: Path, form: str, example: str) -> None:
    from datetime import datetime, timedelta

    rows = []
    for row in rows_of(ORDERS):
        at = datetime.fromisoformat(row["date"]) + timedelta(days=20)
        serial = (at - datetime(1899, 12, 30)) / timedelta(days=1)
        rows.append(row | {"date": f"{serial:.6f}" if form == "excel" else at.strftime(form)})
    with (tmp_path / "o.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    run("init", "shop", "--orders", "o.csv", "--yes")
    first = people(run, "min(first_order_at) as t")[0]["t"]
    assert str(first)[:10] == "2018-01-25"


def test_european_decimals(run: Run, tmp_path: Path) -> None:
    rows = [row | {"price": row["price"].replace(".", ",")} for row in rows_of(ORDERS)]
    with (tmp_path / "o.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    run("init", "shop", "--orders", "o.csv", "--yes")
    assert people(run) == TRUTH


def test_the_same_orders_in_two_files_count_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ORDERS)
    (tmp_path / "b.csv").write_text(ORDERS)
    run("init", "shop", "--orders", "a.csv", "--orders", "b.csv", "--yes")
    assert people(run) == TRUTH


def test_files_of_two_shapes_that_share_order_numbers(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ORDERS)
    header, *rest = ORDERS.replace("channel", "medium", 1).splitlines()
    (tmp_path / "b.csv").write_text("\n".join([header.replace("sku", "article"), *rest]) + "\n")
    run("init", "shop", "--orders", "a.csv", "--orders", "b.csv", "--yes")
    assert "namespace: orders" in (tmp_path / "shop" / "sources" / "orders.yml").read_text()
    assert people(run) == TRUTH


def test_without_an_order_id(run: Run, tmp_path: Path) -> None:
    rows = [line.partition(",")[2] for line in ORDERS.splitlines()]
    (tmp_path / "o.csv").write_text("\n".join(rows) + "\n")
    result = run("init", "shop", "--orders", "o.csv", "--yes")
    assert "No column tells orders apart" in result.stderr
    assert people(run) == TRUTH


def test_only_order_totals(run: Run, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(
        "client,when,total\n" + "".join(f"c{i % 5},2018-01-{i + 1:02d},{i}.50\n" for i in range(20))
    )
    run("init", "shop", "--orders", "o.csv", "--yes")
    found = people(run)
    assert [row["orders"] for row in found] == [4] * 5
    assert sum(float(str(row["revenue"])) for row in found) == sum(range(20)) + 10


def test_statuses(run: Run, tmp_path: Path) -> None:
    header, *rest = ORDERS.splitlines()
    status = [
        "paid",
        "paid",
        "cancelled",
        "paid",
        "paid",
        "refunded",
        "paid",
        "test",
        *["paid"] * 3,
    ]
    lines = [f"{line},{word}" for line, word in zip(rest, status, strict=True)]
    (tmp_path / "o.csv").write_text("\n".join([f"{header},status", *lines]) + "\n")
    run("init", "shop", "--orders", "o.csv", "--yes")
    run("-p", "shop", "build", "--quiet")
    found = run("-p", "shop", "query",
                "select event, count(*) n from events where event like '%Order%' "
                "group by 1 order by 1", "--json")  # fmt: skip
    counts = {row["event"]: row["n"] for row in json.loads(found.stdout)}
    assert counts["Order Completed"] == 7
    assert counts["Order Cancelled"] == 1
    assert counts["Order Refunded"] == 1


def test_guests_make_nobody(run: Run, tmp_path: Path) -> None:
    for number, nobody in enumerate(("", "0", "-1", "null", "guest", "99999")):
        text = ORDERS.replace("4,,", f"4,{nobody},")
        text += "".join(
            f"{n},{nobody},2018-03-06 10:00:00,pen,1,1.50,office,web\n" for n in range(20, 30)
        )
        (tmp_path / "o.csv").write_text(text)
        run("init", f"s{number}", "--orders", "o.csv", "--yes")
        run("-p", f"s{number}", "build", "--quiet")
        count = run("-p", f"s{number}", "query", "select count(*) n from people", "--json")
        assert count.stdout == '[{"n":4}]\n', nobody


def test_tables_that_cannot_be_orders(run: Run, tmp_path: Path) -> None:
    cases = {
        "no-time": "order_id,customer_id,sku,price\n1,a,x,2\n2,b,y,3\n",
        "no-customer": "order_id,date,sku,price\n1,2018-01-01,x,2\n2,2018-01-02,y,3\n",
        "empty-file": "order_id,date,sku,price\n",
        "missing-header": "1,17850,2018-01-01,2.50\n2,17851,2018-01-02,3.50\n",
    }
    for code, text in cases.items():
        (tmp_path / f"{code}.csv").write_text(text)
        result = run("init", "x", "--orders", f"{code}.csv", "--yes", exit_code=1)
        assert f"error[{code}]" in result.stderr
        assert not (tmp_path / "x").exists()


def test_all_guests_if_the_user_says_so(run: Run, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("order_id,date,sku,price\n1,2018-01-01,x,2\n2,2018-01-02,y,3\n")
    run("init", "shop", "--orders", "o.csv", "--map", "customer=", "--yes")
    run("-p", "shop", "build", "--quiet")
    found = run(
        "-p", "shop", "query", "select count(*) n, sum(amount) a from order_lines", "--json"
    )
    assert found.stdout == '[{"n":2,"a":5}]\n'


def test_a_spreadsheet_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "o.xlsx").write_bytes(b"PK")
    assert "unknown-format" in run("init", "x", "--orders", "o.xlsx", "--yes", exit_code=1).stderr


def test_orders_of_a_shop_s_api_with_their_lines_inside(run: Run, tmp_path: Path) -> None:
    lines = [line.split(",") for line in ORDERS.splitlines()[1:]]
    orders: dict[str, dict[str, Any]] = {}
    for line in lines:
        row = dict(zip(ORDERS.splitlines()[0].split(","), line, strict=True))
        order = orders.setdefault(
            row["order_id"],
            {"id": row["order_id"], "created_at": row["date"],
             "customer": {"id": row["customer_id"]}, "tax_lines": [{"rate": 1}], "line_items": []},
        )  # fmt: skip
        item = {"sku": row["sku"], "quantity": row["qty"], "price": row["price"]}
        order["line_items"].append(item)
    (tmp_path / "o.json").write_text(json.dumps(list(orders.values()), indent=1))
    run("init", "shop", "--orders", "o.json", "--yes")
    assert people(run) == TRUTH


def test_titles_above_the_header(run: Run, tmp_path: Path) -> None:
    text = f"Orders of the shop,,,\n\nmade on 2020-01-01\n{ORDERS}Total,,,,\n"
    (tmp_path / "o.csv").write_text(text)
    run("init", "shop", "--orders", "o.csv", "--yes")
    assert "skip_lines: 3" in (tmp_path / "shop" / "sources" / "orders.yml").read_text()
    run("-p", "shop", "check")
    assert people(run) == TRUTH
    (tmp_path / "o.csv").write_text(text.replace("Total,,,,", "cut"))
    run("-p", "shop", "build", "--quiet")
    (bad,) = json.loads(run("-p", "shop", "quarantine", "list", "--json").stdout)
    assert bad["first_row"] == len(ORDERS.splitlines())


def test_files_inside_the_project_are_named_by_their_relative_path(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "shop" / "data").mkdir(parents=True)
    (tmp_path / "shop" / "data" / "my orders [1].csv").write_text(ORDERS)
    run("init", "shop", "--orders", "shop/data/my orders [1].csv", "--yes")
    assert str(tmp_path) not in (tmp_path / "shop" / "sources" / "orders.yml").read_text()
    assert people(run) == TRUTH
