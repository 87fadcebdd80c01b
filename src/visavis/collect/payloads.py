"""Request bodies of the tracking clients: what they must look like, and the events in them. Pure.

The door (`Door`) says how a body came in: a call of one type, a batch of calls, or PostHog's own
forms. `check` is what the service asks before it says 200; `events_of` reads a frame's events.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from visavis.collect import glance, posthog, snowplow
from visavis.collect.calls import Bad, Event, event_of
from visavis.collect.glance import Glance
from visavis.collect.typed import number as decimal_of

BATCH, POSTHOG, SNOWPLOW = "batch", "posthog", "snowplow"


class _Body(msgspec.Struct, gc=False):
    batch: list[msgspec.Raw] | None = None
    writeKey: Any = None  # noqa: N815 - the wire's own names
    api_key: Any = None
    token: Any = None
    sentAt: Any = None  # noqa: N815
    sent_at: Any = None


class _One(msgspec.Struct, gc=False):
    writeKey: Any = None  # noqa: N815
    sentAt: Any = None  # noqa: N815


_body = msgspec.json.Decoder(_Body, float_hook=decimal_of)
_one = msgspec.json.Decoder(_One, float_hook=decimal_of)
_ERRORS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_BOM = b"\xef\xbb\xbf"


class Unreadable(Exception):
    """A body that no event can be made of; the text says why."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A body that may be acknowledged: as it will be kept, and the key named in it."""

    body: bytes
    key: str | None = None


def check(door: str, body: bytes) -> Checked:
    """What has to be known of a body before it is acknowledged; raises Unreadable."""
    if body.startswith(_BOM):
        body = body[3:]
    try:
        return _checked(door, body)
    except msgspec.ValidationError as error:
        raise Unreadable(f"the body is not what this path takes: {error}") from None
    except _ERRORS as error:
        repaired = repair(body, door)
        if repaired is None:
            raise Unreadable("the body is no JSON that can be read") from error
    try:
        return _checked(door, repaired)
    except _ERRORS:
        raise Unreadable("the body is no JSON that can be read") from None


def _checked(door: str, body: bytes) -> Checked:
    if door == POSTHOG:
        return Checked(body, posthog.key_of(body))
    if door == SNOWPLOW:
        return Checked(body, snowplow.key_of(body))
    if door == BATCH:
        found = _body.decode(body)
        if found.batch is None:
            raise Unreadable("the body has no 'batch'")
        return Checked(body, _text(found.writeKey) or _text(found.api_key))
    return Checked(body, _text(_one.decode(body).writeKey))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def head(door: str, agent: str, key_id: str, marks: Mapping[int, str] | None = None) -> bytes:
    """A frame's head; `marks` are the calls in it that no person made, and why."""
    if not marks:
        return _head(door, agent[:512], key_id)
    found = {"door": door, "agent": agent[:512], "key": key_id}
    return json.dumps(found | {"bots": {str(i): why for i, why in marks.items()}}).encode()


@lru_cache(maxsize=4096)
def _head(door: str, agent: str, key_id: str) -> bytes:
    return json.dumps({"door": door, "agent": agent, "key": key_id}).encode()


@lru_cache(maxsize=4096)
def _read_head(text: bytes) -> tuple[str, str, Mapping[int, str]]:
    found = json.loads(text)
    return found["door"], found["agent"], {int(i): w for i, w in found.get("bots", {}).items()}


def glances_of(received: int, head_text: bytes, body: bytes) -> Sequence[Glance | None] | None:
    """The usual events in a frame, in its order, None for a call that must be read as a whole;
    None if all have to be."""
    door, agent, robots = _read_head(head_text)
    if robots or door in (POSTHOG, SNOWPLOW):
        return None
    if door == BATCH:
        return glance.of_batch(body, received, agent)
    return (glance.of_one(body, received, agent),)


def events_of(
    number: int,
    received: int,
    head_text: bytes,
    body: bytes,
    places: Collection[int] | None = None,
) -> list[Event | Bad]:
    """The events in a frame, in its order; a call that is none is Bad with its reason.

    `places` are those wanted of the calls of a batch, for all of them None.
    """
    door, agent, bots = _read_head(head_text)
    found = _read(number, received, door, agent, body, places)
    for i, why in bots.items():
        if i < len(found) and isinstance(event := found[i], Event) and event.bot is None:
            event.bot = why
    return found


def _read(
    number: int,
    received: int,
    door: str,
    agent: str,
    body: bytes,
    places: Collection[int] | None,
) -> list[Event | Bad]:
    if door not in (BATCH, POSTHOG, SNOWPLOW):
        sent = None  # an event alone carries its own
        return [event_of(body, received, sent, agent, door, f"live:{number}")]
    if door == POSTHOG:
        calls, sent_at, given = posthog.calls_of(body)
    elif door == SNOWPLOW:
        calls, sent_at, given = snowplow.calls_of(body)
    else:
        read = _body.decode(body)
        calls, sent_at, given = [bytes(raw) for raw in read.batch or ()], read.sentAt, None
    return [
        event_of(raw, received, sent_at, agent, given, f"live:{number}:{i}")
        for i, raw in enumerate(calls)
        if places is None or i in places
    ]


def repair(body: bytes, door: str) -> bytes | None:
    """A body that is nearly JSON as JSON: NaN and Infinity as null, or one bad event set apart.

    Python's clients write NaN; an event nested too deep or broken in itself must not take the rest
    of its batch with it, so it becomes a text, which no event is.
    """
    text = _without_nan(body)
    if _is_json(text):
        return text
    if door != BATCH:
        return None
    span = _list_of_events(text)
    if span is None:
        return None
    start, end = span
    parts = [p if _is_json(p) else _quoted(p) for p in _items(text[start + 1 : end])]
    mended = text[: start + 1] + b",".join(parts) + text[end:]
    return mended if _is_json(mended) else None


_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b', re.DOTALL)
_SIGNS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_START = re.compile(rb'"batch"\s*:\s*\[')


def _without_nan(body: bytes) -> bytes:
    if b"NaN" not in body and b"Infinity" not in body:
        return body
    return _TOKENS.sub(lambda m: m[0] if m[0].startswith(b'"') else b"null", body)


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except _ERRORS:
        return False
    return True


def _list_of_events(body: bytes) -> tuple[int, int] | None:
    """Where the brackets of the batch stand, told by counting brackets alone."""
    found = _START.search(body)
    if found is None:
        return None
    level = 0
    for sign in _SIGNS.finditer(body, found.end() - 1):
        if sign[0] in (b"[", b"{"):
            level += 1
        elif sign[0] in (b"]", b"}"):
            level -= 1
            if not level:
                return found.end() - 1, sign.start()
    return None


def _items(inner: bytes) -> Iterator[bytes]:
    level = start = 0
    for sign in _SIGNS.finditer(inner):
        if sign[0] in (b"[", b"{"):
            level += 1
        elif sign[0] in (b"]", b"}"):
            level -= 1
        elif sign[0] == b"," and not level:
            yield inner[start : sign.start()]
            start = sign.end()
    if inner[start:].strip():
        yield inner[start:]


def _quoted(text: bytes) -> bytes:
    return msgspec.json.encode(text.decode("utf-8", "replace"))
