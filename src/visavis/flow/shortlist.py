"""The offers of a placement that somebody is eligible for, best first, kept as traits change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from visavis.core.consent import Address
from visavis.core.lang.conditions import Reading
from visavis.core.lang.form import Value
from visavis.core.lang.reader_run import Fits
from visavis.core.lang.reader_until import NEVER
from visavis.core.offers import Offer
from visavis.decide.asking import asked_of
from visavis.decide.content import Renderer
from visavis.decide.rules import Asked, by_rank
from visavis.flow.menu import Menu


class Shortlist:
    """What the definitions say of a menu for one person. Told which traits have changed, it asks
    only the offers that rest on them again."""

    __slots__ = ("_asked", "_ranked", "_since", "_texts", "_until", "menu")

    def __init__(self, menu: Menu) -> None:
        self.menu = menu
        self._asked: dict[str, tuple[Asked | None, int]] = {}
        self._ranked: list[Asked] | None = None
        self._since = self._until = 0
        self._texts: dict[str, Mapping[str, str]] = {}

    def changed(self, names: set[str]) -> None:
        """Told of traits that have another value, or hold until another moment."""
        if not names:
            return
        self._ranked = None
        for trait in names:
            for offer in self.menu.asking(trait):
                self._asked.pop(offer, None)
        if not names.isdisjoint(self.menu.shown):
            self._texts.clear()

    def ranked(
        self, values: dict[str, Value], untils: Mapping[str, int], at_ms: int, fits: Fits
    ) -> list[Asked]:
        """The offers that the person is eligible for, best first."""
        if self._ranked is not None and self._since <= at_ms < self._until:
            return self._ranked
        offers, until = self.menu.possible(values, untils, NEVER)
        reading, asked, eligible = None, self._asked, []
        for offer in offers:
            held = asked.get(offer.name)
            if held is None or held[1] <= at_ms or at_ms < self._since:
                reading = reading or self.menu.conditions.over(values, untils, at_ms, fits)
                held = asked[offer.name] = self._ask(offer, reading)
            if held[1] < until:
                until = held[1]
            if held[0] is not None:
                eligible.append(held[0])
        eligible.sort(key=by_rank)
        self._ranked, self._since, self._until = eligible, at_ms, until
        return eligible

    def _ask(self, offer: Offer, reading: Reading) -> tuple[Asked | None, int]:
        reading.until = NEVER
        if reading.unmet(self.menu.parts[offer.name]) is not None:
            return None, reading.until
        return asked_in(offer, None, reading), reading.until

    def shown(self, offer: Offer, address: Address | None, render: Renderer) -> Mapping[str, str]:
        """The offer's content, rendered once where it is only shown and does not read the clock."""
        if address is not None or offer.name not in self.menu.timeless:
            return render(offer, address)
        found = self._texts.get(offer.name)
        if found is None:
            found = self._texts[offer.name] = render(offer, None)
        return found


def asked_in(offer: Offer, unmet: int | None, reading: Reading) -> Asked:
    """What the definitions say of one offer."""
    value = reading.value(f"value {offer.name}") if offer.value is not None else None
    occasion = reading.value(f"occasion {offer.name}") if offer.occasion is not None else None
    return asked_of(offer, unmet, value, occasion)


def all_of_them(menu: Menu, reading: Reading) -> Sequence[Asked]:
    """What the definitions say of every offer, also of those that somebody is not eligible for."""
    return [asked_in(o, reading.unmet(menu.parts[o.name]), reading) for o in menu.offers]
