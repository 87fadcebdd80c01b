"""Consent, law 5: whether an address may be written to now, from every word ever said about it.

Unknown means no. A yes belongs to the address it was given for, and covers the channel and the
purpose it names. A no of the person, about any address of theirs, wins over every yes that is not
later. A suppressed address gets nothing until it is released, whatever else was said.
The verdict is a function of the set of words: their order of arrival and repeats change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Says = Literal["yes", "no", "suppress", "release"]
Address = tuple[str, str]
"""An identifier that can be written to: (kind, normal value)."""
DEFAULT_PURPOSE = "marketing"
"""What a yes without a purpose is for."""
CHANNELS_OF = {"email": "email", "phone": "sms"}
"""What a yes without a channel is for, by the kind of its address."""


@dataclass(frozen=True, slots=True, order=True)
class Word:
    """One thing said about an address, at a moment (UTC ms).

    A yes without channel or purpose means those of CHANNELS_OF and DEFAULT_PURPOSE; a no or a
    suppression without them means all.
    """

    at_ms: int
    says: Says
    address: Address
    channel: str | None = None
    purpose: str | None = None
    source: str = ""
    message_id: str = ""

    def covers(self, channel: str, purpose: str) -> bool:
        """Whether the word is about messages of that channel and purpose."""
        if self.says == "yes":
            own = self.channel or CHANNELS_OF.get(self.address[0], "")
            return own == channel and (self.purpose or DEFAULT_PURPOSE) == purpose
        return self.channel in (None, channel) and self.purpose in (None, purpose)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may be sent, why (or why not) in a word, and the words that decide."""

    allowed: bool
    reason: Literal["consent", "no consent", "withdrawn", "suppressed"]
    word: Word | None = None


_UNSAID = Verdict(False, "no consent")


def verdict(
    words: Iterable[Word], address: Address, channel: str, purpose: str, now_ms: int
) -> Verdict:
    """What the words of one person (of all their addresses) say at a moment.

    A no at the very moment of a yes wins.
    """
    said = [w for w in words if w.at_ms <= now_ms and w.covers(channel, purpose)]
    if not said:
        return _UNSAID
    here = [w for w in said if w.address == address]
    suppressed = _latest(here, "suppress")
    released = _latest(here, "release")
    if suppressed and not (released and released.at_ms > suppressed.at_ms):
        return Verdict(False, "suppressed", suppressed)
    yes, no = _latest(here, "yes"), _latest(said, "no")
    if no and not (yes and yes.at_ms > no.at_ms):
        return Verdict(False, "withdrawn", no)
    return Verdict(True, "consent", yes) if yes else Verdict(False, "no consent")


def _latest(words: Iterable[Word], says: Says) -> Word | None:
    return max((w for w in words if w.says == says), key=_order, default=None)


def _order(word: Word) -> tuple[int, str, str, str, str, Address]:
    return (
        word.at_ms,
        word.message_id,
        word.source,
        word.channel or "",
        word.purpose or "",
        word.address,
    )
