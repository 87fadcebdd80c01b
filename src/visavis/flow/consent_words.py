"""What an event says about consent: of the lake, of the journal or live."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from visavis.collect import typed
from visavis.collect.calls import Event
from visavis.collect.live_names import LIVE
from visavis.core.consent import Address, Says, Word
from visavis.core.identifiers import normal_value
from visavis.core.nouns import Project
from visavis.store.journal import Recorded

_SAYS: Mapping[str, Says] = {
    "Consent Given": "yes",
    "Consent Withdrawn": "no",
    "Address Suppressed": "suppress",
    "Address Released": "release",
    "User Suppressed": "no",
    "User Deleted": "no",
}
_ENDINGS: Mapping[str, Says] = {
    " Unsubscribed": "no",
    " Marked as Spam": "no",
    " Bounced": "suppress",
}
"""What happens to a message says something too; a bounce only where it is for good."""
_PREFIXES = {"Email": "email", "SMS": "sms", "Push Notification": "push"}
NAMES = (*_SAYS, *(f"{prefix}{ending}" for prefix in _PREFIXES for ending in _ENDINGS))
"""Every event that says something."""
REFUSALS: frozenset[Says] = frozenset(("no", "suppress"))
MANY = 64
"""Words since the build by events that name an identifier, of which all are kept."""
HARD = "hard"
"""The reason of a bounce that is for good."""


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A word that is not in the lake yet, and the identifiers that its event names: whoever has one
    of them said it. `address` is what it is about, where it says so by itself."""

    at_ms: int
    says: Says
    names: tuple[Address, ...]
    address: Address | None
    channel: str | None
    purpose: str | None
    source: str
    message_id: str

    def word(self, held: Iterable[Address], kinds: Collection[str]) -> Word:
        """The word of whoever has `held` of the names, as the lake tells it: about the first that
        can be written to, of one of `kinds`, where it names no address."""
        address = self.address or min(held, key=lambda name: (name[0] not in kinds, name))
        return Word(
            self.at_ms, self.says, address, self.channel, self.purpose, self.source,
            self.message_id,
        )  # fmt: skip


def in_journal(event: Recorded, project: Project) -> Said | None:
    """What a journal's event says about consent, if anything."""
    said = _said(event.event, event.channel, event.properties, project)
    if said is None:
        return None
    says, address, channel, purpose = said
    names = (address,) if address is not None else event.identifiers[:1]
    if not names:
        return None
    return Said(
        event.ts_ms, says, names, address, channel, purpose, "visavis", event.message_id
    )  # fmt: skip


def in_event(event: Event, names: tuple[Address, ...], project: Project) -> Said | None:
    """What a live event of these identifiers says about consent, if anything."""
    if event.event not in NAMES or event.bot or not names:
        return None
    texts = {name: typed.text(event.values.get(name)) for name in ("reason", "address", "purpose")}
    found = {name: text for name, text in texts.items() if isinstance(text, str)}
    said = _said(event.event, event.channel, found, project)
    if said is None:
        return None
    says, address, channel, purpose = said
    at_ms = held_from(says, event.ts, event.received)
    return Said(at_ms, says, names, address, channel, purpose, LIVE, event.message_id)


def held_from(says: Says, at_ms: int, received_ms: int | None) -> int:
    """From when on a word holds: a no from when it came in, however late the clock of who sent it
    says that it is."""
    if received_ms is None or says not in REFUSALS:
        return at_ms
    return min(at_ms, received_ms)


def _said(
    event: str, channel: str | None, properties: Mapping[str, object], project: Project
) -> tuple[Says, Address | None, str | None, str | None] | None:
    """(what it says, about which address, of which channel, of which purpose)."""
    said = meaning(event, str(properties.get("reason") or ""))
    if said is None:
        return None
    says, by_name = said
    named, purpose = properties.get("address"), properties.get("purpose")
    return (
        says,
        address_of(str(named)) if named else None,
        channel if channel in project.channels else by_name,
        str(purpose) if purpose else None,
    )


def latest(said: Iterable[Said]) -> list[Said]:
    """The words, of those that say the same of the same the last alone where there are many."""
    words = sorted(said, key=lambda one: (one.at_ms, one.message_id))
    if len(words) <= MANY:
        return words
    told = {(one.says, one.names, one.address, one.channel, one.purpose): one for one in words}
    return list(told.values())[-MANY:]


def kinds_of(project: Project) -> frozenset[str]:
    """The kinds of identifiers that can be written to."""
    return frozenset(channel.identifier for channel in project.channels.values())


def meaning(event: str, reason: str) -> tuple[Says, str | None] | None:
    """What an event of that name says, and of which channel by its name."""
    if event in _SAYS:
        return _SAYS[event], None
    for ending, says in _ENDINGS.items():
        if event.endswith(ending) and (says != "suppress" or reason.startswith(HARD)):
            return says, _PREFIXES.get(event.removesuffix(ending))
    return None


def address_of(text: str) -> Address:
    """An address by how it looks."""
    kind = "email" if "@" in text else "phone"
    return kind, normal_value(kind, text)


def by_person(
    fresh: Iterable[Said], persons: Mapping[Address, int], kinds: Collection[str]
) -> Iterator[tuple[int, Word]]:
    """(person, word) of everybody who has an identifier that a word's event names."""
    for said in fresh:
        held: dict[int, list[Address]] = {}
        for name in said.names:
            if name in persons:
                held.setdefault(persons[name], []).append(name)
        for person, names in held.items():
            yield person, said.word(names, kinds)
