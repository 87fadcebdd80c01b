"""Scripts that the clients' snippets load from the host: one recorder of our own for all of them.

Their libraries are not carried here. The recorder takes over the global and the queue of the
snippet that loads it, and sends what is called by it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from visavis.serve.docs import answers
from visavis.serve.http import Answer, Request
from visavis.serve.routes import Route

PATHS = (
    "/p.js",  # Jitsu
    "/static/array.js", "/static/array.full.js", "/array/{key}/array.js",  # PostHog
    "/analytics.js/v1/{key}/analytics.min.js", "/analytics.js/v1/{key}/analytics.js",  # Segment
    "/v1/analytics-js/snippet/{key}/analytics.min.js", "/assets/track.js",  # Customer.io
    "/v3/{build}/rsa.min.js", "/v1.1/rudder-analytics.min.js",  # RudderStack
)  # fmt: skip
_HEADERS = (
    (b"content-type", b"text/javascript; charset=utf-8"),
    (b"cache-control", b"public, max-age=3600"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)


def scripts() -> list[Route]:
    """Routes of the scripts."""
    doc = {
        "summary": "The recorder, for the snippet that loads this script.",
        "responses": {"200": answers("The script", "text/javascript")},
    }
    return [Route("GET", path, _recorder, doc) for path in PATHS]


async def _recorder(request: Request) -> Answer:
    return Answer(200, _text(), _HEADERS)


@cache
def _text() -> bytes:
    return (files("visavis.serve") / "scripts" / "recorder.js").read_bytes()
