"""The collection paths of every client that is spoken to, and what watches over the service."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import Any

from visavis.flow.live import BATCH, POSTHOG, SNOWPLOW, customerio, unomi
from visavis.serve import settings_of_clients as settings
from visavis.serve.collecting import TAKEN, Collecting
from visavis.serve.http import Answer, Request, as_json
from visavis.serve.openapi import MUTED
from visavis.serve.pixels import CALLS, pixels
from visavis.serve.routes import Handler, Route
from visavis.serve.tags import scripts

SHORT = {"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias"}
_POSTHOG = ("/batch/", "/capture/", "/e/", "/track/", "/i/v0/e/", "/i/v0/ai/batch/")
_POSTHOG_RESULTS = "/i/v1/analytics/events"
_CUSTOMERIO = {
    ("PUT", "/api/v1/customers/{id}"): customerio.IDENTIFY,
    ("DELETE", "/api/v1/customers/{id}"): customerio.DELETE,
    ("POST", "/api/v1/customers/{id}/suppress"): customerio.SUPPRESS,
    ("POST", "/api/v1/customers/{id}/unsuppress"): customerio.UNSUPPRESS,
    ("POST", "/api/v1/customers/{id}/events"): customerio.EVENT,
    ("PUT", "/api/v1/customers/{id}/devices"): customerio.DEVICE,
    ("DELETE", "/api/v1/customers/{id}/devices/{device}"): customerio.NO_DEVICE,
    ("POST", "/api/v1/push/events"): customerio.PUSH,
    ("POST", "/api/v1/metrics"): customerio.METRIC,
    ("POST", "/api/v1/events"): customerio.ANONYMOUS,
    ("POST", "/api/v1/merge_customers"): customerio.MERGE,
    ("POST", "/api/v2/entity"): customerio.ENTITY,
    ("POST", "/api/v2/batch"): customerio.ENTITIES,
}
_CLIENTS_ASK: Mapping[tuple[str, str], Callable[[], dict[str, Any]]] = {
    ("GET", "/array/{key}/config"): settings.posthog_config,
    ("POST", "/flags/"): settings.posthog_flags,
    ("POST", "/decide/"): settings.posthog_flags,
    ("GET", "/flags/definitions"): settings.posthog_definitions,
    ("GET", "/api/feature_flag/local_evaluation"): settings.posthog_definitions,
    ("GET", "/api/surveys/"): partial(settings.none_of, "surveys"),
    ("GET", "/api/early_access_features/"): partial(settings.none_of, "earlyAccessFeatures"),
    ("GET", "/api/web_experiments/"): partial(settings.none_of, "experiments"),
    ("GET", "/api/product_tours/"): partial(settings.none_of, "product_tours"),
}
"""What PostHog's clients ask, whether or not anything of it is used."""


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
    routes.append(Route("POST", _POSTHOG_RESULTS, _door(collecting, POSTHOG, _RESULTS)))
    routes += [
        Route(method, path, _track_api(collecting, kind))
        for (method, path), kind in _CUSTOMERIO.items()
    ]
    routes += [
        Route("POST", "/context.json", _unomi_context(collecting)),
        Route("POST", "/eventcollector", _unomi_events(collecting)),
    ]
    routes += pixels(collecting)
    return [*routes, *(Route("POST", path, _thanks) for path in MUTED)]


_RESULTS = Answer(200, b'{"success":true,"results":{}}')
"""Of no event is there anything to say: all were taken."""


def _door(collecting: Collecting, door: str, taken: Answer = TAKEN) -> Handler:
    async def take(request: Request) -> Answer:
        await collecting.take(request, door)
        return taken

    return take


def _track_api(collecting: Collecting, kind: str) -> Handler:
    async def take(request: Request) -> Answer:
        parts = request.parts
        shape = partial(
            customerio.batch_of, kind, parts.get("id", ""), device=parts.get("device", "")
        )
        return await collecting.take(request, BATCH, shape)

    return take


def _unomi_context(collecting: Collecting) -> Handler:
    async def take(request: Request) -> Answer:
        visit = unomi.Visit(_cookie(request, unomi.COOKIE))
        await collecting.take(_unomi_keyed(request), BATCH, visit.batch_of)
        cookie = f"{unomi.COOKIE}={visit.profile}; Path=/; Max-Age=31536000; SameSite=Lax"
        answer = as_json(visit.context())
        return Answer(200, answer.body, (*answer.headers, (b"set-cookie", cookie.encode())))

    return take


def _unomi_events(collecting: Collecting) -> Handler:
    async def take(request: Request) -> Answer:
        visit = unomi.Visit(_cookie(request, unomi.COOKIE))
        await collecting.take(_unomi_keyed(request), BATCH, visit.batch_of)
        return as_json({"success": True, "updated": visit.events})

    return take


def _unomi_keyed(request: Request) -> Request:
    """Unomi's own header for a public key is the write key, too."""
    own = request.headers.get(b"x-unomi-api-key")
    if not own or request.headers.get(b"x-write-key"):
        return request
    return replace(request, headers={**request.headers, b"x-write-key": own})


def _cookie(request: Request, name: str) -> str | None:
    found = SimpleCookie()
    with contextlib.suppress(CookieError):
        found.load(request.headers.get(b"cookie", b"").decode("latin-1"))
    return found[name].value if name in found else None


async def _thanks(request: Request) -> Answer:
    """What clients tell of themselves, or record of screens, is taken and not kept."""
    return TAKEN


def client_settings() -> list[Route]:
    """Routes that browser clients ask before they send."""
    return [
        Route("GET", "/v1/projects/{key}/settings", _segment),
        Route("GET", "/sourceConfig/", _rudder),
        Route("GET", "/array/{key}/config.js", _posthog_script),
        *(Route(method, path, _plain(make)) for (method, path), make in _CLIENTS_ASK.items()),
        *scripts(),
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
    return Answer(200, text, ((b"content-type", b"text/javascript; charset=utf-8"),))
