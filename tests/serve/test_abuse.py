"""Clients that break the rules: told so, and neither the service nor anybody's events suffer."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live import MAIN, Server, built, events, key, rows

from visavis.serve import bodies
from visavis.serve.commit import Busy, Committer, NotStored
from visavis.serve.http import Refused, Request
from visavis.store.tail import Tail

IMPATIENT = [
    sys.executable,
    "-c",
    "from visavis.serve import bodies, watching\n"
    "bodies.SLOWEST_SECONDS = 1.0\nwatching.STALLED_SECONDS = 1.0\nwatching._LOOK_SECONDS = 0.1\n"
    + MAIN[2],
]
"""The service with little patience, so that no test waits."""
DOORS = ("/v1/track", "/v1/batch", "/v1/b", "/beacon/v1/batch", "/api/s/track", "/batch/", "/v1/i")


def event(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "messageId": name, "userId": "u", "event": "Product Viewed", **more}


def test_no_request_of_the_document_makes_it_fail(shop: Path) -> None:
    """Schemathesis: requests generated from the OpenAPI document, right ones and wrong ones."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    key(shop, "sk", "secret")
    keys = st.sampled_from([None, ("wk", ""), ("sk", ""), ("no", "")])
    with Server(shop) as server:
        document = server.http.get("/openapi.json").json()
        schema = schemathesis.openapi.from_dict(document)
        told = 0
        for found in schema.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=6, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck), derandomize=True,
            )  # fmt: skip
            @given(case=operation.as_strategy(), auth=keys)
            def check(case: Any, auth: Any) -> None:
                given_ = case.as_transport_kwargs(base_url=server.url)
                given_.pop("cookies", None)
                body = given_.pop("json", None)
                content = given_.pop("data", None)
                if body is not None:
                    content = json.dumps(body, default=str)
                if content is not None and not isinstance(content, (bytes, str)):
                    content = str(content)
                headers = {k: v for k, v in (given_.get("headers") or {}).items() if v.isascii()}
                answer = server.http.request(
                    given_["method"], given_["url"], params=given_.get("params"),
                    content=content, headers=headers, auth=auth,
                )  # fmt: skip
                assert answer.status_code < 500, (case.operation.label, answer.text)
                if answer.status_code >= 400 and case.method.upper() != "HEAD":
                    assert {"code", "message"} <= answer.json().keys()

            check()
            told += 1
        assert told == sum(len(path) for path in document["paths"].values())
        assert server.http.get("/ready").status_code == 200
    built(shop)


NASTY = [
    b'{"type":"track","event":"X","messageId":"m","userId":"\xff\xfe"}',
    b'{"type":"track","event":"X","messageId":"m","userId":"u","properties":'
    + b'{"a":' * 5000
    + b"1"
    + b"}" * 5000
    + b"}",
    b'{"type":"track","event":"X","messageId":"m","userId":"u","properties":{"v":1e999999}}',
    b'{"type":"track","event":"X","messageId":"m","userId":"u","properties":{"v":'
    + b"9" * 5000
    + b"}}",
    b'{"type":"track","event":"X","messageId":"m","userId":"u","properties":{"v":NaN,"w":-Infinity}}',
    b'{"type":"track","event":"X","messageId":"m","userId":"' + b"x" * 100_000 + b'"}',
    b'{"type":"track","event":"X","messageId":"' + b"m" * 100_000 + b'","userId":"u"}',
    b'{"type":"track","event":"X","messageId":"m","userId":"\\ud800"}',
    b'{"type":"track","event":"X","messageId":"m","userId":"u","timestamp":"99999-01-01"}',
    b'{"type":"track","event":"X","messageId":"m","userId":"u","timestamp":-1e400}',
    b'{"type":"track","event":"\\u0000","messageId":"\\u0000","userId":"\\u0000"}',
    b'{"type":{},"event":[],"messageId":{},"userId":[],"context":17,"properties":"x","traits":[]}',
    b'{"event":"$identify","distinct_id":{},"properties":[],"uuid":17,"timestamp":{}}',
]


