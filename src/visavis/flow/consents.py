"""What was ever said about consent: the words of the lake and of the journal, by person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from visavis.core.consent import Says, Word
from visavis.core.identifiers import normal_value
from visavis.core.nouns import Project
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.journal import Recorded
from visavis.store.warehouse import Warehouse

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
HARD = "hard"
"""The reason of a bounce that is for good."""


def word_of(event: Recorded, project: Project) -> Word | None:
    """What a journal's event says about consent, if anything."""
    said = meaning(event.event, str(event.properties.get("reason") or ""))
    if said is None:
        return None
    says, channel = said
    named = event.properties.get("address")
    address = _address(str(named)) if named else next(iter(event.identifiers), None)
    if address is None:
        return None
    own = event.channel if event.channel in project.channels else channel
    purpose = event.properties.get("purpose")
    return Word(
        event.ts_ms, says, address, own, str(purpose) if purpose else None, "visavis",
        event.message_id,
    )  # fmt: skip


def meaning(event: str, reason: str) -> tuple[Says, str | None] | None:
    """What an event of that name says, and of which channel by its name."""
    if event in _SAYS:
        return _SAYS[event], None
    for ending, says in _ENDINGS.items():
        if event.endswith(ending) and (says != "suppress" or reason.startswith(HARD)):
            return says, _PREFIXES.get(event.removesuffix(ending))
    return None


def _address(text: str) -> tuple[str, str]:
    kind = "email" if "@" in text else "phone"
    return kind, normal_value(kind, text)


def words_of(
    wh: Warehouse, project: Project, people: str, fresh: Iterable[Recorded]
) -> dict[int, list[Word]]:
    """The words about everybody in the table `people` (person), by person.

    Reads `lake_events`, `lake_nodes`, `node_persons`. `fresh` are events that are not in the lake.
    """
    found: dict[int, list[Word]] = {}
    for person, word in _of_lake(wh, project, people):
        found.setdefault(person, []).append(word)
    new = [w for e in fresh if (w := word_of(e, project)) is not None]
    persons = _persons(wh, new) if new else {}
    for word in new:
        if word.address in persons:
            found.setdefault(persons[word.address], []).append(word)
    return found


def _of_lake(wh: Warehouse, project: Project, people: str) -> Iterable[tuple[int, Word]]:
    kinds = ", ".join(sorted(text_literal(c.identifier) for c in project.channels.values()))
    listed = ", ".join(map(text_literal, NAMES))
    rows = wh.rows(
        "WITH said AS (SELECT seq, message_id, event, epoch_ms(ts) AS at, source, channel, "
        "p_purpose, p_address, p_reason, coalesce(nodes, [node]) AS nodes FROM lake_events "
        f"WHERE event IN ({listed}) AND void IS NOT TRUE AND node IS NOT NULL), "
        "each AS (SELECT s.* EXCLUDE (nodes), unnest(s.nodes) AS node FROM said AS s) "
        "SELECT p.person, e.at, e.event, n.kind, n.value, e.channel, e.p_purpose, e.p_address, "
        "e.p_reason, e.source, e.message_id FROM each AS e JOIN lake_nodes AS n USING (node) "
        f"JOIN node_persons AS p USING (node) WHERE p.person IN (SELECT person FROM {people}) "
        "QUALIFY row_number() OVER (PARTITION BY e.seq, p.person "
        f"ORDER BY n.kind IN ({kinds}) DESC, n.kind, n.value) = 1"
    )
    for person, at, event, kind, value, channel, purpose, named, reason, source, mid in rows:
        said = meaning(event, reason or "")
        if said is None:
            continue
        says, by_name = said
        own = channel if channel in project.channels else by_name
        address = _address(named) if named else (kind, value)
        yield person, Word(at, says, address, own, purpose or None, source, mid)


def _persons(wh: Warehouse, words: Iterable[Word]) -> dict[tuple[str, str], int]:
    """Who has each address now."""
    addresses = sorted({w.address for w in words})
    rows = wh.rows(
        "SELECT n.kind, n.value, p.person FROM lake_nodes AS n JOIN node_persons AS p USING (node) "
        "WHERE list_contains($1, n.kind || chr(31) || n.value)",
        [[f"{kind}\x1f{value}" for kind, value in addresses]],
    )
    return {(kind, value): int(person) for kind, value, person in rows}
