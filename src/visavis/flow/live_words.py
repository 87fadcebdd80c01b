"""What the live tail says about consent before a build has it: asked when something is sent."""

from __future__ import annotations

import re

from visavis.collect.calls import Event
from visavis.collect.payloads import SNOWPLOW, events_of
from visavis.core.nouns import Project
from visavis.flow.consent_words import NAMES, Said, in_event
from visavis.flow.naming import Naming
from visavis.flow.published import Published
from visavis.store.tail import Follower

_PERHAPS = re.compile("|".join([*map(re.escape, NAMES), r"\\u"]).encode())
"""What stands in a body that says something: most say nothing and need not be read."""
_HIDDEN = f'"door": "{SNOWPLOW}"'.encode()
"""In the head of bodies that hold events in base64."""


class LiveWords:
    """Reads the frames after those of a build; asked again, those that came since."""

    def __init__(self, at: Published, project: Project) -> None:
        self._project, self._naming = project, Naming(project.kinds)
        self._follower = Follower(at.state, int(at.build.manifest.get("through_frame") or 0))

    def news(self) -> list[Said]:
        """The words that were not told yet."""
        found: list[Said] = []
        for frame in self._follower.frames():
            if _PERHAPS.search(frame.body) or _HIDDEN in frame.head:
                events = events_of(frame.number, frame.received_ms, frame.head, frame.body)
                told = (self._said(event) for event in events if isinstance(event, Event))
                found += [said for said in told if said is not None]
        return found

    def _said(self, event: Event) -> Said | None:
        if event.event not in NAMES:
            return None
        return in_event(event, self._naming.of(event.identifiers), self._project)
