"""Collection over HTTP by a real process: what is acknowledged is in the next build, once."""

from __future__ import annotations

import base64
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from live import Server, built, command, events, key, project, rows

TRACK = {"type": "track", "event": "Product Viewed", "properties": {"product_id": "p1"}}


def call(message_id: str, **more: Any) -> dict[str, Any]:
    return {**TRACK, "messageId": message_id, "userId": "u1", **more}


def test_an_event_is_in_the_next_build(server: Server) -> None:
    order = {
        "order_id": "o1", "currency": "EUR", "coupon": "X",
        "products": [
            {"product_id": "p1", "price": 12.75, "quantity": 2},
            {"product_id": "p2", "price": "0.5"},
        ],
    }  # fmt: skip
    body = {"userId": "u1", "event": "Order Completed", "properties": order, "messageId": "m1"}
    answer = server.post("/v1/track", body)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    server.post("/v1/i", {"userId": "u1", "traits": {"email": "A@b.co ", "firstName": "Ann"}})
    built(server.root)
    assert rows(
        server.root, "select orders, revenue, items, email, first_name from people"
    ) == [(1, Decimal("26.000000"), Decimal("2.000000"), "A@b.co", "Ann")]  # fmt: skip
    lines = "select product_id, quantity, price, amount from order_lines order by 1"
    assert rows(server.root, lines) == [
        ("p1", Decimal(2), Decimal("12.75"), Decimal("25.5")),
        ("p2", None, Decimal("0.5"), Decimal("0.5")),
    ]
    found = rows(server.root, "select kind, value from identifiers order by 1")
    assert found == [("email", "a@b.co"), ("user_id", "u1")]


PATHS = [
    *(f"/v1/{t}" for t in ("identify", "track", "page", "screen", "group", "alias")),
    *(f"/v1/{t}" for t in "itpsga"),
    *(f"/api/s/{t}" for t in ("identify", "track", "page", "group", "alias")),
]
BATCHES = ["/v1/batch", "/v1/b", "/beacon/v1/batch"]


def test_every_path_takes_events(server: Server) -> None:
    for i, path in enumerate(PATHS):
        body = {"messageId": f"a{i:02}", "userId": "u1", "event": "X", "previousId": "u0"}
        assert server.post(path, {**body, "groupId": "g"}).json() == {"success": True}, path
    for i, path in enumerate(BATCHES):
        assert server.post(path, {"batch": [call(f"b{i}")]}).status_code == 200, path
    assert server.post("/v1/m", {"series": []}, key=None).status_code == 200
    built(server.root)
    expected = [f"a{i:02}" for i in range(len(PATHS))] + [f"b{i}" for i in range(len(BATCHES))]
    assert events(server.root) == expected
    kinds = rows(server.root, "select distinct type from events order by 1")
    assert [k for (k,) in kinds] == ["alias", "group", "identify", "page", "screen", "track"]


def test_bodies_as_clients_send_them(server: Server) -> None:
    packed = gzip.compress(json.dumps({"batch": [call("zip")]}).encode())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    text = {"Content-Type": "text/plain"}
    gz = {"Content-Encoding": "gzip"}
    assert server.post("/v1/batch", packed, headers=form | gz).status_code == 200
    assert server.post("/v1/t", call("text"), headers=text).status_code == 200
    raw = json.dumps(call("form")).encode()
    for name, data in (("b64", base64.b64encode(raw)), ("json", raw)):
        body = b"data=" + quote(data.replace(b"form", name.encode())).encode()
        if name == "b64":
            body = b"data=" + quote(base64.b64encode(raw)).encode()
        assert server.post("/v1/track", body, headers=form).status_code == 200
    assert server.post("/v1/track", b"\xef\xbb\xbf" + json.dumps(call("bom")).encode()).is_success
    beacon = server.post("/beacon/v1/batch?writeKey=wk", {"batch": [call("beacon")]}, key=None)
    assert beacon.status_code == 200
    built(server.root)
    assert events(server.root) == ["beacon", "bom", "form", "json", "text", "zip"]


