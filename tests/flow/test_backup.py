"""Backups taken under load: whole, checked, never over anything, and the same when built again."""

from __future__ import annotations

import json
import signal
import sys
import tarfile
import threading
from pathlib import Path

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "serve"))

from live import Server, built, command, events, key, project, rows

from visavis.core.problems import ProblemsError
from visavis.flow.backup import restore

PEOPLE = "select * from people order by person_id"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop")
    key(root)
    return root


def order(name: str, person: str) -> dict[str, object]:
    return {
        "type": "track", "messageId": name, "userId": person, "event": "Order Completed",
        "properties": {"order_id": name, "revenue": "1.5"}, "timestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def send(server: Server, stop: threading.Event, acknowledged: list[str], n: int) -> None:
    with httpx.Client(base_url=server.url, auth=("wk", "")) as client:
        i = 0
        while not stop.wait(0.004):  # a load that goes on, and no more events than are needed
            name = f"{n}-{i:05}"
            if client.post("/v1/track", json=order(name, f"u{i % 7}")).status_code == 200:
                acknowledged.append(name)
            i += 1


def test_taken_under_load_while_flushes_and_builds_run(shop: Path, tmp_path: Path) -> None:
    acknowledged: list[str] = []
    stop = threading.Event()
    before: list[list[str]] = []
    with Server(shop) as server:
        senders = [
            threading.Thread(target=send, args=(server, stop, acknowledged, n)) for n in range(2)
        ]
        for sender in senders:
            sender.start()
        try:
            for i, beside in enumerate(("flush", "build")):
                other = threading.Thread(target=command, args=(shop, beside))
                other.start()
                before.append(list(acknowledged))
                done = command(shop, "backup", str(tmp_path / f"{i}.tar"), "--json")
                assert done.returncode == 0, done.stderr
                other.join()
        finally:
            stop.set()
            for sender in senders:
                sender.join()
    built(shop)
    everything = set(events(shop))
    for i, sent in enumerate(before):
        copy = tmp_path / f"copy{i}"
        done = command(copy, "restore", str(tmp_path / f"{i}.tar"))
        assert done.returncode == 0, done.stderr
        built(copy)
        found = events(copy)
        assert len(found) == len(set(found))
        assert set(sent) <= set(found) <= everything
        with Server(copy) as server:  # it goes on from there, keys and all
            assert server.post("/v1/track", order("more", "u1")).status_code == 200
        built(copy)
        assert set(events(copy)) == {*found, "more"}


def test_a_restored_project_builds_the_same(shop: Path, tmp_path: Path) -> None:
    with Server(shop) as server:
        for i in range(5):
            server.post("/v1/track", order(f"a{i}", f"u{i % 2}"))
        built(shop)
        for i in range(5):
            server.post("/v1/track", order(f"b{i}", f"u{i % 3}"))
        assert command(shop, "backup", str(tmp_path / "b.tar")).returncode == 0
    copy = tmp_path / "copy"
    assert command(copy, "restore", str(tmp_path / "b.tar")).returncode == 0
    assert rows(copy, PEOPLE) == rows(shop, PEOPLE)
    for root in (shop, copy):
        built(root)
    assert rows(copy, PEOPLE) == rows(shop, PEOPLE)
    assert sum(row[1] for row in rows(copy, PEOPLE)) == 10


def code(problem: pytest.ExceptionInfo[ProblemsError]) -> list[str]:
    return [p.code for p in problem.value.problems]


def test_nothing_is_written_over(shop: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    file.write_text("mine")
    done = command(shop, "backup", str(file))
    assert done.returncode == 1
    assert "file-exists" in done.stderr
    assert file.read_text() == "mine"
    file.unlink()
    assert command(shop, "backup", str(file)).returncode == 0
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(ProblemsError) as problem:
        restore(shop, file)
    assert code(problem) == ["state-exists"]


@pytest.mark.parametrize("spoil", ["cut", "byte", "text", "outside"])
def test_a_spoilt_backup_is_refused(shop: Path, tmp_path: Path, spoil: str) -> None:
    file, copy = tmp_path / "b.tar", tmp_path / "copy"
    assert command(shop, "backup", str(file)).returncode == 0
    data = bytearray(file.read_bytes())
    at = data.index(b"name: Shop")
    if spoil == "cut":
        del data[at + 2000 :]
    elif spoil == "byte":
        data[at + 6] ^= 1
    elif spoil == "text":
        data[:] = b"no backup at all"
    file.write_bytes(data)
    if spoil == "outside":
        with tarfile.open(file, "w") as tar:
            tar.addfile(tarfile.TarInfo("state/../../outside"))
    with pytest.raises(ProblemsError) as problem:
        restore(copy, file)
    assert code(problem) == ["bad-backup"]
    assert not list(copy.iterdir())


POINTS = ("backup-database", "backup-packed", "backup-written", "restore-unpacked")


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_leaves_nothing_half_done(shop: Path, tmp_path: Path, point: str) -> None:
    file, copy = tmp_path / "b.tar", tmp_path / "copy"
    built(shop)
    if point.startswith("restore"):
        assert command(shop, "backup", str(file)).returncode == 0
    words = (copy, "restore") if point.startswith("restore") else (shop, "backup")
    killed = command(*words, str(file), VISAVIS_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL
    if not point.startswith("restore"):
        assert not file.exists()
        assert command(shop, "backup", str(file)).returncode == 0
        assert not list((shop / ".visavis" / "tmp").glob("backup-*"))
        assert [p.name for p in tmp_path.glob("b.tar*")] == ["b.tar"]
    done = command(copy, "restore", str(file), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["project"] == "Shop"
