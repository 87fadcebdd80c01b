"""Kill -9 of the serving process: what was acknowledged is in the next build, and once."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "serve"))

from live import Server, built, command, events, key, project
from test_crash import TAIL_POINTS


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop")
    key(root)
    return root


def event(name: str) -> dict[str, str]:
    return {"type": "track", "messageId": name, "userId": "u", "event": "Product Viewed"}


@pytest.mark.parametrize("point", TAIL_POINTS)
def test_killed_while_storing(shop: Path, point: str) -> None:
    with Server(shop) as server:
        assert server.post("/v1/track", event("before")).status_code == 200
    server = Server(shop, VISAVIS_CRASH_AT=point)
    with pytest.raises(httpx.TransportError):
        server.post("/v1/track", event("during"))
    assert server.process.wait(10) == -signal.SIGKILL
    with Server(shop) as server:  # the client sends it again
        assert server.post("/v1/track", event("during")).status_code == 200
    built(shop)
    assert events(shop) == ["before", "during"]


def send(server: Server, name: str, acknowledged: list[str]) -> None:
    """Sends events one after another until nobody answers any more."""
    with httpx.Client(base_url=server.url, auth=("wk", "")) as client:
        for i in range(100_000):
            try:
                answer = client.post("/v1/track", json=event(f"{name}-{i:05}"))
            except httpx.TransportError:
                return
            if answer.status_code == 200:
                acknowledged.append(f"{name}-{i:05}")


def test_killed_at_full_load_with_builds_beside(shop: Path) -> None:
    acknowledged: list[str] = []
    for round_ in range(2):
        server = Server(shop)
        senders = [
            threading.Thread(target=send, args=(server, f"{round_}-{i}", acknowledged))
            for i in range(8)
        ]
        for sender in senders:
            sender.start()
        beside = command(shop, "build")
        assert beside.returncode == 0, beside.stderr
        server.kill()
        for sender in senders:
            sender.join()
    assert len(acknowledged) > 100
    built(shop)
    found = events(shop)
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    built(shop)
    assert events(shop) == found


@pytest.mark.parametrize(
    "point", ["load-made", "load-renamed", "load-committed", "build-collected", "build-switched"]
)
def test_a_build_killed_at_any_step_counts_nothing_twice(shop: Path, point: str) -> None:
    with Server(shop) as server:
        for round_ in range(2):
            server.post("/v1/batch", {"batch": [event(f"{round_}-{i}") for i in range(5)]})
            killed = command(shop, "build", VISAVIS_CRASH_AT=point)
            assert killed.returncode == -signal.SIGKILL
        server.post("/v1/track", event("last"))
    assert built(shop)["events"] == 11
    assert events(shop) == sorted([*(f"{r}-{i}" for r in range(2) for i in range(5)), "last"])


def test_a_torn_end_is_cut_off(shop: Path) -> None:
    with Server(shop) as server:
        server.post("/v1/track", event("whole"))
    segment = next((shop / ".visavis" / "tail").glob("*.frames"))
    whole = segment.read_bytes()
    segment.write_bytes(whole + whole[: len(whole) // 2])
    built(shop)
    assert events(shop) == ["whole"]
    with Server(shop) as server:
        server.post("/v1/track", event("after"))
    built(shop)
    assert events(shop) == ["after", "whole"]


def test_a_full_disk_is_told_and_passes(shop: Path) -> None:
    import resource

    with Server(shop) as server:
        assert server.post("/v1/track", event("before")).status_code == 200
        # no file may grow beyond this, which is how a full disk looks to the process
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (400, -1))
        for _ in range(3):
            answer = server.post("/v1/track", {**event("full"), "properties": {"x": "y" * 900}})
            assert answer.status_code == 503
            assert answer.json()["code"] == "not-stored"
        assert server.http.get("/health").status_code == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
        assert server.post("/v1/track", event("after")).status_code == 200
    built(shop)
    assert events(shop) == ["after", "before"]


def test_one_process_serves(shop: Path) -> None:
    with Server(shop):
        second = command(shop, "serve", "--port", "0")
    assert second.returncode == 1
    assert "locked" in second.stderr
