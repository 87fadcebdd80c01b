"""How results are written: the contract's spelling in CSV and JSON, files that appear whole."""

from __future__ import annotations

import csv
import io
import json
import random
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shops import Run

from visavis.cli.output import choose_format, write_batches
from visavis.cli.spell import csv_cells, dump, json_cells, plain, text_cells

SQL = """
select 1 as i, -5::hugeint as h, 12.500000::decimal(18,6) as d, 0.000001::decimal(18,6) as small,
  0::decimal(38,12) as zero, 100::decimal(18,6) as whole, 1e20::double as big, 0.1::double as f,
  true as yes, null as nothing, '' as empty, 'plain' as word, 'a "b", c' as quoted,
  timestamp '2011-12-09 12:50:00' as t, timestamp '2011-12-09 12:50:00.25' as tf,
  date '2011-12-09' as day, [1, 2] as list, {'a': 1.50} as pair, 'Bücher 文具' as unicode
"""
CSV = (
    "i,h,d,small,zero,whole,big,f,yes,nothing,empty,word,quoted,t,tf,day,list,pair,unicode\n"
    "1,-5,12.5,0.000001,0,100,100000000000000000000,0.1,true,,"
    '"",plain,"a ""b"", c",2011-12-09T12:50:00Z,2011-12-09T12:50:00.25Z,2011-12-09,'
    '"[1,2]","{""a"":1.5}",Bücher 文具\n'
)


def test_csv_is_spelled_as_the_contract_says(ask: Run) -> None:
    assert ask("query", SQL, "--format", "csv").stdout == CSV


def test_json_is_one_compact_line_with_exact_decimals(ask: Run) -> None:
    text = ask("query", SQL, "--json").stdout
    assert text.count("\n") == 1
    assert '"d":12.5,"small":0.000001,"zero":0,"whole":100,"big":100000000000000000000' in text
    (row,) = json.loads(text, parse_float=Decimal)
    assert row["nothing"] is None
    assert row["quoted"] == 'a "b", c'
    assert row["tf"] == "2011-12-09T12:50:00.25Z"
    assert row["pair"] == {"a": Decimal("1.5")}


def test_json_and_format_json_are_the_same(ask: Run) -> None:
    assert ask("query", SQL, "--format", "json").stdout == ask("query", SQL, "--json").stdout


def test_no_rows(ask: Run) -> None:
    sql = "select 1 as a, 2 as b where false"
    assert ask("query", sql, "--json").stdout == "[]\n"
    assert ask("query", sql, "--format", "csv").stdout == "a,b\n"


def test_one_empty_column_is_no_empty_line(ask: Run) -> None:
    text = ask("query", "select null as a union all select null", "--format", "csv").stdout
    assert list(csv.reader(io.StringIO(text))) == [["a"], [""], [""]]


def test_a_table_for_people(ask: Run) -> None:
    text = ask("query", "select channel, sum(quantity) q from order_lines join events "
               "using (message_id) group by 1 order by 1").stdout  # fmt: skip
    assert [line.split() for line in text.splitlines()[2:4]] == [["shop", "6"], ["web", "22"]]


def test_out_appears_whole(ask: Run, tmp_path: Path) -> None:
    for form in ("csv", "json", "parquet"):
        ask("query", SQL, "--out", str(tmp_path / f"o.{form}"))
    assert (tmp_path / "o.csv").read_text(encoding="utf-8") == CSV
    assert json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))[0]["i"] == 1
    table = pq.read_table(tmp_path / "o.parquet")
    assert table.column("d").to_pylist() == [Decimal("12.5")]
    old = (tmp_path / "o.csv").read_bytes()
    ask("query", "select error('half way')", "--out", str(tmp_path / "o.csv"), exit_code=1)
    assert (tmp_path / "o.csv").read_bytes() == old
    assert sorted(p.name for p in tmp_path.glob("*o.*")) == ["o.csv", "o.json", "o.parquet"]


def test_people_and_query_spell_alike(ask: Run) -> None:
    people = ask("people", "--columns", "orders,revenue,last_order_at,lifecycle", "--json").stdout
    query = ask(
        "query",
        "select person_id, orders, revenue, last_order_at, lifecycle from people order by 1",
        "--json",
    ).stdout
    assert people == query
    assert len(json.loads(people)) == 4


