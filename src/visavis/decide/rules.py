"""One decision: each offer is asked in the order of its value, and says why it falls.

Pure: everything known of the person comes in, nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec
from msgspec import structs

from visavis.core.clock import Zone
from visavis.core.consent import Address, Word, verdict
from visavis.core.decisions import Candidate, Identifier, Reason
from visavis.core.nouns import Project
from visavis.core.offers import Offer
from visavis.core.pressure import Cap, Sent, cap_reached
from visavis.core.problems import Place
from visavis.decide.arms import Standing

_WITHOUT_CONSENT = {
    "no consent": Reason.NO_CONSENT,
    "withdrawn": Reason.WITHDRAWN,
    "suppressed": Reason.SUPPRESSED,
}


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What the definitions say of one offer for one person; `score` is a scaled decimal.

    `unmet` is the first part of the condition that is not true.
    """

    offer: Offer
    eligible: bool
    score: int
    occasion: str | None
    unmet: Unmet | None = None


@dataclass(frozen=True, slots=True)
class Unmet:
    """A part of a condition as users read it, and where it stands."""

    text: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class Past:
    """A message of before, in whatever state it is; `left` if it left or may have.

    `kept` is one that a held-out person would have got: for as long as they are held out it counts
    as if it had left, so that both arms are asked the same.
    """

    campaign: str
    occasion: str
    address: Address
    channel: str
    purpose: str
    at_ms: int
    left: bool
    planned_ms: int
    kept: bool = False


def before(past: Iterable[Past], at_ms: int) -> list[Past]:
    """What of it was known before a moment."""
    return [replace(p, left=p.left and p.at_ms < at_ms) for p in past if p.planned_ms < at_ms]


class Person(msgspec.Struct, frozen=True, gc=False):
    """All that decides about a person beside the definitions."""

    person_id: str
    identifier: Identifier
    identifiers: Sequence[Identifier]
    standing: Standing
    words: Sequence[Word] = ()
    past: Sequence[Past] = ()
    zone: Zone | None = None

    @property
    def counted(self) -> list[Past]:
        """What counts against one more message."""
        held_out = self.standing == "held out"
        return [replace(p, left=True) if p.kept else p for p in self.past if held_out or not p.kept]


class Content(Protocol):
    """Renders an offer's content for the person; raises Unrendered."""

    def __call__(self, offer: Offer, address: Address | None) -> Mapping[str, str]: ...


class Unrendered(Exception):
    """Content that could not be made for this person."""

    def __init__(self, reason: Reason, detail: str, place: Place) -> None:
        self.reason, self.detail, self.place = reason, detail, place
        super().__init__(detail)


@dataclass(slots=True)
class Outcome:
    """The candidates, best first, and for each chosen one its address and content."""

    candidates: list[Candidate] = field(default_factory=list)
    chosen: list[tuple[Asked, Address | None, Mapping[str, str]]] = field(default_factory=list)


Control = Callable[[Offer, Person], bool]


def by_rank(one: Asked) -> tuple[int, str]:
    """The place of an offer among others: the highest score first, ties by name."""
    return -one.score, one.offer.name


def consider(
    asked: Iterable[Asked],
    person: Person,
    project: Project,
    at_ms: int,
    control: Control,
    render: Content,
    count: int = 1,
    withheld: Mapping[str, str] | None = None,
    placement: str | None = None,
    brief: bool = False,
    ranked: bool = False,
) -> Outcome:
    """Chooses at most `count` offers: the highest score first, ties by name.

    At a `placement` that is not the offer's channel nothing is sent, so that it needs no address,
    consent or room under a cap. Being kept out is asked last: who is held out falls for that reason
    where they would have been chosen, and nowhere else, so that the arms can be compared.
    `brief` ends with the last choice: those outranked are not among the candidates. `ranked`:
    `asked` stand in the order of by_rank already.
    """
    outcome, taken = Outcome(), 0
    for one in asked if ranked else sorted(asked, key=by_rank):
        if brief and taken >= count:
            break
        sent = one.offer.channel is not None and placement in (None, one.offer.channel)
        fell, address = _stands(one, person, project, at_ms, withheld or {}, sent)
        if fell is None and taken >= count:
            fell = _candidate(one, Reason.OUTRANKED, "value" if one.offer.value else "")
        parts: Mapping[str, str] = {}
        if fell is None:
            fell, parts = _rendered(one, address, render)
        if fell is None:
            fell = _kept_out(one, person, control)
            taken += fell is None or fell.fell is not Reason.CONTROL
            if fell is None:
                outcome.chosen.append((one, address, parts))
        outcome.candidates.append(fell or _candidate(one, None))
    return outcome


