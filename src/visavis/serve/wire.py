"""The HTTP protocol of the service: uvicorn's, and a short way for requests in one piece.

uvicorn writes an answer's head and its body apart; every write costs a call into the system and
wakes the client up, which is half the price of a small answer. And it starts a task for each
request, which costs more than taking an event in: a request of a route that can be answered at once
goes to it straight from the parser. All that comes in parts, waits behind another request or asks
for anything else goes uvicorn's way.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from visavis.serve.app import App, cors
from visavis.serve.http import Answer, Header, Request, error

if TYPE_CHECKING:
    from visavis.serve.routes import Route

_CLOSE: Header = (b"connection", b"close")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_FIRST_LINE = re.compile(rb"[A-Z]+ /.* HTTP/1\.[01]")
_INVALID = error(400, "bad-request", "this is no HTTP request that can be read")


class _Joined:
    """A transport that holds a write back until the next one, or until the loop's next turn."""

    __slots__ = ("_held", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Writes, maybe a moment later."""
        held = self._held
        if held is None:
            self._held = data
            self._loop.call_soon(self._flush)
        else:
            self._held = None
            self._transport.write(held + data)

    def write_whole(self, data: bytes) -> None:
        """Writes an answer that is whole."""
        self._flush()
        self._transport.write(data)

    def _flush(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._transport.write(held)

    def close(self) -> None:
        """Writes what is held back, then closes."""
        self._flush()
        self._transport.close()


class _Nobody:
    """Nobody waits for the parts of a request that is there."""

    def set(self) -> None:
        """Nothing to do."""


class _Exchange:
    """A request on the short way, and its answer; in the place of uvicorn's cycle."""

    __slots__ = (
        "disconnected", "keep_alive", "origin", "parts", "response_complete", "route", "whole",
        "wire",
    )  # fmt: skip
    message_event = _Nobody()

    def __init__(self, wire: Wire, route: Route, keep_alive: bool) -> None:
        self.wire, self.route, self.keep_alive = wire, route, keep_alive
        self.parts: list[bytes] = []
        self.origin: bytes | None = None
        self.whole = self.disconnected = self.response_complete = False

    def send(self, answer: Answer) -> None:
        """Writes the answer; a client that has gone gets none."""
        self.response_complete = True
        if not self.disconnected:
            self.wire.answer(self, answer)


class Wire(HttpToolsProtocol):
    """uvicorn's protocol over such a transport, with the short way.

    Addresses may hold UTF-8 that is not escaped, which the parser does not take.
    """

    def connection_made(self, transport: Any) -> None:
        """Begins with a client."""
        super().connection_made(_Joined(transport, self.loop))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        """Takes in what came; a request that is not whole then goes uvicorn's way."""
        if not data.isascii():
            line, end, rest = data.partition(b"\r\n")
            if not line.isascii() and _FIRST_LINE.fullmatch(line):
                data = _NOT_ASCII.sub(lambda m: b"%%%02X" % m[0][0], line) + end + rest
        super().data_received(data)
        exchange: Any = self.cycle
        if type(exchange) is _Exchange and not exchange.whole and not self.transport.is_closing():
            self.cycle = None  # type: ignore[assignment]
            super().on_headers_complete()
            if exchange.parts:
                super().on_body(b"".join(exchange.parts))

    def send_400_response(self, msg: str) -> None:
        """Tells of what is no request as every other error is told."""
        head = _head(400, (*_INVALID.headers, _CLOSE))
        self.transport.write(b"%b%d\r\n\r\n%b" % (head, len(_INVALID.body), _INVALID.body))
        self.transport.close()

    def on_headers_complete(self) -> None:
        """Chooses the way."""
        route = self._at_once()
        if route is None:
            super().on_headers_complete()
        else:
            exchange: Any = _Exchange(self, route, self.parser.should_keep_alive())
            self.cycle = exchange

    def _at_once(self) -> Route | None:
        """The route of the request that has begun, if it can go the short way."""
        cycle, parser, app = self.cycle, self.parser, self.config.app
        if cycle is not None and not cycle.response_complete:
            return None
        if self.expect_100_continue or self.flow.write_paused or parser.should_upgrade():
            return None
        if parser.get_http_version() != "1.1" or not isinstance(app, App):
            return None
        path = self.url.partition(b"?")[0].decode("ascii", "replace")
        return app.routes.instant(parser.get_method().decode("ascii"), path)

    def on_body(self, body: bytes) -> None:
        """Takes a part of a body."""
        exchange: Any = self.cycle
        if type(exchange) is _Exchange:
            exchange.parts.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Has a request answered that is whole."""
        exchange: Any = self.cycle
        if type(exchange) is not _Exchange:
            super().on_message_complete()
            return
        exchange.whole = True
        path, _, query = self.url.partition(b"?")
        method = self.parser.get_method().decode("ascii")
        headers = dict(self.headers)
        exchange.origin = headers.get(b"origin")
        request = Request(method, path.decode("ascii", "replace"), query, headers, _gone)
        parts = exchange.parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        self.config.app.at_once(exchange.route, request, body, exchange.send)  # type: ignore[union-attr]

    def answer(self, exchange: _Exchange, answer: Answer) -> None:
        """Writes a whole answer and goes on to the next request."""
        headers = answer.headers + cors(exchange.origin)
        closes = not exchange.keep_alive or _CLOSE in headers
        if closes and _CLOSE not in headers:
            headers = (*headers, _CLOSE)
        body = answer.body
        head = _head(answer.status, headers)
        self.transport.write_whole(b"%b%d\r\n\r\n%b" % (head, len(body), body))  # type: ignore[attr-defined]
        if closes:
            self.transport.close()
        self.on_response_complete()


async def _gone() -> Any:
    """What is asked for a body that was handed over."""
    return {"type": "http.disconnect"}


@lru_cache(maxsize=1024)
def _head(status: int, headers: tuple[Header, ...]) -> bytes:
    """An answer's head up to its length."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[status] + lines + b"content-length: "
