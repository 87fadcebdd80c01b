"""The OpenAPI document, made from the routes themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from visavis import __version__
from visavis.serve.routes import Route, Routes

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
_KEYS: list[dict[str, list[str]]] = [
    {"basic": []},
    {"writeKeyHeader": []},
    {"writeKeyQuery": []},
    {},
]
_REFUSED = {
    "400": "The body is no JSON that can be read, or larger than it may be",
    "401": "No such key",
    "408": "The body did not come in time",
    "413": "The batch is larger than it may be; send it in parts",
    "503": "Not stored; send it again",
}


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
        text = {"text/plain": {"schema": {"type": "string"}}}
        return {"summary": "Prometheus", "responses": {"200": _response("The numbers", text)}}
    if route.path.endswith(".js"):
        script = {"application/javascript": {"schema": {"type": "string"}}}
        return {"summary": "A script", "responses": {"200": _response("The script", script)}}
    if route.method == "GET" or route.path in ("/flags/", "/decide/"):
        said = {"200": _json("The answer", {"type": "object"})}
        if route.path == "/ready":
            said["503"] = _json("Busy", {"$ref": "#/components/schemas/Error"})
        return {"summary": route.path.strip("/"), "responses": said}
    if route.path in ("/v1/m", "/s/"):
        return {
            "summary": "What clients tell of themselves; taken and not kept",
            "responses": {"200": _json("Taken", {"$ref": "#/components/schemas/Taken"})},
        }
    return _collects(route)


def _collects(route: Route) -> dict[str, Any]:
    schema: Mapping[str, Any] = {"$ref": "#/components/schemas/Event"}
    if route.path.startswith(("/api/v1/", "/api/v2/")):
        schema = _TRACK_API
    elif route.path.endswith(("/batch", "/b", "/import")):
        schema = {"$ref": "#/components/schemas/Batch"}
    elif not route.path.startswith(("/v1/", "/api/", "/beacon/")):
        schema = _SNOWPLOW if "snowplow" in route.path else _POSTHOG
    content = {name: {"schema": schema} for name in ("application/json", "text/plain")}
    refused = {
        code: _json(why, {"$ref": "#/components/schemas/Error"}) for code, why in _REFUSED.items()
    }
    return {
        "summary": "Takes events in; 200 once they are durable",
        "security": _KEYS,
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": _json("Durable", {"$ref": "#/components/schemas/Taken"}),
            **refused,
        },
    }


def _json(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return _response(description, {"application/json": {"schema": schema}})


def _response(description: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": content}
