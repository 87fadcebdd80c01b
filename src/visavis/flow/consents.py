"""What was ever said about consent, by person: in the lake, the journal and the live tail."""

from __future__ import annotations

from collections.abc import Iterable

from visavis.core.consent import Address, Word
from visavis.core.nouns import Project
from visavis.flow.consent_words import (
    NAMES,
    Said,
    address_of,
    by_person,
    held_from,
    kinds_of,
    meaning,
)
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.warehouse import Warehouse


def words_of(
    wh: Warehouse, project: Project, people: str, fresh: Iterable[Said]
) -> dict[int, list[Word]]:
    """The words about everybody in the table `people` (person), by person.

    Reads `lake_events`, `lake_nodes`, `node_persons`. `fresh` are words that are not in the lake.
    """
    found: dict[int, list[Word]] = {}
    for person, word in _of_lake(wh, project, people):
        found.setdefault(person, []).append(word)
    new = list(fresh)
    for person, word in by_person(new, _persons(wh, new) if new else {}, kinds_of(project)):
        found.setdefault(person, []).append(word)
    return found


def _of_lake(wh: Warehouse, project: Project, people: str) -> Iterable[tuple[int, Word]]:
    kinds = ", ".join(map(text_literal, sorted(kinds_of(project))))
    listed = ", ".join(map(text_literal, NAMES))
    rows = wh.rows(
        "WITH said AS (SELECT seq, message_id, event, epoch_ms(ts) AS at, "
        "epoch_ms(received_at) AS received, source, channel, "
        "p_purpose, p_address, p_reason, coalesce(nodes, [node]) AS nodes FROM lake_events "
        f"WHERE event IN ({listed}) AND void IS NOT TRUE AND node IS NOT NULL), "
        "each AS (SELECT s.* EXCLUDE (nodes), unnest(s.nodes) AS node FROM said AS s) "
        "SELECT p.person, e.at, e.received, e.event, n.kind, n.value, e.channel, e.p_purpose, "
        "e.p_address, e.p_reason, e.source, e.message_id "
        "FROM each AS e JOIN lake_nodes AS n USING (node) "
        f"JOIN node_persons AS p USING (node) WHERE p.person IN (SELECT person FROM {people}) "
        "QUALIFY row_number() OVER (PARTITION BY e.seq, p.person "
        f"ORDER BY n.kind IN ({kinds}) DESC, n.kind, n.value) = 1"
    )
    for (
        person,
        at,
        received,
        event,
        kind,
        value,
        channel,
        purpose,
        named,
        reason,
        source,
        mid,
    ) in rows:
        said = meaning(event, reason or "")
        if said is None:
            continue
        says, by_name = said
        own = channel if channel in project.channels else by_name
        address = address_of(named) if named else (kind, value)
        yield (
            person,
            Word(held_from(says, at, received), says, address, own, purpose or None, source, mid),
        )


def _persons(wh: Warehouse, fresh: Iterable[Said]) -> dict[Address, int]:
    """Who has each identifier now."""
    addresses = sorted({name for said in fresh for name in said.names})
    rows = wh.rows(
        "SELECT n.kind, n.value, p.person FROM lake_nodes AS n JOIN node_persons AS p USING (node) "
        "WHERE list_contains($1, n.kind || chr(31) || n.value)",
        [[f"{kind}\x1f{value}" for kind, value in addresses]],
    )
    return {(kind, value): int(person) for kind, value, person in rows}
