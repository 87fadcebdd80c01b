"""Customer.io's Track API as calls of the common form: customers, their events, merges. Pure.

A person is named in the path or in `identifiers`, by an id or, when there is an @ in it, an e-mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from visavis.collect.kept import any_json
from visavis.collect.payloads import Unreadable

IDENTIFY, EVENT, ANONYMOUS, DEVICE, MERGE, ENTITY, ENTITIES = (
    "identify", "event", "anonymous", "device", "merge", "entity", "entities",
)  # fmt: skip
DELETE, SUPPRESS, UNSUPPRESS, NO_DEVICE, PUSH, METRIC = (
    "delete", "suppress", "unsuppress", "delete_device", "push", "metric",
)  # fmt: skip
"""The interface's requests that are understood: a customer, an event of one, and so on."""
_DEEDS = {
    DELETE: "User Deleted", SUPPRESS: "User Suppressed", UNSUPPRESS: "User Unsuppressed",
    NO_DEVICE: "Device Deleted",
}  # fmt: skip
"""What is done to a customer is recorded by Customer.io's own names for it: a public key erases
nobody, but nothing is sent to them any more (see flow.consent_words)."""
_PAGES = ("page", "screen")
_NOT_TRAITS = ("anonymous_id", "_update", "cio_relationships")


def batch_of(kind: str, who: str, body: bytes, device: str = "") -> bytes:
    """A request's calls as the body of a batch; `who` and `device` stand in its path, or are "".

    Raises Unreadable.
    """
    try:
        found = any_json(body) if body.strip() else {}
        if kind == NO_DEVICE:
            found = {"device": {"id": device}}
        calls = _calls(kind, who, found)
        return _encoder.encode({"batch": [_plain(call) for call in calls]})
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Unreadable("the body is no JSON that can be read") from None


def _calls(kind: str, who: str, found: Any) -> list[Any]:
    if not isinstance(found, dict):
        raise Unreadable("the body is no object")
    if kind == ENTITY:
        return _entity(found)
    if kind in _DEEDS:
        return [_deed(kind, _named(who), found)]
    if kind != ENTITIES:
        return [_CALLS[kind](_named(who), found)]
    entries = found.get("batch")
    if not isinstance(entries, list):
        raise Unreadable("the body has no 'batch'")
    return [call for e in entries for call in (_entity(e) if isinstance(e, dict) else [e])]


_encoder = msgspec.json.Encoder(decimal_format="number")
_Call = dict[str, Any]


def _plain(call: Any) -> Any:
    if not isinstance(call, dict):
        return call
    return {name: value for name, value in call.items() if value is not None}


def _named(who: Any) -> _Call:
    """The call's person by an id or an e-mail; nobody when there is none."""
    if isinstance(who, str) and "@" in who:
        return {"context": {"traits": {"email": who}}}
    return {"userId": who} if who not in (None, "") else {}


def _identify(who: _Call, said: Mapping[str, Any]) -> _Call:
    traits = {k: v for k, v in said.items() if k not in _NOT_TRAITS}
    return {
        "type": "identify", **who, "anonymousId": said.get("anonymous_id"), "traits": traits,
    }  # fmt: skip


def _event(who: _Call, said: Mapping[str, Any]) -> _Call:
    """An event; pages and screens say so by their type, and their name is what was visited."""
    kind, name = said.get("type"), said.get("name")
    data = said.get("data", said.get("attributes"))
    call = {
        **who, "anonymousId": said.get("anonymous_id"), "messageId": said.get("id"),
        "timestamp": said.get("timestamp"), "properties": data,
    }  # fmt: skip
    if kind in _PAGES:
        return {"type": kind, "name": name, **call}
    return {"type": "track", "event": name.strip() if isinstance(name, str) else name, **call}


def _device(who: _Call, said: Mapping[str, Any]) -> _Call:
    device = said.get("device")
    context = {**who.get("context", {}), "device": device if isinstance(device, dict) else {}}
    return {"type": "identify", **who, "context": context}


def _deed(kind: str, who: _Call, said: Mapping[str, Any]) -> _Call:
    device = said.get("device")
    properties = {"device_id": _dict(device).get("id") or _dict(device).get("token")}
    own = {"properties": properties} if kind == NO_DEVICE else {}
    told = {"type": "track", "event": _DEEDS[kind], "timestamp": said.get("timestamp")}
    return {**told, **who, **own}


def _metric(_: _Call, said: Mapping[str, Any]) -> _Call:
    """What became of a message: of a push by its device, else by the address it went to."""
    what = said.get("event", said.get("metric"))
    device, address = said.get("device_id"), said.get("recipient")
    channel = "Push Notification" if device else "Email" if "@" in str(address) else "Message"
    return {
        "type": "track", "event": f"{channel} {what.title()}" if isinstance(what, str) else None,
        "timestamp": said.get("timestamp"),
        "properties": {
            k: v
            for k, v in (("message", said.get("delivery_id")), ("reason", said.get("reason")))
            if v is not None
        },
        "context": {
            "device": {"id": device}, "traits": {"email": address} if channel == "Email" else {},
        },
    }  # fmt: skip


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _merge(_: _Call, said: Mapping[str, Any]) -> _Call:
    primary, secondary = said.get("primary"), said.get("secondary")
    kept = _first(primary if isinstance(primary, dict) else {})
    gone = _first(secondary if isinstance(secondary, dict) else {})
    return {"type": "alias", **_named(kept), "previousId": gone}


def _first(identifiers: Mapping[str, Any]) -> Any:
    return identifiers.get("id") or identifiers.get("email")


_CALLS = {
    IDENTIFY: _identify, EVENT: _event, ANONYMOUS: _event, DEVICE: _device, MERGE: _merge,
    PUSH: _metric, METRIC: _metric,
}  # fmt: skip


def _entity(entry: Mapping[str, Any]) -> list[_Call]:
    """One operation of the second version; an object is an account, with people in it."""
    kind = entry.get("type", "person")
    ids = _dict(entry.get("identifiers"))
    if kind == "person":
        return [_of_person(entry, ids)]
    if kind != "object" or entry.get("action") not in _GROUPS:
        return [{"type": f"{kind} {entry.get('action')}"}]
    related = entry.get("cio_relationships")
    people = [_named(_first(_dict(_dict(r).get("identifiers")))) for r in _list(related)] or [{}]
    said = {"groupId": ids.get("object_id"), "traits": _dict(entry.get("attributes"))}
    return [{"type": "group", **said, **who} for who in people]


_GROUPS = ("identify", "identify_anonymous", "add_relationships")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _of_person(entry: Mapping[str, Any], ids: Mapping[str, Any]) -> _Call:
    action = entry.get("action")
    if action == "merge":
        return _merge({}, entry)
    who = _named(_first(ids))
    attributes = {**_dict(entry.get("attributes"))}
    if "anonymous_id" in ids:
        attributes.setdefault("anonymous_id", ids["anonymous_id"])
    if isinstance(action, str) and action in _DEEDS:
        return _deed(action, who, entry)
    if action == "identify":
        return _identify(who, attributes)
    if action == "add_device":
        return _device(who, entry)
    if action in ("event", *_PAGES):
        return {
            **_event(who, {**entry, "type": action}),
            "anonymousId": ids.get("anonymous_id"),
        }  # fmt: skip
    return {"type": f"person {action}"}