def test_people_of_a_segment_or_condition(ask: Run) -> None:
    active = json.loads(ask("people", "--segment", "active", "--json").stdout)
    where = json.loads(ask("people", "--where", "lifecycle = 'active'", "--json").stdout)
    assert active == where
    assert len(active) == json.loads(ask("count", "lifecycle = 'active'", "--json").stdout)["count"]
    ask("people", "--segment", "a", "--where", "b", exit_code=2)
    assert "Did you mean 'active'" in ask("people", "--segment", "activ", exit_code=1).stderr


def test_count_as_of_an_earlier_moment(ask: Run) -> None:
    assert ask("count", "orders > 0").stdout == "4\n"
    assert ask("count", "orders > 0", "--as-of", "2018-01-31").stdout == "2\n"


def test_choose_format() -> None:
    assert choose_format(None, False, None) == "table"
    assert choose_format(None, True, Path("a.csv")) == "json"
    assert choose_format("csv", True, None) == "csv"
    assert choose_format(None, False, Path("a.parquet")) == "parquet"
    assert choose_format(None, False, Path("a.txt")) == "csv"


VALUES: list[tuple[pa.DataType, list[Any]]] = [
    (pa.decimal128(18, 6), [Decimal("1.5"), Decimal("-0.000001"), Decimal(0), None, Decimal(1200)]),
    (pa.decimal128(38, 0), [Decimal(100), Decimal(-7), None]),
    (pa.decimal128(38, 12), [Decimal("1e-12"), Decimal(0), Decimal("3.25")]),
    (pa.float64(), [0.1, -0.0, 1e300, 1e-9, 2.0, None]),
    (pa.int64(), [0, -(2**63), 2**63 - 1, None]),
    (pa.timestamp("us"), [datetime(2020, 1, 2, 3, 4, 5), datetime(1, 1, 1), None]),
    (pa.timestamp("us", "UTC"), [datetime(2020, 1, 2, 3, 4, 5, 600_000, UTC)]),
    (pa.date32(), [date(2020, 2, 29), None]),
    (pa.bool_(), [True, False, None]),
    (pa.string(), ["", 'x"\\\n\t\x01', "é文😀", None]),
    (pa.binary(), [b"\x00\xff", None]),
    (pa.list_(pa.decimal128(9, 2)), [[Decimal("1.50"), None], [], None]),
]


@pytest.mark.parametrize(("kind", "values"), VALUES, ids=lambda v: str(v)[:20])
def test_columns_and_single_values_are_spelled_alike(kind: pa.DataType, values: list[Any]) -> None:
    column = pa.array(values, kind)
    if not pa.types.is_timestamp(kind) or kind.tz is not None:
        assert text_cells(column) == [plain(v) for v in values]
    assert [str(c) for c in json_cells(column)] == [dump(v) for v in values]
    for cell, value in zip(csv_cells(column).to_pylist(), values, strict=True):
        parsed = next(csv.reader(io.StringIO(cell)), [""])
        if "\n" not in cell:
            assert (parsed or [""])[0] == plain(value)


def test_not_a_number_is_null_in_json() -> None:
    assert [str(c) for c in json_cells(pa.array([float("nan"), float("inf"), 1.5]))] == [
        "null", "null", "1.5",
    ]  # fmt: skip


def test_any_decimal_comes_back_exactly() -> None:
    rng = random.Random(3)
    values = [Decimal(rng.randint(-(10**17), 10**17)).scaleb(-6) for _ in range(2000)]
    for cells in (csv_cells(pa.array(values, pa.decimal128(18, 6))),
                  json_cells(pa.array(values, pa.decimal128(18, 6)))):  # fmt: skip
        texts = cells.to_pylist()
        assert [Decimal(t) for t in texts] == values
        assert not any("E" in t or (("." in t) and t.endswith("0")) for t in texts)


def test_a_million_rows_take_seconds(tmp_path: Path) -> None:
    count = 200_000
    table = pa.table(
        {
            "person_id": [f"{i:032x}" for i in range(count)],
            "revenue": pa.array(range(count)).cast(pa.decimal128(25, 6)).cast(pa.decimal128(18, 6)),
            "at": pa.array(range(count), pa.timestamp("us")),
        }
    )
    for form in ("csv", "json"):
        began = time.process_time()
        write_batches(table.to_reader(65_536), form, tmp_path / f"o.{form}")
        assert time.process_time() - began < 3


def test_what_is_done_is_told_as_json_when_asked(run: Run, shop: Path) -> None:
    run("-p", "shop", "build", "--quiet")
    assert set(json.loads(run("-p", "shop", "history", "--json", "--quiet").stdout)) == {"file"}
    for word in ("pause", "resume"):
        told = json.loads(run("-p", "shop", "outbox", word, "email", "--json").stdout)
        assert told["paused"] is (word == "pause")
