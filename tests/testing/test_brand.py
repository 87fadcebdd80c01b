"""The invented brand: deterministic, one with its own truth, and read by a build without loss."""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from visavis.core.problems import ProblemsError
from visavis.core.progress import SILENT
from visavis.flow import ask
from visavis.flow.build import build
from visavis.flow.check import check
from visavis.flow.simulate import END, simulate
from visavis.testing.brand_people import Brand
from visavis.testing.brand_requests import late

ASKED = Brand(people=1500, days=60, seed=5, end=END, stream_days=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("brand") / "fashion"
    simulate(root, ASKED)
    build(root, END, END, SILENT)
    return root


def truth(root: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(root / "truth" / f"{name}.parquet").to_pylist()
    return rows


def asked(root: Path, sql: str) -> list[dict[str, Any]]:
    with ask.query(root, sql) as reader:
        rows: list[dict[str, Any]] = reader.read_all().to_pylist()
    return rows


def digests(root: Path) -> dict[str, str]:
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and ".visavis/" not in str(p)]
    return {str(p.relative_to(root)): sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    small = Brand(people=200, days=30, seed=1, end=END, stream_days=2)
    simulate(tmp_path / "a", small)
    simulate(tmp_path / "b", small)
    simulate(tmp_path / "c", Brand(200, 30, 2, END, 2))
    first, again, other = (digests(tmp_path / name) for name in "abc")
    assert first == again
    assert len(first) > 40
    same = {name for name in first if first[name] == other.get(name)}
    assert not {name for name in same if name.startswith(("truth/", "streams/"))}


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ProblemsError):
        simulate(tmp_path, ASKED)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("people", "days", "stream"),
    [
        (2, 1, 1),
        pytest.param(1, 1, 0, marks=pytest.mark.long),
        pytest.param(40, 400, 0, marks=pytest.mark.long),
    ],
)
def test_small_and_long(tmp_path: Path, people: int, days: int, stream: int) -> None:
    simulate(tmp_path / "b", Brand(people, days, 3, END, stream))
    assert build(tmp_path / "b", END, END, SILENT)["quarantined"] == 0


def test_the_project_has_no_problems(folder: Path) -> None:
    assert [p for p in check(folder) if p.severity == "error"] == []


def test_orders_are_those_of_the_truth(folder: Path) -> None:
    orders = [o for o in truth(folder, "orders") if o["place"] == "file"]
    (seen,) = asked(
        folder,
        "SELECT count(*) AS n, sum(CAST(properties->>'revenue' AS DECIMAL(18,6))) AS revenue "
        "FROM events WHERE event = 'Order Completed'",
    )
    assert seen["n"] == len(orders)
    assert seen["revenue"] == sum(o["revenue"] for o in orders)
    (known,) = asked(
        folder, "SELECT sum(orders) AS n, sum(revenue) AS r, sum(refunds) AS b FROM people"
    )
    mine = [o for o in orders if o["known"]]  # those of shared identifiers alone are nobody's
    assert 0.98 * len(mine) <= known["n"] <= len(orders)
    assert known["r"] <= sum(o["revenue"] for o in orders)
    assert known["b"] <= sum(o["refunded"] for o in orders)


def test_every_event_of_the_files_is_read(folder: Path) -> None:
    rows = json.loads((folder / "truth/summary.json").read_text())["rows"]
    seen = {
        r["event"]: r["n"]
        for r in asked(folder, "SELECT event, count(*) AS n FROM events GROUP BY 1")
    }
    for event in ("Product Viewed", "Product Added", "Signed In", "Signed Out", "Email Sent",
                  "Email Opened", "Email Clicked"):  # fmt: skip
        assert seen[event] == rows[f"data/{event.lower().replace(' ', '_')}.parquet"], event
    clicks = truth(folder, "clicks")
    assert sum(c["place"] == "file" for c in clicks) == sum(
        seen[e] for e in ("Product Viewed", "Product Added", "Signed In", "Signed Out")
    )
    assert any(c["bot"] for c in clicks)
    assert all(c["person"] is None for c in clicks if c["bot"])
    assert asked(folder, "SELECT count(*) AS n FROM quarantine") == [{"n": 0}]


