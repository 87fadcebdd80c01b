"""Requests of unmodified client libraries, as they were captured; tests/sdk runs the libraries."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from live import Server, built, events, key

CAPTURED = (
    Path(os.environ.get("VISAVIS_DATA", "/nonexistent"))
    / "captured-client-requests"
    / "requests.jsonl"
)


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
