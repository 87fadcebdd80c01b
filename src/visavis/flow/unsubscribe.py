"""A person takes back their consent: by a signed link, or somebody by their address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visavis.core.identifiers import normal_value
from visavis.core.links import read_token
from visavis.core.problems import Problem, ProblemsError
from visavis.flow.projects import load_project, state_of
from visavis.store import journal
from visavis.store.journal import Recorded
from visavis.store.key import project_key
from visavis.store.outbox import Outbox

_NAMES = {"email": "Email", "sms": "SMS", "push": "Push Notification"}


def unsubscribe(
    root: Path, what: str, channel: str, purpose: str | None, at_ms: int
) -> dict[str, Any]:
    """Records that an address wants nothing more; holds at once, also for addresses nobody has.

    Raises ProblemsError `bad-token` for a link that this project did not sign.
    """
    project = load_project(root)
    state = state_of(project)
    kind, value = "", what
    if "@" in what or what.startswith("+"):
        kind = "email" if "@" in what else "phone"
        value = normal_value(kind, what)
    else:
        found = read_token(project_key(state), what)
        if found is None:
            message = "this is neither an address nor a link that this project signed"
            raise ProblemsError([Problem("bad-token", message)])
        (kind, value), channel, purpose = found
    name = _NAMES.get(channel)
    event = Recorded(
        f"visavis:unsubscribe:{channel}:{purpose or ''}:{at_ms}:{value}", at_ms,
        f"{name} Unsubscribed" if name else "Consent Withdrawn", ((kind, value),), channel,
        {"address": value, **({"purpose": purpose} if purpose else {})},
    )  # fmt: skip
    with Outbox(state) as outbox, outbox.transaction() as db:
        journal.record(db, [event])
    return {"channel": channel, "purpose": purpose, "recorded": True}
