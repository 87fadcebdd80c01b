"""The short way of requests in one piece, and the way of all others, answer alike."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence

from live import Server


def post(path: str, body: bytes, *headers: str, key: str = "wk") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        f"X-Write-Key: {key}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def event(number: str) -> bytes:
    return json.dumps({"type": "track", "event": "A", "userId": "u", "messageId": number}).encode()


def talk(server: Server, pieces: Sequence[bytes], answers: int) -> list[tuple[int, bytes]]:
    """(status, body) of so many answers on one connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            s.sendall(piece)
        told, held = [], b""
        while len(told) < answers:
            head, end, rest = held.partition(b"\r\n\r\n")
            length = (
                int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) if end else 0
            )
            if end and len(rest) >= length:
                told.append((int(head.split(b" ")[1]), rest[:length]))
                held = rest[length:]
                continue
            more = s.recv(65536)
            assert more, (told, held)
            held += more
        return told


def test_requests_in_one_piece_in_many_and_behind_each_other(server: Server) -> None:
    good = (200, b'{"success":true}')
    one = post("/v1/track", event("1"))
    assert talk(server, [one], 1) == [good]
    assert talk(server, [one + one + one], 3) == [good] * 3
    assert talk(server, [one[:20], one[20:], one[:-9], one[-9:] + one], 3) == [good] * 3
    assert talk(server, [bytes([byte]) for byte in one], 1) == [good]
    large = post(
        "/v1/batch",
        json.dumps({"batch": [json.loads(event(str(n))) for n in range(8000)]}).encode(),
    )
    assert len(large) > 500_000
    assert talk(server, [large, one], 2) == [good] * 2


def test_what_is_refused_leaves_the_connection_as_it_is(server: Server) -> None:
    good, bad = post("/v1/track", event("1")), post("/v1/track", b"{")
    wrong = post("/v1/track", event("1"), key="no")
    told = talk(server, [wrong + bad + good, good], 4)
    assert [status for status, _ in told] == [401, 400, 200, 200]
    assert [json.loads(body)["code"] for _, body in told[:2]] == ["wrong-key", "bad-body"]
    pages = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [status for status, _ in talk(server, [good + pages + good + pages], 4)] == [200] * 4


def test_a_connection_that_is_to_close_closes(server: Server) -> None:
    asks = [
        post("/v1/track", event("1"), "Connection: close"),
        post("/v1/track", event("1")).replace(b"HTTP/1.1", b"HTTP/1.0"),
        post("/v1/track", b" " * 40_000 + event("1")),
    ]
    for asked, status in zip(asks, (200, 200, 400), strict=True):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
            s.sendall(asked)
            told = b""
            while more := s.recv(65536):
                told += more
        assert told.split(b" ")[1] == str(status).encode()
        assert b"connection: close" in told.lower()


def test_pages_of_other_hosts_may_send(server: Server) -> None:
    told = server.post("/v1/track", event("1"), headers={"Origin": "https://shop.example"})
    assert told.headers["access-control-allow-origin"] == "https://shop.example"
    assert told.headers["vary"] == "Origin"


def test_a_client_that_waits_for_leave_gets_it(server: Server) -> None:
    head, _, body = post("/v1/track", event("1"), "Expect: 100-continue").partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
        s.sendall(head + b"\r\n\r\n")
        assert s.recv(1000).startswith(b"HTTP/1.1 100 ")
        s.sendall(body)
        assert s.recv(1000).startswith(b"HTTP/1.1 200 ")
