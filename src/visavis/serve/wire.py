"""The HTTP protocol of the service: uvicorn's, and a short way for requests in one piece.

uvicorn writes an answer's head and its body apart; every write costs a call into the system and
wakes the client up, which is half the price of a small answer. And it starts a task for each
request, which costs more than taking an event in: a request of a route that can be answered at once
goes to it straight from the parser. Clients send the same head again and again, but for its first
line: one that went this way before need not be parsed again. All that comes in parts, waits behind
another request or asks for anything else goes uvicorn's way.
"""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from visavis.serve.app import App, cors
from visavis.serve.http import Answer, Header, Request, error

if TYPE_CHECKING:
    from visavis.serve.routes import Route

_CLOSE: Header = (b"connection", b"close")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_FIRST_LINE = re.compile(rb"[A-Z]+ /.* HTTP/1\.[01]")
_USUAL_LINE = re.compile(rb"([A-Z]+) (/[!-\"$-~]*) HTTP/1\.1")
"""A first line without anything that the parser would refuse or cut off."""
_MOST_HEADS, _LONGEST_HEAD = 1024, 4096
_INVALID = error(400, "bad-request", "this is no HTTP request that can be read")


class _Joined:
    """A transport that holds a write back until the next one, or until the loop's next turn."""

    __slots__ = ("_held", "_loop", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self.is_closing = transport.is_closing
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
        if self._held is not None:
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


class _Aim(NamedTuple):
    """What a request line asks for, where that can be answered at once."""

    route: Route
    method: str
    path: str
    query: bytes


class _Head(NamedTuple):
    """What a head came to, but for its first line."""

    headers: dict[bytes, bytes]
    keep_alive: bool
    length: int
    """Of the body."""


_heads: dict[bytes, _Head] = {}
"""Heads that went the short way, from the end of the first line to the last header's."""


class _Nobody:
    """Nobody waits for the parts of a request that is there."""

    def set(self) -> None:
        """Nothing to do."""


class _Exchange:
    """A request on the short way, and its answer; in the place of uvicorn's cycle."""

    __slots__ = (
        "aim", "disconnected", "keep_alive", "origin", "parts", "response_complete", "whole",
        "wire",
    )  # fmt: skip
    message_event = _Nobody()

    def __init__(self, wire: Wire, aim: _Aim, keep_alive: bool) -> None:
        self.wire, self.aim, self.keep_alive = wire, aim, keep_alive
        self.parts: list[bytes] = []
        self.origin: bytes | None = None
        self.whole = self.disconnected = self.response_complete = False

    def ask(self, headers: dict[bytes, bytes], body: bytes) -> None:
        """Has it answered; all of it is there."""
        self.whole = True
        self.origin = headers.get(b"origin")
        route, method, path, query = self.aim
        request = Request(method, path, query, headers, _gone)
        self.wire.config.app.at_once(route, request, body, self.send)  # type: ignore[union-attr]

    def send(self, answer: Answer) -> None:
        """Writes the answer; a client that has gone gets none."""
        self.response_complete = True
        if not self.disconnected:
            self.wire.answer(self, answer)


class Wire(HttpToolsProtocol):
    """uvicorn's protocol over such a transport, with the short way.

    Addresses may hold UTF-8 that is not escaped, which the parser does not take.
    """

    idle_since: float | None = None
    """When the last answer was whole (the loop's time), while nothing came since."""
    _clock: asyncio.TimerHandle | None = None
    _aimed: tuple[bytes, bytes, _Aim | None] = b"", b"", None
    """The last request's method and address, and what that comes to: most ask for one thing."""
    _begun = False
    """Whether the parser has read a part of a request."""

    def connection_made(self, transport: Any) -> None:
        """Begins with a client."""
        super().connection_made(_Joined(transport, self.loop))  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends with a client."""
        super().connection_lost(exc)
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def data_received(self, data: bytes) -> None:
        """Takes in what came; a request that is not whole then goes uvicorn's way."""
        if self._is_as_before(data):
            return
        begun, before = self._begun, self.cycle
        if not data.isascii():
            line, end, rest = data.partition(b"\r\n")
            if not line.isascii() and _FIRST_LINE.fullmatch(line):
                data = _NOT_ASCII.sub(lambda m: b"%%%02X" % m[0][0], line) + end + rest
        self._unset_keepalive_if_required()
        self._feed(data)
        exchange: Any = self.cycle
        if type(exchange) is not _Exchange or exchange is before or self.transport.is_closing():
            return
        if exchange.whole:
            if not begun:
                _remember(data, self.headers, exchange)
            return
        self.cycle = None  # type: ignore[assignment]
        self._go_the_long_way()
        if exchange.parts:
            super().on_body(b"".join(exchange.parts))

    def _feed(self, data: bytes) -> None:
        """Has a piece parsed. A request that offers another protocol, as Java's client does to
        every server, is read again as if it did not: the parser would pass over its body."""
        while data:
            try:
                self.parser.feed_data(data)
                return
            except HttpParserUpgrade as offer:
                if self.parser.get_method() != b"CONNECT":
                    data = self._read_again() + data[offer.args[0] :]
                    continue
            except HttpParserError:
                pass
            self.logger.warning("a request could not be read")
            self.send_400_response("")
            return

    def _read_again(self) -> bytes:
        """The head just read without its offer, for a parser that has read nothing yet."""
        parser, self.parser = self.parser, HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        lines = b"".join(b"%b: %b\r\n" % h for h in self.headers if h[0] != b"upgrade")
        version = parser.get_http_version().encode()
        return b"%b %b HTTP/%b\r\n%b\r\n" % (parser.get_method(), self.url, version, lines)

    def _is_as_before(self, data: bytes) -> bool:
        """Has a whole request answered whose head is known but for the first line."""
        line, end = _head_of(data)
        head = _heads.get(data[line:end]) if end > 0 else None
        if head is None or len(data) != end + 4 + head.length:
            return False
        cycle = self.cycle
        if self._begun or (cycle is not None and not cycle.response_complete):
            return False
        usual = _USUAL_LINE.fullmatch(data, 0, line)
        if usual is None or self.flow.write_paused or self.transport.is_closing():
            return False
        aim = self._aim_of(*usual.groups())
        if aim is None:
            return False
        self._unset_keepalive_if_required()
        exchange: Any = _Exchange(self, aim, head.keep_alive)
        self.cycle = exchange
        exchange.ask(head.headers, data[end + 4 :])
        return True

    def send_400_response(self, msg: str) -> None:
        """Tells of what is no request as every other error is told."""
        head = _head(400, (*_INVALID.headers, _CLOSE))
        self.transport.write(b"%b%d\r\n\r\n%b" % (head, len(_INVALID.body), _INVALID.body))
        self.transport.close()

    def on_headers_complete(self) -> None:
        """Chooses the way; a request that offers another protocol is read again first."""
        if self.parser.should_upgrade():
            return
        aim = self._at_once()
        if aim is None:
            self._go_the_long_way()
        else:
            exchange: Any = _Exchange(self, aim, self.parser.should_keep_alive())
            self.cycle = exchange

    def on_message_begin(self) -> None:
        """Makes room for a request; what uvicorn's way needs more is made on that way."""
        self._begun = True
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def _go_the_long_way(self) -> None:
        url, headers, expected = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expected
        self.headers += headers
        super().on_headers_complete()

    def _at_once(self) -> _Aim | None:
        """What the request that has begun asks for, if it can go the short way."""
        cycle, parser = self.cycle, self.parser
        if cycle is not None and not cycle.response_complete:
            return None
        if self.expect_100_continue or self.flow.write_paused:
            return None
        if parser.get_http_version() != "1.1":
            return None
        return self._aim_of(parser.get_method(), self.url)

    def _aim_of(self, method: bytes, url: bytes) -> _Aim | None:
        before, address, aim = self._aimed
        if url != address or method != before:
            aim = self._aim(method, url)
            self._aimed = method, url, aim
        return aim

    def _aim(self, method: bytes, url: bytes) -> _Aim | None:
        app = self.config.app
        if not isinstance(app, App):
            return None
        address, _, query = url.partition(b"#")[0].partition(b"?")
        word, path = method.decode("ascii"), address.decode("ascii", "replace")
        route = app.routes.instant(word, path)
        return None if route is None else _Aim(route, word, path, query)

    def on_body(self, body: bytes) -> None:
        """Takes a part of a body."""
        exchange: Any = self.cycle
        if type(exchange) is _Exchange:
            exchange.parts.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Has a request answered that is whole."""
        if self.parser.should_upgrade():
            return
        self._begun = False
        exchange: Any = self.cycle
        if type(exchange) is not _Exchange:
            super().on_message_complete()
            return
        parts = exchange.parts
        exchange.ask(dict(self.headers), parts[0] if len(parts) == 1 else b"".join(parts))

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

    # uvicorn sets and stops a clock for every request; here one runs on, and looks when it rings

    def _unset_keepalive_if_required(self) -> None:
        self.idle_since = None

    def on_response_complete(self) -> None:
        """Begins with a request that waits, or lets the client be silent for so long."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self.idle_since = self.loop.time()
        if self._clock is None:
            self._clock = self.loop.call_later(self.timeout_keep_alive, self._ring)

    def _ring(self) -> None:
        """Ends a connection that has been silent for too long."""
        self._clock = None
        if self.idle_since is None or self.transport.is_closing():
            return  # the answer of the request under way sets the clock again
        left = self.idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._clock = self.loop.call_later(left, self._ring)
        else:
            self.transport.close()


def _head_of(data: bytes) -> tuple[int, int]:
    """Where a request's first line and its head end; below 0 where they do not."""
    line = data.find(b"\r\n", 0, _LONGEST_HEAD)
    return line, data.find(b"\r\n\r\n", line, line + _LONGEST_HEAD) if line >= 0 else -1


def _remember(data: bytes, headers: list[Header], exchange: _Exchange) -> None:
    """Keeps a request's head, where the request is all that came."""
    line, end = _head_of(data)
    length = sum(map(len, exchange.parts))
    if line <= 0 or end < 0 or len(data) != end + 4 + length:
        return
    if len(_heads) >= _MOST_HEADS:
        _heads.clear()
    _heads[data[line:end]] = _Head(dict(headers), exchange.keep_alive, length)


async def _gone() -> Any:
    """What is asked for a body that was handed over."""
    return {"type": "http.disconnect"}


@lru_cache(maxsize=1024)
def _head(status: int, headers: tuple[Header, ...]) -> bytes:
    """An answer's head up to its length."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[status] + lines + b"content-length: "
