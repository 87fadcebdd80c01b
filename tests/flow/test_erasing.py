"""Export and erasure of one person: nothing is left on disk, and nothing brings them back."""

from __future__ import annotations

import json
import signal
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "serve"))

from live import MAIN, Server, built, command, key, project, rows
from tests.engage import sendingshop

SOURCES = """\
sources:
  till:
    from: till.csv
    map: {customer: customer, order: order, time: time, amount: amount, product: product}
    identifiers: {email: email}
  crm:
    from: crm.csv
    kind: records
    identifiers: {customer_id: customer, email: email}
    fields: {first_name: name}
"""
TILL = """\
customer,email,order,time,amount,product
c-anna,anna@secret.example,o1,2024-01-05T10:00:00Z,10,p1
c-ben,ben@kept.example,o2,2024-01-05T11:00:00Z,20,p1
c-anna,,o3,2024-02-05T10:00:00Z,30,p2
c-anna,anna@secret.example,o4,never,5,p2
"""
CRM = "customer,email,name\nc-anna,anna@secret.example,Annabella\nc-ben,ben@kept.example,Ben\n"
TRACES = (b"anna@secret.example", b"c-anna", b"Annabella", b"anna-device", b"anna-late")
ORDERS = "select orders, revenue from people order by 1, 2"
YES = ("--yes", "--json")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop", sources__s_yml=SOURCES)
    (root / "till.csv").write_text(TILL, encoding="utf-8")
    (root / "crm.csv").write_text(CRM, encoding="utf-8")
    key(root)
    key(root, "sk", "secret")
    return root


def view(name: str, at: str, **ids: str) -> dict[str, Any]:
    return {"type": "track", "event": "Product Viewed", "messageId": name, "timestamp": at, **ids}


def anna(server: Server) -> None:
    """Anna comes by, and then logs in under her address."""
    first = view("anna-1", "2024-03-01T00:00:00Z", anonymousId="anna-device")
    told = {
        "type": "identify", "messageId": "anna-2", "anonymousId": "anna-device",
        "timestamp": "2024-03-01T00:01:00Z", "traits": {"email": "anna@secret.example"},
    }  # fmt: skip
    for call in (first, told, view("x", "2024-03-01T00:00:00Z", anonymousId="other")):
        assert server.post("/v1/track" if "event" in call else "/v1/identify", call).is_success


def found(server: Server, **who: str) -> int:
    return server.http.get("/v1/profile", params=who, auth=("sk", "")).status_code


def traces(root: Path) -> set[bytes]:
    files = [p for p in (root / ".visavis").rglob("*") if p.is_file()]
    return {t for t in TRACES for p in files if t in p.read_bytes()}


def parquet_traces(root: Path) -> set[str]:
    """The same inside compressed files."""
    import pyarrow.parquet as pq

    files = (root / ".visavis").rglob("*.parquet")
    held = [str(pq.ParquetFile(p).read().to_pylist()) for p in files]
    return {t.decode() for t in TRACES for text in held if t.decode() in text}


def erased(root: Path, *more: str) -> dict[str, Any]:
    done = command(root, "erase", "email:anna@secret.example", *YES, *more)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_an_export_holds_everything_of_one_person_alone(shop: Path, tmp_path: Path) -> None:
    with Server(shop) as server:
        anna(server)
    built(shop)
    out = tmp_path / "anna.json"
    done = command(shop, "export", "email:anna@secret.example", "--out", str(out))
    assert done.returncode == 0, done.stderr
    told = json.loads(out.read_text())
    assert {i["value"] for i in told["identifiers"]} == {
        "c-anna", "anna@secret.example", "anna-device"
    }  # fmt: skip
    assert told["traits"]["orders"] == 2
    assert {e.get("message_id") for e in told["events"]} >= {"anna-1", "anna-2"}
    assert len(told["order_lines"]) == 2
    assert "ben" not in out.read_text().lower()
    assert out.stat().st_mode & 0o077 == 0


