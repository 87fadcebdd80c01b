"""The collection paths of every client that is spoken to, and what watches over the service."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from visavis.flow.live import BATCH, POSTHOG, SNOWPLOW, customerio
from visavis.serve import settings_of_clients as settings
from visavis.serve.collecting import TAKEN, Collecting
from visavis.serve.http import Answer, Request, as_json
from visavis.serve.routes import Handler, Route

CALLS = ("identify", "track", "page", "screen", "group", "alias")
SHORT = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias"}
_POSTHOG = ("/batch/", "/capture/", "/e/", "/track/", "/i/v0/e/")
_CUSTOMERIO = {
    ("PUT", "/api/v1/customers/{id}"): customerio.IDENTIFY,
    ("POST", "/api/v1/customers/{id}/events"): customerio.EVENT,
    ("PUT", "/api/v1/customers/{id}/devices"): customerio.DEVICE,
    ("POST", "/api/v1/events"): customerio.ANONYMOUS,
    ("POST", "/api/v1/merge_customers"): customerio.MERGE,
    ("POST", "/api/v2/entity"): customerio.ENTITY,
    ("POST", "/api/v2/batch"): customerio.ENTITIES,
}
_MUTED = ("/v1/m", "/s/")


def collection(collecting: Collecting) -> list[Route]:
    """Routes that take events in."""
    doors = {f"/v1/{call}": call for call in CALLS}
    doors |= {f"/v1/{short}": call for short, call in SHORT.items()}
    doors |= {f"/api/s/{call}": call for call in CALLS}
    doors |= {f"/api/s/s2s/{call}": call for call in CALLS}
    doors |= dict.fromkeys(
        ("/v1/batch", "/v1/b", "/beacon/v1/batch", "/v1/import", "/api/s/batch"), BATCH
    )
    doors |= dict.fromkeys(_POSTHOG, POSTHOG)
    doors["/com.snowplowanalytics.snowplow/tp2"] = SNOWPLOW
    routes = [
        Route("POST", path, _door(collecting, door), instant=partial(collecting.at_once, door))
        for path, door in doors.items()
    ]
    routes += [
        Route(method, path, _track_api(collecting, kind))
        for (method, path), kind in _CUSTOMERIO.items()
    ]
    return [*routes, *(Route("POST", path, _thanks) for path in _MUTED)]


def _door(collecting: Collecting, door: str) -> Handler:
    async def take(request: Request) -> Answer:
        return await collecting.take(request, door)

    return take


def _track_api(collecting: Collecting, kind: str) -> Handler:
    async def take(request: Request) -> Answer:
        who = request.parts.get("id", "")
        shape = partial(customerio.batch_of, kind, who)
        return await collecting.take(request, BATCH, shape)

    return take


async def _thanks(request: Request) -> Answer:
    """What clients tell of themselves, or record of screens, is taken and not kept."""
    return TAKEN


def client_settings() -> list[Route]:
    """Routes that browser clients ask before they send."""
    return [
        Route("GET", "/v1/projects/{key}/settings", _segment),
        Route("GET", "/sourceConfig/", _rudder),
        Route("GET", "/array/{key}/config", _plain(settings.posthog_config)),
        Route("GET", "/array/{key}/config.js", _posthog_script),
        Route("POST", "/flags/", _plain(settings.posthog_flags)),
        Route("POST", "/decide/", _plain(settings.posthog_flags)),
    ]


def _plain(make: Callable[[], dict[str, Any]]) -> Handler:
    async def answer(request: Request) -> Answer:
        return as_json(make())

    return answer


def _host(request: Request) -> tuple[str, bool]:
    host = request.headers.get(b"x-forwarded-host") or request.headers.get(b"host", b"localhost")
    secure = request.headers.get(b"x-forwarded-proto", b"http") == b"https"
    return host.decode("latin-1"), secure


async def _segment(request: Request) -> Answer:
    return as_json(settings.segment(request.parts["key"], *_host(request)))


async def _rudder(request: Request) -> Answer:
    from visavis.serve.auth import outer_key

    return as_json(settings.rudder(outer_key(request) or "", *_host(request)))


async def _posthog_script(request: Request) -> Answer:
    text = b"(function(){})();"
    return Answer(200, text, ((b"content-type", b"application/javascript"),))
