"""What an offer asks of a person: the parts of its condition, its value, its occasion. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from visavis.core.lang.form import Call, Node, Value, trait_names
from visavis.core.lang.to_sql import to_sql
from visavis.core.lang.types import SCALE, Type
from visavis.core.nouns import Project
from visavis.core.offers import BUILT_IN_FIELDS, Offer
from visavis.core.problems import Place
from visavis.decide.content import spelled, words_of
from visavis.decide.rules import Asked, Unmet

ONCE = "once"
"""The occasion of an offer that names none."""


def parts_of(condition: Node) -> list[Node]:
    """The parts of a condition that must all be true."""
    if isinstance(condition, Call) and condition.function == "and":
        return [part for arg in condition.args for part in parts_of(arg)]
    return [condition]


@lru_cache(maxsize=4096)
def _unmet(offer: str, part: Node, place: Place | None) -> Unmet:
    return Unmet(to_sql(part), place)


def asked_of(
    offer: Offer, unmet: int | None, value: Value, occasion: Value, score: int | None = None
) -> Asked:
    """What the values of an offer's expressions mean.

    `unmet` is the number of the first part of `parts_of` the condition that is not true; `score`
    that of the value where it is known already.
    """
    if score is None:
        score = score_of(offer, value)
    text: str | None = ONCE
    if offer.occasion is not None:
        text = spelled(occasion, offer.occasion.type)
    if unmet is None:
        return Asked(offer, True, score, text)
    part = parts_of(offer.eligible)[unmet]
    return Asked(offer, False, score, text, _unmet(offer.name, part, part.place))


def score_of(offer: Offer, value: Value) -> int:
    """How much an offer counts, as a scaled decimal; a value of null counts 0, no value 1."""
    if offer.value is None:
        return SCALE
    return int(value or 0) * (SCALE if offer.value.type is Type.INTEGER else 1)


def nodes_of(offer: Offer) -> Iterable[Node]:
    """The expressions of an offer."""
    return (node for node in (offer.eligible, offer.value, offer.occasion) if node is not None)


def features_of(project: Project, offers: Iterable[Offer]) -> list[str]:
    """The traits that a decision among these offers reads, also in its content; by name."""
    found = {"language", "time_zone"} & project.traits.keys()
    for offer in offers:
        for node in nodes_of(offer):
            found |= trait_names(node)
        found |= words_of(project.contents.get(offer.content or "")) & project.traits.keys()
    return sorted(found - set(BUILT_IN_FIELDS))


def withheld(weak: Mapping[str, Sequence[str]], offers: Iterable[Offer]) -> dict[str, str]:
    """Offers that rest on a source under its threshold, with those sources.

    `weak`: those sources by segment, and by `offer NAME`.
    """
    found = {}
    for offer in offers:
        names = {s for key in (f"offer {offer.name}", *offer.segments) for s in weak.get(key, ())}
        if names:
            found[offer.name] = ", ".join(sorted(names))
    return found
