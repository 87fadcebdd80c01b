"""The OpenAPI document, made from the routes themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from visavis import __version__
from visavis.serve.docs import answers, refusals
from visavis.serve.routes import Route, Routes

MUTED = ("/v1/m", "/s/", "/rsaMetrics", "/i/v1/logs", "/i/v1/metrics")
"""Paths at which clients tell of themselves."""

_ERROR = {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
        "success": {"type": "boolean"},
        "code": {"type": "string"},
        "message": {"type": "string"},
    },
}
_TAKEN = {
    "type": "object",
    "required": ["success"],
    "properties": {"success": {"type": "boolean", "const": True}},
}
_ID = {"type": ["string", "number", "null"]}
_EVENT = {
    "type": "object",
    "description": "A call of the tracking interfaces; further keys are taken too.",
    "properties": {
        "type": {"enum": ["identify", "track", "page", "screen", "group", "alias"]},
        "messageId": {"type": "string", "description": "Repeats of it count once."},
        "userId": _ID,
        "anonymousId": _ID,
        "previousId": _ID,
        "groupId": _ID,
        "event": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
        "sentAt": {"type": "string", "format": "date-time"},
        "traits": {"type": "object"},
        "properties": {"type": "object"},
        "context": {"type": "object"},
        "writeKey": {"type": "string"},
    },
}
_BATCH = {
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
        "sentAt": {"type": "string", "format": "date-time"},
        "writeKey": {"type": "string"},
    },
}
_SNOWPLOW = {
    "description": "A payload as Snowplow's trackers write it; the app id is the write key"
}
_POSTHOG = {"description": "A batch, a list of events, or one event, as PostHog's clients write it"}
_TRACK_API = {"description": "What Customer.io's Track API takes at this path"}
_UNOMI = {"description": "Events as Apache Unomi's tracker writes them; the scope is the write key"}
_KEYS: list[dict[str, list[str]]] = [
    {"basic": []},
    {"writeKeyHeader": []},
    {"writeKeyQuery": []},
    {},
]
_REFUSED = ("400", "401", "408", "413", "503")
_BODILESS = ("/suppress", "/unsuppress", "/customers/{id}", "/devices/{device}")
"""Ends of paths whose requests may come without a body."""


def document(routes: Routes) -> dict[str, Any]:
    """The document of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes.routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "visavis", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {"Event": _EVENT, "Batch": _BATCH, "Taken": _TAKEN, "Error": _ERROR},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "writeKeyHeader": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
                "writeKeyQuery": {"type": "apiKey", "in": "query", "name": "writeKey"},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", route.path)
    parameters = [
        {"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names
    ]
    given = dict(route.doc) or _default(route)
    more = [*parameters, *given.pop("parameters", [])]
    return {**given, **({"parameters": more} if more else {})}


def _default(route: Route) -> dict[str, Any]:
    if route.path == "/metrics":
        return {"summary": "Prometheus", "responses": {"200": answers("Numbers", "text/plain")}}
    if route.path.endswith(".js"):
        return {"summary": "A script", "responses": {"200": answers("It", "text/javascript")}}
    if route.method == "GET" or route.path in ("/flags/", "/decide/"):
        said = {"200": answers("The answer", type="object")}
        if route.path == "/ready":
            said |= refusals("503")
        return {"summary": route.path.strip("/"), "responses": said}
    taken: dict[str, Any] = {"$ref": "#/components/schemas/Taken"}
    if route.path in MUTED:
        return {
            "summary": "What clients tell of themselves; taken and not kept",
            "responses": {"200": answers("Taken", **taken)},
        }
    if route.path == "/context.json":
        taken = {"type": "object", "required": ["profileId", "sessionId"]}
    return _collects(route, taken)


def _collects(route: Route, taken: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: {"schema": _schema(route.path)} for name in ("application/json", "text/plain")}
    required = not route.path.endswith(_BODILESS)
    return {
        "summary": "Takes events in; 200 once they are durable",
        "security": _KEYS,
        "requestBody": {"required": required, "content": content},
        "responses": {"200": answers("Durable", **taken), **refusals(*_REFUSED)},
    }


def _schema(path: str) -> Mapping[str, Any]:
    if path.startswith(("/api/v1/", "/api/v2/")):
        return _TRACK_API
    if path in ("/context.json", "/eventcollector"):
        return _UNOMI
    if path.endswith(("/batch", "/b", "/import")):
        return {"$ref": "#/components/schemas/Batch"}
    if path.startswith(("/v1/", "/api/", "/beacon/")):
        return {"$ref": "#/components/schemas/Event"}
    return _SNOWPLOW if "snowplow" in path else _POSTHOG
