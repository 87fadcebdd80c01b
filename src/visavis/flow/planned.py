"""From what is due to the outbox: arms, decisions, messages and their events in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256

from visavis.core.decisions import Candidate, Decision, Draft, Due, Identifier, Reason
from visavis.store.journal import Recorded
from visavis.store.outbox import Message, Outbox

_CHUNK = 2_000
_NAMES = {"email": "Email", "sms": "SMS", "push": "Push Notification"}
_KEPT_OUT = {Reason.HELD_OUT: "held out", Reason.CONTROL: "control"}


def write_plan(found: Due, outbox: Outbox) -> int:
    """Writes all of it; how many messages are new. Doing it again adds nothing."""
    arms = [
        (x, kind, value, arm, found.at_ms, share) for x, (kind, value), arm, share in found.arms
    ]
    new = outbox.plan((), (), arms, _drawn(found))
    drafts: dict[str, list[Draft]] = {}
    kept: dict[str, list[tuple[Candidate, Identifier]]] = {}
    for draft in found.drafts:
        drafts.setdefault(draft.decision.decision_id, []).append(draft)
    for candidate, identifier, decision in found.kept_out:
        kept.setdefault(decision.decision_id, []).append((candidate, identifier))
    for start in range(0, len(found.decisions), _CHUNK):
        part = found.decisions[start : start + _CHUNK]
        messages = [
            message
            for d in part
            for message in (
                *(planned(draft, found.at_ms) for draft in drafts.get(d.decision_id, ())),
                *(_kept_out(c, who, d) for c, who in kept.get(d.decision_id, ())),
            )
        ]
        events = [_made(d) for d in part]
        before = sum(m.status == "planned" for m in messages)
        added = outbox.plan(messages, [_row(d) for d in part], (), events)
        new += min(added, before)
    return new


def message_id(key: tuple[str, ...]) -> str:
    """The id of the one message of a key."""
    return f"m-{sha256(chr(31).join(key).encode()).hexdigest()[:24]}"


def planned(draft: Draft, at_ms: int) -> Message:
    """A draft as a row of the outbox."""
    return Message(
        message_id(draft.key), draft.campaign, draft.occasion, draft.channel, draft.purpose,
        *draft.address, *draft.identifier, draft.decision.decision_id, draft.language, draft.parts,
        "planned", "", at_ms, draft.due_ms, draft.expires_ms, changed_at=at_ms,
    )  # fmt: skip


def _kept_out(candidate: Candidate, who: Identifier, decision: Decision) -> Message:
    """A message that is not sent, to measure against: filed under the person's own identifier."""
    status = _KEPT_OUT[candidate.fell or Reason.CONTROL]
    key = ("kept out", *who, candidate.offer, candidate.occasion)
    at_ms = decision.at_ms
    return Message(
        message_id(key), candidate.offer, candidate.occasion, decision.placement, "",
        "kept out", "\x1f".join(who), *who, decision.decision_id, "", {}, status,
        str(candidate.fell), at_ms, at_ms, at_ms, changed_at=at_ms,
    )  # fmt: skip


def _row(decision: Decision) -> tuple[object, ...]:
    choices = [
        {"offer": c.offer, "score": c.score / 1_000_000, "probability": c.probability}
        for c in decision.choices
    ]
    return (
        decision.decision_id, decision.placement, *decision.identifier, decision.at_ms,
        decision.build_id, int(decision.held_out), _text(choices),
        _text([c.as_json() for c in decision.candidates]), _text(dict(decision.features)),
    )  # fmt: skip


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _made(decision: Decision) -> Recorded:
    chosen = decision.choices[0].offer if decision.choices else None
    properties = {
        "decision_id": decision.decision_id,
        "placement": decision.placement,
        "offer_id": chosen,
        "outcome": "held out" if decision.held_out else ("chosen" if chosen else "nothing"),
    }
    return Recorded(
        f"visavis:{decision.decision_id}", decision.at_ms, "Decision Made", (decision.identifier,),
        None, properties,
    )  # fmt: skip


def _drawn(found: Due) -> Iterator[Recorded]:
    for experiment, identifier, arm, _ in found.arms:
        name = sha256("\x1f".join((experiment, *identifier)).encode()).hexdigest()[:20]
        yield Recorded(
            f"visavis:arm:{name}", found.at_ms, "Holdout Assigned", (identifier,), None,
            {"experiment_id": experiment, "arm": arm},
        )  # fmt: skip


def event_of(message: Message, what: str, at_ms: int, reason: str = "") -> Recorded:
    """An event about a message: `what` is Sent, Bounced, Refused, Uncertain, Unsubscribed, ..."""
    name = _NAMES.get(message.channel)
    if name is None or what in ("Refused", "Uncertain", "Expired", "Cancelled"):
        name = "Message"
    properties = {
        "message": message.message_id,
        "campaign_id": message.campaign,
        "offer_id": message.campaign,
        "decision_id": message.decision_id,
        "address": message.address,
        "purpose": message.purpose,
        "subject": message.parts.get("subject"),
        "reason": reason or None,
    }
    kept = {key: value for key, value in properties.items() if value}
    return Recorded(
        f"visavis:{message.message_id}:{what.lower()}:{message.attempts}", at_ms, f"{name} {what}",
        ((message.address_kind, message.address),), message.channel, kept,
    )  # fmt: skip
