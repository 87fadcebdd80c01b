"""Events in the address of an image, for mails and pages without scripts: as if posted."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from visavis.flow.live import POSTHOG, SNOWPLOW
from visavis.serve.bodies import unpacked
from visavis.serve.collecting import MOST_EVENT, Collecting
from visavis.serve.docs import answers, optional, refusals
from visavis.serve.http import Answer, Refused, Request
from visavis.serve.routes import Handler, Route

CALLS = ("identify", "track", "page", "screen", "group", "alias")
IMAGE = Answer(
    200,
    b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"),
    ((b"content-type", b"image/gif"), (b"cache-control", b"no-store")),
)
"""One transparent pixel."""
_Body = Callable[[Mapping[str, str]], bytes]


def pixels(collecting: Collecting) -> list[Route]:
    """Routes that take events out of addresses."""
    found: list[tuple[str, str, _Body]] = [("/i", SNOWPLOW, _snowplow)]
    found += [(f"/v1/pixel/{call}", call, _packed) for call in CALLS]
    found += [(f"/api/px/{call}", call, _packed) for call in CALLS]
    found += [(f"/pixel/v1/{call}", call, _flat) for call in CALLS]
    found += [(path, POSTHOG, _packed) for path in ("/e/", "/capture/", "/track/", "/i/v0/e/")]
    doc = {
        "summary": "Takes an event out of the address; answers one transparent pixel.",
        "security": [{"basic": []}, {"writeKeyHeader": []}, {"writeKeyQuery": []}, {}],
        "parameters": [optional("data", "The event as JSON, or JSON or gzip in base64")],
        "responses": {
            "200": answers("Durable", "image/gif"),
            **refusals("400", "401", "503"),
        },
    }
    return [Route("GET", path, _taking(collecting, door, body), doc) for path, door, body in found]


def _taking(collecting: Collecting, door: str, body_of: _Body) -> Handler:
    async def take(request: Request) -> Answer:
        body = body_of(request.asked())

        async def receive() -> Mapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        headers = {k: v for k, v in request.headers.items() if k != b"content-length"}
        await collecting.take(replace(request, headers=headers, receive=receive), door)
        return IMAGE

    return take


def _packed(query: Mapping[str, str]) -> bytes:
    """The field `data`: JSON, or JSON or gzip in base64."""
    text = query.get("data", "").strip()
    if text[:1] in ("{", "["):
        return text.encode()
    packed = text.replace(" ", "+")
    packed += "=" * (-len(packed) % 4)
    try:
        plain = b64decode(packed, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refused(400, "bad-data", "the field 'data' is neither JSON nor base64") from None
    return unpacked(plain, MOST_EVENT)


def _flat(query: Mapping[str, str]) -> bytes:
    """A call whose keys stand in the query; a dot leads into an object: properties.price=5."""
    call: dict[str, Any] = {}
    for name, value in query.items():
        *folders, last = name.split(".")
        place = call
        for folder in folders:
            inner = place.setdefault(folder, {})
            place = inner if isinstance(inner, dict) else {}
        place[last] = value
    return json.dumps(call).encode()


def _snowplow(query: Mapping[str, str]) -> bytes:
    return json.dumps({"data": [dict(query)]}).encode()
