"""Snowplow's tracker payloads as calls of the common form; the app id (`aid`) is the write key.

Every value of theirs is a text; moments are ms. A structured event is named by its action, a
self-describing one by the name in its schema.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

import msgspec

from visavis.collect.kept import any_json, as_text


def key_of(body: bytes) -> str | None:
    """The key that a body names."""
    for entry in _entries(any_json(body)):
        if isinstance(entry, dict):
            key = entry.get("aid")
            return key if isinstance(key, str) and key else None
    return None


def calls_of(body: bytes) -> tuple[list[bytes], Any, None]:
    """The calls in a body, and when it was sent."""
    entries = _entries(any_json(body))
    sent = next((e.get("stm") for e in entries if isinstance(e, dict)), None)
    return [as_text(_call(e) if isinstance(e, dict) else e).encode() for e in entries], sent, None


def _entries(found: Any) -> list[Any]:
    data = found.get("data") if isinstance(found, dict) else None
    return data if isinstance(data, list) else []


def _call(said: Mapping[str, Any]) -> dict[str, Any]:
    page = {"url": said.get("url"), "title": said.get("page"), "referrer": said.get("refr")}
    call = {
        "messageId": said.get("eid"),
        "timestamp": said.get("dtm"),
        "userId": said.get("uid"),
        "anonymousId": said.get("duid") or said.get("nuid"),
        "context": _filled(
            {
                "library": _filled({"name": "snowplow", "version": said.get("tv")}),
                "userAgent": said.get("ua"),
                "page": _filled(page) or None,
            }
        ),
        **_said(said, page),
    }
    return _filled(call)


def _said(said: Mapping[str, Any], page: Mapping[str, Any]) -> dict[str, Any]:
    match said.get("e"):
        case "pv":
            return {"type": "page", "properties": _filled(page)}
        case "se":
            more = {"category": "se_ca", "label": "se_la", "property": "se_pr", "value": "se_va"}
            own = _filled({name: said.get(key) for name, key in more.items()})
            return {"type": "track", "event": said.get("se_ac"), "properties": own}
        case "ue":
            return _self_describing(said)
        case "tr":
            order = {"order_id": "tr_id", "revenue": "tr_tt", "tax": "tr_tx", "shipping": "tr_sh",
                     "currency": "tr_cu", "affiliation": "tr_af"}  # fmt: skip
            own = _filled({name: said.get(key) for name, key in order.items()})
            return {"type": "track", "event": "Order Completed", "properties": own}
    name = {"pp": "Page Pinged", "ti": "Order Line"}.get(str(said.get("e")))
    return {"type": "track", "event": name}


def _self_describing(said: Mapping[str, Any]) -> dict[str, Any]:
    try:
        packed = said.get("ue_px")
        text = said.get("ue_pr") if packed is None else urlsafe_b64decode(f"{packed}===").decode()
        inner = any_json(str(text).encode())["data"]
        name = str(inner["schema"]).split("/")[1]
        data = inner["data"]
    except (msgspec.DecodeError, binascii.Error, KeyError, IndexError, TypeError, ValueError):
        return {"type": "track"}
    own = data if isinstance(data, dict) else {}
    return {"type": "track", "event": name, "properties": own}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v is not None}