def test_nothing_of_an_erased_person_is_left_or_comes_back(shop: Path) -> None:
    with Server(shop) as server:
        anna(server)
        built(shop)
        assert rows(shop, ORDERS) == [(0, 0), (1, 20), (2, 40)]
        told = erased(shop)
        assert (told["identifiers"], told["people"]) == (3, 2)
        assert told["events"] >= 5
        wait_until_taken_up(server)
        for who in ({"email": "anna@secret.example"}, {"anonymous_id": "anna-device"}):
            assert found(server, **who) == 404
        assert found(server, email="ben@kept.example") == 200
        # what she did before and comes in late stays out, at once and in the next build
        late = view("anna-late", "2024-03-02T00:00:00Z", anonymousId="anna-device")
        assert server.post("/v1/track", late).is_success
        assert found(server, anonymous_id="anna-device") == 404
    (shop / "till.csv").write_text(TILL + "c-anna,,o5,2024-02-06T10:00:00Z,30,p2\n")
    (shop / "crm.csv").write_text(CRM + "c-cleo,,Cleo\n")
    built(shop)
    assert rows(shop, ORDERS) == [(0, 0), (0, 0), (1, 20)]
    assert command(shop, "explain", "customer_id:c-anna").returncode == 1


def wait_until_taken_up(server: Server) -> None:
    """Until the service answers from the new build, and has dropped the frames it covers."""
    tail = server.root / ".visavis" / "tail"
    end = time.monotonic() + 60
    while time.monotonic() < end:
        gone = found(server, email="anna@secret.example") == 404
        if gone and all(p.stat().st_size == 0 for p in tail.glob("*.frames")):
            return
        time.sleep(0.05)
    raise AssertionError("the service did not take up the build")


def test_no_file_of_the_state_has_a_trace(shop: Path) -> None:
    with Server(shop) as server:
        anna(server)
    built(shop)
    assert traces(shop) | {t.encode() for t in parquet_traces(shop)} >= set(TRACES[:4])
    (shop / "till.csv").unlink()
    (shop / "crm.csv").unlink()
    erased(shop)
    assert traces(shop) == set()
    assert parquet_traces(shop) == set()
    assert rows(shop, ORDERS) == [(0, 0), (1, 20)]


def test_who_returns_begins_anew(shop: Path) -> None:
    built(shop)
    erased(shop)
    (shop / "till.csv").write_text(TILL + "c-anna,,o9,2024-06-01T10:00:00Z,7,p2\n")
    built(shop)
    assert rows(shop, ORDERS) == [(1, 20)]  # erased in 2026: what is dated before stays out
    now = "2031-01-01T00:00:00Z"
    (shop / "till.csv").write_text(TILL + "c-anna,,o9,2030-06-01T10:00:00Z,7,p2\n")
    assert command(shop, "build", VISAVIS_NOW=now).returncode == 0
    assert rows(shop, ORDERS) == [(1, 7), (1, 20)]


@pytest.mark.parametrize("point", ["erase-noted", "erase-load", "build-collected", "erase-built"])
def test_a_kill_is_made_up_by_the_next_build(shop: Path, point: str) -> None:
    built(shop)
    killed = command(shop, "erase", "customer_id:c-anna", *YES, VISAVIS_CRASH_AT=point)
    if point == "build-collected":  # passed by the build before the erasure, too
        assert rows(shop, ORDERS) == [(1, 20), (2, 40)]
        erased(shop)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    built(shop)
    assert rows(shop, ORDERS) == [(1, 20)]
    assert parquet_traces(shop) == set()
    assert len(list((shop / ".visavis" / "builds").iterdir())) <= 2  # both without her


def test_nobody_and_backups_are_told(shop: Path, tmp_path: Path) -> None:
    built(shop)
    assert command(shop, "backup", str(tmp_path / "old.tar")).returncode == 0
    assert command(shop, "erase", "email:x@y.example", *YES).returncode == 1
    (told,) = erased(shop)["backups"]
    assert told.startswith("old.tar of 20")


SPILLING = [
    sys.executable,
    "-c",
    "from visavis.store import recent\nmake = recent.Recent.__init__\n"
    "make.__defaults__ = tuple(2 if v == recent.LIMIT else v for v in make.__defaults__)\n"
    + MAIN[2],
]
"""The service with room for two events in memory; the rest lie in its file of recent events."""


def spilled(root: Path) -> list[Path]:
    return [p for p in (root / ".visavis" / "live").glob("recent-*") if p.stat().st_size]


def holds(paths: list[Path], trace: bytes) -> bool:
    return any(trace in path.read_bytes() for path in paths)


