"""Checks trees against shapes: typed values with places out, and a Problem for each mistake."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from visavis.core.clock import Zone, zone
from visavis.core.lang.parse import Located
from visavis.core.problems import Place, Problem, nearest
from visavis.project.convert import MAPS, SCALARS, Unfit, items, moment, scalar, texts, wrong
from visavis.project.shape import Holds, Key, Shape
from visavis.project.text import Map, Scalar, Tree


@dataclass(slots=True)
class Section:
    """The values of one definition. `places` has each value's place, `keys` each key's."""

    name: str
    place: Place
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    sound: bool = True

    def has(self, key: str) -> bool:
        """Whether the key was written, even if its value was no good."""
        return key in self.keys

    def at(self, key: str) -> Place:
        """The place of a value, else of the definition."""
        return self.places.get(key, self.place)

    def text(self, key: str, default: str = "") -> str:
        """A text (also a choice, a currency, a zone)."""
        return cast(str, self.values.get(key, default))

    def maybe(self, key: str) -> str | None:
        """A text, or None where the key isn't there."""
        return cast("str | None", self.values.get(key))

    def integer(self, key: str) -> int | None:
        """A whole number, a duration (ms), a date (days) or a moment (ms)."""
        return cast("int | None", self.values.get(key))

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        return cast(bool, self.values.get(key, default))

    def expression(self, key: str) -> Located | None:
        """An expression's text with its places."""
        return cast("Located | None", self.values.get(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        return cast("tuple[str, ...]", self.values.get(key, ()))

    def text_map(self, key: str) -> dict[str, str]:
        """Names with texts; the places are under `key.name`."""
        return cast("dict[str, str]", self.values.get(key, {}))

    def texts_map(self, key: str) -> dict[str, tuple[str, ...]]:
        """Names with lists of texts."""
        return cast("dict[str, tuple[str, ...]]", self.values.get(key, {}))

    def section(self, key: str) -> Section | None:
        """The keys below."""
        return cast("Section | None", self.values.get(key))

    def sections(self, key: str) -> tuple[Section, ...]:
        """A list of sections, or the named ones in the order written."""
        return cast("tuple[Section, ...]", self.values.get(key, ()))


class Checker:
    """Reads sections; every mistake goes to `problems`. `local` is the zone of naive times."""

    def __init__(self, problems: list[Problem], local: Zone | None = None) -> None:
        self.problems = problems
        self.local = local or zone("UTC")

    def section(self, name: str, place: Place, tree: Tree, shape: Shape) -> Section:
        """The tree as the shape's keys; what doesn't fit is left out and reported."""
        section = Section(name, place)
        before = len(self.problems)
        if isinstance(tree, Map):
            self._fill(section, tree, shape)
        elif isinstance(tree, Scalar) and tree.absent:
            pass
        elif isinstance(tree, Scalar) and shape.short:
            self._value(section, shape.short, tree.place, tree, shape)
        else:
            self.problems.append(
                wrong(tree, f"This {shape.noun} must be written as keys with values.")
            )
            section.sound = False
            return section
        self._missing(section, shape)
        section.sound = len(self.problems) == before
        return section

    def _fill(self, section: Section, tree: Map, shape: Shape) -> None:
        for entry in tree.entries:
            if shape.key(entry.name) is None:
                self.problems.append(unknown_key(entry.name, entry.place, shape))
            else:
                self._value(section, entry.name, entry.place, entry.value, shape)

    def _value(self, section: Section, name: str, place: Place, tree: Tree, shape: Shape) -> None:
        key = shape.key(name)
        assert key is not None
        if isinstance(tree, Scalar) and tree.absent:
            return
        section.keys[name], section.places[name] = place, tree.place
        try:
            section.values[name] = self._convert(section, key, tree)
        except Unfit as unfit:
            self.problems.append(unfit.problem)

    def _missing(self, section: Section, shape: Shape) -> None:
        for key in shape.keys:
            if key.required and not section.has(key.name):
                message = f"The {shape.noun} '{section.name}' has no '{key.name}'."
                hint = f"{key.name}: {key.doc}"
                self.problems.append(Problem("missing-key", message, section.place, hint))

    def _convert(self, section: Section, key: Key, tree: Tree) -> Any:
        if key.holds in SCALARS:
            return SCALARS[key.holds](scalar(tree, key), key)
        if key.holds is Holds.MOMENT:
            return moment(scalar(tree, key), self.local)
        if key.holds is Holds.TEXTS:
            for i, item in enumerate(items(tree)):
                section.places[f"{key.name}.{i}"] = item.place
            return texts(tree, key)
        if key.holds in MAPS:
            return self._text_map(section, key, tree)
        if key.holds is Holds.CONTENT:
            return self._below(section, key, tree) if isinstance(tree, Map) else _located(tree, key)
        if key.holds in (Holds.SECTION, Holds.SECTIONS, Holds.NAMED):
            return self._below(section, key, tree)
        return tree

    def _below(self, section: Section, key: Key, tree: Tree) -> Any:
        assert key.of is not None
        if key.holds in (Holds.SECTION, Holds.CONTENT):
            return self.section(key.name, section.keys[key.name], tree, key.of)
        if key.holds is Holds.NAMED:
            return tuple(self.named(tree, key.of, key.name))
        return tuple(self.section(key.name, item.place, item, key.of) for item in items(tree))

    def named(self, tree: Tree, shape: Shape, what: str) -> Iterable[Section]:
        """One section per name of a map."""
        if isinstance(tree, Scalar) and tree.absent:
            return
        if not isinstance(tree, Map):
            raise Unfit(wrong(tree, f"'{what}' is written as names, each with its keys."))
        for entry in tree.entries:
            yield self.section(entry.name, entry.place, entry.value, shape)

    def _text_map(self, section: Section, key: Key, tree: Tree) -> dict[str, Any]:
        if not isinstance(tree, Map):
            raise Unfit(wrong(tree, f"'{key.name}' is written as names with values."))
        result: dict[str, Any] = {}
        for entry in tree.entries:
            if key.names and entry.name not in key.names:
                message = f"'{entry.name}' is not known in '{key.name}'."
                hint = nearest(entry.name, key.names)
                self.problems.append(Problem("unknown-key", message, entry.place, hint))
                continue
            section.places[f"{key.name}.{entry.name}"] = entry.value.place
            section.keys[f"{key.name}.{entry.name}"] = entry.place
            result[entry.name] = MAPS[key.holds](entry.value, key)
        return result


def _located(tree: Tree, key: Key) -> Located:
    return scalar(tree, key).located()


def unknown_key(name: str, place: Place, shape: Shape) -> Problem:
    """A key that the shape doesn't have, with the nearest one that it has."""
    hint = nearest(name, (key.name for key in shape.keys))
    return Problem("unknown-key", f"No {shape.noun} has a key '{name}'.", place, hint)
