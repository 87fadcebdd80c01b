"""`POST /v1/decide`: one decision from what is known this moment, in a process that serves.

A public (write) key asks for an anonymous visitor alone: what the visitor did under that very
identifier decides, nobody else's data are looked at, and no personal field is in the answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from visavis.core.clock import Zone, format_time, zone
from visavis.core.decisions import Identifier
from visavis.core.lang.form import Value
from visavis.core.lang.history import History
from visavis.core.lang.types import TIME_MIN
from visavis.core.links import unsubscribe_token
from visavis.core.offers import Offer
from visavis.core.pressure import zone_of
from visavis.decide.arms import HOLDOUT, Arm, Standing, control_of, drawer, standing
from visavis.decide.content import Renderer
from visavis.decide.menu import Menu, menu_of
from visavis.decide.rules import Asked, Outcome, Past, Person, consider
from visavis.flow.base import Base
from visavis.flow.keeping import Answer
from visavis.flow.live_who import Found
from visavis.flow.past import past_of
from visavis.flow.profiles import Profiles
from visavis.flow.shortlist import Shortlist
from visavis.store.outbox import LEFT, Outbox

ANONYMOUS = "anonymous_id"
PERSONAL = frozenset(
    ("email", "phone", "first_name", "last_name", "name", "birthday", "address", "city")
)
"""Given traits that tell who somebody is, beside those that sources declare personal."""
_LOOK_MS = 50
"""How often it is looked whether arms were recorded."""
NO_SITE = "https://unsubscribe.invalid/"


@dataclass
class Decider:
    """Decides live; arms and messages are read from the state."""

    state: Path
    key: bytes
    outbox: Outbox = field(init=False)
    _base: Base | None = None
    _hidden: frozenset[str] = frozenset()
    _version: int = -1
    _looked: int = TIME_MIN
    _recorded: dict[str, bool] = field(default_factory=dict)
    """Whether any arm of an experiment is on record."""
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
            self._base, self._menus, self._hidden = base, {}, personal(profiles)
        found = self._menus.get(placement)
        if found is None:
            found = menu_of(base.project, base.offers, base.parts, placement)
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

        The candidates, and why each fell, are told where it is `explained`.
        """
        known = self._known(profiles, name, at_ms, session_only)
        base = profiles.base
        self._look_for_arms(at_ms)
        here = known.shortlist(placement, menu)
        held = known.values, known.untils, at_ms, base.fits
        asked: Iterable[Asked] = (
            menu.everything(menu.conditions.over(*held)) if explained else here.ranked(*held)
        )

        def control(offer: Offer, person: Person) -> bool:
            arm = self._arm(control_of(offer.name), offer.control, person.identifiers)
            return arm != "treated"

        @cache
        def renderer() -> Renderer:
            return self._renderer(profiles, known.shown, at_ms)

        def render(offer: Offer, address: Identifier | None) -> Mapping[str, str]:
            return here.shown(offer, address, renderer)

        person = self._person(profiles, known, placement, at_ms)
        outcome = consider(
            asked, person, base.project, at_ms, control, render, count, base.withheld, placement,
            brief=not explained, ranked=not explained,
        )  # fmt: skip
        made = _told(outcome, person, placement, at_ms, known.person_id)
        if explained:
            made["candidates"] = [candidate.as_json() for candidate in outcome.candidates]
        return made

    def _person(self, profiles: Profiles, known: _Known, placement: str, at_ms: int) -> Person:
        """What decides beside the definitions; what is only shown asks for no word and no past."""
        project, identifiers = profiles.base.project, known.identifiers
        arm = self._arm(HOLDOUT, project.holdout, identifiers)
        person_id = known.person_id or ""
        if placement not in project.channels:
            return Person(person_id, identifiers[0], identifiers, arm)
        words = profiles.consent.words(known.found) if known.found else []
        past = self._past(profiles, identifiers, at_ms)
        local = _zone(profiles, known.shown)
        return Person(person_id, identifiers[0], identifiers, arm, words, past, local)

    def _renderer(self, profiles: Profiles, values: Mapping[str, Value], at_ms: int) -> Renderer:
        project = profiles.base.project
        language = values.get("language")
        return Renderer(
            project, values, _zone(profiles, values), at_ms, self._link(profiles),
            language if isinstance(language, str) else None,
        )  # fmt: skip

    def _known(
        self, profiles: Profiles, name: Identifier, at_ms: int, session_only: bool
    ) -> _Known:
        base = profiles.base
        answer = None if session_only else profiles.answer(name, at_ms)
        if answer is not None:
            found = answer.found
            identifiers = [found.name, *(m for m in found.members if m != found.name)]
            return _Known(
                found.person_id, identifiers, answer.values, answer.untils, answer.values, answer
            )
        if session_only:
            answer = profiles.session(name, at_ms)
            shown = {k: v for k, v in answer.values.items() if k not in self._hidden}
            return _Known(None, [name], answer.values, answer.untils, shown, answer)
        result = base.read(History(), at_ms)
        return _Known(None, [name], result.values, result.untils, result.values)

    def _look_for_arms(self, at_ms: int) -> None:
        """Forgets which experiments have arms on record once anybody has written to the state."""
        if 0 <= at_ms - self._looked < _LOOK_MS:
            return
        self._looked = at_ms
        (version,) = self.outbox.db.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version, self._recorded = version, {}

    def _has_arms(self, experiment: str) -> bool:
        found = self._recorded.get(experiment)
        if found is None:
            query = "SELECT EXISTS (SELECT 1 FROM arms WHERE experiment = ?)"
            (there,) = self.outbox.db.execute(query, (experiment,)).fetchone()
            found = self._recorded[experiment] = bool(there)
        return found

    def _arm(self, experiment: str, share: float, identifiers: Sequence[Identifier]) -> Standing:
        recorded = self._arms_of(experiment, identifiers) if self._has_arms(experiment) else None
        if recorded:
            return recorded
        draw = self._drawers.get((experiment, share))
        if draw is None:
            draw = self._drawers[experiment, share] = drawer(self.key, experiment, share)
        return draw(identifiers[0])

    def _arms_of(self, experiment: str, identifiers: Sequence[Identifier]) -> Standing | None:
        marks = " OR ".join("(kind = ? AND value = ?)" for _ in identifiers)
        rows = self.outbox.db.execute(
            f"SELECT kind, value, arm FROM arms WHERE experiment = ? AND ({marks})",
            [experiment, *(part for name in identifiers for part in name)],
        )
        return standing({(kind, value): arm for kind, value, arm in rows}, identifiers)

    def _past(
        self, profiles: Profiles, identifiers: Sequence[Identifier], at_ms: int
    ) -> list[Past]:
        """Messages of before, filed as a batch files them: under who holds the address now, else
        under who they were made for."""
        found: dict[tuple[Any, ...], Past] = {}
        held = set(identifiers)
        for name in identifiers:
            for row in self.outbox.past(name):
                address = row[0], row[1]
                if address in held or profiles.find(address, at_ms) is None:
                    project = profiles.base.project
                    found[row[:2] + row[4:6]] = past_of(row, project, (*LEFT, "planned"))
        return list(found.values())

    def _link(self, profiles: Profiles) -> Any:
        def link(address: Identifier, offer: Offer) -> str:
            channel = profiles.base.project.channels[offer.channel or ""]
            token = unsubscribe_token(self.key, address, channel.name, offer.purpose)
            return f"{channel.unsubscribe or NO_SITE}{token}"

        return link


