"""explain, report, test, doctor, quarantine and evaluate on the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from shops import Run


def test_build_tells_what_the_contract_says(run: Run, shop: Path) -> None:
    told = json.loads(run("-p", "shop", "build", "--json").stdout)
    names = ["build_id", "as_of", "events", "quarantined", "people", "segments", "seconds"]
    assert list(told) == names
    again = json.loads(run("-p", "shop", "build", "--json").stdout)
    assert again["build_id"] == told["build_id"]
    past = json.loads(run("-p", "shop", "build", "--as-of", "2018-01-31", "--json").stdout)
    assert (past["as_of"], past["people"]) == ("2018-01-31T00:00:00Z", 2)


def test_a_time_without_offset_is_in_the_projects_zone(run: Run, shop: Path) -> None:
    text = (shop / "visavis.yml").read_text().replace("time_zone: UTC", "time_zone: Asia/Tokyo")
    (shop / "visavis.yml").write_text(text)
    told = json.loads(run("-p", "shop", "build", "--as-of", "2018-02-01", "--json").stdout)
    assert told["as_of"] == "2018-01-31T15:00:00Z"


def test_explain(ask: Run) -> None:
    told = json.loads(ask("explain", "customer_id:a", "--json").stdout)
    orders = next(t for t in told["traits"] if t["name"] == "orders")
    assert orders["value"] == 2
    assert orders["file"] == "traits/starter.yml"
    text = ask("explain", "customer_id:a", "--trait", "revenue").stdout
    assert "22.25" in text
    assert "2018-02-01T09:00:00Z" in text
    assert "nobody" in ask("explain", "customer_id:zz", exit_code=1).stderr
    ask("explain", "customer_id:a", "--trait", "a", "--segment", "b", exit_code=2)


def test_reports_as_table_json_and_chart(ask: Run, tmp_path: Path) -> None:
    assert "repeat" in ask("report", "repeat").stdout
    told = json.loads(ask("report", "lifecycle", "--json").stdout)
    assert told["report"] == "lifecycle"
    ask("report", "lifecycle", "--chart", str(tmp_path / "c.svg"))
    assert (tmp_path / "c.svg").read_text().startswith("<svg")
    assert "Valid here" in ask("report", "nonsense", exit_code=1).stderr


def test_a_test_that_fails_says_where(run: Run, shop: Path) -> None:
    (shop / "tests" / "mine.yml").write_text(
        "tests:\n  one order:\n    now: 2018-03-01T00:00:00Z\n    events:\n"
        "      - {event: Order Completed, timestamp: 2018-01-01T10:00:00Z, revenue: 30}\n"
        "    expect:\n      traits:\n        orders: 2\n        revenue: 30\n"
        "      segments: [active]\n"
    )
    result = run("-p", "shop", "test", exit_code=1)
    assert "tests/mine.yml:8:9: trait 'orders' is 1, expected 2" in result.stdout
    assert "segments is [first_time, one_time], expected [active]" in result.stdout
    assert "7 of 8 tests passed" in result.stdout
    told = json.loads(run("-p", "shop", "test", "--json", exit_code=1).stdout)
    assert [t["ok"] for t in told].count(False) == 1


def test_both_readers_are_asked(run: Run, shop: Path) -> None:
    from visavis.flow.usertests import run as run_tests

    assert all(result.ok for result in run_tests(shop))


def test_doctor(ask: Run, run: Run) -> None:
    rows = json.loads(ask("doctor", "--json").stdout)
    told = {row["what"]: row for row in rows}
    assert told["duckdb"]["state"] == "ok"
    assert "4 people" in told["build"]["detail"]
    assert told["lock"]["detail"] == "free"
    assert "charts" in run("doctor").stdout


def test_doctor_names_who_holds_the_lock(run: Run, shop: Path) -> None:
    from visavis.store.locks import writing

    with writing(shop / ".visavis", "build", 0):
        rows = json.loads(run("-p", "shop", "doctor", "--json").stdout)
        lock = next(row for row in rows if row["what"] == "lock")
        assert "visavis build" in lock["detail"]
        assert "locked" in run("-p", "shop", "build", exit_code=1).stderr


def test_quarantine_out_repaired_and_in_again(run: Run, shop: Path, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text(orders.read_text() + "10,e,2018-03-06 12:00:00,pen,many,1.50,office,shop\n")
    run("-p", "shop", "build", "--quiet")
    (row,) = json.loads(run("-p", "shop", "quarantine", "list", "--json").stdout)
    assert (row["source"], row["rows"], row["first_row"]) == ("orders", 1, 12)
    assert "bad-number" in row["reason"]
    run("-p", "shop", "quarantine", "export", "--out", "bad.csv")
    text = (tmp_path / "bad.csv").read_text()
    (bad,) = csv.DictReader(io.StringIO(text))
    assert bad["qty"] == "many"
    (tmp_path / "bad.csv").write_text(text.replace("many", "3"))
    (told,) = json.loads(run("-p", "shop", "quarantine", "replay", "bad.csv", "--json").stdout)
    assert (told["source"], told["events"], told["quarantined"]) == ("orders", 1, 0)
    assert run("-p", "shop", "quarantine", "list").stdout == "Nothing is in quarantine.\n"
    run("-p", "shop", "build", "--quiet")
    assert run("-p", "shop", "count", "revenue = 4.5").stdout == "1\n"
    assert (
        "unknown-name"
        in run("-p", "shop", "quarantine", "list", "--source", "x", exit_code=1).stderr
    )


def test_evaluate_sources(ask: Run) -> None:
    (row,) = json.loads(ask("evaluate", "sources", "--json").stdout)
    assert row["source"] == "orders"
