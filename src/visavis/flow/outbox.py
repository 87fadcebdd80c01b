"""`outbox`: what waits, what is uncertain, and what a person says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visavis.core.clock import to_datetime
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.flow.planned import event_of
from visavis.flow.projects import load_project
from visavis.flow.published import state_folder
from visavis.store.outbox import Message, Outbox


def listed(root: Path, status: str | None, campaign: str | None) -> list[dict[str, Any]]:
    """Counts by campaign and status; with a status its messages."""
    with Outbox(state_folder(root)) as outbox:
        if status is None:
            rows = outbox.db.execute(
                "SELECT campaign, channel, status, reason, count(*) FROM messages "
                "WHERE ?1 IS NULL OR campaign = ?1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
                (campaign,),
            )
            names = ("campaign", "channel", "status", "reason", "messages")
            return [dict(zip(names, row, strict=True)) for row in rows]
        found = outbox.messages("status = ?1 AND (?2 IS NULL OR campaign = ?2)", (status, campaign))
        return [_shown(message) for message in found]


def _shown(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.message_id,
        "campaign": message.campaign,
        "channel": message.channel,
        "address": message.address,
        "status": message.status,
        "reason": message.reason,
        "due": to_datetime(message.due_at),
    }


def settle(root: Path, message_id: str, sent: bool, at_ms: int) -> None:
    """What a person says became of an uncertain message; raises `unknown-message`."""
    with Outbox(state_folder(root)) as outbox:
        found = outbox.messages("message_id = ? AND status = 'uncertain'", (message_id,))
        if not found:
            raise ProblemsError([_unknown(message_id)])
        status = "sent" if sent else "planned"
        events = [event_of(found[0], "Sent", at_ms)] if sent else []
        reason = "settled by hand"
        outbox.settle([(message_id, status, reason, found[0].due_at)], at_ms, events)


def pause(root: Path, name: str, now_ms: int) -> None:
    """Holds back a campaign or channel; raises `unknown-name` for what is neither."""
    project = load_project(root)
    names = {*project.offers, *project.channels}
    if name not in names:
        message = f"there is no campaign or channel '{name}'"
        raise ProblemsError([Problem("unknown-name", message, hint=nearest(name, names))])
    with Outbox(state_folder(root)) as outbox:
        outbox.pause(name, now_ms)


def resume(root: Path, name: str) -> bool:
    """Lets a campaign or channel go on; whether it was paused."""
    with Outbox(state_folder(root)) as outbox:
        return outbox.resume(name)


def cancel(root: Path, name: str, at_ms: int) -> int:
    """Cancels the waiting messages of a campaign, or one message; how many."""
    with Outbox(state_folder(root)) as outbox:
        found = outbox.messages(
            "status = 'planned' AND (campaign = ?1 OR message_id = ?1)", (name,)
        )
        outcomes = [(m.message_id, "cancelled", "by hand", m.due_at) for m in found]
        outbox.settle(outcomes, at_ms, [event_of(m, "Cancelled", at_ms) for m in found])
        return len(found)


def _unknown(message_id: str) -> Problem:
    hint = "`visavis outbox uncertain` lists them."
    return Problem("unknown-message", f"no uncertain message is called '{message_id}'", hint=hint)