def _zone(profiles: Profiles, values: Mapping[str, Value]) -> Zone:
    place = values.get("time_zone")
    own = zone(profiles.base.project.time_zone)
    return zone_of(place if isinstance(place, str) else None, own)


def personal(profiles: Profiles) -> frozenset[str]:
    """Traits that tell who somebody is."""
    project = profiles.base.project
    fields = {f.name for s in project.sources.values() for f in s.fields if f.personal} | PERSONAL
    given = ((n, t.given or n) for n, t in project.traits.items() if t.kind == "given")
    return frozenset(name for name, field_ in given if field_ in fields)


class _Known(msgspec.Struct, frozen=True, gc=False):
    """What a decision knows of a person."""

    person_id: str | None
    identifiers: list[Identifier]
    values: dict[str, Value]
    untils: dict[str, int]
    shown: Mapping[str, Value]
    """What may be in the answer."""
    answer: Answer | None = None

    @property
    def found(self) -> Found | None:
        """Who it is, where that may be told."""
        return self.answer.found if self.answer and self.person_id is not None else None

    def shortlist(self, placement: str, menu: Menu) -> Shortlist:
        """The offers of a placement for the person: kept where their history is."""
        answer = self.answer
        if answer is None:
            return Shortlist(menu)
        key = "shortlist", placement
        held = answer.lasting.get(key)
        if not isinstance(held, Shortlist):
            held = answer.lasting[key] = Shortlist(menu)
        return held


def _drawn() -> Iterator[str]:
    """Twenty random digits again and again; drawn many at a time, for that is a call of the
    system."""
    while True:
        drawn = secrets.token_hex(_DRAWN * 10)
        yield from (drawn[i : i + 20] for i in range(0, len(drawn), 20))


_DRAWN = 256
_numbers = _drawn()


def _told(
    outcome: Outcome, person: Person, placement: str, at_ms: int, person_id: str | None
) -> dict[str, Any]:
    return {
        "decision_id": f"d-{next(_numbers)}",
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
    }
