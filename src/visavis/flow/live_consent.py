"""Consent this very moment: what the build knows was said, and every event since."""

from __future__ import annotations

from typing import Any

from msgspec import convert, to_builtins

from visavis.collect.calls import Event
from visavis.core.consent import Word, verdict
from visavis.core.decisions import Identifier
from visavis.core.nouns import Project
from visavis.flow.consent_words import Said, in_event, kinds_of, latest
from visavis.flow.live_evidence import NEVER
from visavis.flow.live_who import Found
from visavis.store.history import PublishedHistory
from visavis.store.recent import Recent
from visavis.store.recent_part import key_of

_SAID = "said"
"""Notes of recent events: what those that name an identifier said."""


class LiveConsent:
    """The words about people; told of every event that may be one."""

    def __init__(self, project: Project, history: PublishedHistory | None, recent: Recent) -> None:
        self._project, self._history, self._recent = project, history, recent
        self._kinds = kinds_of(project)
        self._asked: dict[str, list[tuple[str, str]]] = {}
        """By the kind of an address the channels that use it, each with every purpose."""
        for channel in project.channels.values():
            asked = self._asked.setdefault(channel.identifier, [])
            asked += [(channel.name, purpose) for purpose in project.purposes]

    def hear(self, event: Event, names: tuple[Identifier, ...]) -> bool:
        """Notes what an event of these identifiers says; whether it says anything."""
        said = in_event(event, names, self._project)
        if said is None:
            return False
        for name in names:
            told = {one.message_id: one for one in (*self._since(name), said)}
            kept = [to_builtins(one) for one in latest(told.values())]
            self._recent.put(_SAID, key_of(name), kept)
        return True

    def _since(self, name: Identifier) -> list[Said]:
        """What was said since the build by events that name an identifier."""
        if not self._recent.has(_SAID):
            return []
        return convert(self._recent.note(_SAID, key_of(name)) or [], list[Said])

    def words(self, found: Found) -> list[Word]:
        """What was said by or about the person's identifiers."""
        history, members = self._history, found.members
        words: list[Word] = []
        if history is not None:
            for person in found.base_persons:
                words += [word for word in history.words(person) if word.address in members]
        if self._recent.has(_SAID):
            since = {one.message_id: one for name in members for one in self._since(name)}
            for one in since.values():
                words.append(one.word([name for name in one.names if name in members], self._kinds))
        return words

    def told(self, found: Found, at_ms: int) -> tuple[list[dict[str, Any]], int]:
        """Of each address, channel and purpose: may it be written to? And until when that is so by
        the clock alone."""
        words = self.words(found)
        told = []
        for address in found.members:
            for channel, purpose in self._asked.get(address[0], ()):
                said = verdict(words, address, channel, purpose, at_ms)
                told.append(
                    {
                        "kind": address[0],
                        "value": address[1],
                        "channel": channel,
                        "purpose": purpose,
                        "allowed": said.allowed,
                        "reason": said.reason,
                    }
                )
        return told, min((w.at_ms for w in words if w.at_ms > at_ms), default=NEVER)
