"""Checks trees against shapes: typed values with places out, and a Problem for each mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from visavis.core.clock import Zone, parse_duration, parse_time, to_days, zone, zone_names
from visavis.core.lang.parse import Located
from visavis.core.problems import Place, Problem, nearest
from visavis.project.currencies import CURRENCIES
from visavis.project.shape import Holds, Key, Shape
from visavis.project.text import Map, Scalar, Sequence, Tree


class Unfit(Exception):
    """A value that its key can't hold; the Problem says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


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
                _wrong(tree, f"This {shape.noun} must be written as keys with values.")
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
        if key.holds in _SCALARS:
            return _SCALARS[key.holds](scalar(tree, key), key)
        if key.holds is Holds.MOMENT:
            return moment(scalar(tree, key), self.local)
        if key.holds is Holds.TEXTS:
            for i, item in enumerate(_items(tree)):
                section.places[f"{key.name}.{i}"] = item.place
            return texts(tree, key)
        if key.holds in (Holds.TEXT_MAP, Holds.TEXTS_MAP, Holds.COLUMN_MAP):
            return self._text_map(section, key, tree)
        if key.holds in (Holds.SECTION, Holds.SECTIONS, Holds.NAMED):
            return self._below(section, key, tree)
        return tree

    def _below(self, section: Section, key: Key, tree: Tree) -> Any:
        assert key.of is not None
        if key.holds is Holds.SECTION:
            return self.section(key.name, section.keys[key.name], tree, key.of)
        if key.holds is Holds.NAMED:
            return tuple(self.named(tree, key.of, key.name))
        return tuple(self.section(key.name, item.place, item, key.of) for item in _items(tree))

    def named(self, tree: Tree, shape: Shape, what: str) -> Iterable[Section]:
        """One section per name of a map."""
        if isinstance(tree, Scalar) and tree.absent:
            return
        if not isinstance(tree, Map):
            raise Unfit(_wrong(tree, f"'{what}' is written as names, each with its keys."))
        for entry in tree.entries:
            yield self.section(entry.name, entry.place, entry.value, shape)

    def _text_map(self, section: Section, key: Key, tree: Tree) -> dict[str, Any]:
        if not isinstance(tree, Map):
            raise Unfit(_wrong(tree, f"'{key.name}' is written as names with values."))
        result: dict[str, Any] = {}
        for entry in tree.entries:
            if key.names and entry.name not in key.names:
                message = f"'{entry.name}' is not known in '{key.name}'."
                hint = nearest(entry.name, key.names)
                self.problems.append(Problem("unknown-key", message, entry.place, hint))
                continue
            section.places[f"{key.name}.{entry.name}"] = entry.value.place
            section.keys[f"{key.name}.{entry.name}"] = entry.place
            result[entry.name] = _MAPS[key.holds](entry.value, key)
        return result


def unknown_key(name: str, place: Place, shape: Shape) -> Problem:
    """A key that the shape doesn't have, with the nearest one that it has."""
    hint = nearest(name, (key.name for key in shape.keys))
    return Problem("unknown-key", f"No {shape.noun} has a key '{name}'.", place, hint)


def _wrong(tree: Tree, message: str, hint: str = "") -> Problem:
    return Problem("wrong-value", message, tree.place, hint)


def scalar(tree: Tree, key: Key) -> Scalar:
    """The tree if it is one value."""
    if not isinstance(tree, Scalar):
        raise Unfit(_wrong(tree, f"'{key.name}' takes one value ({key.holds})."))
    return tree


def text(tree: Tree, key: Key) -> str:
    """One value as text, without white space around it."""
    return scalar(tree, key).text.strip()


def texts(tree: Tree, key: Key) -> tuple[str, ...]:
    """A list of texts; one value alone is a list of one."""
    return tuple(text(item, key) for item in _items(tree))


def _items(tree: Tree) -> tuple[Tree, ...]:
    return tree.items if isinstance(tree, Sequence) else (tree,)


def _columns(tree: Tree, key: Key) -> str:
    """One column, or several separated by newlines."""
    return "\n".join(texts(tree, key))


