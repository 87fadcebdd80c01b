"""Whole projects at random: given, computed and derived traits, and conditions over them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from visavis.core.lang.form import Bucket, Node
from visavis.core.lang.functions import FUNCTIONS
from visavis.core.lang.types import Type
from visavis.core.nouns import Catalogue, Field, Project, Step, Trait
from visavis.core.problems import Place
from visavis.testing import shop
from visavis.testing.forms import Forms, named_fits, row_setting, trait_setting, value_setting

PLACE = Place("traits/invented.yml")
EVENTS = ("Order Completed", "Order Completed", "Product Viewed", "Email Opened")
WITHINS = (*shop.WINDOWS, *shop.WINDOWS[3:], *shop.WINDOWS[4:])
"""Windows of traits, the longer ones more often."""
TYPES = tuple(t for t in Type if t not in (Type.INTERVAL, Type.NULL))


@dataclass(slots=True)
class Projects:
    """A source of projects; `forms` makes their expressions."""

    rng: Random
    forms: Forms

    def project(self, computed: int = 20, derived: int = 10) -> Project:
        """A project of the shop with every given trait and so many others."""
        traits = {t.name: t for t in (given(name, type) for name, type in shop.GIVEN.items())}
        for number in range(computed):
            traits[f"c{number}"] = self.computed(f"c{number}")
        for number in range(derived):
            types = {n: t.type for n, t in traits.items()}
            traits[f"d{number}"] = self.derived(f"d{number}", types)
        return project(traits, self.forms.moments.zone.name)

    def conditions(self, project: Project, count: int) -> dict[str, Node]:
        """Conditions over the traits of a project."""
        setting = trait_setting({n: t.type for n, t in project.traits.items()})
        return {
            f"q{n}": self.forms.form(Type.BOOLEAN, setting, self._depth()) for n in range(count)
        }

    def computed(self, name: str) -> Trait:
        """A computed trait, with every clause that a trait may have now and then."""
        rng, event = self.rng, self.rng.choice(EVENTS)
        each = event == "Order Completed" and rng.random() < 0.4
        rows = row_setting(event, each)
        where = (
            self.forms.form(Type.BOOLEAN, rows, rng.choice((1, 2))) if rng.random() < 0.25 else None
        )
        value = self.forms.form(rng.choice(TYPES), value_setting(event, each), self._depth())
        then, without = self._steps()
        return Trait(
            name, "computed", value.type, PLACE,
            value=value, event=event, each="products" if each else None, where=where,
            within_ms=rng.choice(WITHINS) if rng.random() < 0.35 else None,
            then=then, without=without,
        )  # fmt: skip

    def derived(self, name: str, traits: dict[str, Type]) -> Trait:
        """A derived trait over those given; every bucket of it has its own fit."""
        setting = trait_setting(traits, buckets=True)
        value: Node
        if self.rng.random() < 0.15:
            value = self.forms.bucket(self.rng.choice(FUNCTIONS["bucket"].signatures), setting)
        else:
            value = self.forms.form(self.rng.choice(TYPES), setting, self._depth())
        return Trait(name, "derived", value.type, PLACE, value=named_fits(value, name))

    def _depth(self) -> int:
        return self.rng.choice((1, 2, 2, 3))

    def _steps(self) -> tuple[Step | None, Step | None]:
        pick = self.rng.random()
        if pick < 0.75:
            return None, None
        then = self._step(True) if pick < 0.92 else None
        if then is not None and pick < 0.84:
            return then, None
        return then, self._step(then is None)

    def _step(self, timed: bool) -> Step:
        event = self.rng.choice(EVENTS)
        rows = row_setting(event, False)
        where = self.forms.form(Type.BOOLEAN, rows, 1) if self.rng.random() < 0.25 else None
        within = self.rng.choice(WITHINS) if timed and self.rng.random() < 0.6 else None
        return Step(event, where, within, PLACE)


def given(name: str, type: Type) -> Trait:
    """The given trait of a property of identify."""
    return Trait(name, "given", type, PLACE, given=name)


def project(traits: dict[str, Trait], zone_name: str) -> Project:
    """A project of the shop with these traits, in dependency order."""
    fields = tuple(Field(n, t, n) for n, t in shop.CATALOGUE_FIELDS.items())
    products = Catalogue("products", "products.csv", "product_id", fields, PLACE)
    return Project(
        Path(), "invented", zone_name,
        traits=traits, catalogues={"products": products},
        properties=shop.PROPERTIES, line_fields=shop.LINE_FIELDS,
    )  # fmt: skip


def buckets(project: Project) -> dict[str, Bucket]:
    """The buckets of a project by the name of their fit."""
    from visavis.core.lang.form import walk

    return {
        node.fit: node
        for trait in project.traits.values()
        if trait.value is not None
        for node in walk(trait.value)
        if isinstance(node, Bucket)
    }
