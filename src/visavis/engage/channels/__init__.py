"""The ways out: each takes one rendered message and says what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as a channel takes it; `mail` is whole, with all headers, its lines end in CRLF."""

    message_id: str
    sender: str
    recipient: str
    mail: bytes


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message.

    sent: taken. later: not taken, may be tried again. failed: refused for good. uncertain: nobody
    can tell whether it was taken. `reason` tells no personal data.
    """

    what: Literal["sent", "later", "failed", "uncertain"]
    reason: str = ""
    down: bool = False
    """Whether the channel itself is not there, which is no fault of the message."""


class Sender(Protocol):
    """A channel at work."""

    knows: bool
    """Whether a second attempt of the same message is harmless: the channel knows it."""

    async def send(self, batch: Sequence[Outgoing]) -> list[Fate]:
        """Sends messages one after the other over one connection; a fate for each."""
        ...

    async def close(self) -> None:
        """Gives connections back."""
        ...
