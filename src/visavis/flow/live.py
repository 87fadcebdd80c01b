"""The live side of a project: what a serving process holds open, and what it answers from.

Today: the tail and the keys. The live profile and decisions stand on `Service.listener`: it is
told of every durable frame, in order, before the request is answered (see collect.payloads).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from visavis.collect import customerio, unomi
from visavis.collect.behaviour import Watch
from visavis.collect.payloads import BATCH, POSTHOG, SNOWPLOW, Unreadable, check, head
from visavis.core.nouns import Project
from visavis.core.problems import Problem, ProblemsError
from visavis.store.keys import Key, Keyring
from visavis.store.tail import Frame, Tail, forget, size

_log = logging.getLogger("visavis.live")
__all__ = [
    "BATCH", "POSTHOG", "SNOWPLOW", "Frame", "Key", "Keyring", "Service", "Tail", "Unreadable",
    "Watch", "check", "customerio", "head", "open_service", "size",
    "unomi",
]  # fmt: skip


@dataclass
class Service:
    """A project opened for serving; one process at a time."""

    project: Project
    state: Path
    tail: Tail
    keyring: Keyring

    def clear(self, through: int) -> None:
        """Removes frames that a build covers; on the thread that appends."""
        try:
            self.tail.renew()
            forget(self.state, through)
        except OSError as error:  # the next build tries again
            _log.warning("covered frames could not be removed: %s", error.strerror)

    def close(self) -> None:
        """Gives the tail back."""
        self.tail.close()


def open_service(root: Path) -> Service:
    """Opens the project in a folder; it need not have been built. Raises ProblemsError."""
    from visavis.project.load import load

    project, problems = load(root)
    if project is None or any(p.severity == "error" for p in problems):
        raise ProblemsError(problems)
    state = project.root / project.state
    try:
        tail = Tail(state)
    except BlockingIOError:
        message = "This project is being served by another process."
        hint = "One process serves a project; end that one first."
        raise ProblemsError([Problem("locked", message, hint=hint)]) from None
    return Service(project, state, tail, Keyring(state))
