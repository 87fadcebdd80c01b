"""`visavis flush` beside a serving process, killed at every step: each event is there once."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "serve"))

from live import Server, built, command, events, key, project, rows

POINTS = ("load-events", "load-made", "load-renamed", "load-committed")
MORE = ("load-lines", "load-nodes", "load-links", "load-sightings", "load-written")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build, and orders that came in after it."""
    root = project(tmp_path_factory.mktemp("before") / "shop")
    key(root)
    key(root, "sk", "secret")
    with Server(root) as server:
        send(server, "a")
        built(root)
        send(server, "b")
    return root


def send(server: Server, name: str) -> None:
    for i in range(3):
        call = {
            "type": "track", "messageId": f"{name}{i}", "userId": f"u{i}", "anonymousId": "x",
            "event": "Order Completed",
            "properties": {"revenue": 2, "products": [{"product_id": "p", "quantity": 1}]},
        }  # fmt: skip
        assert server.post("/v1/track", call).status_code == 200


def orders_of(server: Server, person: str) -> int:
    answer = server.http.get("/v1/profile", params={"user_id": person}, auth=("sk", ""))
    return int(answer.json()["traits"]["orders"])


@pytest.mark.parametrize(
    "point", [*POINTS, *(pytest.param(p, marks=pytest.mark.long) for p in MORE)]
)
def test_a_kill_counts_nothing_twice(before: Path, tmp_path: Path, point: str) -> None:
    root = tmp_path / "shop"
    shutil.copytree(before, root)
    with Server(root) as server:
        killed = command(root, "flush", VISAVIS_CRASH_AT=point)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert orders_of(server, "u1") == 2
        send(server, "c")
        done = command(root, "flush", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["events"] == (3 if point == "load-committed" else 6)
        assert json.loads(command(root, "flush", "--json").stdout)["events"] == 0
        assert orders_of(server, "u1") == 3
        built(root)
        assert rows(root, "select orders, items from people order by 1") == [(3, 3)] * 3
    assert events(root) == sorted(f"{name}{i}" for name in "abc" for i in range(3))


def test_a_flush_beside_readers_changes_no_answer(before: Path, tmp_path: Path) -> None:
    root = tmp_path / "shop"
    shutil.copytree(before, root)
    old = rows(root, "select * from people order by person_id")
    assert command(root, "flush").returncode == 0
    assert rows(root, "select * from people order by person_id") == old
    with Server(root) as server:
        assert orders_of(server, "u2") == 2