_MAPS: dict[Holds, Callable[[Tree, Key], Any]] = {
    Holds.TEXT_MAP: text,
    Holds.TEXTS_MAP: texts,
    Holds.COLUMN_MAP: _columns,
}


def _text(value: Scalar, key: Key) -> str:
    return value.text.strip()


def _integer(value: Scalar, key: Key) -> int:
    if not value.text.lstrip("-").isdecimal() or not value.text.isascii():
        message = f"'{key.name}' takes a whole number, not '{value.text}'."
        raise Unfit(_wrong(value, message, "Write digits only."))
    return int(value.text)


def _share(value: Scalar, key: Key) -> float:
    try:
        share = float(value.text.removesuffix("%")) / (100 if value.text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        message = f"'{key.name}' takes a share from 0 to 1, not '{value.text}'."
        raise Unfit(_wrong(value, message, "Write 0.1 or 10% for one in ten."))
    return share


def _boolean(value: Scalar, key: Key) -> bool:
    word = value.text.lower()
    if word not in ("true", "false", "yes", "no"):
        message = f"'{key.name}' takes true or false, not '{value.text}'."
        raise Unfit(_wrong(value, message, "Write true or false."))
    return word in ("true", "yes")


def _choice(value: Scalar, key: Key) -> str:
    if value.text not in key.choices:
        message = f"'{key.name}' can't be '{value.text}'."
        raise Unfit(_wrong(value, message, nearest(value.text, key.choices)))
    return value.text


def _duration(value: Scalar, key: Key) -> int:
    try:
        return parse_duration(value.text)
    except ValueError:
        message = f"'{value.text}' is no duration."
        hint = "Write a number and a unit (second, minute, hour, day, week), like 90 days."
        raise Unfit(Problem("bad-duration", message, value.place, hint)) from None


def _date(value: Scalar, key: Key) -> int:
    try:
        return to_days(date.fromisoformat(value.text.strip()))
    except ValueError:
        hint = "Write year-month-day, like 2018-01-31."
        message = f"'{value.text}' is no date."
        raise Unfit(Problem("bad-date", message, value.place, hint)) from None


def _expiry(value: Scalar, key: Key) -> tuple[str, int]:
    """("on", days since 1970) or ("lasts", ms)."""
    if value.text[:1].isdigit() and " " in value.text.strip():
        return "lasts", _duration(value, key)
    return "on", _date(value, key)


def moment(value: Scalar, local: Zone) -> int:
    """An ISO 8601 time in UTC ms."""
    try:
        return parse_time(value.text, local)
    except (ValueError, OverflowError):
        hint = "Write it as 2018-01-31T13:45:00Z; without an offset it is in the project's zone."
        message = f"'{value.text}' is no time."
        raise Unfit(Problem("bad-time", message, value.place, hint)) from None


def _zone(value: Scalar, key: Key) -> str:
    try:
        return zone(value.text).name
    except KeyError:
        hint = nearest(value.text, zone_names()) or "Write an IANA name, like Europe/Vienna."
        message = f"There is no time zone '{value.text}'."
        raise Unfit(Problem("bad-time-zone", message, value.place, hint)) from None


def _currency(value: Scalar, key: Key) -> str:
    if value.text not in CURRENCIES:
        hint = "Write the three capital letters of ISO 4217, like EUR."
        if value.text.upper() in CURRENCIES:
            hint = f"Did you mean '{value.text.upper()}'?"
        message = f"There is no currency '{value.text}'."
        raise Unfit(Problem("bad-currency", message, value.place, hint))
    return value.text


def _expression(value: Scalar, key: Key) -> Located:
    return value.located()


_SCALARS: dict[Holds, Callable[[Scalar, Key], Any]] = {
    Holds.TEXT: _text,
    Holds.INTEGER: _integer,
    Holds.SHARE: _share,
    Holds.BOOLEAN: _boolean,
    Holds.CHOICE: _choice,
    Holds.DURATION: _duration,
    Holds.DATE: _date,
    Holds.EXPIRY: _expiry,
    Holds.ZONE: _zone,
    Holds.CURRENCY: _currency,
    Holds.EXPRESSION: _expression,
}
