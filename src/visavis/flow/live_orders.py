"""Orders told more than once, live: by the browser, the server and a file, they exist once.

The same choice as a build makes (see collect.namespaces): the most trusted source, among equals
the one loaded last, which is what comes in live; of its words the latest by its own time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from visavis.collect.calls import Event
from visavis.collect.live_names import LIVE, LIVE_TRUST, ORDER_KEYS, SEVERAL
from visavis.collect.live_values import Typed
from visavis.core.decisions import Identifier
from visavis.core.nouns import Project
from visavis.store.history import PublishedHistory


@dataclass(slots=True)
class Told:
    """One word about an order, and the identifier that it is filed under."""

    source: str
    ts: int
    message_id: str
    name: Identifier | None


@dataclass
class Orders:
    """What was told of orders since the build; `beaten` are the message ids that count no more."""

    project: Project
    history: PublishedHistory | None
    beaten: dict[Identifier, set[str]] = field(default_factory=dict)
    told: dict[str, list[Told]] = field(default_factory=dict)

    def take(self, event: Event, found: Typed, name: Identifier | None) -> set[Identifier]:
        """Takes an event in; the identifiers of which something counts no more."""
        suffix = ORDER_KEYS.get(event.event)
        order_id = found.values.get("order_id")
        if suffix is None or order_id is None:
            return set()
        key = f"{LIVE}:{order_id}{suffix}"
        told = self.told.get(key)
        if told is None:
            told = self.told[key] = self._published(key)
        for word in told:
            if word.message_id == event.message_id and word.source == LIVE:
                word.ts = max(word.ts, event.ts)
                return self._settle(told, event.event == SEVERAL)
        told.append(Told(LIVE, event.ts, event.message_id, name))
        return self._settle(told, event.event == SEVERAL)

    def _published(self, key: str) -> list[Told]:
        if self.history is None:
            return []
        found = []
        for message_id, source, ts, node in self.history.orders(key):
            name = self.history.identifier(node) if node is not None else None
            found.append(Told(source, ts, message_id, name))
        return found

    def _settle(self, told: list[Told], several: bool) -> set[Identifier]:
        trust = self._trust
        source = max({t.source for t in told}, key=lambda s: (trust(s), s == LIVE, s))
        best = max((t for t in told if t.source == source), key=lambda t: (t.ts, t.message_id))
        changed = set()
        for word in told:
            counts = word.source == source and (several or word.message_id == best.message_id)
            if not counts and word.name is not None:
                held = self.beaten.setdefault(word.name, set())
                if word.message_id not in held:
                    held.add(word.message_id)
                    changed.add(word.name)
        return changed

    def _trust(self, source: str) -> int:
        known = self.project.sources.get(source)
        return LIVE_TRUST if source == LIVE or known is None else known.trust