def _stands(
    one: Asked,
    person: Person,
    project: Project,
    at_ms: int,
    withheld: Mapping[str, str],
    sent: bool,
) -> tuple[Candidate | None, Address | None]:
    fell = _fell(one, person, at_ms, withheld, sent)
    if fell is not None or not sent:
        return fell, None
    fell, address = reachable(one.offer, person, project, at_ms)
    return (
        structs.replace(fell, score=one.score, occasion=one.occasion or "") if fell else None
    ), address


def _rendered(
    one: Asked, address: Address | None, render: Content
) -> tuple[Candidate | None, Mapping[str, str]]:
    try:
        return None, render(one.offer, address)
    except Unrendered as error:
        score, occasion = one.score, one.occasion or ""
        name, reason = one.offer.name, error.reason
        return Candidate(name, reason, error.place, score, error.detail, occasion), {}


def _candidate(one: Asked, fell: Reason | None, key: str = "", detail: str = "") -> Candidate:
    place = one.offer.at(key)
    return Candidate(one.offer.name, fell, place, one.score, detail, one.occasion or "")


def window(offer: Offer, at_ms: int) -> Reason | None:
    """Whether the offer's time has not come yet or is over."""
    if offer.starts is not None and at_ms < offer.starts:
        return Reason.NOT_STARTED
    if offer.ends is not None and at_ms >= offer.ends:
        return Reason.ENDED
    return None


def _fell(
    one: Asked, person: Person, at_ms: int, withheld: Mapping[str, str], sent: bool
) -> Candidate | None:
    offer = one.offer
    timed = window(offer, at_ms)
    if timed:
        return _candidate(one, timed, "starts" if timed is Reason.NOT_STARTED else "ends")
    if sent and offer.name in withheld:
        return _candidate(one, Reason.WITHHELD, "eligible", withheld[offer.name])
    if not one.eligible:
        return _unmet(one)
    return _before(one, person, at_ms) if sent else None


def _unmet(one: Asked) -> Candidate:
    fell = _candidate(one, Reason.NOT_ELIGIBLE, "eligible")
    if one.unmet is None:
        return fell
    return structs.replace(fell, detail=one.unmet.text, place=one.unmet.place or fell.place)


def _before(one: Asked, person: Person, at_ms: int) -> Candidate | None:
    """What messages of before have against another one of the offer."""
    offer = one.offer
    if one.occasion is None:
        return _candidate(one, Reason.NO_OCCASION, "occasion")
    own = [p for p in person.counted if p.campaign == offer.name]
    same = [p for p in own if p.occasion == one.occasion]
    if same:
        kept = all(p.kept for p in same)
        return _candidate(one, Reason.HELD_OUT if kept else Reason.ALREADY_SENT, "occasion")
    if offer.every_ms and any(p.left and p.at_ms > at_ms - offer.every_ms for p in own):
        return _candidate(one, Reason.TOO_SOON, "every")
    return None


def reachable(
    offer: Offer, person: Person, project: Project, at_ms: int
) -> tuple[Candidate | None, Address | None]:
    """The address an offer may go to now: of those with consent the one that gave it last."""
    channel = project.channels[offer.channel or ""]
    one = Asked(offer, True, 0, "")
    addresses = [name for name in person.identifiers if name[0] == channel.identifier]
    if not addresses:
        return _candidate(one, Reason.NO_ADDRESS, "channel"), None
    told = [(verdict(person.words, a, channel.name, offer.purpose, at_ms), a) for a in addresses]
    allowed = [(v.word.at_ms if v.word else 0, a) for v, a in told if v.allowed]
    if not allowed:
        worst = min(told, key=lambda t: (list(_WITHOUT_CONSENT).index(t[0].reason), t[1]))
        return _candidate(one, _WITHOUT_CONSENT[worst[0].reason], "purpose"), None
    latest = max(at for at, _ in allowed)
    address = min(a for at, a in allowed if at == latest)
    cap = capped(offer.channel or "", offer.purpose, person, project, at_ms)
    if cap is not None:
        place = cap.place or offer.place
        return Candidate(offer.name, Reason.CAP, place, 0, cap.name), None
    return None, address


def capped(channel: str, purpose: str, person: Person, project: Project, at_ms: int) -> Cap | None:
    """The frequency cap that one more message to the person would break."""
    assert person.zone is not None
    sent = [Sent(p.at_ms, p.channel, p.purpose) for p in person.counted if p.left]
    caps = project.caps.values()
    return cap_reached(caps, sent, channel, purpose, at_ms, person.zone)


def _kept_out(one: Asked, person: Person, control: Control) -> Candidate | None:
    if person.standing == "contaminated":
        return _candidate(one, Reason.CONTAMINATED)
    if person.standing == "held out":
        return _candidate(one, Reason.HELD_OUT)
    if one.offer.control and control(one.offer, person):
        return _candidate(one, Reason.CONTROL, "control")
    return None
