"""What is true of a person: worked out of a history, or brought up to date with what came since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visavis.core.clock import zone
from visavis.core.lang.form import Value
from visavis.core.lang.growing import Growing
from visavis.core.lang.history import History, Stream
from visavis.core.lang.reader import Result
from visavis.core.lang.timeline import last_change
from visavis.core.lang.types import TIME_MIN
from visavis.core.tagging import expires_at, in_force, with_lineage
from visavis.flow.base import SEGMENT, TAG, Base
from visavis.flow.gathering import Gathering
from visavis.flow.keeping import Answer, Told
from visavis.flow.live_who import Found
from visavis.store.history_streams import history_of
from visavis.store.recent_part import Kept

_NEVER = 1 << 62
_FEW_EVENTS = 16
"""Events that are put into a history one by one; more are sorted into it at once."""
_RETIRING_MS = 1_000
"""How long an answer is kept where a tag is retired on some day."""


class Truths:
    """Makes answers over a base."""

    def __init__(self, base: Base, gathering: Gathering) -> None:
        self._base, self._gathering = base, gathering
        self._segments = [(name, f"{SEGMENT}{name}") for name in sorted(base.project.segments)]

    def work_out(self, found: Found, at_ms: int) -> Answer:
        """Everything about a person as of a moment."""
        if found.as_built:
            (person,) = found.base_persons
            parts = self._gathering.as_built(person, found.members)
            since: list[Mapping[str, Any]] = []
        else:
            parts, since = self._gathering.gathered(found.members, found.shared, at_ms)
        growing = None if found.shared else self._grown(parts, since)
        history = growing.history if growing else self._gathering.joined(parts, since)
        made = self._answer(found, history, self._base.read(history, at_ms), at_ms)
        made.growing = growing
        return made

    def _grown(
        self, parts: list[tuple[str, Stream]], since: Sequence[Mapping[str, Any]]
    ) -> Growing | None:
        """The history of somebody who did something since the build, who is likely to go on; most
        of those asked for did nothing. None where which of its events count has to be worked
        out."""
        if not since or any(event["void"] for event in since):
            return None
        project = self._base.project
        if len(since) <= _FEW_EVENTS:
            growing = Growing(history_of(parts), project.properties, project.line_fields)
            if all(growing.take(event) for event in since):
                return growing
        history = self._gathering.joined(parts, since)
        return Growing(history, project.properties, project.line_fields)

    def renewed(self, answers: Told, known: Answer, at_ms: int) -> Answer | None:
        """The answer of a later moment, with the events since; None where who is who, or what
        counts, has to be worked out anew."""
        base, growing = self._base, known.growing
        if at_ms >= known.found.until:
            return None
        if known.behind:
            made = self.work_out(known.found, at_ms)
            made.since = known.since
            return made
        if growing is None:
            return None
        answers.read(known)
        events = [event for event in known.pending if isinstance(event, Kept)]
        if not all(growing.take(event.plain()) for event in events):
            return None
        fed = frozenset(event.event for event in events)
        result, changed = base.program.renewed(
            Result(known.values, known.untils), fed, growing.history, at_ms, base.fits, base.items
        )
        made = self._answer(known.found, growing.history, result, at_ms)
        made.growing, made.since = growing, known.since
        for key, lasting in known.lasting.items():
            lasting.changed(changed)
            made.lasting[key] = lasting
        return made

    def _answer(self, found: Found, history: History, result: Result, at_ms: int) -> Answer:
        values = result.values
        segments = [name for name, key in self._segments if values[key] is True]
        tags, lasting = self._tags(history, result.values, at_ms)
        until = min((lasting, found.until, *result.untils.values()))
        return Answer(found, result.values, result.untils, until, at_ms, segments, tags)

    def _tags(
        self, history: History, values: Mapping[str, Value], at_ms: int
    ) -> tuple[list[str], int]:
        """The tags held, and until when that is so by the clock alone."""
        base, held, until = self._base, [], _NEVER
        if not base.project.tags:
            return [], _NEVER
        if any(tag.expires_on is not None for tag in base.project.tags.values()):
            until = at_ms + _RETIRING_MS
        for path, tag in in_force(base.project.tags, at_ms, zone(base.project.time_zone)).items():
            if values[f"{TAG}{path}"] is not True:
                continue
            if tag.lasts_ms is not None:
                began = last_change(
                    base.program, f"{TAG}{path}", history, at_ms, base.fits, base.items
                )
                end = expires_at(tag, None if began in (None, TIME_MIN) else began)
                if end is not None and end <= at_ms:
                    continue
                until = min(until, _NEVER if end is None else end)
            held.append((path, None, None))
        return sorted(with_lineage(held)), until
