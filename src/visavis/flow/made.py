"""The event of a decision, as the tail keeps it; read back without what clients may write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from visavis.core.clock import format_time
from visavis.core.decisions import Identifier
from visavis.store.tail import Frame

MADE = "Decision Made"
AGENT = "visavis"
"""In the place of a client's user agent."""
_MARK = b'"agent": "visavis"'
_START = b'{"batch":[{"type":"track","event":"Decision Made",'
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LONGEST = 512


class _Id(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: str
    type: str


class _Context(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    externalIds: list[_Id]  # noqa: N815 - the wire's own names


class _Told(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    decision_id: str
    placement: str
    offer_id: str | None
    outcome: str
    probability: float
    context: msgspec.Raw = msgspec.Raw()


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    event: str
    messageId: str  # noqa: N815
    timestamp: str
    channel: str
    properties: _Told
    context: _Context


class _Batch(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    batch: list[_Call]


_decode = msgspec.json.Decoder(_Batch).decode
_encode = msgspec.json.Encoder().encode


def logged(name: Identifier, decision: Mapping[str, Any], context: bytes = b"") -> bytes:
    """A batch with the event of a decision about somebody, which the tail takes like any other;
    `context` is what it was asked with, as JSON."""
    kind, value = name
    chosen = [choice["offer"] for choice in decision["choices"]]
    call = {
        "type": "track",
        "event": MADE,
        "messageId": f"visavis:{decision['decision_id']}",
        "timestamp": decision["at"],
        "channel": "visavis",
        "properties": {
            "decision_id": decision["decision_id"],
            "placement": decision["placement"],
            "offer_id": chosen[0] if chosen else None,
            "outcome": "held out" if decision["held_out"] else "chosen" if chosen else "nothing",
            "probability": 1.0,
            **({"context": msgspec.Raw(context)} if context else {}),
        },
        "context": {"externalIds": [{"id": value, "type": kind}]},
    }
    return _encode({"batch": [call]})


def told_in(frame: Frame) -> tuple[str, Identifier] | None:
    """The message id of the decision that a frame of `logged` is about, and whom it was made for.

    None for any other frame, and where a client's call would be read otherwise than by the letter.
    """
    if _MARK not in frame.head or not frame.body.startswith(_START):
        return None
    try:
        calls = _decode(frame.body).batch
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if len(calls) != 1 or len(calls[0].context.externalIds) != 1:
        return None
    call = calls[0]
    (one,) = call.context.externalIds
    plain = _KIND.fullmatch(one.type) and one.id == one.id.strip() and "\0" not in one.id
    usual = call.event == MADE and call.timestamp == format_time(frame.received_ms)
    if not plain or not usual or not 0 < len(one.id) <= _LONGEST or len(call.messageId) > _LONGEST:
        return None
    return call.messageId, (one.type, one.id)
