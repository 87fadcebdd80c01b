"""Who is no visitor, told by what it does: pages faster than anybody reads, all links at once.

Told at the door, once, and kept with the frame, so that the lake and the live profile see the
same. A retry is no second view: what repeats a message id counts once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import msgspec

from visavis.core.clock import format_time

VIEWS = 60
"""Pages and screens in one minute, by one anonymous id, that a person can view."""
CALLS = 600
"""Events of any kind in one minute, by one anonymous id."""
CLICKS = 2
"""Links of one message that a person can follow within one second."""
ROBOT = "behaviour"
SCANNER = "link scanner"
_HELD = 100_000
"""Message ids remembered, of whoever was seen last."""


class _Call(msgspec.Struct, gc=False):
    type: Any = None
    event: Any = None
    messageId: Any = None  # noqa: N815 - the wire's own names
    anonymousId: Any = None  # noqa: N815
    userId: Any = None  # noqa: N815
    timestamp: Any = None
    originalTimestamp: Any = None  # noqa: N815
    properties: Any = None


class _Batch(msgspec.Struct, gc=False):
    batch: list[_Call] = []


@dataclass(slots=True)
class _Pace:
    """What one sender did within one minute or second."""

    when: str
    told: bool
    views: set[int] = field(default_factory=set)
    calls: set[int] = field(default_factory=set)


_one = msgspec.json.Decoder(_Call)
_many = msgspec.json.Decoder(_Batch)


class Watch:
    """Remembers how fast visitors go; bounded, and forgotten at a restart."""

    def __init__(self) -> None:
        self._paces: OrderedDict[tuple[str, str], _Pace] = OrderedDict()
        self._held = self._number = 0

    def marks(self, batch: bool, body: bytes, agent: str, received_ms: int) -> dict[int, str]:
        """Of a body's calls (by their place) those that no person made, and why.

        Looks only at what a visitor's own device sent, and at clicks, whoever reports them.
        """
        clicks = b' Clicked"' in body
        if not clicks and "Mozilla" not in agent:
            return {}
        try:
            calls = _many.decode(body).batch if batch else [_one.decode(body)]
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return {}
        received = format_time(received_ms)
        found = self._robots(calls, received) if "Mozilla" in agent else {}
        return found | (self._scanners(calls, received) if clicks else {})

    def _robots(self, calls: list[_Call], received: str) -> dict[int, str]:
        mine = {}
        for i, call in enumerate(calls):
            who = call.anonymousId
            if not isinstance(who, str) or not who or call.userId:
                continue
            mine[i] = pace = self._pace((ROBOT, who), _moment(call, received)[:16])
            view = call.type in ("page", "screen")
            self._count(pace, call, view)
            pace.told |= len(pace.views) > VIEWS or len(pace.calls) > CALLS
        return {i: ROBOT for i, pace in mine.items() if pace.told}

    def _scanners(self, calls: list[_Call], received: str) -> dict[int, str]:
        mine = {}
        for i, call in enumerate(calls):
            event, said = call.event, call.properties
            if not isinstance(event, str) or not event.endswith(" Clicked"):
                continue
            said = said if isinstance(said, dict) else {}
            message = said.get("message") or said.get("campaign_id")
            who = call.userId or said.get("email") or call.anonymousId
            if message is None or who is None:
                continue
            name = f"{event}\n{message}\n{who}"
            mine[i] = pace = self._pace((SCANNER, name), _moment(call, received)[:19])
            self._count(pace, call, False)
            pace.told |= len(pace.calls) > CLICKS
        return {i: SCANNER for i, pace in mine.items() if pace.told}

    def _pace(self, who: tuple[str, str], when: str) -> _Pace:
        pace = self._paces.get(who)
        # a robot stays one; a scanner is one for its second
        if pace is None or (pace.when != when and not (pace.told and who[0] == ROBOT)):
            if pace is not None:
                self._held -= len(pace.views) + len(pace.calls)
            pace = self._paces[who] = _Pace(when, False)
        self._paces.move_to_end(who)
        return pace

    def _count(self, pace: _Pace, call: _Call, view: bool) -> None:
        if pace.told:
            return
        self._number += 1
        known = hash(call.messageId) if isinstance(call.messageId, str) else self._number
        before = len(pace.views) + len(pace.calls)
        pace.calls.add(known)
        if view:
            pace.views.add(known)
        self._held += len(pace.views) + len(pace.calls) - before
        while self._held + len(self._paces) > _HELD and len(self._paces) > 1:
            _, old = self._paces.popitem(last=False)
            self._held -= len(old.views) + len(old.calls)


def _moment(call: _Call, received: str) -> str:
    given = call.timestamp or call.originalTimestamp
    return given if isinstance(given, str) else received