def test_every_identifier_is_in_the_truth(folder: Path) -> None:
    known = {(r["kind"], r["value"]) for r in truth(folder, "identifiers")}
    seen = {(r["kind"], r["value"]) for r in asked(folder, "SELECT kind, value FROM identifiers")}
    assert seen <= known
    people = {r["person"] for r in truth(folder, "people")}
    assert {r["person"] for r in truth(folder, "identifiers")} - {None} == people
    roles = {r["role"] for r in truth(folder, "identifiers")}
    assert {"own", "typo", "duplicate", "family", "tablet", "kiosk", "bot", "till"} <= roles


def test_people_are_those_who_ordered(folder: Path) -> None:
    made = {r["person"]: [0, Decimal(0)] for r in truth(folder, "people")}
    for order in truth(folder, "orders"):
        made[order["person"]][0] += 1
        made[order["person"]][1] += order["revenue"]
    for person in truth(folder, "people"):
        assert [person["orders"], person["revenue"]] == made[person["person"]]
        assert (person["lifecycle"] == "prospect") == (person["orders"] == 0)


def test_the_effect_can_be_measured_from_the_arms(tmp_path: Path) -> None:
    """The difference between the arms is the mean of the effects that the truth gives."""
    simulate(tmp_path / "b", Brand(people=12_000, days=40, seed=9, end=END, stream_days=0))
    rows = truth(tmp_path / "b", "effects")
    arms = {arm: [r for r in rows if r["arm"] == arm] for arm in ("treated", "control")}
    rate = {arm: sum(r["ordered"] for r in rs) / len(rs) for arm, rs in arms.items()}
    expected = sum(r["effect"] for r in rows) / len(rows)
    spread = (sum(p * (1 - p) / len(arms[a]) for a, p in rate.items())) ** 0.5
    assert abs(rate["treated"] - rate["control"] - expected) < 4 * spread
    assert expected > 0.02
    assert any(r["effect"] < 0 for r in rows)
    assert abs(len(arms["treated"]) / len(rows) - 0.5) < 0.03
    sent = pq.read_table(tmp_path / "b/data/email_sent.parquet", columns=["email"])
    assert sorted(sent["email"].to_pylist()) == sorted(r["email"] for r in arms["treated"])


def test_nobody_is_mailed_without_consent(folder: Path) -> None:
    said: dict[str, list[tuple[str, str]]] = {}
    for row in csv.read_csv(folder / "data/consents.csv", convert_options=_texts()).to_pylist():
        if (row["channel"], row["purpose"]) == ("email", "marketing"):
            said.setdefault(row["email"], []).append((row["at"], row["consent"]))
    for mail in pq.read_table(folder / "data/email_sent.parquet").to_pylist():
        at = mail["time"].strftime("%Y-%m-%dT%H:%M:%SZ")
        assert max(c for c in said[mail["email"]] if c[0] <= at)[1] == "yes"


def _texts() -> csv.ConvertOptions:
    names = ("email", "phone", "channel", "purpose", "consent", "at")
    return csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))


def test_requests_are_the_truths_streamed_events(folder: Path) -> None:
    lines = (folder / "streams/requests.jsonl").read_text(encoding="utf-8").splitlines()
    requests = [json.loads(line) for line in lines]
    events = [e for r in requests for e in r["body"].get("batch", [r["body"]])]
    ids = [e["messageId"] for e in events]
    assert len(ids) == len(set(ids))
    clicks = {c["id"] for c in truth(folder, "clicks") if c["place"] == "stream"}
    orders = {
        f"node-next-{o['order_id']}" for o in truth(folder, "orders") if o["place"] == "stream"
    }
    assert set(ids) == clicks | orders
    assert orders
    times = [e["timestamp"][:19] for e in events]
    assert times == sorted(times)
    assert {r["path"] for r in requests} == {"/v1/i", "/v1/t", "/v1/batch"}
    sent = late(requests[0], "2026-11-21T00:00:00Z")
    assert sent["body"]["sentAt"] == "2026-11-21T00:00:00Z"
    assert requests[0]["body"]["sentAt"] != sent["body"]["sentAt"]
