"""PostHog's events as calls of the common form: $identify, $set, aliases, groups, page views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from visavis.collect.kept import any_json

_PAGES = {"$pageview": "page", "$screen": "screen"}


def key_of(body: bytes) -> str | None:
    """The project key that a body names: api_key, token, or the token of its first event."""
    found = any_json(body)
    for entry in found if isinstance(found, list) else [found]:
        if isinstance(entry, dict):
            key = entry.get("api_key") or entry.get("token") or _of(entry, "token")
            return key if isinstance(key, str) else None
    return None


def calls_of(body: bytes) -> tuple[list[bytes], Any, None]:
    """The calls in a body (a batch, a list of events, or one event), and when it was sent."""
    found = any_json(body)
    sent = None
    if isinstance(found, dict):
        sent = found.get("sent_at")
        found = found["batch"] if isinstance(found.get("batch"), list) else [found]
    events = found if isinstance(found, list) else []
    return [call for event in events for call in _calls(event)], sent, None


def _calls(event: Any) -> list[bytes]:
    if not isinstance(event, dict):
        return [_encoder.encode(event)]
    call = _common(event)
    given = _set(event, _said(event), "$set")
    if not given or call["type"] == "identify":
        return [_encode(call)]
    return [_encode(call), _encode(_told_beside(call, given))]


def _told_beside(call: Mapping[str, Any], traits: Mapping[str, Any]) -> dict[str, Any]:
    """What any event may say of its person beside itself, as a call of its own."""
    of_person = ("timestamp", "context", "userId", "anonymousId")
    told = {name: call[name] for name in of_person if name in call}
    number = call.get("messageId")
    message_id = f"{number}:set" if isinstance(number, str) else None
    return {**told, "type": "identify", "traits": traits, "messageId": message_id}


def _said(event: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = event.get("properties")
    return properties if isinstance(properties, dict) else {}


def _encode(call: Mapping[str, Any]) -> bytes:
    return _encoder.encode({k: v for k, v in call.items() if v is not None})


_encoder = msgspec.json.Encoder(decimal_format="number")


def _common(event: Mapping[str, Any]) -> dict[str, Any]:
    name = event.get("event")
    said = _said(event)
    who = event.get("distinct_id") or said.get("distinct_id")
    call = {
        "messageId": event.get("uuid") or said.get("$insert_id"),
        "timestamp": event.get("timestamp"),
        "context": _context(said),
        **_identity(who, said),
    }
    own = {k: v for k, v in said.items() if not k.startswith("$") and k not in _NOT_OURS}
    match name:
        case "$identify":
            before = said.get("$anon_distinct_id")
            traits = {**_set(event, said, "$set_once"), **_set(event, said, "$set")}
            return call | {
                "type": "identify", "userId": who, "traits": traits,
                "anonymousId": before or call.get("anonymousId"),
            }  # fmt: skip
        case "$set" | "$set_once":
            traits = {**_set(event, said, "$set_once"), **_set(event, said, "$set")}
            return call | {"type": "identify", "traits": traits}
        case "$create_alias":
            # which of the two is the older one differs between clients; the link is the same
            return call | {
                "type": "alias", "userId": who, "previousId": said.get("alias"),
                "anonymousId": None,
            }  # fmt: skip
        case "$groupidentify":
            return call | {
                "type": "group", "groupId": said.get("$group_key"),
                "traits": said.get("$group_set") or {}, **_of_group(who, said),
            }  # fmt: skip
        case "$pageview" | "$screen":
            more = {
                "url": said.get("$current_url"), "path": said.get("$pathname"),
                "referrer": said.get("$referrer"), "name": said.get("$screen_name"),
            }  # fmt: skip
            page = {k: v for k, v in more.items() if v is not None}
            return call | {"type": _PAGES[str(name)], "properties": {**page, **own}}
    return call | {"type": "track", "event": name, "properties": own}


_NOT_OURS = ("token", "distinct_id")


def _set(event: Mapping[str, Any], said: Mapping[str, Any], name: str) -> dict[str, Any]:
    for place in (said, event):
        found = place.get(name)
        if isinstance(found, dict):
            return found
    return {}


def _identity(who: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    """A browser that nobody has logged in at is known by the id of its device alone."""
    device = said.get("$device_id")
    stranger = (
        said.get("$is_identified") is False
        or said.get("$user_state") == "anonymous"
        or said.get("$process_person_profile") is False
        or (device is not None and device == who)
    )
    groups = said.get("$groups")
    group = next(iter(groups.values()), None) if isinstance(groups, dict) else None
    return {
        "userId": None if stranger else who,
        "anonymousId": who if stranger else device,
        "groupId": group,
    }


def _of_group(who: Any, said: Mapping[str, Any]) -> dict[str, None]:
    """What a server says of a group it says of nobody: its client puts the group's name there."""
    if who == f"${said.get('$group_type')}_{said.get('$group_key')}":
        return {"userId": None, "anonymousId": None}
    return {}


def _context(said: Mapping[str, Any]) -> dict[str, Any]:
    library = {"name": said.get("$lib"), "version": said.get("$lib_version")}
    page = {"url": said.get("$current_url"), "path": said.get("$pathname")}
    found: dict[str, Any] = {"library": {k: v for k, v in library.items() if v is not None}}
    if page["url"]:
        found["page"] = page
    if said.get("$raw_user_agent"):
        found["userAgent"] = said["$raw_user_agent"]
    return found


def _of(entry: Mapping[str, Any], name: str) -> Any:
    properties = entry.get("properties")
    return properties.get(name) if isinstance(properties, dict) else None
