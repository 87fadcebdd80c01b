"""One call of a client: the event in it with its identifiers, or why it can't be one. Pure.

Both the lake's loads and the live profile read calls through `event_of`, so they agree. What is no
event is kept as a call that can be read again (see collect.kept).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b, sha256
from typing import Any, Protocol

import msgspec

from visavis.collect import bots, kept, typed
from visavis.collect.typed import BAD

TYPES = frozenset(("identify", "track", "page", "screen", "group", "alias"))
SKEW_MS = 60_000
"""A client's clock is corrected only when it is further off than this."""
FUTURE_MS = 86_400_000
MOST_LEVELS = 200
MOST_BYTES = 32 * 1024
"""A larger event goes to quarantine."""
_LONGEST_ID = 512
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_BROWSERS = (
    "analytics.js", "rudderlabs javascript sdk", "jitsu-js", "@jitsu/js", "web", "posthog-js",
)  # fmt: skip
_MOBILES = ("ios", "android", "react-native", "flutter", "swift", "kotlin")


class Call(msgspec.Struct, gc=False):
    """A call as clients write it; what a client may misspell is checked later, one by one."""

    type: Any = None
    messageId: Any = None  # noqa: N815 - the wire's own names
    userId: Any = None  # noqa: N815
    anonymousId: Any = None  # noqa: N815
    previousId: Any = None  # noqa: N815
    groupId: Any = None  # noqa: N815
    event: Any = None
    name: Any = None
    category: Any = None
    channel: Any = None
    timestamp: Any = None
    originalTimestamp: Any = None  # noqa: N815
    sentAt: Any = None  # noqa: N815
    properties: Any = None
    traits: Any = None
    context: msgspec.Raw = msgspec.Raw()


class _Context(msgspec.Struct, gc=False):
    traits: Any = None
    device: Any = None
    externalIds: Any = None  # noqa: N815
    userAgent: Any = None  # noqa: N815
    library: Any = None
    bot: Any = None


@dataclass(slots=True)
class Event:
    """An event: when (UTC ms), whose (kind, value), what. `bot` says why it counts for nothing.

    Identifiers are trimmed NFC texts, not yet in the normal form of their kind.
    """

    message_id: str
    type: str
    event: str
    ts: int
    received: int
    channel: str | None
    identifiers: list[tuple[str, str]]
    values: dict[str, Any]
    context: str | None
    bot: str | None = None
    digest: str = ""
    """Of two with one id, received at once, the greater counts."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A call that is no event: why, and the call as it is kept (see collect.kept)."""

    reason: str
    row: str
    received: int


_call = msgspec.json.Decoder(Call, float_hook=typed.number)
_context = msgspec.json.Decoder(_Context, float_hook=typed.number)
_NONE = _Context()


def event_of(
    raw: bytes,
    received: int,
    sent_at: Any,
    agent: str,
    given_type: str | None,
    fallback_id: str,
    most: int = MOST_BYTES,
) -> Event | Bad:
    """The event in one call; `sent_at` is the body's, `given_type` that of the path, if any."""
    found = _event(raw, received, sent_at, agent, given_type, fallback_id, most)
    if isinstance(found, Event):
        return found
    return Bad(found, kept.of_raw(raw, sent_at, agent, given_type, fallback_id), received)


def _event(
    raw: bytes,
    received: int,
    sent_at: Any,
    agent: str,
    given_type: str | None,
    fallback_id: str,
    most: int,
) -> Event | str:
    if len(raw) > most:
        return "too-large: an event has at most 32 KB"
    try:
        raw.decode()
        if raw.count(b"{") + raw.count(b"[") > MOST_LEVELS and depth(raw) > MOST_LEVELS:
            return f"too-deep: more than {MOST_LEVELS} levels"
        call = _call.decode(raw)
        context = _context.decode(call.context) if call.context else _NONE
    except UnicodeDecodeError:
        return "bad-encoding: the event is not in UTF-8"
    except msgspec.ValidationError:
        try:
            call = _call.decode(raw)
        except msgspec.ValidationError:
            return "bad-event: an event is an object"
        context = _NONE  # a context that is no object says nothing
    except (msgspec.DecodeError, RecursionError):
        return "bad-json: the event is no JSON"
    kind = call.type if isinstance(call.type, str) else given_type
    if kind not in TYPES:
        kind = given_type
    if kind is None:
        return "bad-type: 'type' is none of identify, track, page, ..."
    name = typed.text(call.event) if kind == "track" else kind
    if name is None or name is BAD:
        return "missing-event: a track call names its event"
    ts = moment_of(call, received, typed.moment(sent_at))
    if ts is None:
        return "bad-time: 'timestamp' is no time that can be read"
    if ts > received + FUTURE_MS:
        return "future: dated more than 24 hours in the future"
    values = _values(call, context, kind)
    return Event(
        _message_id(call.messageId, fallback_id), kind, name, ts, received,
        _channel(call, context, kind), _identifiers(call, context, kind), values,
        _shown(call.context), _bot(context, agent), blake2b(raw, digest_size=8).hexdigest(),
    )  # fmt: skip


class Dated(Protocol):
    """What says when a call was made and when it was sent."""

    timestamp: Any
    originalTimestamp: Any  # noqa: N815
    sentAt: Any  # noqa: N815


