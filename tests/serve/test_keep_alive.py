"""A connection that is kept alive has one clock, which ends it once it has been silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from visavis.serve.app import App
from visavis.serve.http import Answer, Request
from visavis.serve.routes import Reply, Route, Routes
from visavis.serve.wire import Wire

ASK = b"POST /v1/t?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
SILENT = 75


class Clock:
    """A loop whose time is told; timers ring when `to` passes them."""

    def __init__(self) -> None:
        self.now, self.set = 0.0, 0
        self.timers: dict[int, tuple[float, Callable[[], None]]] = {}

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, ring: Callable[[], None]) -> Any:
        self.set += 1
        number = self.set
        self.timers[number] = self.now + delay, ring

        class Handle:
            def cancel(handle) -> None:  # noqa: N805
                self.timers.pop(number, None)

        return Handle()

    def to(self, now: float) -> None:
        while due := [n for n, (at, _) in self.timers.items() if at <= now]:
            self.now, ring = self.timers.pop(due[0])
            ring()
        self.now = now


class Transport:
    """What a connection writes."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> None:
        return None


def connection(clock: Clock, replies: list[Reply]) -> tuple[Wire, Transport]:
    """A connection to a service that leaves its replies to the test."""

    async def never(request: Request) -> Answer:
        raise AssertionError

    def instant(request: Request, body: bytes, reply: Reply) -> None:
        assert (request.method, request.path, request.query, body) == (
            "POST", "/v1/t", b"a=1", b"{}"
        )  # fmt: skip
        replies.append(reply)

    async def nothing() -> None:
        return None

    routes = Routes()
    routes.add(Route("POST", "/v1/t", never, instant=instant))
    app = App(routes, nothing, nothing)
    config = uvicorn.Config(app, timeout_keep_alive=SILENT, log_config=None)
    config.load()
    config.app = app
    wire = Wire(config, ServerState(), {}, clock)  # type: ignore[arg-type]
    transport = Transport()
    wire.connection_made(transport)
    return wire, transport


def test_one_clock_for_all_requests_ends_a_silent_connection() -> None:
    clock, replies = Clock(), list[Reply]()
    wire, transport = connection(clock, replies)
    for second in range(50):
        clock.to(second)
        wire.data_received(ASK)
        assert wire.idle_since is None
        replies.pop()(Answer(200, b"{}"))
        assert wire.idle_since == second
    assert len(transport.written) == 50
    assert clock.set == 1
    clock.to(49 + SILENT - 1)
    assert not transport.closed
    clock.to(49 + SILENT)
    assert transport.closed
    assert clock.set == 2


def test_a_request_under_way_outlasts_the_clock() -> None:
    clock, replies = Clock(), list[Reply]()
    wire, transport = connection(clock, replies)
    wire.data_received(ASK)
    replies.pop()(Answer(200, b"{}"))
    wire.data_received(ASK)
    clock.to(10 * SILENT)
    assert not transport.closed
    replies.pop()(Answer(200, b"{}"))
    clock.to(11 * SILENT - 1)
    assert not transport.closed
    clock.to(11 * SILENT)
    assert transport.closed


def test_a_client_that_goes_leaves_no_clock() -> None:
    clock, replies = Clock(), list[Reply]()
    wire, _ = connection(clock, replies)
    wire.data_received(ASK)
    replies.pop()(Answer(200, b"{}"))
    wire.connection_lost(ConnectionResetError())
    assert not clock.timers
