"""Decisions and what becomes of them: candidates and why they fell, drafts, people left out.

Pure values. A decision is about one placement and one person, filed under an identifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from visavis.core.problems import Place

Identifier = tuple[str, str]
"""(kind, normal value)."""


class Reason(StrEnum):
    """Why an offer fell for somebody, in the order in which it is asked."""

    NOT_STARTED = "not started"
    ENDED = "ended"
    WITHHELD = "source under its threshold"
    NOT_ELIGIBLE = "not eligible"
    NO_OCCASION = "no occasion"
    ALREADY_SENT = "already sent"
    TOO_SOON = "too soon after the last"
    NO_ADDRESS = "no address"
    NO_CONSENT = "no consent"
    WITHDRAWN = "consent withdrawn"
    SUPPRESSED = "address suppressed"
    CAP = "frequency cap"
    OUTRANKED = "outranked"
    MISSING_FIELD = "missing field"
    TEMPLATE = "template failed"
    HELD_OUT = "held out"
    CONTAMINATED = "in both arms"
    CONTROL = "control group"


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """An offer as it stood: chosen where `fell` is None, else why not and where that is written."""

    offer: str
    fell: Reason | None
    place: Place
    score: int = 0
    detail: str = ""
    occasion: str = ""

    def as_json(self) -> dict[str, Any]:
        """Offer, reason, file, line, score (a decimal's parts of a million as a number)."""
        return {
            "offer": self.offer,
            "fell": None if self.fell is None else str(self.fell),
            "detail": self.detail or None,
            "score": self.score / 1_000_000,
            "file": self.place.file,
            "line": self.place.line,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen; `content` is rendered by part, `probability` that of this very choice."""

    offer: str
    content: Mapping[str, str]
    score: int
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; `features` are the values that conditions, values and templates read."""

    decision_id: str
    placement: str
    identifier: Identifier
    at_ms: int
    choices: tuple[Choice, ...]
    candidates: tuple[Candidate, ...]
    features: Mapping[str, Any]
    held_out: bool
    build_id: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that may be planned. Its key: address, campaign (the offer's name), occasion."""

    campaign: str
    occasion: str
    channel: str
    purpose: str
    address: Identifier
    identifier: Identifier
    person_id: str
    decision: Decision
    parts: Mapping[str, str]
    language: str
    due_ms: int
    expires_ms: int
    raw_address: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What there is only one message for."""
        return (*self.address, self.campaign, self.occasion)


@dataclass(slots=True)
class Due:
    """Everything due at a moment: what would be sent, and of each campaign who is left out, why.

    `left_out` counts people by campaign and reason; `people` names those with a reason other
    than NOT_ELIGIBLE (campaign, person_id, reason, detail).
    """

    at_ms: int
    build_id: str
    definition_hash: str
    people: int = 0
    drafts: list[Draft] = field(default_factory=list)
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    named: list[tuple[str, str, str, str]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    arms: list[tuple[str, Identifier, str, float]] = field(default_factory=list)
    kept_out: list[tuple[Candidate, Identifier, Decision]] = field(default_factory=list)

    def leave(self, campaign: str, reason: Reason, count: int = 1) -> None:
        """Counts people left out of a campaign."""
        if count:
            reasons = self.left_out.setdefault(campaign, {})
            reasons[str(reason)] = reasons.get(str(reason), 0) + count

    def messages(self) -> dict[str, int]:
        """Drafts by campaign."""
        found: dict[str, int] = {}
        for draft in self.drafts:
            found[draft.campaign] = found.get(draft.campaign, 0) + 1
        return found
