"""`POST /v1/decide`: one decision from what is known this moment, in a process that serves.

A public (write) key asks for an anonymous visitor alone: what the visitor did under that very
identifier decides, nobody else's data are looked at, and no personal field is in the answer.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time, zone
from visavis.core.decisions import Identifier
from visavis.core.lang.conditions import Reading
from visavis.core.lang.form import Value
from visavis.core.lang.reader_until import NEVER
from visavis.core.links import unsubscribe_token
from visavis.core.offers import Offer
from visavis.core.pressure import zone_of
from visavis.decide.arms import HOLDOUT, Arm, Standing, control_of, drawer, standing
from visavis.decide.asking import asked_of, features_of
from visavis.decide.content import Renderer
from visavis.decide.rules import Asked, Outcome, Past, Person, consider
from visavis.flow.live_who import Found
from visavis.flow.menu import Menu, menu_of
from visavis.flow.profiles import Base, Profiles
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
    _base: Base | None = None
    _menus: dict[str, Menu] = field(default_factory=dict)
    _drawers: dict[tuple[str, float], Callable[[Identifier], Arm]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.state)

    def close(self) -> None:
        self.outbox.db.close()

    def offers(self, profiles: Profiles, placement: str) -> Menu | None:
        """The offers of a placement; None for one that nobody names."""
        base = profiles.base
        if self._base is not base:
            self._base, self._menus = base, {}
        found = self._menus.get(placement)
        if found is None:
            found = menu_of(base.project.offers.values(), placement)
            if not found.offers and placement not in base.project.channels:
                return None
            self._menus[placement] = found
        return found

    def decide(
        self,
        profiles: Profiles,
        name: Identifier,
        placement: str,
        menu: Menu,
        at_ms: int,
        count: int,
        session_only: bool,
        explained: bool = True,
    ) -> dict[str, Any]:
        """The decision with its reasons; people nobody knows are decided for as newcomers.

        Without `explained` the candidates that were not chosen are left out.
        """
        known = self._known(profiles, name, at_ms, session_only)
        values, identifiers = known.shown, known.identifiers
        project = profiles.base.project
        place, language = values.get("time_zone"), values.get("language")
        local = zone_of(place if isinstance(place, str) else None, zone(project.time_zone))
        sent = placement in project.channels
        words = profiles.words(known.found) if known.found and sent else []
        past = self._past(identifiers) if sent else []
        person = Person(
            known.person_id or "", identifiers[0], identifiers,
            self._arm(HOLDOUT, project.holdout, identifiers), words, past, local,
        )  # fmt: skip
        renderer = Renderer(
            project, values, local, at_ms, self._link(profiles),
            language if isinstance(language, str) else None,
        )  # fmt: skip

        def control(offer: Offer, person: Person) -> bool:
            arm = self._arm(control_of(offer.name), offer.control, person.identifiers)
            return arm != "treated"

        asked = known.asked(profiles.base, placement, menu, at_ms, explained)
        outcome = consider(
            asked, person, project, at_ms, control, renderer, count, None, placement,
            brief=not explained,
        )  # fmt: skip
        return _told(outcome, person, placement, at_ms, known.person_id)

    def _known(
        self, profiles: Profiles, name: Identifier, at_ms: int, session_only: bool
    ) -> _Known:
        base = profiles.base
        known = None if session_only else profiles.answer(name, at_ms)
        if known is not None:
            found = known.found
            identifiers = [found.name, *(m for m in found.members if m != found.name)]
            return _Known(
                found.person_id, identifiers, known.values, known.ends, known.values, known.kept,
                found,
            )  # fmt: skip
        history = profiles.history([name] if session_only else [])
        result = base.program.run(history, at_ms, base.fits, base.items)
        hidden = personal(profiles) if session_only else set()
        shown = {k: v for k, v in result.values.items() if k not in hidden}
        ends = {k: until for k, until in result.until.items() if until is not None}
        return _Known(None, [name], result.values, ends, shown)

    def _arm(self, experiment: str, share: float, identifiers: Sequence[Identifier]) -> Standing:
        marks = " OR ".join("(kind = ? AND value = ?)" for _ in identifiers)
        rows = self.outbox.db.execute(
            f"SELECT kind, value, arm FROM arms WHERE experiment = ? AND ({marks})",
            [experiment, *(part for name in identifiers for part in name)],
        )
        recorded = standing({(kind, value): arm for kind, value, arm in rows}, identifiers)
        if recorded:
            return recorded
        draw = self._drawers.get((experiment, share))
        if draw is None:
            draw = self._drawers[experiment, share] = drawer(self.key, experiment, share)
        return draw(identifiers[0])

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


@dataclass(frozen=True, slots=True)
class _Known:
    """What a decision knows of a person; `kept` lasts until it may have changed."""

    person_id: str | None
    identifiers: list[Identifier]
    values: dict[str, Value]
    ends: Mapping[str, int]
    shown: Mapping[str, Value]
    """What may be in the answer."""
    kept: dict[Any, Any] | None = None
    found: Found | None = None

    def asked(
        self, base: Base, placement: str, menu: Menu, at_ms: int, all_of_them: bool
    ) -> list[Asked]:
        """What the definitions say of the offers; of those not eligible only if all are wanted."""
        if all_of_them or self.kept is None:
            return self._read(base, menu, at_ms, all_of_them)[0]
        key = "asked", placement
        kept = self.kept.get(key)
        if kept is None or not kept[1] <= at_ms < kept[2]:
            asked, until = self._read(base, menu, at_ms, False)
            kept = self.kept[key] = asked, at_ms, until
        found: list[Asked] = kept[0]
        return found

    def _read(
        self, base: Base, menu: Menu, at_ms: int, all_of_them: bool
    ) -> tuple[list[Asked], int]:
        reading = base.offers.over(self.values, self.ends, at_ms, base.fits)
        parts, asked = base.parts, []
        offers, until = menu.offers, NEVER
        if not all_of_them:
            offers, until = menu.possible(self.values, self.ends, until)
        for offer in offers:
            unmet = reading.unmet(parts[offer.name])
            if unmet is None or all_of_them:
                asked.append(_asked(offer, unmet, reading))
        return asked, min(until, reading.until)


def _asked(offer: Offer, unmet: int | None, reading: Reading) -> Asked:
    value = reading.value(f"value {offer.name}") if offer.value is not None else None
    occasion = reading.value(f"occasion {offer.name}") if offer.occasion is not None else None
    return asked_of(offer, unmet, value, occasion)


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
