"""Apache Unomi's events as calls of the common form; the scope is the write key. Pure.

A visitor is known by the profile id that the tracker was given, else by the session. Nothing is
told of anybody in the answer: what a public page may know stands in decisions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from visavis.collect.kept import any_json
from visavis.collect.payloads import Unreadable

COOKIE = "context-profile-id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ABOUT = ("login", "contactInfoSubmitted", "updateProperties", "identify")
"""Events that say something of the person."""
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(slots=True)
class Visit:
    """One request of the tracker; `profile` is who asks, from the cookie if there is one."""

    profile: str | None
    session: str = ""
    events: int = 0

    def batch_of(self, body: bytes) -> bytes:
        """The request's events as the body of a batch; raises Unreadable."""
        try:
            found = any_json(body) if body.strip() else {}
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise Unreadable("the body is no JSON that can be read") from None
        if not isinstance(found, dict):
            raise Unreadable("the body is no object")
        self.session = _id(found.get("sessionId")) or ""
        self.profile = _id(found.get("profileId")) or _id(self.profile) or self.session or None
        events = [e for e in _list(found.get("events")) if isinstance(e, dict)]
        self.events = len(events)
        scopes = (_text(e.get("scope")) for e in (*events, _dict(found.get("source")), found))
        batch = {
            "writeKey": next(filter(None, scopes), None),
            "batch": [_filled(self._call(e)) for e in events],
        }
        return _encoder.encode(batch)

    def context(self) -> dict[str, Any]:
        """What the tracker is answered."""
        return {
            "profileId": self.profile, "sessionId": self.session, "profileProperties": {},
            "sessionProperties": {}, "profileSegments": [], "profileScores": {},
            "filteringResults": None, "processedEvents": self.events, "personalizations": {},
            "trackedConditions": [], "anonymousBrowsing": False, "consents": {},
        }  # fmt: skip

    def _call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        kind, target = event.get("eventType"), _dict(event.get("target"))
        said = {
            **_dict(target.get("properties")), **_dict(event.get("flattenedProperties")),
            **_dict(event.get("properties")),
        }  # fmt: skip
        call = {
            "messageId": event.get("itemId"), "timestamp": event.get("timeStamp"),
            "anonymousId": self.profile, "context": {"library": {"name": "apache-unomi-tracker"}},
        }  # fmt: skip
        if kind == "view":
            return call | {"type": "page", **_page(said)}
        if kind in _ABOUT:
            return call | {"type": "identify", "traits": _traits(said), **_login(kind, target)}
        own = {"target_id": target.get("itemId"), "target_type": target.get("itemType")}
        return call | {"type": "track", "event": kind, "properties": {**_filled(own), **said}}


def _page(said: Mapping[str, Any]) -> dict[str, Any]:
    info = _dict(said.get("pageInfo"))
    told = {
        "url": info.get("destinationURL"), "path": info.get("pagePath"),
        "referrer": info.get("referringURL"), "title": info.get("pageName"),
    }  # fmt: skip
    return {"name": info.get("pageName"), "properties": {**_filled(told), **said}}


def _login(kind: object, target: Mapping[str, Any]) -> dict[str, Any]:
    return {"userId": target.get("itemId")} if kind == "login" else {}


def _traits(said: Mapping[str, Any]) -> dict[str, Any]:
    """Traits by their own names: updates name them as properties.NAME."""
    changed = {**_dict(said.get("add")), **_dict(said.get("update"))}
    plain = {k: v for k, v in said.items() if k not in ("add", "update", "delete", "targetType")}
    return {**plain, **{k.removeprefix("properties."): v for k, v in changed.items()}}


def _id(value: Any) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v is not None}
