"""tests/*.yml: the user's own tests, with every value as the Python reader holds it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang.form import Value
from visavis.core.lang.types import Type
from visavis.core.nouns import UserTest
from visavis.core.problems import Place, Problem, nearest
from visavis.project.convert import Unfit
from visavis.project.keys import TEST_EVENT
from visavis.project.registry import Registry
from visavis.project.section import Checker, Section
from visavis.project.text import Entry, Map, Scalar, Sequence, Tree
from visavis.project.values import read_value


class UserTests:
    """Reads tests: events as History.from_events takes them, expected values by trait.

    Lines of `products` hold a line's own fields and, beside them, the item's catalogue fields.
    """

    def __init__(
        self,
        registry: Registry,
        traits: Mapping[str, Type],
        segments: Collection[str],
        tags: Collection[str],
        local: Zone,
        problems: list[Problem],
    ) -> None:
        self.registry = registry
        self.traits = traits
        self.segments = segments
        self.tags = tags
        self.local = local
        self.problems = problems
        self.checker = Checker(problems, local)

    def read(self, name: str, section: Section) -> UserTest | None:
        """The test of a section; None where it says no moment or nothing to expect."""
        events = tuple(self._events(section.values.get("events")))
        expect, now = section.section("expect"), section.integer("now")
        if expect is None:
            return None
        places = {f"expect.{key}": place for key, place in expect.keys.items()}
        values = self._values(expect.values.get("traits"), self.traits, "trait", places)
        self._known(expect, "segments", self.segments)
        self._known(expect, "tags", self.tags)
        if now is None:
            return None
        return UserTest(
            name=name,
            now_ms=now,
            events=events,
            traits=values,
            segments=expect.texts("segments") if expect.has("segments") else None,
            tags=expect.texts("tags") if expect.has("tags") else None,
            place=section.place,
            places=places,
        )

    def _known(self, expect: Section, key: str, names: Collection[str]) -> None:
        for i, name in enumerate(expect.texts(key)):
            if name not in names:
                message = f"There is no {key.removesuffix('s')} '{name}'."
                place = expect.at(f"{key}.{i}")
                self._problem("unknown-name", message, place, nearest(name, names))

    def _events(self, tree: Tree | None) -> list[Mapping[str, object]]:
        if tree is None:
            return []
        if not isinstance(tree, Sequence):
            self._problem("wrong-value", "'events' is a list.", tree.place, "Begin each with '- '.")
            return []
        found = (self._event(item, number) for number, item in enumerate(tree.items))
        return [event for event in found if event is not None]

    def _event(self, tree: Tree, number: int) -> Mapping[str, object] | None:
        if not isinstance(tree, Map):
            self._problem("wrong-value", "An event is written as keys with values.", tree.place, "")
            return None
        own = tuple(e for e in tree.entries if TEST_EVENT.key(e.name))
        loose = tuple(e for e in tree.entries if not TEST_EVENT.key(e.name))
        name = str(number + 1)
        part = self.checker.section(name, tree.place, Map(own, tree.place), TEST_EVENT)
        type_ = part.text("type", "track" if part.has("event") else "identify")
        event = part.text("event", type_)
        if event not in self.registry.properties:
            hint = nearest(event, self.registry.properties)
            self._problem("unknown-name", f"There is no event '{event}'.", part.at("event"), hint)
            return None
        return self._whole(part, type_, event, (*self._given(part), *loose), number)

    def _whole(
        self, part: Section, type_: str, event: str, entries: tuple[Entry, ...], number: int
    ) -> dict[str, object]:
        known = self.registry.properties[event]
        values = self._entries(entries, known, f"property of '{event}'", {})
        result: dict[str, object] = {
            "message_id": part.text("message_id", f"test:{number + 1:06d}"),
            "type": type_,
            "event": event,
            "ts": part.integer("timestamp"),
            "properties": {name: value for name, value in values.items() if value is not None},
            "products": self._products(part.values.get("products")),
        }
        for key in ("source", "channel"):
            if part.has(key):
                result[key] = part.text(key)
        if event == "identify":
            result["cleared"] = [name for name, value in values.items() if value is None]
        return result

    def _given(self, part: Section) -> tuple[Entry, ...]:
        entries: tuple[Entry, ...] = ()
        for key in ("properties", "traits"):
            tree = part.values.get(key)
            if isinstance(tree, Map):
                entries += tree.entries
            elif tree is not None:
                message = f"'{key}' is written as names with values."
                self._problem("wrong-value", message, tree.place, "")
        return entries

    def _products(self, tree: Tree | None) -> list[dict[str, Value]]:
        known = {**self.registry.catalogue, **self.registry.lines}
        if tree is not None and not isinstance(tree, Sequence):
            message = "'products' is a list."
            self._problem("wrong-value", message, tree.place, "Begin each with '- '.")
        items = tree.items if isinstance(tree, Sequence) else ()
        return [self._values(item, known, "field of a product", {}) for item in items]

    def _values(
        self, tree: Tree | None, known: Mapping[str, Type], noun: str, places: dict[str, Place]
    ) -> dict[str, Any]:
        if isinstance(tree, Map):
            return self._entries(tree.entries, known, noun, places)
        if tree is not None and not (isinstance(tree, Scalar) and tree.absent):
            self._problem("wrong-value", "Write names with values here.", tree.place, "")
        return {}

    def _entries(
        self,
        entries: tuple[Entry, ...],
        known: Mapping[str, Type],
        noun: str,
        places: dict[str, Place],
    ) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for entry in entries:
            if entry.name not in known:
                message = f"There is no {noun} called '{entry.name}'."
                hint = nearest(entry.name, known)
                self._problem("unknown-name", message, entry.place, hint)
                continue
            places[f"{noun}.{entry.name}"] = entry.place
            try:
                values[entry.name] = read_value(
                    entry.name, entry.value, known[entry.name], self.local
                )
            except Unfit as unfit:
                self.problems.append(unfit.problem)
        return values

    def _problem(self, code: str, message: str, place: Place, hint: str) -> None:
        self.problems.append(Problem(code, message, place, hint))
