"""Everything due at a moment: who would be sent what, and of everybody else why not.

Features are those of the published build; windows, consent, caps and arms are of the moment.
Nothing is written: `plan` counts the answer, `send` turns it into the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, cast

from visavis.core.clock import DAY_MS, Zone, zone
from visavis.core.consent import Address, Word
from visavis.core.decisions import (
    Candidate,
    Choice,
    Decision,
    Draft,
    Due,
    Identifier,
    Reason,
)
from visavis.core.lang.form import Value
from visavis.core.links import unsubscribe_token
from visavis.core.nouns import Project
from visavis.core.offers import Offer
from visavis.core.pressure import open_from, zone_of
from visavis.core.progress import SILENT, Progress
from visavis.decide.arms import HOLDOUT, Arm, Standing, control_of, drawer, standing
from visavis.decide.asking import withheld
from visavis.decide.batch import Batch, ask_everybody
from visavis.decide.content import Renderer
from visavis.decide.rules import Asked, Outcome, Past, Person, consider, window
from visavis.flow.consent_words import Said
from visavis.flow.consents import words_of
from visavis.flow.fresh_words import FreshWords
from visavis.flow.past import past_of
from visavis.flow.persons import open_lake
from visavis.flow.published import Published, open_warehouse, people_as_of
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.key import project_key
from visavis.store.outbox import LEFT, Outbox
from visavis.store.relations import create_view
from visavis.store.warehouse import Warehouse

EXPIRES_MS = 3 * DAY_MS
NO_SITE = "https://unsubscribe.invalid/"
"""What signed links begin with until the channel says where they lead."""


def due(
    at: Published,
    project: Project,
    outbox: Outbox,
    at_ms: int,
    fresh: FreshWords,
    progress: Progress = SILENT,
) -> Due:
    """What `send` would do at a moment with the published build; `project` is the build's, `fresh`
    what was said since."""
    offers = [offer for offer in project.offers.values() if offer.channel]
    found = Due(at_ms, at.build.id, str(at.build.manifest["definition_hash"]))
    with open_warehouse(project) as wh, progress.step("decide"):
        people_as_of(wh, at, project, None)
        open_lake(wh, at)
        batch = ask_everybody(wh, project, offers, at.build.as_of, at.fits())
        found.people = batch.people
        known = Known.read(wh, at, project, outbox, fresh.news())
    for offer in offers:
        reason = window(offer, at_ms) or Reason.NOT_ELIGIBLE
        found.leave(offer.name, reason, batch.people - batch.eligible[offer.name])
    withheld = withheld_offers(at, project)
    maker = Maker(at, project, known, batch, found, withheld)
    by_channel: dict[str, list[int]] = {}
    for n, offer in enumerate(offers):
        by_channel.setdefault(offer.channel or "", []).append(n)
    with progress.step("write"):
        for person in sorted(batch.asked):
            maker.decide(person, by_channel)
    return found


def withheld_offers(at: Published, project: Project) -> dict[str, str]:
    """Offers that rest on a source under its threshold, with those sources."""
    return withheld(at.build.manifest.get("withheld") or {}, project.offers.values())


@dataclass(slots=True)
class Known:
    """What is known of the people asked beside their features."""

    identifiers: dict[int, list[Identifier]] = field(default_factory=dict)
    names: dict[int, tuple[str, Identifier]] = field(default_factory=dict)
    words: dict[int, list[Word]] = field(default_factory=dict)
    past: dict[int, list[Past]] = field(default_factory=dict)
    arms: dict[str, dict[Identifier, Arm]] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        wh: Warehouse,
        at: Published,
        project: Project,
        outbox: Outbox,
        fresh: Iterable[Said],
        people: str = "asked_people",
        counted: Sequence[str] = (*LEFT, "planned"),
    ) -> Known:
        """Of everybody in the table `people` (person), from the build, the lake and the outbox;
        `fresh` are words that the lake has not yet.

        `counted` are the states of messages that caps count: who plans counts waiting ones too.
        """
        known = cls()
        file = text_literal(str(at.build.table("persons")))
        create_view(wh, "person_names", f"SELECT * FROM read_parquet({file}) WHERE node = person")
        rows = wh.rows(
            "SELECT p.person, q.person_id, n.kind, n.value, p.node = p.person "
            "FROM node_persons AS p JOIN person_names AS q ON q.person = p.person "
            "JOIN lake_nodes AS n ON n.node = p.node "
            f"WHERE p.person IN (SELECT person FROM {people}) ORDER BY p.person, n.kind, n.value"
        )
        for person, person_id, kind, value, names_it in rows:
            known.identifiers.setdefault(person, []).append((kind, value))
            if names_it:
                known.names[person] = (person_id, (kind, value))
        known._outbox(outbox, project, counted)
        known.words = words_of(wh, project, people, fresh)
        return known

    def _outbox(self, outbox: Outbox, project: Project, counted: Sequence[str]) -> None:
        holders = {name: p for p, names in self.identifiers.items() for name in names}
        for row in outbox.past():
            kind, value, by, named = row[:4]
            person = holders.get((kind, value), holders.get((by, named)))
            if person is not None:
                self.past.setdefault(person, []).append(past_of(row, project, counted))
        names = [HOLDOUT, *(control_of(name) for name in project.offers)]
        self.arms = cast(dict[str, dict[Identifier, Arm]], outbox.arms(names))


class Maker:
    """Decides person by person and gathers what comes of it."""

    def __init__(
        self,
        at: Published,
        project: Project,
        known: Known,
        batch: Batch,
        found: Due,
        withheld: Mapping[str, str],
    ) -> None:
        self.project, self.known, self.batch, self.found = project, known, batch, found
        self.withheld = withheld
        self.key = project_key(at.state)
        self.local = zone(project.time_zone)
        self.drawers: dict[str, Callable[[Identifier], Arm]] = {}
        self.keys: set[tuple[str, str, str, str]] = set()

    def decide(self, node: int, channels: Mapping[str, Sequence[int]]) -> None:
        """One decision per channel on which anything is open to the person."""
        asked = self.batch.asked[node]
        person = self.person(node)
        for channel, numbers in channels.items():
            here = [asked[n] for n in numbers]
            if any(one.eligible for one in here):
                self._placement(node, person, channel, here)

    def person(self, node: int) -> Person:
        """The person with what is known of them; their arm is drawn if they have none."""
        known, features = self.known, self.batch.features[node]
        person_id, name = known.names[node]
        identifiers = known.identifiers[node]
        place = features.get("time_zone")
        arm = self._standing(HOLDOUT, self.project.holdout, name, identifiers)
        return Person(
            person_id, name, identifiers, arm,
            known.words.get(node, ()), known.past.setdefault(node, []),
            zone_of(place if isinstance(place, str) else None, self.local),
        )  # fmt: skip

    def _standing(
        self, experiment: str, share: float, name: Identifier, identifiers: Sequence[Identifier]
    ) -> Standing:
        recorded = standing(self.known.arms[experiment], identifiers)
        if recorded is not None:
            return recorded
        if experiment not in self.drawers:
            self.drawers[experiment] = drawer(self.key, experiment, share)
        arm = self.drawers[experiment](name)
        self.known.arms[experiment][name] = arm
        self.found.arms.append((experiment, name, arm, share))
        return arm

    def control(self, offer: Offer, person: Person) -> bool:
        """Whether the person is kept out of this offer alone."""
        experiment = control_of(offer.name)
        name, identifiers = person.identifier, person.identifiers
        return self._standing(experiment, offer.control, name, identifiers) != "treated"

    def renderer(self, node: int, local: Zone) -> Renderer:
        features = self.batch.features[node]
        language = features.get("language")
        return Renderer(
            self.project, features, local, self.found.at_ms, self.link,
            language if isinstance(language, str) else None,
        )  # fmt: skip

    def link(self, address: Address, offer: Offer) -> str:
        """The signed link that unsubscribes an address."""
        channel = self.project.channels[offer.channel or ""]
        token = unsubscribe_token(self.key, address, channel.name, offer.purpose)
        return f"{channel.unsubscribe or NO_SITE}{token}"

    def _placement(self, node: int, person: Person, channel: str, asked: Sequence[Asked]) -> None:
        found, project = self.found, self.project
        assert person.zone is not None
        renderer = self.renderer(node, person.zone)
        outcome = consider(
            asked, person, project, found.at_ms, self.control, renderer, 1, self.withheld, channel
        )
        decision = self._decision(node, person, channel, outcome)
        eligible = {one.offer.name for one in asked if one.eligible}
        for candidate in outcome.candidates:
            # people who are not eligible are counted by the warehouse
            if candidate.fell is not None and candidate.offer in eligible:
                self._left_out(candidate, candidate.fell, node, person, decision)
        for one, address, parts in outcome.chosen:
            if address is not None:
                draft = self._draft(one, address, parts, person, decision, renderer.language)
                self._add(node, draft)

    def _add(self, node: int, draft: Draft) -> None:
        """Takes the draft up, unless somebody else with the same address is written to already."""
        if draft.key in self.keys:
            reason = Reason.ALREADY_SENT
            self.found.leave(draft.campaign, reason)
            named = (draft.campaign, draft.person_id, str(reason), "address of somebody else")
            self.found.named.append(named)
            return
        self.keys.add(draft.key)
        self.found.drafts.append(draft)
        past = Past(
            draft.campaign, draft.occasion, draft.address, draft.channel, draft.purpose,
            self.found.at_ms, True, self.found.at_ms,
        )  # fmt: skip
        self.known.past[node].append(past)

    def _decision(self, node: int, person: Person, channel: str, outcome: Outcome) -> Decision:
        choices = tuple(
            Choice(one.offer.name, parts, one.score) for one, _, parts in outcome.chosen
        )
        decision = Decision(
            decision_id(channel, person.identifier, self.found.at_ms), channel, person.identifier,
            self.found.at_ms, choices, tuple(outcome.candidates), self.batch.features[node],
            person.standing != "treated", self.found.build_id,
        )  # fmt: skip
        self.found.decisions.append(decision)
        return decision

    def _left_out(
        self, candidate: Candidate, reason: Reason, node: int, person: Person, decision: Decision
    ) -> None:
        self.found.leave(candidate.offer, reason)
        self.found.named.append((candidate.offer, person.person_id, str(reason), candidate.detail))
        if reason in (Reason.HELD_OUT, Reason.CONTROL):
            self.found.kept_out.append((candidate, person.identifier, decision))
        if reason is Reason.HELD_OUT:
            offer, at_ms = self.project.offers[candidate.offer], self.found.at_ms
            past = Past(
                offer.name, candidate.occasion, person.identifier, decision.placement,
                offer.purpose, at_ms, False, at_ms, True,
            )  # fmt: skip
            self.known.past[node].append(past)

    def _draft(
        self,
        one: Asked,
        address: Address,
        parts: Mapping[str, str],
        person: Person,
        decision: Decision,
        language: str | None,
    ) -> Draft:
        offer, at_ms = one.offer, self.found.at_ms
        assert person.zone is not None
        opens, _ = open_from(
            self.project.quiet_hours.values(), offer.channel or "", at_ms, person.zone
        )
        expires = at_ms + (offer.expires_ms or EXPIRES_MS)
        return Draft(
            offer.name, one.occasion or "", offer.channel or "", offer.purpose, address,
            person.identifier, person.person_id, decision, parts, language or self.project.language,
            expires if opens is None else opens, expires,
        )  # fmt: skip


def decision_id(placement: str, identifier: Identifier, at_ms: int) -> str:
    """The id of the one decision for a placement, an identifier and a moment."""
    text = "\x1f".join((placement, *identifier, str(at_ms)))
    return f"d-{sha256(text.encode()).hexdigest()[:20]}"


def features_json(project: Project, features: Mapping[str, Value]) -> dict[str, Any]:
    """The snapshot as it is kept: values as the reader holds them."""
    return {name: value for name, value in features.items() if name in project.traits}