def moment_of(call: Dated, received: int, body_sent: Any) -> int | None:
    """The event's time, its client's clock corrected where it is plainly wrong; None if unread."""
    given = call.timestamp if call.timestamp is not None else call.originalTimestamp
    ts = typed.moment(given)
    if ts is BAD:
        return None
    if ts is None:
        return received
    sent = body_sent if call.sentAt is None else typed.moment(call.sentAt)
    if type(sent) is int and abs(received - sent) > SKEW_MS:
        ts += received - sent
    return int(ts)


def _message_id(given: Any, fallback: str) -> str:
    found = typed.text(given)
    if found is None or found is BAD:
        return fallback
    return str(found) if len(found) <= _LONGEST_ID else sha256(found.encode()).hexdigest()


def _values(call: Call, context: _Context, kind: str) -> dict[str, Any]:
    """What the event says: its properties, or of identify and group its traits."""
    if kind in ("identify", "group"):
        said = _dict(call.traits)
        if kind == "identify":
            more = _dict(context.traits)
            said = {**more, **said} if more else said
        return said
    said = _dict(call.properties)
    if kind in ("page", "screen"):
        extra = {"name": call.name, "category": call.category}
        said = {**{k: v for k, v in extra.items() if v is not None}, **said}
    elif kind == "alias" and call.previousId is not None:
        said = {"previousId": call.previousId, **said}
    return said


def _identifiers(call: Call, context: _Context, kind: str) -> list[tuple[str, str]]:
    traits = _dict(call.traits) if kind != "group" else {}
    more, properties = _dict(context.traits), _dict(call.properties)
    return identifiers_of(
        (call.userId, call.anonymousId, call.groupId),
        (traits.get("email"), more.get("email"), properties.get("email")),
        (traits.get("phone"), more.get("phone")),
        _dict(context.device).get("id"),
        context.externalIds,
        call.previousId if kind == "alias" else None,
    )


def identifiers_of(
    ids: tuple[Any, Any, Any],
    emails: tuple[Any, ...],
    phones: tuple[Any, ...],
    device_id: Any = None,
    external: Any = None,
    previous_id: Any = None,
) -> list[tuple[str, str]]:
    """(kind, value) of what a call names: user, anonymous and group id, the first e-mail and the
    first phone that is there, a device, external ids, and what an alias names an earlier id."""
    found: list[tuple[str, str]] = []
    user_id, anonymous_id, group_id = ids
    _add(found, "user_id", user_id)
    _add(found, "anonymous_id", anonymous_id)
    if previous_id is not None:
        _previous(found, previous_id, user_id, anonymous_id)
    _add(found, "email", next(filter(None, emails), None))
    _add(found, "phone", next(filter(None, phones), None))
    _add(found, "device_id", device_id)
    if external is not None:
        _external(found, external)
    _add(found, "account_id", group_id)
    return found


def _previous(
    found: list[tuple[str, str]], previous_id: Any, user_id: Any, anonymous_id: Any
) -> None:
    """An alias names an earlier id; which kind it was nobody says, so it is looked up as both."""
    before = typed.text(previous_id)
    if before is None or before is BAD or before == typed.text(user_id):
        return
    if before != typed.text(anonymous_id):
        found.append(("user_id", before))
        found.append(("anonymous_id", before))


def _external(found: list[tuple[str, str]], given: Any) -> None:
    for entry in given if isinstance(given, list) else []:
        if isinstance(entry, dict):
            kind = typed.text(entry.get("type"))
            if isinstance(kind, str) and _KIND.fullmatch(snake(kind)):
                _add(found, snake(kind), entry.get("id"))


def snake(name: str) -> str:
    """loyaltyId -> loyalty_id."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace("-", "_").replace(" ", "_").lower()


def _add(found: list[tuple[str, str]], kind: str, value: Any) -> None:
    if value is None or isinstance(value, (bool, dict, list)):
        return
    clean = typed.text(value)
    if clean is not None and clean is not BAD and len(clean) <= 1024:
        if isinstance(value, Decimal) and value == value.to_integral_value():
            clean = f"{value.to_integral_value():f}"
        if (kind, clean) not in found:
            found.append((kind, clean))


def _dict(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _channel(call: Call, context: _Context, kind: str) -> str | None:
    given = typed.text(call.channel)
    if isinstance(given, str):
        return given
    library = _dict(context.library).get("name")
    name = library.lower() if isinstance(library, str) else ""
    if name in _BROWSERS:
        return "web"
    if kind == "screen" or any(word in name for word in _MOBILES):
        return "app"
    return "server" if name else None


def _bot(context: _Context, agent: str) -> str | None:
    """Why this is no visitor: of what a server passes on only the visitor's own agent counts."""
    if isinstance(context.bot, str) and context.bot:
        return context.bot[:100]
    told = context.userAgent if isinstance(context.userAgent, str) else agent
    return "user agent" if told and bots.by_user_agent(told) else None


def _shown(context: bytes | msgspec.Raw) -> str | None:
    text = bytes(context).decode()
    return text if text and text != "null" else None


def depth(raw: bytes) -> int:
    """How many levels of brackets a JSON text has; brackets within strings do not count."""
    level = deepest = 0
    for sign in re.findall(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', raw, re.DOTALL):
        if sign in (b"{", b"["):
            level += 1
            deepest = max(deepest, level)
        elif sign in (b"}", b"]"):
            level -= 1
    return deepest
