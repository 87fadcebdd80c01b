"""Whether a message may leave at this very moment: asked again of consent, arms, caps and quiet
hours, when it is on its way out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from visavis.core.clock import zone
from visavis.core.consent import verdict
from visavis.core.decisions import Reason
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.core.pressure import Sent, cap_reached, open_from, zone_of
from visavis.decide.arms import HOLDOUT, control_of, standing
from visavis.decide.rules import Past
from visavis.flow import consents
from visavis.flow.consent_words import by_person, kinds_of
from visavis.flow.due import Known
from visavis.flow.live_words import LiveWords
from visavis.flow.persons import open_lake
from visavis.flow.published import Published, open_warehouse
from visavis.store import journal
from visavis.store.engines.duckdb_names import held, identifier, text_literal
from visavis.store.outbox import LEFT, Message, Outbox
from visavis.store.warehouse import Warehouse


@dataclass(slots=True)
class Gate:
    """What decides about the messages of an outbox, as of one moment; `look_up` comes first."""

    at: Published
    project: Project
    outbox: Outbox
    at_ms: int
    known: Known = field(default_factory=Known)
    persons: dict[tuple[str, str], int] = field(default_factory=dict)
    zones: dict[int, str | None] = field(default_factory=dict)
    holders: dict[tuple[str, str], int] = field(default_factory=dict)
    """Who has each of their identifiers."""
    journal_seen: int = 0
    live: LiveWords | None = None

    def look_up(self) -> None:
        """Who holds the addresses written to, and everything that decides about them."""
        import pyarrow as pa

        addresses = self.outbox.addresses_due(self.at_ms)
        with open_warehouse(self.project) as wh:
            open_lake(wh, self.at)
            table = pa.table(
                {"kind": [k for k, _ in addresses], "value": [v for _, v in addresses]},
                schema=pa.schema([("kind", pa.string()), ("value", pa.string())]),
            )
            wh.register("wanted", table)
            wh.execute(
                "CREATE OR REPLACE TEMP TABLE written_to AS SELECT w.kind, w.value, p.person, "
                "p.person_id FROM wanted AS w JOIN lake_nodes AS n USING (kind, value) "
                "JOIN node_persons AS p USING (node)"
            )
            self.persons = {
                (k, v): int(p) for k, v, p in wh.rows("SELECT kind, value, person FROM written_to")
            }
            self.journal_seen = journal.last(self.outbox.db)
            self.live = LiveWords(self.at, self.project)
            self.known = Known.read(
                wh, self.at, self.project, self.outbox, self.live.news(), "written_to", LEFT
            )
            self.holders = {
                name: person for person, names in self.known.identifiers.items() for name in names
            }
            self.zones = self._zones(wh)

    def _zones(self, wh: Warehouse) -> dict[int, str | None]:
        trait = self.project.traits.get("time_zone")
        if trait is None or trait.type is not Type.TEXT:
            return {}
        people = text_literal(str(self.at.build.table("people")))
        column = held(identifier("time_zone"), trait.type)
        rows = wh.rows(
            f"SELECT w.person, any_value({column}) FROM read_parquet({people}) AS t "
            "JOIN written_to AS w USING (person_id) GROUP BY w.person"
        )
        return dict(rows)

    def news(self) -> None:
        """What the journal and the tail say since the last look: somebody may have said no
        meanwhile."""
        last = journal.last(self.outbox.db)
        fresh = consents.waiting(self.outbox.db, self.project, self.journal_seen)
        self.journal_seen = last
        fresh += self.live.news() if self.live is not None else []
        kinds = kinds_of(self.project)
        for person, word in by_person(fresh, self.holders, kinds):
            # it was said before the message leaves, though after the moment of this send
            word = replace(word, at_ms=min(word.at_ms, self.at_ms))
            self.known.words.setdefault(person, []).append(word)

    def stopped(self, message: Message) -> tuple[str, str, int] | None:
        """Why a message doesn't leave now: (status, reason, when to look again)."""
        address = (message.address_kind, message.address)
        person = self.persons.get(address)
        if person is None:
            return ("refused", str(Reason.NO_ADDRESS), message.due_at)
        project, known, at = self.project, self.known, self.at_ms
        told = verdict(known.words.get(person, ()), address, message.channel, message.purpose, at)
        if not told.allowed:
            return ("refused", told.reason, message.due_at)
        kept_out = self._kept_out(message, person)
        if kept_out is not None:
            return ("refused", str(kept_out), message.due_at)
        local = zone_of(self.zones.get(person), zone(project.time_zone))
        opens, _ = open_from(project.quiet_hours.values(), message.channel, at, local)
        if opens is None or opens >= message.expires_at:
            return ("expired", "quiet hours until it expired", message.due_at)
        if opens > at:
            return ("planned", "quiet hours", opens)
        past = known.past.setdefault(person, [])
        sent = [Sent(p.at_ms, p.channel, p.purpose) for p in past if p.left]
        cap = cap_reached(project.caps.values(), sent, message.channel, message.purpose, at, local)
        if cap is not None:
            return ("refused", str(Reason.CAP), message.due_at)
        left = Past(
            message.campaign, message.occasion, address, message.channel, message.purpose, at,
            True, message.planned_at,
        )  # fmt: skip
        past.append(left)
        return None

    def _kept_out(self, message: Message, person: int) -> Reason | None:
        """Why a person of a group that is kept out, to measure against, gets nothing."""
        names, arms = self.known.identifiers[person], self.known.arms
        for arm, reason in (
            (arms[HOLDOUT], Reason.HELD_OUT),
            (arms.get(control_of(message.campaign), {}), Reason.CONTROL),
        ):
            if standing(arm, names) not in ("treated", None):
                return reason
        return None
