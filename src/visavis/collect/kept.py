"""A call in quarantine: a JSON object that says all that its request said, so that it can be read
again, as it is or repaired, without the request. What is no object at all is its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from visavis.collect.typed import number
from visavis.core.clock import format_time

if TYPE_CHECKING:
    from visavis.collect.calls import Event

TEXT = "_line"
"""The one key of what is no JSON object."""
PARTS = ("properties", "traits", "context", "integrations")
"""Keys of a call that hold objects; in a CSV they are JSON."""
_TOLD = ("user_id", "anonymous_id", "account_id")
_any = msgspec.json.Decoder(float_hook=number)
_encode = msgspec.json.Encoder(decimal_format="number").encode


def any_json(raw: bytes) -> Any:
    """A JSON text as plain values, numbers with a point as decimals."""
    return _any.decode(raw)


def as_text(value: Any) -> str:
    """Plain values as JSON text."""
    return _encode(value).decode()


def of_raw(raw: bytes, sent_at: Any, agent: str, given_type: str | None, fallback_id: str) -> str:
    """A call as it came in, with what its request said beside it."""
    try:
        call = any_json(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        call = None
    if not isinstance(call, dict):
        return as_text({TEXT: raw.decode("utf-8", "replace").replace("\0", "")})
    beside = {"type": given_type, "messageId": fallback_id, "sentAt": sent_at}
    made = {k: v for k, v in beside.items() if v is not None and call.get(k) is None}
    context = call.get("context")
    if agent and (context is None or isinstance(context, dict)):
        made["context"] = {"userAgent": agent, **(context or {})}
    return as_text({**call, **made})


def of_event(event: Event) -> str:
    """An event that the project's definitions can't take, as a call that says the same."""
    names = dict(reversed(event.identifiers))
    said = "traits" if event.type in ("identify", "group") else "properties"
    call = {
        "type": event.type,
        "event": event.event if event.type == "track" else None,
        "messageId": event.message_id,
        "timestamp": format_time(event.ts),
        "userId": names.get("user_id"),
        "anonymousId": names.get("anonymous_id"),
        "groupId": names.get("account_id"),
        "channel": event.channel,
        said: event.values,
        "context": _context(event),
    }
    return as_text({k: v for k, v in call.items() if v is not None})


def _context(event: Event) -> Mapping[str, Any] | None:
    """The context, with every identifier that the event has."""
    found = any_json(event.context.encode()) if event.context else {}
    context: dict[str, Any] = found if isinstance(found, dict) else {}
    held = context.get("externalIds")
    given = held if isinstance(held, list) else []
    ids = [*given, *_named(event, given)]
    if ids:
        context["externalIds"] = ids
    if event.bot is not None:
        context["bot"] = event.bot
    return context or None


def _named(event: Event, given: Sequence[Any]) -> list[dict[str, str]]:
    """The identifiers that no key of the call tells; e-mails and phones stand in what is said."""
    told = set(_TOLD)
    named = []
    for kind, value in event.identifiers:
        entry = {"type": kind, "id": value}
        if kind in ("email", "phone") or entry in given:
            continue
        if kind in told:
            told.remove(kind)
        else:
            named.append(entry)
    return named


def of_cells(cells: Mapping[str, str | None]) -> bytes:
    """A call from the cells of a repaired row; an empty cell says nothing."""
    call: dict[str, Any] = {}
    for name, cell in cells.items():
        text = (cell or "").strip()
        if not text or name == TEXT:
            continue
        call[name] = _part(text) if name in PARTS else cell
    return _encode(call)


def _part(text: str) -> Any:
    try:
        return any_json(text.encode())
    except (msgspec.DecodeError, RecursionError):
        return text