def test_nasty_events_at_every_door(server: Server) -> None:
    for door, (n, raw) in itertools.product(DOORS, enumerate(NASTY)):
        many = door.endswith(("batch", "/b", "batch/"))
        body = b'{"api_key":"wk","batch":[' + raw + b"]}" if many else raw
        answer = server.post(door, body)
        assert answer.status_code in (200, 400), (door, n, answer.text)
        if answer.status_code == 400:
            assert {"code", "message"} <= answer.json().keys()
    assert server.post("/v1/track", event("good")).status_code == 200
    built(server.root)
    assert "good" in events(server.root)
    # and the quarantine can be looked at, whatever is in it
    reasons = {str(r).split(":")[0] for (r,) in rows(server.root, "select reason from quarantine")}
    assert reasons <= {"bad-encoding", "bad-event", "bad-json", "bad-time", "bad-type", "too-deep",
                       "too-large", "missing-event", "future"}  # fmt: skip


def test_the_last_of_double_keys_counts_everywhere(shop: Path) -> None:
    key(shop, "sk", "secret")
    body = b'{"type":"track","event":"A","event":"Product Viewed","userId":"a","userId":"b"}'
    with Server(shop) as server:
        server.post("/v1/track", body)
        answers = [
            server.http.get("/v1/profile", params={"user_id": u}, auth=("sk", "")) for u in "ab"
        ]
        assert [a.status_code for a in answers] == [404, 200]
        assert answers[1].json()["traits"]["views"] == 1
    built(shop)
    found = rows(shop, "select value from identifiers")
    assert found == [("b",)]
    assert rows(shop, "select views from people") == [(1,)]


def test_odd_identifiers_join_nobody_live(shop: Path) -> None:
    key(shop, "sk", "secret")
    odd = ["null", "NULL", "undefined", "0", "anonymous", "n u l l", "x" * 2000, "-1"]
    with Server(shop) as server:
        for i, value in enumerate(odd):
            server.post("/v1/track", event(f"m{i}", userId=value, anonymousId=f"a{i}"))
        for value in odd:
            answer = server.http.get("/v1/profile", params={"user_id": value}, auth=("sk", ""))
            assert answer.status_code == 404, value
        people = {
            server.http.get("/v1/profile", params={"anonymous_id": f"a{i}"}, auth=("sk", ""))
            .json()["person_id"]
            for i in range(len(odd))
        }  # fmt: skip
        assert len(people) == len(odd)
    built(shop)
    assert rows(shop, "select count(*) from people") == [(len(odd),)]


@contextmanager
def connections(server: Server, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    found = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(count)]
    for one in found:
        one.sendall(sent)
        one.settimeout(20)
    try:
        yield found
    finally:
        for one in found:
            one.close()


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: wk\r\nContent-Length: 500\r\n\r\n{",
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nX-Write-Key: wk\r\nTransfer-Encoding: chunked\r\n"
        b"\r\n1\r\n{\r\n",
    ],
    ids=["silent", "half a head", "half a body", "half a chunked body"],
)
def test_slow_clients_are_let_go_and_hold_nobody_up(shop: Path, half: bytes) -> None:
    with Server(shop, IMPATIENT) as server, connections(server, 100, half) as slow:
        for n in range(20):
            assert server.post("/v1/track", event(f"m{n}")).status_code == 200
        for one in slow:
            told = b""
            while part := one.recv(4096):
                told += part
            assert told == b"" or b"408" in told.split(b"\r\n")[0]
        assert server.http.get("/ready").status_code == 200


def test_idle_connections_beyond_the_shell_s_limit(shop: Path) -> None:
    few = ["sh", "-c", 'ulimit -S -n 128; exec "$0" "$@"', *MAIN]
    with Server(shop, few) as server, connections(server, 400, b""):
        assert server.post("/v1/track", event("m")).status_code == 200


def test_more_than_the_disk_takes_is_refused_not_held(tmp_path: Path) -> None:
    """Back-pressure: what waits is bounded, what was refused can be sent again."""
    gate = threading.Event()

    class Slow(Tail):
        def append(self, frames: Any) -> int:
            gate.wait(10)
            return super().append(frames)

    async def run() -> None:
        committer = Committer(Slow(tmp_path), asyncio.get_running_loop(), most_waiting=10_000)
        taken, refused = [], 0
        for n in range(100):
            try:
                taken.append(committer.store(n, b"{}", b"x" * 1000))
            except Busy:
                refused += 1
        assert (len(taken), refused) == (11, 89)
        gate.set()
        await asyncio.gather(*taken)
        assert committer.tail.next_number == 12
        assert committer.numbers.waiting_bytes == 0
        await committer.store(0, b"{}", b"again")
        assert committer.tail.next_number == 13
        await asyncio.to_thread(committer.close)

    asyncio.run(run())


