"""The offers of a placement, by what their conditions ask first: most are never looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from visavis.core.lang.form import Call, Literal, Node, TraitRef, Value
from visavis.core.lang.types import Type
from visavis.core.offers import Offer
from visavis.decide.asking import parts_of


class Menu:
    """Offers whose condition asks for one text of a trait lie under that text, the others apart."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self.offers = offers
        self._others: list[Offer] = []
        self._under: dict[str, dict[Value, list[Offer]]] = {}
        for offer in offers:
            asked = next(filter(None, map(_text_of, parts_of(offer.eligible))), None)
            if asked is None:
                self._others.append(offer)
            else:
                trait, text = asked
                self._under.setdefault(trait, {}).setdefault(text, []).append(offer)

    def possible(
        self, values: Mapping[str, Value], ends: Mapping[str, int], until: int
    ) -> tuple[list[Offer], int]:
        """The offers that somebody with these values may be eligible for, and until when."""
        found = list(self._others)
        for trait, under in self._under.items():
            found += under.get(values.get(trait), ())
            until = min(until, ends.get(trait, until))
        return found, until


def _text_of(part: Node) -> tuple[str, Value] | None:
    """The trait and text of a part `trait = 'text'`."""
    match part:
        case Call(function="=", args=(TraitRef(type=Type.TEXT, name=name), Literal() as text)):
            return (name, text.value) if text.type is Type.TEXT and text.value else None
    return None


def menu_of(offers: Iterable[Offer], placement: str) -> Menu:
    """What may be chosen at a placement."""
    return Menu([o for o in offers if placement in (*o.placements, o.channel)])
