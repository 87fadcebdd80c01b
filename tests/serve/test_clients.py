"""Unmodified client libraries against the real service, by changing the host only."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from live import Server, built, events, key, rows

CAPTURED = (
    Path(os.environ.get("VISAVIS_DATA", "/nonexistent"))
    / "captured-client-requests"
    / "requests.jsonl"
)


def calls(client: Any) -> None:
    """What a shop's back end sends, with one of the clients of Segment's family."""
    client.identify("u1", {"email": "a@b.co", "firstName": "Ann"})
    order = {"order_id": "o1", "total": 25.5, "products": [{"product_id": "p1", "quantity": 2}]}
    client.track("u1", "Order Completed", order)
    client.track(anonymous_id="anon-1", event="Product Viewed", properties={"product_id": "p1"})
    client.page("u1", "Docs", "Home", {"url": "http://x/"})
    client.screen("u1", "App", "Main")
    client.group("u1", "g1", {"name": "Acme"})
    client.alias("anon-1", "u1")


def said(server: Server) -> None:
    """The build holds all seven calls, and one person."""
    assert built(server.root)["quarantined"] == 0
    kinds = rows(server.root, "select type from events order by 1")
    assert [k for (k,) in kinds] == [
        "alias", "group", "identify", "page", "screen", "track", "track",
    ]  # fmt: skip
    found = rows(server.root, "select orders, revenue, email, first_name from people "
                              "where orders > 0")  # fmt: skip
    assert [(o, float(r), e, n) for o, r, e, n in found] == [(1, 25.5, "a@b.co", "Ann")]


@pytest.mark.parametrize("packed", [False, True])
def test_segment(server: Server, packed: bool) -> None:
    from segment.analytics.client import Client

    errors: list[Any] = []
    client = Client(
        "wk", host=server.url, gzip=packed, on_error=lambda e, _: errors.append(e), max_retries=2
    )
    calls(client)
    client.shutdown()
    assert not errors
    said(server)


def test_rudder(server: Server) -> None:
    from rudderstack.analytics.client import Client

    errors: list[Any] = []
    client = Client("wk", host=server.url, on_error=lambda e, _: errors.append(e), max_retries=2)
    calls(client)
    client.shutdown()
    assert not errors
    said(server)


def test_customerio(server: Server) -> None:
    from customerio.analytics.client import Client

    errors: list[Any] = []
    client = Client("wk", host=server.url, on_error=lambda e, _: errors.append(e), max_retries=2)
    calls(client)
    client.shutdown()
    assert not errors
    said(server)


def test_posthog(server: Server) -> None:
    from posthog import Posthog

    client = Posthog("wk", host=server.url)
    client.set(distinct_id="u1", properties={"email": "a@b.co", "first_name": "Ann"})
    order = {"order_id": "o1", "revenue": 25.5}
    client.capture("Order Completed", distinct_id="u1", properties=order)
    client.alias(previous_id="anon-1", distinct_id="u1")
    client.group_identify("company", "g1", {"name": "Acme"})
    client.shutdown()
    assert built(server.root)["quarantined"] == 0
    found = rows(server.root, "select orders, email, first_name from people where orders > 0")
    assert found == [(1, "a@b.co", "Ann")]
    kinds = rows(server.root, "select type from events order by 1")
    assert [k for (k,) in kinds] == ["alias", "group", "identify", "track"]


def as_sent(request: dict[str, Any]) -> bytes:
    """The bytes on the wire: of both ways to write JSON, that of the recorded length."""
    if request["body"] is None:
        return b""
    spaced = json.dumps(request["body"]).encode()
    if request["headers"].get("Content-Encoding") == "gzip":
        return gzip.compress(spaced)
    compact = json.dumps(request["body"], separators=(",", ":"), ensure_ascii=False).encode()
    (found,) = (b for b in (spaced, compact) if len(b) == request["wire_bytes"])
    return found


@pytest.mark.skipif(not CAPTURED.exists(), reason="VISAVIS_DATA has no captured requests")
def test_captured_requests(server: Server) -> None:
    requests = [json.loads(line) for line in CAPTURED.read_text(encoding="utf-8").splitlines()]
    for name in ("wk_seg", "wk_rud", "wk_sn", "wk_web"):
        key(server.root, name)
    sent = set()
    for request in requests:
        body = as_sent(request)
        answer = server.http.request(
            request["method"], request["path"], headers=request["headers"], content=body
        )
        assert answer.status_code == 200, (request["client"], answer.text)
        if request["method"] == "OPTIONS":
            asked = request["headers"]["Access-Control-Request-Headers"]
            assert asked in answer.headers["access-control-allow-headers"].lower()
        elif request["method"] == "POST":
            assert answer.json() == {"success": True}
            found = request["body"].get("batch", [request["body"]])
            sent |= {event["messageId"] for event in found}
    built(server.root)
    assert set(events(server.root)) == sent
