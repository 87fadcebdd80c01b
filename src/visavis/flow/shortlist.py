"""The offers of a placement that one person may have, best first, kept as long as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from visavis.core.consent import Address
from visavis.core.lang.form import Value
from visavis.core.lang.reader_run import Fits
from visavis.core.offers import Offer
from visavis.decide.content import Renderer
from visavis.decide.menu import Menu
from visavis.decide.rules import Asked


class Shortlist:
    """What the definitions say of a menu for one person; told which traits have changed."""

    __slots__ = ("_menu", "_ranked", "_since", "_texts", "_until")

    def __init__(self, menu: Menu) -> None:
        self._menu = menu
        self._ranked: list[tuple[int, int]] | None = None
        self._since = self._until = 0
        self._texts: dict[str, Mapping[str, str]] = {}

    def changed(self, names: set[str]) -> None:
        """Told of traits that have another value, or hold until another moment."""
        if not names.isdisjoint(self._menu.reads):
            self._ranked = None
        if not names.isdisjoint(self._menu.shown):
            self._texts.clear()

    def ranked(
        self, values: dict[str, Value], untils: Mapping[str, int], at_ms: int, fits: Fits
    ) -> Iterator[Asked]:
        """The offers that the person may have, best first."""
        menu = self._menu
        if self._ranked is None or not self._since <= at_ms < self._until:
            self._ranked, self._until = menu.ranked(values, untils, at_ms, fits)
            self._since = at_ms
        reading = menu.conditions.over(values, untils, at_ms, fits)
        return (menu.asked(-score, number, reading) for score, number in self._ranked)

    def shown(
        self, offer: Offer, address: Address | None, renderer: Callable[[], Renderer]
    ) -> Mapping[str, str]:
        """The offer's content, rendered once where it is only shown and does not read the clock."""
        if address is not None or offer.name not in self._menu.timeless:
            return renderer()(offer, address)
        found = self._texts.get(offer.name)
        if found is None:
            found = self._texts[offer.name] = renderer()(offer, None)
        return found