def test_keys_by_precedence(server: Server) -> None:
    header, wrong = {"X-Write-Key": "wk"}, {"X-Write-Key": "no"}
    ok = [
        {"headers": header},
        {"headers": header, "key": "no"},
        {"headers": {"X-Write-Key": "wk:jitsu-wants-a-secret"}},
        {"headers": header, "path": "/v1/track?writeKey=no"},
        {"path": "/v1/track?writeKey=wk"},
        {"body": {"writeKey": "wk"}},
        {"body": {"writeKey": "wk:***"}},
        {"key": "wk", "body": {"writeKey": "no"}},
    ]
    bad = [
        {},
        {"headers": wrong, "key": "wk"},
        {"key": "no", "path": "/v1/track?writeKey=wk"},
        {"path": "/v1/track?writeKey=no", "body": {"writeKey": "wk"}},
    ]
    for expected, cases in ((200, ok), (401, bad)):
        for case in cases:
            given = {"path": "/v1/track", "key": None, "body": {}, "headers": {}} | case
            body = {**call("m"), **given["body"]}
            answer = server.post(given["path"], body, key=given["key"], headers=given["headers"])
            assert answer.status_code == expected, case
            if expected == 401:
                assert {"code", "message"} <= answer.json().keys()


def test_keys_are_usable_and_revoked_at_once(server: Server) -> None:
    assert server.post("/v1/track", call("a"), key="other").status_code == 401
    key_id = key(server.root, "other")
    assert server.post("/v1/track", call("a"), key="other").status_code == 200
    assert command(server.root, "keys", "revoke", key_id).returncode == 0
    assert server.post("/v1/track", call("a"), key="other").status_code == 401
    key(server.root, "sk", "secret")
    assert server.post("/v1/track", call("a"), key="sk").status_code == 401
    assert "other" not in (server.root / ".visavis" / "keys.json").read_text()


def test_preflight_without_a_key(server: Server) -> None:
    asked = {
        "Origin": "http://shop.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,anonymousid,sentat,x-retry-count",
    }  # fmt: skip
    answer = server.http.options("/v1/t", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://shop.example"
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in ("authorization", "anonymousid", "sentat"))
    posted = server.post("/v1/t", call("m"), headers={"Origin": "http://shop.example"})
    assert posted.headers["access-control-allow-origin"] == "http://shop.example"


def test_a_retry_counts_once(server: Server) -> None:
    for _ in range(3):
        server.post("/v1/batch", {"batch": [call("m1"), call("m2")]})
    built(server.root)
    server.post("/v1/batch", {"batch": [call("m2"), call("m3")]})
    assert built(server.root)["events"] == 3
    assert events(server.root) == ["m1", "m2", "m3"]
    assert rows(server.root, "select views from people") == [(3,)]


def test_one_bad_event_leaves_the_batch(server: Server) -> None:
    good = call("good")
    parts = [
        json.dumps(good).encode(),
        b'{"type":"track","event":"X","messageId":"nan","userId":"u1","properties":{"v":NaN}}',
        b'{"type":"track","event":"X","messageId":"utf","userId":"u1","properties":{"v":"\xff"}}',
        b'{"type":"track","event":"X","messageId":"deep","properties":' + b"[" * 3000 + b"]" * 3000
        + b"}",
        b'{"type":"track","event":"X","messageId":"big","properties":{"v":"' + b"x" * 40_000
        + b'"}}',
        b"17", b'"text"', b"null", b"[]",
        b'{"type":"dance","messageId":"type"}',
        b'{"type":"track","messageId":"noevent"}',
        b'{"type":"track","event":"X","messageId":"time","timestamp":"yesterday"}',
        b'{"type":"track","event":"Order Completed","messageId":"money","userId":"u1",'
        b'"properties":{"order_id":"1","revenue":1e300}}',
    ]  # fmt: skip
    answer = server.post("/v1/batch", b'{"batch":[' + b",".join(parts) + b"]}")
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert built(server.root)["quarantined"] == len(parts) - 2
    assert events(server.root) == ["good", "nan"]
    reasons = rows(server.root, "select split_part(reason, ':', 1), count(*) from quarantine "
                                "group by 1 order by 1")  # fmt: skip
    assert reasons == [
        ("bad-encoding", 1), ("bad-event", 5), ("bad-number", 1), ("bad-time", 1),
        ("bad-type", 1), ("missing-event", 1), ("too-large", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"17", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"batch":17}',
     b'{"batch":[{]}', b"\x1f\x8b" + b"garbage", b"data=%%%"],
)  # fmt: skip
def test_a_body_that_is_none_is_told_so(server: Server, body: bytes) -> None:
    answer = server.post("/v1/batch", body)
    assert answer.status_code == 400
    assert {"code", "message"} <= answer.json().keys()
    assert server.http.get("/health").status_code == 200


