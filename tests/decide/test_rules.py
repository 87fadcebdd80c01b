"""One decision: which offer, and for each of the others the reason and the place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from msgspec.structs import replace as changed

from visavis.core.clock import DAY_MS, zone
from visavis.core.consent import Word
from visavis.core.decisions import Reason
from visavis.core.lang.form import Literal
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.core.offers import DEFAULT_CHANNELS, Offer
from visavis.core.pressure import Cap
from visavis.core.problems import Place
from visavis.decide.rules import Asked, Outcome, Past, Person, Unmet, Unrendered, consider

NOW = 1_700_000_000_000
MAIL = ("email", "a@example.invalid")
CAPS = {"daily": Cap("daily", 1, "rolling", 1, "day", place=Place("policies/p.yml", 4, 3))}
PROJECT = Project(
    root=Path(), name="Shop", time_zone="UTC", currency="EUR", language="en", holdout=0.1,
    state="", channels=dict(DEFAULT_CHANNELS), caps=CAPS,
)  # fmt: skip
YES = Word(NOW - DAY_MS, "yes", MAIL)
ANN = Person(
    "p1", ("customer_id", "1"), (("customer_id", "1"), MAIL), "treated", (YES,), (), zone("UTC")
)


def offer(name: str, **changes: object) -> Offer:
    plain = Offer(
        name, Literal(Type.BOOLEAN, True), Place("offers/o.yml", 2, 3), channel="email",
        content=name,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def asked(one: Offer, score: int = 1, eligible: bool = True, occasion: str | None = "x") -> Asked:
    unmet = None if eligible else Unmet("orders > 1", Place("segments/s.yml", 9, 1))
    return Asked(one, eligible, score * 1_000_000, occasion, unmet)


def plain(_offer: Offer, _address: object) -> Mapping[str, str]:
    return {"text": "hello"}


def chosen(outcome: Outcome) -> list[str]:
    return [one.offer.name for one, _, _ in outcome.chosen]


def fell(outcome: Outcome) -> dict[str, Reason | None]:
    return {c.offer: c.fell for c in outcome.candidates}


def decide(
    *some: Asked,
    person: Person = ANN,
    control: tuple[str, ...] = (),
    render: object = plain,
    placement: str | None = "email",
    count: int = 1,
) -> Outcome:
    return consider(
        some, person, PROJECT, NOW, lambda o, _: o.name in control, render, count,  # type: ignore[arg-type]
        placement=placement,
    )  # fmt: skip


def past(campaign: str, **changes: object) -> Past:
    usual = Past(campaign, "x", MAIL, "email", "marketing", NOW - 2 * DAY_MS, True, 0)
    return replace(usual, **changes)  # type: ignore[arg-type]


def test_the_highest_value_wins_and_ties_go_by_name() -> None:
    outcome = decide(asked(offer("b"), 5), asked(offer("a"), 5), asked(offer("c"), 7))
    assert chosen(outcome) == ["c"]
    assert [c.offer for c in outcome.candidates] == ["c", "a", "b"]
    assert fell(outcome) == {"c": None, "a": Reason.OUTRANKED, "b": Reason.OUTRANKED}
    assert chosen(decide(asked(offer("b")), asked(offer("a")), count=2)) == ["a", "b"]


def test_each_reason_and_where_it_is_written() -> None:
    places = {"starts": Place("offers/o.yml", 5, 5), "ends": Place("offers/o.yml", 6, 5)}
    some = (
        asked(offer("early", starts=NOW + 1, places=places)),
        asked(offer("late", ends=NOW, places=places)),
        asked(offer("not_for_her"), eligible=False),
        asked(offer("no_day"), occasion=None),
        asked(offer("again")),
        asked(offer("soon", every_ms=3 * DAY_MS), occasion="y"),
        asked(offer("other_purpose", purpose="service")),
    )
    person = changed(ANN, past=(past("again"), past("soon")))
    outcome = decide(*some, person=person)
    assert fell(outcome) == {
        "early": Reason.NOT_STARTED,
        "late": Reason.ENDED,
        "not_for_her": Reason.NOT_ELIGIBLE,
        "no_day": Reason.NO_OCCASION,
        "again": Reason.ALREADY_SENT,
        "soon": Reason.TOO_SOON,
        "other_purpose": Reason.NO_CONSENT,
    }
    found = {c.offer: c for c in outcome.candidates}
    assert (found["early"].place.line, found["late"].place.line) == (5, 6)
    assert found["not_for_her"].detail == "orders > 1"
    assert found["not_for_her"].place.file == "segments/s.yml"
    assert not chosen(outcome)


def test_every_ends_at_the_very_moment() -> None:
    soon = asked(offer("soon", every_ms=2 * DAY_MS), occasion="y")
    assert chosen(decide(soon, person=changed(ANN, past=(past("soon"),)))) == ["soon"]
    person = changed(ANN, past=(past("soon", at_ms=NOW - 2 * DAY_MS + 1),))
    assert fell(decide(soon, person=person)) == {"soon": Reason.TOO_SOON}


def test_without_address_or_consent_or_room_under_a_cap() -> None:
    one = asked(offer("a"), 3)
    assert fell(decide(one, person=changed(ANN, identifiers=(("customer_id", "1"),)))) == {
        "a": Reason.NO_ADDRESS
    }
    assert fell(decide(one, person=changed(ANN, words=()))) == {"a": Reason.NO_CONSENT}
    no = Word(NOW - 1, "no", ("email", "her-other@example.invalid"))
    assert fell(decide(one, person=changed(ANN, words=(YES, no)))) == {"a": Reason.WITHDRAWN}
    blocked = Word(0, "suppress", MAIL)
    assert fell(decide(one, person=changed(ANN, words=(YES, blocked)))) == {"a": Reason.SUPPRESSED}
    outcome = decide(one, person=changed(ANN, past=(past("z", at_ms=NOW - 1),)))
    assert fell(outcome) == {"a": Reason.CAP}
    (candidate,) = outcome.candidates
    assert (candidate.place.file, candidate.detail) == ("policies/p.yml", "daily")
    assert (candidate.score, candidate.occasion) == (3_000_000, "x")


def test_what_is_shown_and_not_sent_needs_no_address_consent_or_cap() -> None:
    """An offer may be a campaign and stand in a placement: there nothing leaves."""
    one = asked(offer("a", placements=("till",)), occasion=None)
    nobody = changed(ANN, words=(), identifiers=(ANN.identifier,), past=(past("a"), past("b")))
    assert chosen(decide(one, person=nobody, placement="till")) == ["a"]
    assert chosen(decide(one, person=nobody, placement="email")) == []


def test_a_content_that_fails_leaves_the_next_offer() -> None:
    def render(one: Offer, _address: object) -> Mapping[str, str]:
        if one.name == "a":
            place = Place("content/c.yml", 7, 12)
            raise Unrendered(Reason.MISSING_FIELD, "first_name", place)
        return {"text": "hello"}

    outcome = decide(asked(offer("a"), 2), asked(offer("b")), render=render)
    assert chosen(outcome) == ["b"]
    found = outcome.candidates[0]
    assert (found.fell, found.detail, found.place.line) == (Reason.MISSING_FIELD, "first_name", 7)


def test_who_is_held_out_falls_once_where_they_would_have_been_chosen() -> None:
    some = (asked(offer("a"), 3), asked(offer("b"), 2), asked(offer("c"), 1))
    outcome = decide(*some, person=changed(ANN, standing="held out"))
    assert fell(outcome) == {"a": Reason.HELD_OUT, "b": Reason.OUTRANKED, "c": Reason.OUTRANKED}
    both = decide(*some, person=changed(ANN, standing="contaminated"))
    assert fell(both)["a"] is Reason.CONTAMINATED
    assert not chosen(outcome)
    assert not chosen(both)


def test_a_content_that_fails_is_the_reason_also_of_those_held_out() -> None:
    def render(_offer: Offer, _address: object) -> Mapping[str, str]:
        raise Unrendered(Reason.MISSING_FIELD, "first_name", Place("content/c.yml", 7, 12))

    outcome = decide(asked(offer("a")), person=changed(ANN, standing="held out"), render=render)
    assert fell(outcome) == {"a": Reason.MISSING_FIELD}


def test_a_held_out_person_is_asked_as_if_they_had_got_it() -> None:
    """What they would have got fills the cap and the occasion, as it does for the treated."""
    kept = past("a", left=False, kept=True, at_ms=NOW - 1)
    person = changed(ANN, past=(kept,), standing="held out")
    outcome = decide(asked(offer("a"), 3), asked(offer("b"), 2), person=person)
    assert fell(outcome) == {"a": Reason.HELD_OUT, "b": Reason.CAP}
    earlier = changed(person, past=(replace(kept, at_ms=NOW - 2 * DAY_MS),))
    outcome = decide(asked(offer("a"), 3), asked(offer("b"), 2), person=earlier)
    assert fell(outcome) == {"a": Reason.HELD_OUT, "b": Reason.HELD_OUT}
    treated = changed(person, standing="treated")
    assert chosen(decide(asked(offer("a"), 3), person=treated)) == ["a"]


def test_a_control_group_gets_the_next_offer() -> None:
    outcome = decide(asked(offer("a", control=0.5), 3), asked(offer("b"), 2), control=("a",))
    assert fell(outcome) == {"a": Reason.CONTROL, "b": None}