def wait_for(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def written(server: Server, trace: bytes) -> bool:
    """Whether the file has it; what comes while it is written waits for the next event."""
    server.post("/v1/track", view("x", "2024-03-01T00:00:00Z", anonymousId="other"))
    return holds(spilled(server.root), trace)


def test_recent_events_in_a_file_are_erased_and_never_backed_up(shop: Path, tmp_path: Path) -> None:
    trace = b"anna@secret.example"
    with Server(shop, SPILLING) as server:
        anna(server)
        wait_for(lambda: written(server, trace), "nothing was written down")
        assert command(shop, "backup", str(tmp_path / "b.tar")).returncode == 0
        with tarfile.open(tmp_path / "b.tar") as tar:
            assert not [name for name in tar.getnames() if "recent" in name]
        erased(shop)
        wait_until_taken_up(server)
        assert not holds(spilled(shop), trace)
        anna(server)  # what is dated before the erasure is not written down again
        assert not holds(spilled(shop), trace)


def test_recent_events_that_a_killed_service_left_are_erased(shop: Path) -> None:
    trace = b"anna@secret.example"
    with Server(shop, SPILLING) as server:
        anna(server)
        wait_for(lambda: written(server, trace), "nothing was written down")
        server.kill()
    assert holds(spilled(shop), trace)
    for name, text in (("till.csv", TILL), ("crm.csv", CRM)):
        kept = [line for line in text.splitlines(keepends=True) if "anna" not in line]
        (shop / name).write_text("".join(kept), encoding="utf-8")
    erased(shop)
    assert traces(shop) == set()


def test_messages_in_the_local_mailbox_go_with_the_person(tmp_path: Path) -> None:
    root = sendingshop.shop(tmp_path)
    sendingshop.build(root)
    sendingshop.run(root, "send", "--at", sendingshop.AT)
    box = root / ".visavis" / "mailbox" / "email"
    first = next(p for p in (box / "new").iterdir() if b"c1@example.invalid" in p.read_bytes())
    first.rename(box / "cur" / f"{first.name}:2,S")  # a mail program marks it as read
    before = len(list(box.glob("*/*")))
    for who in ("email:c1@example.invalid", "customer_id:c2"):
        done = command(root, "erase", who, *YES)
        assert json.loads(done.stdout)["mails"] == 1, done.stderr
    left = [p.read_bytes() for p in box.glob("*/*")]
    assert len(left) == before - 2
    assert not [text for text in left if b"To: c1@" in text or b"To: c2@" in text]


def exported(root: Path, person: str) -> dict[str, Any]:
    done = command(root, "export", person)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_an_export_has_what_came_in_since_the_build(shop: Path) -> None:
    built(shop)
    with Server(shop) as server:
        anna(server)
        told = exported(shop, "customer_id:c-anna")
        assert {"anna-1", "anna-2"} <= {e.get("message_id") for e in told["events"]}
        assert {"c-anna", "anna-device"} <= {i["value"] for i in told["identifiers"]}
        assert (told["traits"]["views"], told["since"]["traits"]["views"]) == (0, 1)
        assert "other" not in json.dumps(told)
        # nobody of the build is told of somebody else's events
        assert "since" not in exported(shop, "customer_id:c-ben")
        stranger = exported(shop, "anonymous_id:other")
        assert [e["message_id"] for e in stranger["events"]] == ["x"]
        assert stranger["traits"]["views"] == 1
    built(shop)
    after = exported(shop, "customer_id:c-anna")
    assert "since" not in after
    assert after["traits"]["views"] == 1
    known = {e["message_id"]: e for e in after["events"]}
    live = {e["message_id"]: e for e in told["events"]}
    assert known.keys() == live.keys()
    for name in ("anna-1", "anna-2"):
        for part in ("type", "event", "ts", "received_at", "source", "properties"):
            assert json.dumps(live[name].get(part)) == json.dumps(known[name].get(part)), part


def test_an_export_before_the_first_build(tmp_path: Path) -> None:
    root = project(tmp_path / "new")
    key(root)
    assert command(root, "export", "user_id:u1").returncode == 1
    with Server(root) as server:
        server.post("/v1/track", view("m1", "2024-03-01T00:00:00Z", userId="u1"))
        server.kill()
    told = exported(root, "user_id:u1")
    assert [e["message_id"] for e in told["events"]] == ["m1"]
    assert exported(root, told["person_id"])["traits"]["views"] == 1
    assert command(root, "export", "user_id:u2").returncode == 1
