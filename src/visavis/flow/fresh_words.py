"""What was said about consent and no build has yet: in the journal, and live in the tail."""

from __future__ import annotations

import re
from pathlib import Path

from visavis.collect.calls import Event
from visavis.collect.payloads import SNOWPLOW, events_of
from visavis.core.nouns import Project
from visavis.flow.consent_words import NAMES, Said, in_event, in_journal
from visavis.flow.naming import Naming
from visavis.store import journal
from visavis.store.builds import Build
from visavis.store.outbox import Outbox
from visavis.store.tail import Follower

_PERHAPS = re.compile("|".join([*map(re.escape, NAMES), r"\\u"]).encode())
"""What stands in a body that says something: most say nothing and need not be read."""
_HIDDEN = f'"door": "{SNOWPLOW}"'.encode()
"""In the head of bodies that hold events in base64."""


class FreshWords:
    """Reads on in the journal and the tail; `said` is all that was found so far."""

    def __init__(self, state: Path, build: Build, project: Project, outbox: Outbox) -> None:
        """`state` is where the tail lies, `build` the one that has everything before."""
        self.said: list[Said] = []
        self._project, self._naming, self._outbox = project, Naming(project.kinds), outbox
        self._journal = 0
        self._tail = Follower(state, int(build.manifest.get("through_frame") or 0))

    def news(self) -> list[Said]:
        """What was said since the last look."""
        found = [said for said in (*self._recorded(), *self._live()) if said is not None]
        self.said += found
        return found

    def _recorded(self) -> list[Said | None]:
        events = journal.waiting(self._outbox.db, self._journal, NAMES)
        self._journal = events[-1].id if events else self._journal
        return [in_journal(event, self._project) for event in events]

    def _live(self) -> list[Said | None]:
        found: list[Said | None] = []
        for frame in self._tail.frames():
            if _PERHAPS.search(frame.body) or _HIDDEN in frame.head:
                events = events_of(frame.number, frame.received_ms, frame.head, frame.body)
                found += [self._in(event) for event in events if isinstance(event, Event)]
        return found

    def _in(self, event: Event) -> Said | None:
        return in_event(event, self._naming.of(event.identifiers), self._project)
