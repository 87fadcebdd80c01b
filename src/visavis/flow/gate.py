"""Whether a message may leave at this very moment: asked again of consent, arms, caps and quiet
hours, when it is on its way out."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from visavis.core.clock import zone
from visavis.core.consent import verdict
from visavis.core.decisions import Reason
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.core.pressure import Sent, cap_reached, open_from, zone_of
from visavis.decide.arms import HOLDOUT, control_of, standing
from visavis.decide.rules import Past
from visavis.flow.consent_words import Said, by_person, held_from, kinds_of
from visavis.flow.due import Known
from visavis.flow.fresh_words import FreshWords
from visavis.flow.persons import open_lake
from visavis.flow.published import Published, open_warehouse
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
    fresh: FreshWords
    known: Known = field(default_factory=Known)
    persons: dict[tuple[str, str], int] = field(default_factory=dict)
    zones: dict[int, str | None] = field(default_factory=dict)
    holders: dict[tuple[str, str], int] = field(default_factory=dict)
    """Who has each of their identifiers."""

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
            self.fresh.news()
            said = map(self._by_now, self.fresh.said)
            known = Known.read(wh, self.at, self.project, self.outbox, said, "written_to", LEFT)
            self.known = known
            self.holders = {
                name: person for person, names in known.identifiers.items() for name in names
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
        """What was said since the last look: somebody may have said no meanwhile."""
        said = map(self._by_now, self.fresh.news())
        for person, word in by_person(said, self.holders, kinds_of(self.project)):
            self.known.words.setdefault(person, []).append(word)

    def _by_now(self, said: Said) -> Said:
        """A no is heard though it came after the moment of this send: the message is still here."""
        return replace(said, at_ms=held_from(said.says, said.at_ms, self.at_ms))

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
