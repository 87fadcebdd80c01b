"""`POST /v1/decide`: one decision from what is known this moment, in a process that serves.

A public (write) key asks for an anonymous visitor alone: what the visitor did under that very
identifier decides, nobody else's data are looked at, and no personal field is in the answer.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time, zone
from visavis.core.decisions import Identifier
from visavis.core.lang.form import Value
from visavis.core.links import unsubscribe_token
from visavis.core.offers import Offer
from visavis.core.pressure import zone_of
from visavis.decide.arms import HOLDOUT, Standing, control_of, drawer, standing
from visavis.decide.asking import asked_of, features_of, parts_of
from visavis.decide.content import Renderer
from visavis.decide.rules import Asked, Outcome, Past, Person, consider
from visavis.flow.profiles import Profiles
from visavis.store.outbox import LEFT, Outbox

ANONYMOUS = "anonymous_id"
PERSONAL = frozenset(
    ("email", "phone", "first_name", "last_name", "name", "birthday", "address", "city")
)
"""Given traits that tell who somebody is, beside those that sources declare personal."""
NO_SITE = "https://unsubscribe.invalid/"


@dataclass
class Decider:
    """Decides live; arms and messages are read from the state."""

    state: Path
    key: bytes
    outbox: Outbox = field(init=False)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.state)

    def close(self) -> None:
        self.outbox.db.close()

    def offers(self, profiles: Profiles, placement: str) -> list[Offer] | None:
        """The offers of a placement; None for one that nobody names."""
        project = profiles.base.project
        known = [o for o in project.offers.values() if placement in (*o.placements, o.channel)]
        return known if known or placement in project.channels else None

    def decide(
        self,
        profiles: Profiles,
        name: Identifier,
        placement: str,
        offers: Sequence[Offer],
        at_ms: int,
        count: int,
        session_only: bool,
    ) -> dict[str, Any]:
        """The decision with its reasons; people nobody knows are decided for as newcomers."""
        person_id, identifiers, values = self._known(profiles, name, at_ms, session_only)
        project = profiles.base.project
        place = values.get("time_zone")
        local = zone_of(place if isinstance(place, str) else None, zone(project.time_zone))
        held = identifiers[0] if identifiers else name
        person = Person(
            person_id or "", held, identifiers, self._arm(HOLDOUT, project.holdout, identifiers),
            self._words(profiles, name, at_ms, session_only), self._past(identifiers), local,
        )  # fmt: skip
        asked = [_asked(offer, values) for offer in offers]
        language = values.get("language")
        renderer = Renderer(
            project, values, local, at_ms, self._link(profiles),
            language if isinstance(language, str) else None,
        )  # fmt: skip

        def control(offer: Offer, person: Person) -> bool:
            arm = self._arm(control_of(offer.name), offer.control, person.identifiers)
            return arm != "treated"

        outcome = consider(asked, person, project, at_ms, control, renderer, count, None, placement)
        return _told(outcome, person, placement, at_ms, None if session_only else person_id)

    def _known(
        self, profiles: Profiles, name: Identifier, at_ms: int, session_only: bool
    ) -> tuple[str | None, list[Identifier], dict[str, Value]]:
        base = profiles.base
        if session_only:
            history = profiles.history([name])
            values = base.program.run(history, at_ms, base.fits, base.items).values
            hidden = personal(profiles)
            return None, [name], {k: v for k, v in values.items() if k not in hidden}
        known = profiles.answer(name, at_ms)
        if known is None:
            history = profiles.history([])
            values = base.program.run(history, at_ms, base.fits, base.items).values
            return None, [name], dict(values)
        found = known.found
        identifiers = [found.name, *(m for m in found.members if m != found.name)]
        return found.person_id, identifiers, dict(known.values)

    def _arm(self, experiment: str, share: float, identifiers: Sequence[Identifier]) -> Standing:
        marks = " OR ".join("(kind = ? AND value = ?)" for _ in identifiers)
        rows = self.outbox.db.execute(
            f"SELECT kind, value, arm FROM arms WHERE experiment = ? AND ({marks})",
            [experiment, *(part for name in identifiers for part in name)],
        )
        recorded = standing({(kind, value): arm for kind, value, arm in rows}, identifiers)
        return recorded or drawer(self.key, experiment, share)(identifiers[0])

    def _past(self, identifiers: Sequence[Identifier]) -> list[Past]:
        found = []
        for kind, value in identifiers:
            rows = self.outbox.db.execute(
                "SELECT campaign, occasion, channel, purpose, status, planned_at, changed_at "
                "FROM messages WHERE address_kind = ? AND address = ?",
                (kind, value),
            )
            for campaign, occasion, channel, purpose, status, planned, changed in rows:
                left = status in (*LEFT, "planned")
                found.append(
                    Past(
                        campaign, occasion, (kind, value), channel, purpose,
                        changed if left else planned, left, planned,
                    )
                )  # fmt: skip
        return found

    def _words(
        self, profiles: Profiles, name: Identifier, at_ms: int, session_only: bool
    ) -> list[Any]:
        if session_only:
            return []
        found = profiles.find(name, at_ms)
        return profiles.words(found) if found else []

    def _link(self, profiles: Profiles) -> Any:
        def link(address: Identifier, offer: Offer) -> str:
            channel = profiles.base.project.channels[offer.channel or ""]
            token = unsubscribe_token(self.key, address, channel.name, offer.purpose)
            return f"{channel.unsubscribe or NO_SITE}{token}"

        return link


def personal(profiles: Profiles) -> set[str]:
    """Traits that tell who somebody is."""
    project = profiles.base.project
    fields = {f.name for s in project.sources.values() for f in s.fields if f.personal} | PERSONAL
    return {n for n, t in project.traits.items() if t.kind == "given" and (t.given or n) in fields}


def _asked(offer: Offer, values: Mapping[str, Value]) -> Asked:
    parts = range(len(parts_of(offer.eligible)))
    unmet = next((j for j in parts if values.get(f"part {j} {offer.name}") is not True), None)
    return asked_of(
        offer, unmet, values.get(f"value {offer.name}"), values.get(f"occasion {offer.name}")
    )


def wanted(profiles: Profiles, offers: Sequence[Offer]) -> list[str]:
    """The traits that a decision among the offers reads."""
    return features_of(profiles.base.project, offers)


def _told(
    outcome: Outcome, person: Person, placement: str, at_ms: int, person_id: str | None
) -> dict[str, Any]:
    return {
        "decision_id": f"d-{secrets.token_hex(10)}",
        "person_id": person_id,
        "placement": placement,
        "choices": [
            {
                "offer": one.offer.name,
                "content": dict(parts),
                "score": one.score / 1_000_000,
                "probability": 1.0,
            }
            for one, _, parts in outcome.chosen
        ],
        "held_out": person.standing != "treated",
        "at": format_time(at_ms),
        "candidates": [candidate.as_json() for candidate in outcome.candidates],
    }


def logged(name: Identifier, decision: Mapping[str, Any], at_ms: int) -> bytes:
    """The event of a decision, as a batch that the tail takes like any other."""
    kind, value = name
    chosen = [choice["offer"] for choice in decision["choices"]]
    call: dict[str, Any] = {
        "type": "track",
        "event": "Decision Made",
        "messageId": f"visavis:{decision['decision_id']}",
        "timestamp": format_time(at_ms),
        "channel": "visavis",
        "properties": {
            "decision_id": decision["decision_id"],
            "placement": decision["placement"],
            "offer_id": chosen[0] if chosen else None,
            "outcome": "held out" if decision["held_out"] else "chosen" if chosen else "nothing",
            "probability": 1.0,
        },
        "context": {"externalIds": [{"id": value, "type": kind}]},
    }
    return json.dumps({"batch": [call]}, ensure_ascii=False).encode()
