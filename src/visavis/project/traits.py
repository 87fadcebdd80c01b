"""traits/*.yml: given, computed and derived values of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from visavis.core.lang.form import Node
from visavis.core.lang.types import Type
from visavis.core.nouns import DataKind, Field, Step, Trait
from visavis.core.problems import Place, Problem, nearest
from visavis.core.vocabulary import BUILT_IN
from visavis.project.expressions import Expressions, Names
from visavis.project.registry import Registry
from visavis.project.section import Section

_OF_EVENTS = ("each", "where", "within", "then", "without")


@dataclass(slots=True)
class Traits:
    """Reads traits one by one, each after those it names; `types` grows with them.

    A trait that could not be read has the type null there: it fits everywhere, so that one
    mistake is told once.
    """

    registry: Registry
    language: Expressions
    problems: list[Problem]
    types: dict[str, Type] = field(default_factory=dict)
    trust: dict[str, int] = field(default_factory=dict)
    gives: tuple[str, ...] = ("identify",)
    """The events whose properties given traits read; of `group` those of accounts."""

    def names(self) -> Names:
        """What conditions and derived traits may name."""
        return {name: (kind, "trait") for name, kind in self.types.items()}

    def declare(self, name: str, section: Section) -> None:
        """Makes the property that a given trait with a type reads known to the registry."""
        prop, kind = section.maybe("given"), section.maybe("type")
        known = prop and self._givable().get(prop)
        if prop and kind and known is not Type(kind):
            place = section.at("type")
            self.registry.add(self.gives[0], Field(prop, Type(kind), prop, place=place))

    def read(self, name: str, section: Section, segments: Mapping[str, Node]) -> Trait | None:
        """The trait of a section; None, with Problems, where it has none."""
        before = len(self.problems)
        self.types[name] = Type.NULL
        trait = self._read(name, section, segments)
        if trait is None or len(self.problems) > before or not section.sound:
            return None
        self.types[name] = trait.type
        return trait

    def _read(self, name: str, section: Section, segments: Mapping[str, Node]) -> Trait | None:
        if section.has("given"):
            return self._given(name, section)
        if section.has("resolve"):
            message = f"'resolve' is about given values, but '{name}' is not given."
            hint = "Add given: PROPERTY, or leave it out."
            self._problem("conflicting-keys", section.keys["resolve"], message, hint)
        if not section.has("value"):
            if not section.sound:
                return None
            hint = "Give it a value (an aggregate of an event, or an expression) or a given."
            message = f"The trait '{name}' has no 'value'."
            self._problem("missing-key", section.place, message, hint)
            return None
        if section.has("event"):
            return self._computed(name, section)
        for key in _OF_EVENTS:
            if section.has(key):
                message = f"'{key}' is about events, but the trait '{name}' names none."
                self._problem("missing-key", section.keys[key], message, "Add event: NAME.")
        return self._derived(name, section, segments)

    def _given(self, name: str, section: Section) -> Trait | None:
        for key in ("event", "value", *_OF_EVENTS):
            if section.has(key):
                message = f"A given trait is what it is given as; it has no '{key}'."
                self._problem(
                    "conflicting-keys", section.keys[key], message, "Leave one of them out."
                )
        properties = self._givable()
        prop = section.text("given")
        if prop not in properties:
            hint = nearest(prop, properties)
            hint = hint if hint.startswith("Did") else ""
            message = f"Nothing gives '{prop}': no source has the field, and its type isn't known."
            hint = f"{hint} Or add type: TYPE.".strip()
            self._problem("unknown-name", section.at("given"), message, hint)
            return None
        resolve = section.text("resolve", "latest")
        if resolve == "longest" and properties[prop] is not Type.TEXT:
            message = f"'{prop}' is no text, so none of its values is the longest."
            hint = "Use latest, trusted, frequent or first."
            self._problem("wrong-type", section.at("resolve"), message, hint)
        trust = tuple(sorted(self.trust.items())) if resolve == "trusted" else ()
        return self._trait(
            name, section, "given", properties[prop], given=prop, resolve=resolve, trust=trust
        )

    def _givable(self) -> dict[str, Type]:
        """The properties that given traits can read."""
        events = self.registry.properties
        return {name: kind for event in self.gives for name, kind in events[event].items()}

    def _computed(self, name: str, section: Section) -> Trait | None:
        event, text = section.text("event"), section.expression("value")
        names = self._event_names(section, "event", event, section.maybe("each"))
        if text is None or names is None:
            return None
        where = self._where(section, names)
        then, without = self._step(section, "then"), self._step(section, "without")
        hints = self._trait_hints(names)
        value = self.language.parse(
            text, names, expect=self._expected(section), aggregates=True, hints=hints
        )
        if value is None:
            return None
        return self._trait(
            name,
            section,
            "computed",
            value.type,
            value=value,
            event=event,
            each=section.maybe("each"),
            where=where,
            within_ms=section.integer("within"),
            then=then,
            without=without,
        )

    def _derived(self, name: str, section: Section, segments: Mapping[str, Node]) -> Trait | None:
        text = section.expression("value")
        if text is None:
            return None
        value = self.language.parse(
            text,
            self.names(),
            expect=self._expected(section),
            clock=True,
            population=name,
            segments=segments,
            hints=self.property_hints(),
        )
        if value is None:
            return None
        return self._trait(name, section, "derived", value.type, value=value)

    def _trait(
        self, name: str, section: Section, kind: str, type_: Type, **parts: object
    ) -> Trait | None:
        if type_ in (Type.NULL, Type.INTERVAL):
            message = f"The trait '{name}' has no type: its value is always {type_}."
            self._problem("wrong-type", section.at("value"), message, "Give it a value.")
            return None
        return Trait(
            name=name,
            kind=kind,  # type: ignore[arg-type]
            type=type_,
            place=section.place,
            description=section.text("description"),
            owner=section.text("owner"),
            data_kind=cast(DataKind, section.text("kind", "behaviour")),
            purpose=section.text("purpose"),
            value_place=section.at("given" if kind == "given" else "value"),
            **parts,  # type: ignore[arg-type]
        )

    def _expected(self, section: Section) -> Type | None:
        declared = section.maybe("type")
        return Type(declared) if declared else None

    def _where(self, section: Section, names: Names) -> Node | None:
        text = section.expression("where")
        if text is None:
            return None
        hints = self._trait_hints(names)
        return self.language.parse(text, names, expect=Type.BOOLEAN, hints=hints)

    def _step(self, section: Section, key: str) -> Step | None:
        part = section.section(key)
        if part is None or not part.has("event"):
            return None
        names = self._event_names(part, "event", part.text("event"), None)
        if names is None:
            return None
        where = self._where(part, names)
        return Step(part.text("event"), where, part.integer("within"), part.at("event"))

    def _event_names(
        self, section: Section, key: str, event: str, each: str | None
    ) -> Names | None:
        """What an expression about an event (or each of its lines) may name."""
        properties = self.registry.properties.get(event)
        if properties is None:
            hint = nearest(event, self.registry.properties)
            hint = hint or "An event that no source makes is declared in events/."
            self._problem("unknown-name", section.at(key), f"There is no event '{event}'.", hint)
            return None
        names = {name: (kind, "event") for name, kind in BUILT_IN.items()}
        names |= {name: (kind, "property") for name, kind in properties.items()}
        if each:
            names |= {name: (kind, "catalogue") for name, kind in self.registry.catalogue.items()}
            names |= {name: (kind, "line") for name, kind in self.registry.lines.items()}
        return names

    def _trait_hints(self, names: Names) -> dict[str, str]:
        lines = {*self.registry.lines, *self.registry.catalogue} - names.keys()
        hints = dict.fromkeys(lines, "It is a field of order lines: add each: products.")
        for name in self.types.keys() - names.keys():
            hints[name] = (
                "It is a trait: name traits in a trait without an event, or in a condition."
            )
        return hints

    def property_hints(self) -> dict[str, str]:
        """What to say where a condition names a property of events."""
        names = {name for properties in self.registry.properties.values() for name in properties}
        hint = "It is a property of events: make a trait of it, with an event and an aggregate."
        return dict.fromkeys(names - self.types.keys(), hint)

    def _problem(self, code: str, place: Place, message: str, hint: str) -> None:
        self.problems.append(Problem(code, message, place, hint))
