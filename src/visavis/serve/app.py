"""The service as an ASGI application: finds the route, answers preflights, tells errors as JSON."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from visavis.serve.http import Answer, Header, Receive, Refused, Request, Scope, Send, error, reply
from visavis.serve.routes import Reply, Route, Routes

_METHODS = b"GET, POST, PUT, DELETE, OPTIONS"
_HEADERS = (
    b"Authorization, Content-Type, Content-Encoding, X-Write-Key, AnonymousId, SentAt, "
    b"X-Retry-Count, X-Requested-With, X-User-Token"
)
_log = logging.getLogger("visavis.serve")
Startup = Callable[[], Awaitable[None]]


@dataclass
class App:
    """The ASGI callable. `answers` counts (path of the route, status); `seconds` adds up times."""

    routes: Routes
    startup: Startup
    shutdown: Startup
    answers: dict[tuple[str, int], int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.startup()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.shutdown()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        if scope["method"] == "OPTIONS":
            name, answer = "OPTIONS", _preflight(headers)
        else:
            name, answer = await self._answer(scope, headers, receive)
        await reply(send, answer, cors(origin))
        self._count(name, answer.status, start)

    def _count(self, name: str, status: int, start: float) -> None:
        counted = (name, status)
        self.answers[counted] = self.answers.get(counted, 0) + 1
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def at_once(self, route: Route, request: Request, body: bytes, send: Reply) -> None:
        """Answers a request of a route that has `instant`; see serve.wire."""
        start = time.perf_counter()

        def done(answer: Answer) -> None:
            send(answer)
            self._count(route.path, answer.status, start)

        assert route.instant is not None
        try:
            route.instant(request, body, done)
        except Refused as refused:
            done(refused.answer)
        except Exception as failure:  # noqa: BLE001 - the last door, as in _answer
            done(_failed(request.method, route, failure))

    async def _answer(
        self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive
    ) -> tuple[str, Answer]:
        routes, parts = self.routes.find(scope["path"])
        method = scope["method"]
        route = routes.get(method) or (routes.get("GET") if method == "HEAD" else None)
        if route is None:
            return "unknown", _no_route(routes)
        request = Request(method, scope["path"], scope["query_string"], headers, receive, parts)
        try:
            return route.path, await route.handler(request)
        except Refused as refused:
            return route.path, refused.answer
        except Exception as failure:  # noqa: BLE001 - the last door: nothing of the request is told
            return route.path, _failed(method, route, failure)


def _failed(method: str, route: Route, failure: Exception) -> Answer:
    _log.error("%s %s failed: %s", method, route.path, type(failure).__name__)
    _log.debug("the error", exc_info=failure)
    return error(500, "internal", "the service failed; it has noted the error")


def _no_route(routes: Mapping[str, Route]) -> Answer:
    if routes:
        allow = (b"allow", ", ".join([*routes, "OPTIONS"]).encode())
        return error(405, "wrong-method", f"this path takes {' or '.join(routes)}", allow)
    return error(404, "not-found", "there is no such path")


def cors(origin: bytes | None) -> tuple[Header, ...]:
    """Write keys are public and no cookie is ever looked at, so any page may send."""
    if origin is None:
        return ()
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"vary", b"Origin"),
    )


def _preflight(headers: Mapping[bytes, bytes]) -> Answer:
    asked = headers.get(b"access-control-request-headers")
    more: tuple[Header, ...] = ()
    if headers.get(b"access-control-request-private-network"):
        more = ((b"access-control-allow-private-network", b"true"),)
    return Answer(
        200,
        b"",
        (
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _HEADERS + (b", " + asked if asked else b"")),
            (b"access-control-max-age", b"86400"),
            *more,
        ),
    )
