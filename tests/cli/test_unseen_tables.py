"""`init --orders --yes` and `build` on tables that the guess was not made for: people and money."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from shops import Run
from unseen_shops import Truth
from unseen_tables import CASES


def told(run: Run) -> Truth:
    """What the build says of people and money."""
    run("-p", "p", "build", "--as-of", "2018-06-01", "--quiet")
    sums = (
        "select count(*) people, coalesce(sum(orders), 0) orders, "
        "coalesce(sum(revenue), 0) revenue, "
        "coalesce(sum(refunds), 0) refunds from people"
    )
    found = json.loads(run("-p", "p", "query", sums, "--json").stdout, parse_float=Decimal)[0]
    by_class = "select lifecycle, count(*) n from people group by 1"
    rows = json.loads(run("-p", "p", "query", by_class, "--json").stdout)
    return found | {"classes": {row["lifecycle"]: row["n"] for row in rows}}


def same(found: Truth, true: Truth) -> bool:
    return all(found[key] == true[key] for key in found)


OFTEN = {*list(CASES)[::3], "shopify", "repeated_totals", "nested_parquet", "a_folder_of_months"}
"""What `make test` tries; the others are for the long tests."""
NAMES = [n if n in OFTEN else pytest.param(n, marks=pytest.mark.long) for n in CASES]


@pytest.mark.parametrize("name", NAMES)
def test_people_and_money_are_right(name: str, run: Run, tmp_path: Path) -> None:
    files, true = CASES[name](tmp_path)
    run("init", "p", *(w for f in files for w in ("--orders", f)), "--yes")
    found = told(run)
    others = [true, *([true["or"]] if "or" in true else [])]
    assert any(same(found, t) for t in others), (found, true)


def test_a_title_above_the_header_is_skipped(run: Run, tmp_path: Path) -> None:
    text = "Sales report,,,\nOrder,Customer,Date,Price\n1,a,2018-01-05,2.50\n2,b,2018-01-06,3.50\n"
    (tmp_path / "o.csv").write_text(text)
    run("init", "p", "--orders", "o.csv", "--yes")
    assert "skip_lines: 1" in (tmp_path / "p" / "sources" / "orders.yml").read_text()


def test_a_pattern_takes_in_later_files_too(run: Run, tmp_path: Path) -> None:
    text = "Order,Customer,Date,Price\n{0},a,2018-01-05,2.50\n{0}0,b,2018-01-06,3.50\n"
    (tmp_path / "o-1.csv").write_text(text.format(1))
    run("init", ".", "--orders", "o-*.csv", "--yes")
    (tmp_path / "o-2.csv").write_text(text.format(2))
    assert json.loads(run("build", "--json").stdout)["events"] == 4


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x89PNG\r\n", b"\x00\x00\x01\x02"])
def test_what_is_no_text_is_refused(start: bytes, run: Run, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_bytes(start + b"a,b,c\n1,2,3\n" + bytes(range(256)))
    assert "unreadable-file" in run("init", "p", "--orders", "o.csv", "--yes", exit_code=1).stderr
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("raw", [b"not packed", gzip.compress(b"a,b\n1,2\n" * 9999, mtime=0)[:99]])
def test_a_broken_archive_is_refused(raw: bytes, run: Run, tmp_path: Path) -> None:
    (tmp_path / "o.csv.gz").write_bytes(raw)
    assert (
        "unreadable-file" in run("init", "p", "--orders", "o.csv.gz", "--yes", exit_code=1).stderr
    )


def test_an_archive_that_broke_since_is_a_problem_of_the_build(run: Run, tmp_path: Path) -> None:
    text = b"Order,Customer,Date,Price\n1,a,2018-01-05,2.50\n2,b,2018-01-06,3.50\n"
    (tmp_path / "o.csv.gz").write_bytes(gzip.compress(text, mtime=0))
    run("init", "p", "--orders", "o.csv.gz", "--yes")
    (tmp_path / "o.csv.gz").write_bytes(b"broken")
    told = run("-p", "p", "build", exit_code=1).stderr
    assert "unreadable-file" in told
    assert "sources/orders.yml" in told
