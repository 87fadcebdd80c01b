"""Whole projects at random: given, computed and derived traits, and conditions over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from visavis.core.lang.form import Bucket, Node
from visavis.core.lang.functions import FUNCTIONS, Signature
from visavis.core.lang.types import DAY_MS, Type
from visavis.core.nouns import Catalogue, Field, Project, Resolve, Step, Trait
from visavis.core.problems import Place
from visavis.testing import shop
from visavis.testing.forms import (
    Forms,
    every_signature,
    named_fits,
    row_setting,
    trait_setting,
    value_setting,
)

PLACE = Place("traits/invented.yml")
EVENTS = ("Order Completed", "Order Completed", "Product Viewed", "Email Opened")
AGES = 800_000 * DAY_MS
WITHINS = (*shop.WINDOWS, *shop.WINDOWS[3:], *shop.WINDOWS[4:], AGES)
"""Windows of traits, the longer ones more often; one begins before all time."""
TYPES = tuple(t for t in Type if t not in (Type.INTERVAL, Type.NULL))


TOUR = 16
"""Signatures that each round is made to reach, beside those that it reaches by chance."""


def tour(seed: int) -> list[tuple[str, Signature]]:
    """The signatures of a round: seeds in a row go through the whole function table."""
    every = every_signature()
    start = seed * TOUR % len(every)
    return [*every, *every][start : start + TOUR]


@dataclass(slots=True)
class Projects:
    """A source of projects; `forms` makes their expressions."""

    rng: Random
    forms: Forms

    def project(
        self, computed: int, derived: int, tour: Sequence[tuple[str, Signature]] = ()
    ) -> Project:
        """A project of the shop with every given trait, so many others and those of a tour."""
        # another source of chance, so that the rest of a project stays what its seed says
        rules = Random(str(self.rng.getstate()[1][:8]))
        traits = {n: given(n, kind, rules) for n, kind in shop.GIVEN.items()}
        toured = {f"t{n}": key for n, key in enumerate(tour)}
        for name in [f"c{n}" for n in range(computed)]:
            traits[name] = self.computed(name)
        for name, (row, signature) in toured.items():
            if FUNCTIONS[row].kind == "aggregate":
                traits[name] = self.computed(name, (row, signature))
        for name, (row, signature) in toured.items():
            if FUNCTIONS[row].kind != "aggregate":
                traits[name] = self._toured(name, _types(traits), row, signature)
        for name in [f"d{n}" for n in range(derived)]:
            traits[name] = self.derived(name, _types(traits))
        return project(traits, self.forms.moments.zone.name)

    def conditions(self, project: Project, count: int) -> dict[str, Node]:
        """Conditions over the traits of a project."""
        setting = trait_setting(_types(dict(project.traits)))
        return {
            f"q{n}": self.forms.form(Type.BOOLEAN, setting, self._depth()) for n in range(count)
        }

    def computed(self, name: str, of: tuple[str, Signature] | None = None) -> Trait:
        """A computed trait, with every clause now and then; `of` is the aggregate to take."""
        rng, event = self.rng, self.rng.choice(EVENTS)
        each = event == "Order Completed" and rng.random() < 0.4
        rows = row_setting(event, each)
        where = (
            self.forms.form(Type.BOOLEAN, rows, rng.choice((1, 2))) if rng.random() < 0.25 else None
        )
        setting = value_setting(event, each)
        value: Node
        if of is None:
            value = self.forms.form(rng.choice(TYPES), setting, self._depth())
        else:
            value = self.forms.aggregate(*of, rows, 1)
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

    def _toured(self, name: str, traits: dict[str, Type], row: str, signature: Signature) -> Trait:
        setting = trait_setting(traits, buckets=True)
        value: Node
        if row == "bucket":
            value = self.forms.bucket(signature, setting)
        else:
            value = self.forms.call(row, signature, setting, 1)
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


def _types(traits: dict[str, Trait]) -> dict[str, Type]:
    return {n: t.type for n, t in traits.items()}


RULES: tuple[Resolve, ...] = ("latest", "trusted", "frequent", "first", "longest")
TRUST = (("app", 20), ("Läden", 90))


def given(name: str, type: Type, rules: Random | None = None) -> Trait:
    """The given trait of a property of identify, by a rule at random."""
    known = RULES if type is Type.TEXT else RULES[:-1]
    rule = rules.choice(known) if rules else "latest"
    trust = TRUST if rule == "trusted" else ()
    return Trait(name, "given", type, PLACE, given=name, resolve=rule, trust=trust)


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