def test_what_nobody_waits_for_goes_with_the_next_group_or_soon_alone(tmp_path: Path) -> None:
    async def run() -> None:
        committer = Committer(Tail(tmp_path), asyncio.get_running_loop())
        told: list[NotStored | None] = []
        committer.put_soon(0, b"{}", b"one", told.append)
        await committer.store(0, b"{}", b"event")
        assert (told, committer.numbers.commits) == ([None], 1)
        alone = asyncio.Event()
        committer.put_soon(0, b"{}", b"two", lambda _: alone.set())
        await alone.wait()
        assert (committer.tail.next_number, committer.numbers.waiting_bytes) == (4, 0)
        committer.put_soon(0, b"{}", b"three", told.append)
        await asyncio.to_thread(committer.close)
        assert committer.tail.next_number == 5

    asyncio.run(run())


def test_a_disk_that_fails_once_is_used_again(tmp_path: Path) -> None:
    class Failing(Tail):
        fails = True

        def append(self, frames: Any) -> int:
            if self.fails:
                raise OSError(28, "No space left on device")
            return super().append(frames)

    async def run() -> None:
        tail = Failing(tmp_path)
        committer = Committer(tail, asyncio.get_running_loop())
        with pytest.raises(NotStored):
            await committer.store(0, b"{}", b"lost")
        tail.fails = False
        await committer.store(0, b"{}", b"kept")
        assert tail.next_number == 2
        await asyncio.to_thread(committer.close)

    asyncio.run(run())


def test_half_received_bodies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_RECEIVING", 250_000)

    async def run() -> list[object]:
        go = asyncio.Event()

        def request() -> Request:
            parts = iter([b"x" * 50_000, b"x" * 50_000, b"x"])

            async def receive() -> dict[str, Any]:
                part = next(parts)
                if len(part) == 1:
                    await go.wait()
                return {"type": "http.request", "body": part, "more_body": len(part) > 1}

            return Request("POST", "/", b"", {}, receive)

        waiting = [asyncio.ensure_future(bodies.body_of(request(), 10**6)) for _ in range(6)]
        await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        go.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    told = asyncio.run(run())
    refused = [t for t in told if isinstance(t, Refused)]
    assert refused
    assert all(r.answer.status == 503 for r in refused)
    assert {len(t) for t in told if isinstance(t, bytes)} == {100_001}
    assert bodies._Receiving.total == 0


def test_a_locked_store_holds_up_no_event(shop: Path) -> None:
    """Somebody else's transaction on the state: collection goes on, decisions answer or say 503."""
    key(shop, "sk", "secret")
    (shop / "offers").mkdir()
    (shop / "offers" / "o.yml").write_text(
        "offers:\n  hello:\n    eligible: orders = 0\n    placements: [home]\n"
        "    content: \"Hello {{ first_name | default: 'you' }}\"\n"
    )
    built(shop)
    with Server(shop) as server:
        stores = list((shop / ".visavis").glob("*.db"))
        assert stores
        holders = [sqlite3.connect(path, isolation_level=None) for path in stores]
        for holder in holders:
            holder.execute("BEGIN EXCLUSIVE")
        answer = server.post("/v1/track", event("during"))
        assert answer.status_code == 200
        told = server.http.get("/v1/profile", params={"user_id": "u"}, auth=("sk", ""))
        assert told.status_code in (200, 503)
        asked = {"person": {"user_id": "u"}, "placement": "home"}
        assert server.post("/v1/decide", asked, key="sk").status_code in (200, 503)
        for holder in holders:
            holder.execute("ROLLBACK")
            holder.close()
        assert server.post("/v1/track", event("after")).status_code == 200
    built(shop)
    assert {"after", "during"} <= set(events(shop))


def test_ten_megabytes(server: Server) -> None:
    big = json.dumps({"batch": [event(f"m{n}") for n in range(125_000)]}).encode()
    assert len(big) > 9_000_000
    for door in DOORS:
        answer = server.post(door, big)
        assert answer.status_code in (200, 400), door
        assert (answer.status_code == 200) == (door == "/batch/")
    assert server.post("/v1/track", event("after")).status_code == 200
