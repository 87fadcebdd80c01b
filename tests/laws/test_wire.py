"""Law: however a client's bytes come in, and whatever heads came before, the answers are those of
a connection on which every byte came alone and nothing was known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn
from hypothesis import example, given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from visavis.serve import wire
from visavis.serve.app import App
from visavis.serve.http import Answer, Request
from visavis.serve.routes import Reply, Route, Routes

GET = b"GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\n"
UPGRADE = b"POST /echo HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
CLOSE = b"GET /echo?last HTTP/1.1\r\nConnection: close\r\n\r\n"


def told(request: Request, body: bytes) -> Answer:
    headers = sorted((k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.items())
    asked = [request.method, request.path, request.query.decode("latin-1"), headers]
    return Answer(200, json.dumps([*asked, body.decode("latin-1")]).encode())


async def _echo(request: Request) -> Answer:
    parts = []
    while True:
        message = await request.receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return told(request, b"".join(parts))


def _at_once(request: Request, body: bytes, reply: Reply) -> None:
    reply(told(request, body))


def _later(request: Request, body: bytes, reply: Reply) -> None:
    asyncio.get_running_loop().call_soon(reply, told(request, body))


class _Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written, self.closing = b"", False

    def write(self, data: Any) -> None:
        if not self.closing:
            self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def _nothing() -> None: ...


def _connection() -> tuple[wire.Wire, _Transport]:
    routes = Routes()
    for path, instant in (("/echo", _at_once), ("/later", _later), ("/slow", None)):
        for method in ("GET", "POST"):
            routes.add(Route(method, path, _echo, instant=instant))
    app = App(routes, _nothing, _nothing)
    config = uvicorn.Config(app, http=wire.Wire, ws="none", lifespan="off", log_config=None)
    config.load()
    config.loaded_app = app
    protocol = wire.Wire(config, ServerState(), {}, asyncio.get_running_loop())
    transport = _Transport()
    protocol.connection_made(transport)
    return protocol, transport


async def _answers(pieces: Sequence[bytes]) -> bytes:
    protocol, transport = _connection()
    for piece in pieces:
        if transport.is_closing():
            break
        protocol.data_received(piece)
        for _ in range(5):
            await asyncio.sleep(0)
    for _ in range(200):
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    return transport.written


def answers(pieces: Sequence[bytes]) -> list[tuple[bytes, list[bytes], bytes]]:
    """First line, headers in whatever order, body of each."""
    held, found = asyncio.run(_answers(pieces)), []
    while held:
        head, _, rest = held.partition(b"\r\n\r\n")
        line, *headers = head.lower().split(b"\r\n")
        length = next(int(h[15:]) for h in headers if h.startswith(b"content-length:"))
        found.append((line, sorted(headers), rest[:length]))
        held = rest[length:]
    return found


HEADERS = st.sampled_from(
    [
        b"Host: x", b"X-Write-Key: wk", b"Origin: https://shop.example", b"Connection: keep-alive",
        b"X-Name: caf\xc3\xa9", b"Content-Type: application/json", b"Upgrade: websocket",
        b"Connection: Upgrade", b"Bad header", b"Connection: close", b"X:",
    ]
)  # fmt: skip
ADDRESSES = st.sampled_from(
    [
        b"/echo", b"/echo?a=1", b"/echo?a=1&b=%20", b"/later", b"/later?x", b"/slow", b"/none",
        b'/echo?"<>^`{|}', b"/echo?a#b", b"/echo?a#b#c", b"/echo?a b", b"*",
        b"//echo", b"http://x/echo",
    ]
)  # fmt: skip
VERSIONS = st.sampled_from([b"HTTP/1.1"] * 8 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1 "])
METHODS = st.sampled_from([b"GET"] * 3 + [b"POST"] * 3 + [b"PUT", b"NONE", b"CONNECT"])


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Often one of few, so that heads come again."""
    body = draw(st.sampled_from([b"", b"{}", b"\r\n\r\n", b"GET /echo HTTP/1.1\r\n\r\n"]))
    headers = draw(st.lists(HEADERS, max_size=2))
    if draw(st.integers(0, 9)) == 0:
        headers.append(b"Transfer-Encoding: chunked")
        body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        body += b"0\r\n\r\n"
    elif body or draw(st.booleans()):
        headers.append(b"Content-Length: %d" % len(body))
    line = b" ".join((draw(METHODS), draw(ADDRESSES), draw(VERSIONS)))
    return b"\r\n".join([line, *headers, b"", body])


def pieces_of(whole: Sequence[bytes], cuts: Sequence[int]) -> Iterator[bytes]:
    """One request after the other, some of them cut up, some together with the next."""
    held = b""
    for i, one in enumerate(whole):
        cut = cuts[i % len(cuts)] if cuts else 0
        if cut < 0:
            held += one
        elif cut == 0:
            yield held + one
            held = b""
        else:
            at = cut % (len(one) + 1)
            yield from (part for part in (held + one[:at], one[at:]) if part)
            held = b""
    if held:
        yield held


@given(
    st.lists(requests(), min_size=1, max_size=4),
    st.lists(st.integers(0, 7), min_size=1, max_size=12),
    st.lists(st.integers(-1, 90), max_size=6),
)
@example([GET], [0] * 3, [])
@example([UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], [0], [])
@example([UPGRADE + b"Content-Length: 2\r\n\r\n{}", GET], [0, 1], [-1])
@example([UPGRADE + b"\r\n", GET], [0, 1], [-1])
@example([b"POST /later HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"], [0] * 6, [0, -1])
def test_what_came_before_changes_no_answer(
    made: list[bytes], chosen: list[int], cuts: list[int]
) -> None:
    whole = [*(made[i % len(made)] for i in chosen), CLOSE]
    wire._heads.clear()
    alone = answers([bytes([byte]) for byte in b"".join(whole)])
    assert not wire._heads
    for _ in range(2):
        assert answers([*pieces_of(whole, cuts)]) == alone
        assert answers(whole) == alone


def test_a_head_that_came_before_is_not_parsed_again() -> None:
    async def ask() -> bytes:
        protocol, transport = _connection()
        protocol.data_received(b"GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\n")
        protocol.parser = None
        protocol.data_received(b"GET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n")
        return transport.written

    wire._heads.clear()
    assert asyncio.run(ask()).count(b"HTTP/1.1 200 ") == 2


def test_few_heads_are_kept() -> None:
    wire._heads.clear()
    for i in range(1100):
        answers([b"GET /echo HTTP/1.1\r\nHost: x%d\r\n\r\n" % i])
        assert len(wire._heads) <= 1024
    before = len(wire._heads)
    answers([b"GET /echo HTTP/1.1\r\nHost: %b\r\n\r\n" % (b"x" * 5000)])
    assert len(wire._heads) == before


def test_who_offers_another_protocol_is_answered_in_this_one() -> None:
    asked = UPGRADE + b"Content-Length: 2\r\n\r\n{}"
    for pieces in ([asked + GET], [asked, GET], [bytes([byte]) for byte in asked + GET]):
        (line, _, body), then = answers(pieces)
        assert line == then[0] == b"http/1.1 200 ok"
        assert json.loads(body)[-1] == "{}"
    assert len(answers([asked * 2000])) == 2000
    ((line, headers, _),) = answers([b"CONNECT x:1 HTTP/1.1\r\n\r\n", GET])
    assert line == b"http/1.1 400 bad request"
    assert b"connection: close" in headers
