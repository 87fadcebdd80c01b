"""The invented brand's last days, posted as its clients would: in the build once, by the truth."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from live import Server, command, key, rows

from visavis.flow.simulate import END, simulate
from visavis.testing.brand_people import Brand
from visavis.testing.brand_requests import WRITE_KEY, late


def truth(root: Path, name: str) -> list[dict[str, Any]]:
    rows_: list[dict[str, Any]] = pq.read_table(root / "truth" / f"{name}.parquet").to_pylist()
    return [row for row in rows_ if row["place"] == "stream"]


def test_streams_are_what_the_truth_says(tmp_path: Path) -> None:
    root = tmp_path / "fashion"
    simulate(root, Brand(people=400, days=20, seed=3, end=END, stream_days=10))
    key(root, WRITE_KEY)
    lines = (root / "streams/requests.jsonl").read_text(encoding="utf-8").splitlines()
    now = datetime.now(UTC).isoformat()  # the clients were off line until now
    requests = [late(json.loads(line), now) for line in lines]
    rng = random.Random(1)
    rng.shuffle(requests)
    half = len(requests) // 2
    with Server(root) as first:
        _post(first, requests[:half])
        first.kill()
    with Server(root) as second:
        _post(second, requests[half:])
        _post(second, rng.sample(requests, 50))  # clients try again what they got no answer to
    assert command(root, "build", "--as-of", "2026-11-01T00:00:00Z").returncode == 0
    _compare(root)


def _post(server: Server, requests: list[dict[str, Any]]) -> None:
    for request in requests:
        answer = server.http.request(
            request["method"],
            request["path"],
            headers=request["headers"],
            content=json.dumps(request["body"], ensure_ascii=False).encode(),
        )
        assert (answer.status_code, answer.json()) == (200, {"success": True})


def _compare(root: Path) -> None:
    clicks, orders = truth(root, "clicks"), truth(root, "orders")
    found = rows(
        root,
        "SELECT message_id, timestamp, event, CAST(properties->>'revenue' AS DECIMAL(18,6)) "
        "FROM events WHERE message_id LIKE 'ajs-next-%' OR message_id LIKE 'node-next-%'",
    )
    seen = {str(row[0]): row for row in found}
    streamed = {c["id"] for c in clicks} | {f"node-next-{o['order_id']}" for o in orders}
    assert len(found) == len(seen)
    assert seen.keys() == streamed
    for order in orders:
        row = seen[f"node-next-{order['order_id']}"]
        assert (row[1].replace(microsecond=0), row[2], row[3]) == (
            order["time"].replace(microsecond=0, tzinfo=None), "Order Completed", order["revenue"],
        )  # fmt: skip
    for click in clicks:
        moment = int(click["id"].split("-")[2])
        assert round(seen[click["id"]][1].replace(tzinfo=UTC).timestamp() * 1000) == moment
    assert rows(root, "SELECT count(*) FROM quarantine") == [(0,)]
