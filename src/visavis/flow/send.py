"""`send`: makes the messages that are due and sends them, each once.

Consent, arms, caps and quiet hours are asked again for each message at the moment it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time
from visavis.core.nouns import Project
from visavis.core.offers import Channel
from visavis.core.problems import Problem, ProblemsError
from visavis.core.progress import Progress
from visavis.flow.delivery import Delivery, leaves, mailbox
from visavis.flow.due import due
from visavis.flow.fresh_words import FreshWords
from visavis.flow.gate import Gate
from visavis.flow.planned import event_of, write_plan
from visavis.flow.published import Published, published
from visavis.store import crash
from visavis.store.locks import writing
from visavis.store.outbox import Message, Outbox

MAX_BUILD_AGE_MS = 36 * 3_600_000


def send(
    root: Path,
    at_ms: int,
    progress: Progress,
    dry_run: bool = False,
    limit: int | None = None,
    only_to: str | None = None,
) -> dict[str, Any]:
    """Plans what is due at a moment and sends what may leave; says what became of everything.

    Raises ProblemsError `stale-build`, `more-than-planned`, `not-planned`, `locked`.
    """
    with published(root) as at:
        project = at.project()
        check_age(project, at, at_ms)
        with writing(at.state, "send", at_ms, "send.lock"), Outbox(at.state) as outbox:
            recovered = [] if dry_run else recover(project, outbox, at_ms)
            fresh = FreshWords(at.state, at.build, project, outbox)
            found = due(at, project, outbox, at_ms, fresh, progress)
            check_shown(project, at, outbox, found.messages())
            counts = {
                "at": format_time(at_ms),
                "build_id": at.build.id,
                "people": found.people,
                "planned": sum(found.messages().values()),
                "campaigns": found.messages(),
                "left_out": found.left_out,
            }
            if dry_run:
                return {**counts, "sent": 0, "dry_run": True}
            crash.point("send-decided")
            write_plan(found, outbox)
            crash.point("send-planned")
            delivery = Delivery(Gate(at, project, outbox, at_ms, fresh), limit, only_to or "")
            with progress.step("send"):
                delivery.run()
            uncertain = len(recovered) + delivery.uncertain
            boxes = {n: str(mailbox(at.state, n)) for n in delivery.boxes}
            return {**counts, **delivery.told(), "uncertain": uncertain, "mailboxes": boxes}


def check_age(project: Project, at: Published, at_ms: int) -> None:
    """Raises `stale-build` where the build is older than the project allows for sending."""
    limit = project.settings.get("max_build_age") or MAX_BUILD_AGE_MS
    assert isinstance(limit, int)
    if at_ms - at.build.as_of > limit:
        built = format_time(at.build.as_of)
        message = f"the published build is of {built}, too old to send by at {format_time(at_ms)}"
        hint = f"Run `visavis build` first, or set max_build_age ({limit // 3_600_000} hours now)."
        raise ProblemsError([Problem("stale-build", message, hint=hint)])


def check_shown(
    project: Project, at: Published, outbox: Outbox, messages: Mapping[str, int]
) -> None:
    """Raises where more would be sent than the last plan of these definitions showed.

    Live channels need a plan; the local mailbox does without.
    """
    shown = outbox.shown()
    same = shown is not None and (
        shown["definition_hash"] == at.build.manifest["definition_hash"]
        and shown["loads"] == at.build.manifest["loads"]
    )
    if not same or shown is None:
        live = {c for c in messages if project.channels[project.offers[c].channel or ""].live}
        if live:
            message = "no plan of this build was looked at, and live channels would be sent on"
            raise ProblemsError([Problem("not-planned", message, hint="Run `visavis plan` first.")])
        return
    more = {c: n for c, n in messages.items() if n > shown["messages"].get(c, 0)}
    if more:
        said = ", ".join(f"{c} ({n}, shown {shown['messages'].get(c, 0)})" for c, n in more.items())
        message = f"more messages are due than the last plan showed: {said}"
        raise ProblemsError(
            [Problem("more-than-planned", message, hint="Look at `visavis plan` again.")]
        )


def recover(project: Project, outbox: Outbox, at_ms: int) -> list[Message]:
    """Messages that a killed `send` had under way: those a channel would know again are sent
    again, the others are uncertain from now on, which is never changed but by hand."""
    lost = outbox.under_way()
    known = [m for m in lost if _knows(project.channels.get(m.channel))]
    doubtful = [m for m in lost if not _knows(project.channels.get(m.channel))]
    outbox.settle([(m.message_id, "planned", "", m.due_at) for m in known], at_ms)
    outbox.settle(
        [(m.message_id, "uncertain", "the process sending it ended", m.due_at) for m in doubtful],
        at_ms,
        [event_of(m, "Uncertain", at_ms) for m in doubtful],
    )
    return doubtful


def _knows(channel: Channel | None) -> bool:
    return channel is not None and not leaves(channel)
