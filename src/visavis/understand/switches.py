"""When the clock alone can change a condition: the moments, as forms over the values at hand.

A condition is unfolded until it reads only given traits and aggregates. Each comparison with the
clock in it then says at which moments it may switch; a use of the clock that can't be told so
makes the condition `None` here, and the caller steps through time instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal as Choice

from visavis.core.lang.form import (
    Aggregate,
    Bucket,
    Call,
    Case,
    Literal,
    Node,
    Now,
    TraitRef,
    children,
    reads_now,
    walk,
)
from visavis.core.lang.types import Type
from visavis.core.nouns import Trait

MOST_NODES = 5_000
"""A condition that unfolds to more than this is not written as one SQL expression."""
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
Unit = Choice["days", "years", "hours", "anniversary", "moment", "date"]
_UNITS: dict[str, Unit] = {
    "days_between": "days",
    "years_between": "years",
    "hours_between": "hours",
    "days_to_anniversary": "anniversary",
}


@dataclass(frozen=True, slots=True)
class Switch:
    """`unit` counted from `start` to now, compared by `sign` with `level`.

    For "moment" and "date" now itself, or its date, is compared with `start`, `shift_ms` later.
    """

    unit: Unit
    start: Node
    sign: str
    level: Node | None = None
    shift_ms: int = 0


@dataclass
class Unfolded:
    """Conditions over atoms: aggregates (by the name of their column) and given traits."""

    traits: Mapping[str, Trait]
    aggregates: dict[str, tuple[Trait, Aggregate]] = field(default_factory=dict)
    given: dict[str, Trait] = field(default_factory=dict)
    nodes: int = 0

    def unfold(self, node: Node) -> Node:
        """The form with computed and derived traits put in place; OverflowError when it is vast."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise OverflowError("the condition unfolds to too many parts")
        match node:
            case TraitRef(name=name):
                return self._trait(node, self.traits[name])
            case Call(args=args):
                return replace(node, args=tuple(self.unfold(arg) for arg in args))
            case Case(branches=branches, default=default):
                pairs = tuple((self.unfold(c), self.unfold(v)) for c, v in branches)
                return replace(node, branches=pairs, default=self.unfold(default))
            case Bucket(arg=arg):
                return replace(node, arg=self.unfold(arg))
        return node

    def _trait(self, node: TraitRef, trait: Trait) -> Node:
        if trait.kind == "given":
            self.given[trait.name] = trait
            return node
        if trait.value is None:
            return Literal(trait.type, None)
        value = self._atoms(trait.value, trait) if trait.kind == "computed" else trait.value
        return self.unfold(value) if trait.kind == "derived" else value

    def _atoms(self, node: Node, trait: Trait) -> Node:
        match node:
            case Aggregate():
                return TraitRef(node.type, self._atom(trait, node))
            case Call(args=args):
                return replace(node, args=tuple(self._atoms(arg, trait) for arg in args))
            case Case(branches=branches, default=default):
                pairs = tuple((self._atoms(c, trait), self._atoms(v, trait)) for c, v in branches)
                return replace(node, branches=pairs, default=self._atoms(default, trait))
        return node

    def _atom(self, trait: Trait, node: Aggregate) -> str:
        for name, (of, known) in self.aggregates.items():
            if of.name == trait.name and known == node:
                return name
        # a blank can't stand in a trait's name, so an atom never looks like a given trait
        name = f"{trait.name} {len(self.aggregates)}"
        self.aggregates[name] = (trait, node)
        return name


def unfolded(node: Node, traits: Mapping[str, Trait]) -> tuple[Node, Unfolded] | None:
    """The condition over atoms, if its switches can be told in SQL; else None."""
    atoms = Unfolded(traits)
    try:
        whole = atoms.unfold(node)
    except OverflowError:
        return None
    if any(not steady(trait) for trait, _ in atoms.aggregates.values()):
        return None
    return None if switches(whole) is None else (whole, atoms)


def steady(trait: Trait) -> bool:
    """Whether the rows of a computed trait change only as events come and leave its window."""
    if trait.then is not None or trait.without is not None:
        return False
    inner = [trait.where] if trait.where is not None else []
    if trait.value is not None:
        inner += [n for n in walk(trait.value) if isinstance(n, Aggregate)]
    return not any(reads_now(node) for node in inner)


def switches(node: Node) -> list[Switch] | None:
    """Every comparison with the clock in a form, or None where the clock is used in another way."""
    if not reads_now(node):
        return []
    found = _compared(node)
    if found is not None:
        return found
    if not isinstance(node, Call | Case):
        return None
    return _joined([switches(child) for child in children(node)])


def _joined(parts: Sequence[list[Switch] | None]) -> list[Switch] | None:
    whole: list[Switch] = []
    for part in parts:
        if part is None:
            return None
        whole += part
    return whole


def _compared(node: Node) -> list[Switch] | None:
    """The switches of a form that compares the clock with something that stands still."""
    match node:
        case Call(function=sign, args=(left, right)) if sign in COMPARISONS:
            if not reads_now(right):
                return _against(left, sign, right)
            return None if reads_now(left) else _against(right, _TURNED.get(sign, sign), left)
        case Call(function="in", args=(left, *rest)) if not any(map(reads_now, rest)):
            return _joined([_against(left, "=", right) for right in rest])
        case Call(function="is null", args=(arg,)):
            # whether a count of time is null hangs on its start alone
            return None if _against(arg, "=", Literal(Type.INTEGER, 0)) is None else []
        case Bucket(arg=Call(function=name, args=(_, end)) as arg) if name in _UNITS:
            # its cut points are constants that only the caller knows
            return _against(arg, ">", node) if _is_today(end) else None
    return None


def _against(clock: Node, sign: str, level: Node) -> list[Switch] | None:
    match clock:
        case Call(function=name, args=(start, end)) if name in _UNITS:
            if _is_today(end) and not reads_now(start):
                return [Switch(_UNITS[name], start, sign, level)]
            if name == "days_between" and _is_today(start) and not reads_now(end):
                # days until something are minus the days since
                minus = Call(level.type, "negate", (level,))
                return [Switch("days", end, _TURNED.get(sign, sign), minus)]
        case Call(function="date", args=(Now(),)) if level.type is Type.DATE:
            return [Switch("date", level, sign)]
        case Call(function="+" | "-" as way, args=(Now(), Literal(value=int(ms)))):
            return [Switch("moment", level, sign, shift_ms=-ms if way == "+" else ms)]
        case Now() if level.type is Type.TIME:
            return [Switch("moment", level, sign)]
    return None


def _is_today(node: Node) -> bool:
    """now(), or its date: the functions that count days read both alike."""
    match node:
        case Call(function="date", args=(moment,)):
            return isinstance(moment, Now)
    return isinstance(node, Now)
