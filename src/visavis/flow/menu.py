"""The offers of a placement, by what their conditions ask first: most are never looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from visavis.core.lang.conditions import Conditions
from visavis.core.lang.form import Call, Literal, Node, TraitRef, Value
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.core.offers import Offer
from visavis.decide.asking import parts_of
from visavis.decide.content import Used, used_by


@dataclass(slots=True)
class Menu:
    """Offers whose condition asks for one text of a trait lie under that text, the others apart.

    `conditions` are the compiled expressions, `parts` the names of those of each offer.
    """

    project: Project
    offers: Sequence[Offer]
    conditions: Conditions
    parts: Mapping[str, tuple[str, ...]]
    timeless: frozenset[str] = field(init=False)
    """The offers whose content is the same at any moment, as long as `shown` are."""
    shown: frozenset[str] = field(init=False)
    """The traits that contents show."""
    _others: list[Offer] = field(default_factory=list)
    _under: dict[str, dict[Value, list[Offer]]] = field(default_factory=dict)
    _asking: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for offer in self.offers:
            asked = next(filter(None, map(_text_of, parts_of(offer.eligible))), None)
            if asked is None:
                self._others.append(offer)
            else:
                trait, text = asked
                self._under.setdefault(trait, {}).setdefault(text, []).append(offer)
            for trait in self._asked_by(offer):
                self._asking.setdefault(trait, []).append(offer.name)
        used = {offer.name: self._used(offer) for offer in self.offers}
        self.timeless = frozenset(name for name, told in used.items() if not told.clock)
        self.shown = frozenset(("language", "time_zone")).union(*(u.traits for u in used.values()))

    def _asked_by(self, offer: Offer) -> set[str]:
        names = [*self.parts[offer.name], f"value {offer.name}", f"occasion {offer.name}"]
        rests = self.conditions.rests
        return {trait for name in names for trait in rests.get(name, ())}

    def _used(self, offer: Offer) -> Used:
        return used_by(self.project.contents.get(offer.content or ""), self.project.traits)

    def asking(self, trait: str) -> Sequence[str]:
        """The offers whose condition, value or occasion rests on a trait."""
        return self._asking.get(trait, ())

    def possible(
        self, values: Mapping[str, Value], untils: Mapping[str, int], until: int
    ) -> tuple[list[Offer], int]:
        """The offers that somebody with these values may be eligible for, and until when."""
        found = list(self._others)
        for trait, under in self._under.items():
            found += under.get(values.get(trait), ())
            until = min(until, untils.get(trait, until))
        return found, until


def _text_of(part: Node) -> tuple[str, Value] | None:
    """The trait and text of a part `trait = 'text'`."""
    match part:
        case Call(function="=", args=(TraitRef(type=Type.TEXT, name=name), Literal() as text)):
            return (name, text.value) if text.type is Type.TEXT and text.value else None
    return None


def menu_of(
    project: Project, conditions: Conditions, parts: Mapping[str, tuple[str, ...]], placement: str
) -> Menu:
    """What may be chosen at a placement."""
    offers: Iterable[Offer] = project.offers.values()
    here = [offer for offer in offers if placement in (*offer.placements, offer.channel)]
    return Menu(project, here, conditions, parts)