def test_limits(server: Server) -> None:
    filler = [call(f"m{i}", properties={"x": "y" * 30_000}) for i in range(20)]
    assert server.post("/v1/batch", {"batch": filler}).status_code == 200
    segment = server.post("/v1/batch", {"batch": filler, "writeKey": "wk"}, key=None)
    assert segment.status_code == 400
    assert server.post("/v1/batch", {"batch": filler * 8}).status_code == 400
    assert server.post("/v1/batch", b"[" + b"0," * 5_000_000 + b"0]").status_code == 400
    bomb = gzip.compress(b" " * 100_000_000)
    assert server.post("/v1/batch", bomb, headers={"Content-Encoding": "gzip"}).status_code == 400
    assert server.post("/v1/track", call("m", properties={"x": "y" * 40_000})).status_code == 400
    posthog = {"api_key": "wk", "batch": [{"event": "x", "distinct_id": "x" * 22_000_000}]}
    assert server.post("/batch/", posthog, key=None).status_code == 413


def test_clocks(server: Server) -> None:
    off = {"timestamp": "2001-01-01T00:00:00Z", "sentAt": "2001-01-01T00:00:10Z"}
    server.post("/v1/track", call("off", **off))
    late = {"timestamp": "2020-05-05T10:00:00.123456+02:00"}
    server.post("/v1/batch", {"batch": [call("late", **late)]})
    server.post("/v1/track", call("future", timestamp="2999-01-01T00:00:00Z"))
    built(server.root)
    found = dict(rows(server.root, "select message_id, timestamp from events"))
    assert str(found["late"]) == "2020-05-05 08:00:00.123000"
    said = "select date_diff('second', timestamp, received_at) from events where message_id = 'off'"
    assert rows(server.root, said) == [(10,)]
    assert rows(server.root, "select reason from quarantine")[0][0].startswith("future")


def test_odd_identifiers_join_nobody(server: Server) -> None:
    odd = ["null", "undefined", "0", "anonymous", "", " ", "x" * 20_000, None, True, {}, [], 0]
    for i, value in enumerate(odd):
        body = {"batch": [call(f"m{i:02}", userId=value, anonymousId=f"a{i}")]}
        assert server.post("/v1/batch", body).status_code == 200
    server.post("/v1/track", call("number", userId=123))
    built(server.root)
    assert len(events(server.root)) == len(odd) + 1
    ids = rows(server.root, "select value from identifiers where kind = 'user_id'")
    assert ids == [("123",)]
    assert rows(server.root, "select count(*) from people") == [(len(odd) + 1,)]


def test_identifiers_of_a_call(server: Server) -> None:
    body = {
        "messageId": "m", "userId": "u1", "anonymousId": "a1", "groupId": "g1", "event": "X",
        "context": {
            "traits": {"email": "B@x.co", "phone": "+49 1"}, "device": {"id": "d1"},
            "externalIds": [{"id": "l1", "type": "loyalty_id", "collection": "users"}],
        },
    }  # fmt: skip
    server.post("/v1/track", body)
    server.post("/v1/track", {"event": "X", "properties": {"email": "c@x.co"}, "userId": "u2"})
    built(server.root)
    found = rows(server.root, "select kind from identifiers order by 1")
    assert [k for (k,) in found] == [
        "anonymous_id", "device_id", "email", "email", "loyalty_id", "phone",
        "user_id", "user_id",
    ]  # fmt: skip


def test_bots_count_for_nothing(server: Server) -> None:
    agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    server.post("/v1/page", {"anonymousId": "b", "messageId": "bot"}, headers={"User-Agent": agent})
    person = {"anonymousId": "p", "messageId": "person"}
    headless = {"User-Agent": "Mozilla/5.0 HeadlessChrome/156.0.0.0 Safari/537.36"}
    server.post("/v1/page", person, headers=headless)
    built(server.root)
    assert rows(server.root, "select pages from people") == [(1,)]
    marked = "select message_id from events where json_extract_string(context, '$.bot') is not null"
    assert rows(server.root, marked) == [("bot",)]


def test_serving_what_was_never_built(tmp_path: Path) -> None:
    root = project(tmp_path)
    with Server(root) as server:
        assert server.http.get("/ready").status_code == 200
        assert server.http.get("/health").json() == {"status": "ok"}
        assert "visavis_commits_total" in server.http.get("/metrics").text
        assert server.http.get("/openapi.json").json()["openapi"].startswith("3")
        assert server.http.get("/nowhere").status_code == 404
        assert server.http.get("/v1/track").status_code == 405


def test_nothing_of_a_request_is_logged(shop: Path) -> None:
    server = Server(shop)
    server.post("/v1/track?writeKey=wk&email=secret@x.co", call("m", userId="secret"))
    server.post("/v1/track?email=secret@x.co", b"{secret")
    assert "secret" not in server.stop()
