"""The service's paths. A path is plain, or has parts in braces: `/v1/projects/{key}/settings`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from visavis.serve.http import Answer, Request

Handler = Callable[[Request], Awaitable[Answer]]
Reply = Callable[[Answer], None]
Instant = Callable[[Request, bytes, Reply], None]
"""Answers a request whose body is there, at once or later, by calling Reply once; may raise Refused
before it has. It must not take long: everybody waits meanwhile."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path and method. `doc` is its operation of the OpenAPI document.

    `instant` does what `handler` does, without a task, for requests that come in one piece.
    """

    method: str
    path: str
    handler: Handler
    doc: Mapping[str, Any] = field(default_factory=dict)
    instant: Instant | None = None


@dataclass(slots=True)
class Routes:
    """Finds the route of a request: plain paths by one look-up, others part by part."""

    routes: list[Route] = field(default_factory=list)
    _plain: dict[str, dict[str, Route]] = field(default_factory=dict)
    _parted: dict[tuple[str, ...], dict[str, Route]] = field(default_factory=dict)

    def add(self, *routes: Route) -> None:
        """Makes routes known; a slash at the end of a path makes no difference."""
        for route in routes:
            self.routes.append(route)
            if "{" in route.path:
                shape = tuple(route.path.strip("/").split("/"))
                self._parted.setdefault(shape, {})[route.method] = route
            else:
                self._plain.setdefault(route.path.rstrip("/") or "/", {})[route.method] = route

    def instant(self, method: str, path: str) -> Route | None:
        """The route of a plain path that can be answered at once."""
        found = self._plain.get(path)
        route = found.get(method) if found is not None else None
        return route if route is not None and route.instant is not None else None

    def find(self, path: str) -> tuple[Mapping[str, Route], Mapping[str, str]]:
        """The routes of a path by method, and its parts; empty when there is none."""
        found = self._plain.get(path) or self._plain.get(path.rstrip("/") or "/")
        if found is not None:
            return found, {}
        parts = path.strip("/").split("/")
        for shape, routes in self._parted.items():
            if len(shape) == len(parts):
                taken = _match(shape, parts)
                if taken is not None:
                    return routes, taken
        return {}, {}


def _match(shape: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    taken: dict[str, str] = {}
    for name, part in zip(shape, parts, strict=True):
        if name.startswith("{"):
            taken[name.strip("{}")] = part
        elif name != part:
            return None
    return taken
