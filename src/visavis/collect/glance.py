"""What has to be known of a usual call the moment it comes in: whose it is, what and when.

The rest of it is read when somebody asks for the person. A call that this can't tell for certain to
be an event like most (an order, an alias, a robot's, one with ids of odd types or signs) is left to
`calls.event_of`, which knows every case; a law holds both to the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from visavis.collect import bots, typed
from visavis.collect.calls import (
    FUTURE_MS,
    MOST_BYTES,
    MOST_LEVELS,
    SKEW_MS,
    depth,
    identifiers_of,
    moment_of,
)
from visavis.core.vocabulary import EVENTS_WITH_LINES

_ALONE = frozenset(("page", "screen", "identify"))
"""Usual calls without a name of their own."""
_Id = str | int | None
_ODD = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
"""Halves of signs, which may be no text, and the sign zero, which is left out of texts."""
_NUMBERS = re.compile(rb"\d{1000}")
"""Numbers that may be too large to be read."""
_SMALL = 2048
_FLAT, _FLAT_OBJECTS = 2 * MOST_LEVELS, 5 * MOST_LEVELS
"""Bytes of a call, and of one without lists, that can't have too many levels: `[]`, `{"":}`."""
_LONGEST_ID = 512
_Place = tuple[int, int]
"""Where a call begins in its body, and how many bytes it has."""
Who = tuple[_Id, _Id, _Id, _Id, _Id, _Id, _Id, _Id, _Id]
"""User, anonymous and group id; e-mail of traits, of the context's and of properties; phone of
traits and of the context's; the device: as they were given."""


class _Traits(msgspec.Struct, gc=False):
    email: _Id = None
    phone: _Id = None


class _Properties(msgspec.Struct, gc=False):
    email: _Id = None


class _Device(msgspec.Struct, gc=False):
    id: _Id = None


class _Context(msgspec.Struct, gc=False):
    traits: _Traits | None = None
    device: _Device | None = None
    externalIds: Any = None  # noqa: N815 - the wire's own names
    userAgent: str | None = None  # noqa: N815
    bot: Any = None


class _Call(msgspec.Struct, gc=False):
    type: str
    messageId: str  # noqa: N815
    event: str | None = None
    userId: _Id = None  # noqa: N815
    anonymousId: _Id = None  # noqa: N815
    groupId: _Id = None  # noqa: N815
    timestamp: Any = None
    originalTimestamp: Any = None  # noqa: N815
    sentAt: Any = None  # noqa: N815
    properties: _Properties | None = None
    traits: _Traits | None = None
    context: _Context | None = None


class _Batch(msgspec.Struct, gc=False):
    batch: list[_Call]
    sentAt: Any = None  # noqa: N815


class _Pieces(msgspec.Struct, gc=False):
    batch: list[msgspec.Raw]


class Glance(msgspec.Struct, array_like=True, gc=False):
    """A usual event: its name (the type of what is no track call), its moment (UTC ms), whose it
    is, and where in its body it stands, in bytes."""

    event: str
    ts: int
    who: Who
    begins: int = 0
    length: int = 0


def identifiers(who: Who) -> list[tuple[str, str]]:
    """(kind, value) of what a usual call names."""
    return identifiers_of(who[:3], who[3:6], who[6:8], who[8])


_batch = msgspec.json.Decoder(_Batch)
_pieces = msgspec.json.Decoder(_Pieces)
_one = msgspec.json.Decoder(_Call)
_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def of_batch(body: bytes, received: int, agent: str) -> list[Glance | None] | None:
    """The usual events of a batch, in its order, None for a call that is not; None if it can't be
    told of any."""
    if not _is_plain(body):
        return None
    try:
        read = _batch.decode(body)
        pieces = _pieces.decode(body).batch
    except _ERRORS:
        return None
    places = _places(body, pieces)
    if places is None:
        return None
    return list(_glances(read.batch, places, received, read.sentAt, agent))


def of_one(body: bytes, received: int, agent: str) -> Glance | None:
    """The usual event that a body is; None if it is none."""
    if not _is_plain(body) or not _fits(body):
        return None
    try:
        call = _one.decode(body)
    except _ERRORS:
        return None
    return next(_glances([call], [(0, len(body))], received, None, agent))


def _places(body: bytes, pieces: Iterable[msgspec.Raw]) -> list[_Place | None] | None:
    """Where the calls of a batch stand, None for one that can't be usual; None if they are not
    found."""
    places: list[_Place | None] = []
    end = body.find(b"[", body.find(b'"batch"'))
    flat = _FLAT_OBJECTS if body.find(b"[", end + 1) < 0 else _FLAT
    for raw in pieces:
        piece = bytes(raw)
        size, begins = len(piece), body.find(b"{", end)
        if not body.startswith(piece, begins):
            return None
        end = begins + size
        places.append((begins, size) if size <= flat or _fits(piece) else None)
    return places


def _is_plain(body: bytes) -> bool:
    """Whether nothing in a body may be unreadable that is not read here."""
    if b"\\" in body and _ODD.search(body):
        return False
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            return False
    return True


def _fits(raw: bytes) -> bool:
    """Whether a call is not too large, not too deep, and has no number too long to be read."""
    size = len(raw)
    if size <= _FLAT or (size <= _FLAT_OBJECTS and b"[" not in raw):
        return True
    if size > _SMALL and (size > MOST_BYTES or _NUMBERS.search(raw)):
        return False
    return raw.count(b"{") + raw.count(b"[") <= MOST_LEVELS or depth(raw) <= MOST_LEVELS


def _glances(
    calls: Iterable[_Call],
    places: Iterable[_Place | None],
    received: int,
    sent_at: Any,
    agent: str,
) -> Iterator[Glance | None]:
    robot, latest = bots.by_user_agent(agent), received + FUTURE_MS
    sent, moment = typed.moment(sent_at), typed.moment
    shift = received - sent if type(sent) is int and abs(received - sent) > SKEW_MS else 0
    for call, place in zip(calls, places, strict=True):
        kind, context = call.type, call.context
        name = _name(call.event) if kind == "track" else kind if kind in _ALONE else None
        number = call.messageId
        if (
            place is None
            or name is None
            or not number
            or number.isspace()
            or len(number) > _LONGEST_ID
        ):
            yield None
            continue
        told = more = device = None
        if context is not None:
            told, more, device = context.userAgent, context.traits, context.device
            if context.bot is not None or context.externalIds is not None:
                yield None
                continue
        given = call.timestamp
        if call.sentAt is not None or given is None:
            ts = moment_of(call, received, sent)
        else:
            ts = moment(given)
            ts = None if ts is typed.BAD else received if ts is None else ts + shift
        if ts is None or ts > latest or (robot if told is None else bots.by_user_agent(told)):
            yield None
            continue
        traits, said = call.traits, call.properties
        who = (
            call.userId, call.anonymousId, call.groupId,
            None if traits is None else traits.email,
            None if more is None else more.email,
            None if said is None else said.email,
            None if traits is None else traits.phone,
            None if more is None else more.phone,
            None if device is None else device.id,
        )  # fmt: skip
        yield Glance(name, ts, who, *place)


@lru_cache(maxsize=4096)
def _name(given: str | None) -> str | None:
    """The name of a track call; None where it is an order's, or none."""
    name = typed.text(given)
    return name if isinstance(name, str) and name not in EVENTS_WITH_LINES else None
