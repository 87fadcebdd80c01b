"""The offers of a placement, made ready so that hundreds are asked at once for one person.

A condition is a row of clauses that must all hold; a clause is met by any one of its tests, each a
trait against constants. For every trait it is worked out beforehand which offers have a test met by
each value, as the bits of a number: asking everybody's offers is then a search among the constants
and a few operations on bits. What is no such test is read for the offers that are left.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import eq
from typing import Any

from visavis.core.lang.conditions import Conditions, Reading
from visavis.core.lang.form import Call, Literal, Node, TraitRef, Value
from visavis.core.lang.reader_functions import COMPARISONS
from visavis.core.lang.reader_run import Fits
from visavis.core.lang.reader_until import NEVER, mirrored
from visavis.core.lang.to_sql import to_sql
from visavis.core.lang.types import SCALE, Type
from visavis.core.nouns import Project
from visavis.core.offers import Offer
from visavis.decide.asking import asked_of, parts_of, score_of
from visavis.decide.content import used_by
from visavis.decide.rules import Asked


@dataclass(frozen=True, slots=True)
class Test:
    """A trait against a constant; `holds(value, constant)` of a value that is not null.

    Without a constant: whether the value is null, or is not.
    """

    trait: str
    holds: Callable[[Any, Any], Any]
    constant: Any = None
    of_null: bool = False


def _not_null(value: Any, constant: Any) -> bool:
    return True


def _never(value: Any, constant: Any) -> bool:
    return False


def tests_of(part: Node) -> list[Test] | None:
    """The tests one of which must hold for a part of a condition to be true; None for a part that
    is more than that."""
    match part:
        case TraitRef(type=Type.BOOLEAN, name=name):
            return [Test(name, eq, True)]
        case Call(function="or", args=args):
            found = [tests_of(arg) for arg in args]
            return None if None in found else [test for some in found if some for test in some]
        case Call(function="is null", args=(TraitRef(name=name),)):
            return [Test(name, _never, None, True)]
        case Call(function="not", args=(Call(function="is null", args=(TraitRef(name=name),)),)):
            return [Test(name, _not_null)]
        case Call(function="in", args=(TraitRef() as trait, *constants)):
            return _any_of(trait, [_test(trait, "=", constant) for constant in constants])
        case Call(function=name, args=(TraitRef() as trait, Literal() as constant)):
            return _any_of(trait, [_test(trait, name, constant)])
        case Call(function=name, args=(Literal() as constant, TraitRef() as trait)):
            turned = mirrored(name) if name in COMPARISONS else name
            return _any_of(trait, [_test(trait, turned, constant)])
    return None


def _any_of(trait: TraitRef, tests: list[Test | None]) -> list[Test] | None:
    found = [test for test in tests if test is not None]
    return found if len(found) == len(tests) and trait.type is not Type.FLOAT else None


def _test(trait: TraitRef, name: str, constant: Node) -> Test | None:
    if name not in COMPARISONS or not isinstance(constant, Literal) or constant.value is None:
        return None
    value = constant.value
    if constant.type is not trait.type:
        if (trait.type, constant.type) != (Type.DECIMAL, Type.INTEGER):
            return None
        value = int(value) * SCALE
    return Test(trait.name, COMPARISONS[name], value)


class Column:
    """For each value of a trait the offers that have a test which it meets, as bits."""

    __slots__ = ("_bits", "_constants", "_null", "trait")

    def __init__(self, trait: str, tests: Sequence[tuple[int, Test]]) -> None:
        self.trait = trait
        self._constants = sorted({t.constant for _, t in tests if t.constant is not None})
        self._null = _bits(i for i, t in tests if t.of_null)
        # before the first constant, at it, between it and the next, ...
        places = [(-1, 0)]
        for k in range(len(self._constants)):
            places += [(k, 0), (k, 1)]
        self._bits = [_bits(i for i, t in tests if self._holds(t, k, after)) for k, after in places]

    def _holds(self, test: Test, k: int, after: int) -> bool:
        """Whether a test holds for the constant numbered k, or for all values just after it."""
        if test.constant is None:
            return bool(test.holds(None, None))
        mine = self._constants.index(test.constant)
        return bool(test.holds(2 * k + after, 2 * mine))

    def of(self, value: Any) -> int:
        """The offers with a test that the value meets."""
        if value is None:
            return self._null
        constants = self._constants
        i = bisect_left(constants, value)
        return self._bits[2 * i + 1 if i < len(constants) and constants[i] == value else 2 * i]


def _bits(numbers: Iterator[int]) -> int:
    found = 0
    for i in numbers:
        found |= 1 << i
    return found


@dataclass(slots=True)
class Menu:
    """The offers of a placement by name, and what is known of them before anybody asks.

    `conditions` are the compiled parts, values and occasions; `parts` the names of those of each
    offer.
    """

    project: Project
    offers: Sequence[Offer]
    conditions: Conditions
    parts: Mapping[str, tuple[str, ...]]
    reads: frozenset[str] = field(init=False)
    """The traits that any condition, value or occasion rests on."""
    shown: frozenset[str] = field(init=False)
    """The traits that contents show."""
    timeless: frozenset[str] = field(init=False)
    """The offers whose content is the same at any moment, as long as `shown` are."""
    _clauses: list[tuple[int, list[Column]]] = field(init=False)
    _tested: frozenset[str] = field(init=False)
    _more: dict[int, tuple[str, ...]] = field(default_factory=dict)
    _values: list[str | int] = field(init=False)

    def __post_init__(self) -> None:
        self.offers = sorted(self.offers, key=lambda offer: offer.name)
        self._clauses = self._ready()
        self._tested = frozenset(c.trait for _, columns in self._clauses for c in columns)
        self._values = [_value_of(offer) for offer in self.offers]
        names = {n for o in self.offers for n in (*self.parts[o.name], *map(str, names_of(o)))}
        rests = self.conditions.rests
        self.reads = frozenset(trait for name in names for trait in rests.get(name, ()))
        used = {
            offer.name: used_by(self.project.contents.get(offer.content or ""), self.project.traits)
            for offer in self.offers
        }
        self.timeless = frozenset(name for name, told in used.items() if not told.clock)
        self.shown = frozenset(("language", "time_zone")).union(*(u.traits for u in used.values()))

    def _ready(self) -> list[tuple[int, list[Column]]]:
        """Of the first, second, ... clause of the offers: those that have none, and the columns."""
        tests: list[dict[str, list[tuple[int, Test]]]] = []
        having: list[int] = []
        for i, offer in enumerate(self.offers):
            number = 0
            more = []
            for name, part in zip(self.parts[offer.name], parts_of(offer.eligible), strict=True):
                clause = tests_of(part)
                if clause is None:
                    more.append(name)
                    continue
                if number == len(tests):
                    tests.append({})
                    having.append(0)
                for test in clause:
                    tests[number].setdefault(test.trait, []).append((i, test))
                having[number] |= 1 << i
                number += 1
            if more:
                self._more[i] = tuple(more)
        everything = (1 << len(self.offers)) - 1
        return [
            (everything & ~have, [Column(trait, some) for trait, some in of.items()])
            for of, have in zip(tests, having, strict=True)
        ]

    def eligible(self, values: Mapping[str, Value], reading: Reading) -> Iterator[int]:
        """The numbers of the offers that somebody with these values may have."""
        found = (1 << len(self.offers)) - 1
        for others, columns in self._clauses:
            met = others
            for column in columns:
                met |= column.of(values[column.trait])
            found &= met
        bits, more = bin(found)[:1:-1], self._more
        i = bits.find("1")
        while i >= 0:
            if i not in more or reading.unmet(more[i]) is None:
                yield i
            i = bits.find("1", i + 1)

    def ranked(
        self, values: dict[str, Value], untils: Mapping[str, int], at_ms: int, fits: Fits
    ) -> tuple[list[tuple[int, int]], int]:
        """(-score, number) of the offers that a person may have, best first; and until when."""
        reading = self.conditions.over(values, untils, at_ms, fits)
        of, offers, found = self._values, self.offers, []
        for i in self.eligible(values, reading):
            value = of[i]
            score = value if type(value) is int else score_of(offers[i], reading.value(str(value)))
            found.append((-score, i))
        found.sort()
        tested = min((untils.get(trait, NEVER) for trait in self._tested), default=NEVER)
        return found, min(tested, reading.until)

    def asked(self, score: int, number: int, reading: Reading) -> Asked:
        """What is known of an offer that somebody may have."""
        offer = self.offers[number]
        if offer.occasion is None:
            return asked_of(offer, None, None, None, score)
        return asked_of(offer, None, None, reading.value(occasion_name(offer)), score)

    def everything(self, reading: Reading) -> list[Asked]:
        """What the definitions say of every offer, also of those that somebody may not have."""
        return [self._asked(offer, reading) for offer in self.offers]

    def _asked(self, offer: Offer, reading: Reading) -> Asked:
        unmet = reading.unmet(self.parts[offer.name])
        value = reading.value(value_name(offer)) if offer.value is not None else None
        occasion = reading.value(occasion_name(offer)) if offer.occasion is not None else None
        return asked_of(offer, unmet, value, occasion)


def part_name(part: Node) -> str:
    """The name that equal parts of all offers have in the compiled conditions."""
    return f"part {to_sql(part)}"


def value_name(offer: Offer) -> str:
    """The name that equal values of all offers have."""
    assert offer.value is not None
    return f"value {offer.value.type} {to_sql(offer.value)}"


def occasion_name(offer: Offer) -> str:
    """The name of an offer's occasion."""
    return f"occasion {offer.name}"


def names_of(offer: Offer) -> dict[str, Node]:
    """What an offer asks, by the names under which it is compiled."""
    found = {part_name(part): part for part in parts_of(offer.eligible)}
    if offer.value is not None:
        found[value_name(offer)] = offer.value
    if offer.occasion is not None:
        found[occasion_name(offer)] = offer.occasion
    return found


def _value_of(offer: Offer) -> str | int:
    """The score, where it is the same for everybody, else the name of the value."""
    if offer.value is None:
        return score_of(offer, None)
    if isinstance(offer.value, Literal):
        return score_of(offer, offer.value.value)
    return value_name(offer)


def menu_of(
    project: Project, conditions: Conditions, parts: Mapping[str, tuple[str, ...]], placement: str
) -> Menu:
    """What may be chosen at a placement."""
    offers = project.offers.values()
    here = [offer for offer in offers if placement in (*offer.placements, offer.channel)]
    return Menu(project, here, conditions, parts)
