"""Orders told more than once, live: by the browser, the server and a file, they exist once.

The same choice as a build makes (see collect.namespaces): the most trusted source, among equals
the one loaded last, which is what comes in live; of its words the latest by its own time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from visavis.collect.calls import Event
from visavis.collect.live_names import LIVE, LIVE_TRUST, ORDER_KEYS, SEVERAL
from visavis.collect.live_values import Typed
from visavis.core.decisions import Identifier
from visavis.core.nouns import Project
from visavis.store.history import PublishedHistory
from visavis.store.recent import Recent
from visavis.store.recent_part import key_of, name_of

TOLD, BEATEN = "order", "beaten"
"""Notes of recent events: the words about an order, the message ids of an identifier that count no
more."""


class Told(NamedTuple):
    """One word about an order; `filed` is the identifier that it is filed under, as one text."""

    source: str
    ts: int
    message_id: str
    filed: str | None


@dataclass(slots=True)
class Orders:
    """What was told of orders since the build."""

    project: Project
    history: PublishedHistory | None
    recent: Recent

    def take(self, event: Event, found: Typed, name: Identifier | None) -> set[Identifier]:
        """Takes an event in; the identifiers of which something counts no more."""
        suffix = ORDER_KEYS.get(event.event)
        order_id = found.values.get("order_id")
        if suffix is None or order_id is None:
            return set()
        key = f"{LIVE}:{order_id}{suffix}"
        told = self._told(key)
        new = Told(LIVE, event.ts, event.message_id, None if name is None else key_of(name))
        for i, word in enumerate(told):
            if word.message_id == event.message_id and word.source == LIVE:
                told[i] = word._replace(ts=max(word.ts, event.ts))
                break
        else:
            told.append(new)
        self.recent.put(TOLD, key, told)
        return self._settle(told, event.event == SEVERAL)

    def any_beaten(self) -> bool:
        """Whether anything counts no more."""
        return self.recent.has(BEATEN)

    def beaten(self, name: Identifier) -> Collection[str]:
        """The message ids filed under an identifier that count no more."""
        if not self.any_beaten():
            return ()
        found: Collection[str] = self.recent.note(BEATEN, key_of(name)) or ()
        return found

    def touched(self) -> Iterator[Identifier]:
        """The identifiers of which something counts no more."""
        return map(name_of, self.recent.noted(BEATEN))

    def _told(self, key: str) -> list[Told]:
        known = self.recent.note(TOLD, key)
        return self._published(key) if known is None else [Told(*word) for word in known]

    def _published(self, key: str) -> list[Told]:
        if self.history is None:
            return []
        found = []
        for message_id, source, ts, node in self.history.orders(key):
            name = self.history.identifier(node) if node is not None else None
            found.append(Told(source, ts, message_id, None if name is None else key_of(name)))
        return found

    def _settle(self, told: list[Told], several: bool) -> set[Identifier]:
        trust = self._trust
        source = max({t.source for t in told}, key=lambda s: (trust(s), s == LIVE, s))
        best = max((t for t in told if t.source == source), key=lambda t: (t.ts, t.message_id))
        changed = set()
        for word in told:
            counts = word.source == source and (several or word.message_id == best.message_id)
            if not counts and word.filed is not None:
                held = self.recent.note(BEATEN, word.filed) or []
                if word.message_id not in held:
                    self.recent.put(BEATEN, word.filed, [*held, word.message_id])
                    changed.add(name_of(word.filed))
        return changed

    def _trust(self, source: str) -> int:
        known = self.project.sources.get(source)
        return LIVE_TRUST if source == LIVE or known is None else known.trust
