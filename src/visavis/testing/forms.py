"""Well-typed expressions at random, steered to reach every row and signature of the function table.

What comes out is what the parser makes of its text: whole literals, and literal arguments where
the table asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random

from visavis.core.lang.form import (
    Aggregate,
    Bucket,
    Call,
    Case,
    Literal,
    Node,
    Now,
    Property,
    TraitRef,
    children,
)
from visavis.core.lang.functions import FUNCTIONS, Function, Signature
from visavis.core.lang.types import TIME_MAX, TIME_MIN, Type
from visavis.core.vocabulary import BUILT_IN
from visavis.testing import shop
from visavis.testing.values import Moments, maker

PATTERNS = (
    "%",
    "_",
    "",
    "a",
    "a%",
    "%a",
    "%a%",
    "_b",
    "a_%",
    "__",
    "%\n%",
    "A%",
    "😀%",
    "%ß%",
    "a.b",
    "%\\%",
    "(a",
)
QUANTILES = (0, 1, 100_000, 250_000, 333_333, 500_000, 900_000, 999_999, 1_000_000)
"""In millionths: the parameter of `quantile` is a decimal in the Python reader's representation."""
NULLABLE = frozenset({"coalesce", "least", "greatest", "nullif", "=", "<>", "<", ">=", "and", "or"})
"""Rows that are tried with a bare null for their last argument; its type is clear there."""
FLAT = frozenset({"and", "or"})
"""The parser makes `a and b and c` one call of three."""

Reached = Counter[tuple[str, Signature]]
"""How often each row's signature was made."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where an expression stands: what it may read, and the rows that aggregates range over."""

    leaves: Mapping[Type, Sequence[Node]]
    rows: Setting | None = None
    buckets: bool = False


def _by_type(nodes: Sequence[Node]) -> dict[Type, list[Node]]:
    out: dict[Type, list[Node]] = {}
    for node in nodes:
        out.setdefault(node.type, []).append(node)
    return out


def row_setting(event: str, each: bool) -> Setting:
    """What `where`, filters and aggregates of a trait on `event` may read."""
    nodes: list[Node] = [Property(t, n, "event") for n, t in BUILT_IN.items()]
    nodes += [Property(t, n, "property") for n, t in shop.PROPERTIES[event].items()]
    if each:
        nodes += [Property(t, n, "line") for n, t in shop.LINE_FIELDS.items()] * 2
        own = shop.LINE_FIELDS
        extra = {n: t for n, t in shop.CATALOGUE_FIELDS.items() if n not in own}
        nodes += [Property(t, n, "catalogue") for n, t in extra.items()] * 2
    return Setting(_by_type(nodes))


def value_setting(event: str, each: bool) -> Setting:
    """What the value of a computed trait may read: aggregates over its rows."""
    return Setting({}, rows=row_setting(event, each))


def trait_setting(traits: Mapping[str, Type], buckets: bool = False) -> Setting:
    """What a derived trait or a condition may read: other traits and the clock."""
    nodes: list[Node] = [TraitRef(t, n) for n, t in traits.items()]
    return Setting(_by_type([*nodes, Now(Type.TIME)]), buckets=buckets)


@dataclass(slots=True)
class Forms:
    """A source of expressions: `form(type, setting, depth)`; `reached` counts what it made."""

    rng: Random
    moments: Moments
    reached: Reached = field(default_factory=Counter)

    def form(self, type: Type, setting: Setting, depth: int = 3) -> Node:
        """An expression of the type, at most `depth` calls deep (aggregates aside)."""
        pick = self.rng.random()
        if depth <= 0 or pick < 0.12:
            return self._leaf(type, setting)
        if pick < 0.2:
            return self._case(type, setting, depth)
        if setting.rows and pick < 0.55:
            return self._aggregate(type, setting.rows, depth)
        return self._call(type, setting, depth)

    def literal(self, type: Type) -> Literal:
        """A constant that can be written as text."""
        if type is Type.FLOAT:
            raise ValueError("there are no float literals")
        value = maker(type, self.moments)(self.rng)
        if type is Type.TIME:
            assert isinstance(value, int)
            value = min(max(value, TIME_MIN), TIME_MAX)
        return Literal(type, value)

    def interval(self) -> Literal:
        """An interval constant of whole seconds."""
        return Literal(Type.INTERVAL, self.rng.choice(shop.WINDOWS[1:]))

    def _leaf(self, type: Type, setting: Setting) -> Node:
        leaves = setting.leaves.get(type)
        if leaves and self.rng.random() < 0.8:
            return self.rng.choice(leaves)
        if setting.rows and (type is Type.FLOAT or self.rng.random() < 0.8):
            return self._aggregate(type, setting.rows, 0)
        if type is Type.FLOAT:
            return self.rng.choice(leaves) if leaves else self._float_of(setting)
        return self.literal(type)

    def _float_of(self, setting: Setting) -> Node:
        return Call(Type.FLOAT, "to_float", (self._leaf(Type.INTEGER, setting),))

    def _case(self, type: Type, setting: Setting, depth: int) -> Node:
        number = self.rng.choice((1, 1, 2, 3))
        conditions = [self.form(Type.BOOLEAN, setting, depth - 1) for _ in range(number)]
        values = [self.form(type, setting, depth - 1) for _ in (*conditions, None)]
        if self.rng.random() < 0.3:
            values[self.rng.randrange(len(values))] = Literal(type, None)
        return Case(type, tuple(zip(conditions, values, strict=False)), values[-1])

    def _rarest(self, options: list[tuple[Function, Signature]]) -> tuple[Function, Signature]:
        """One of the options, those made least often first, at random among a few."""
        few = self.rng.sample(options, min(len(options), 6))
        if self.rng.random() < 0.3:
            return few[0]
        return min(few, key=lambda o: self.reached[(o[0].name, o[1])])

    def _call(self, type: Type, setting: Setting, depth: int) -> Node:
        options = _options(type, "scalar")
        if setting.buckets and type is Type.INTEGER and self.rng.random() < 0.1:
            return self._bucket(setting)
        if not options:
            return self._leaf(type, setting)
        function, signature = self._rarest(options)
        return self.call(function.name, signature, setting, depth - 1)

    def call(self, name: str, signature: Signature, setting: Setting, depth: int) -> Node:
        """A call of one row with one signature."""
        self.reached[(name, signature)] += 1
        types = list(signature.args)
        if signature.variadic:
            types += [types[-1]] * self.rng.choice((0, 0, 1, 2))
        args: list[Node] = []
        for position, type in enumerate(types):
            args.append(self._argument(name, position, type, setting, depth))
        if (
            name in NULLABLE
            and len(args) > 1
            and signature.args[0] == types[-1]
            and self.rng.random() < 0.05
        ):
            args[-1] = Literal(types[-1], None)
        if name == "negate" and isinstance(args[0], Literal):
            args[0] = Call(signature.result, "abs", (args[0],))
        if name in FLAT:
            args = [part for arg in args for part in _flat(name, arg)]
        return Call(signature.result, name, tuple(args))

    def _argument(self, name: str, at: int, type: Type, setting: Setting, depth: int) -> Node:
        if type is Type.INTERVAL:
            return self.interval()
        if at == 1 and name == "like":
            return Literal(Type.TEXT, self.rng.choice(PATTERNS))
        if at == 1 and name == "round":
            return Literal(Type.INTEGER, self.rng.randint(0, 6))
        if at >= 1 and name == "in":
            return self._listed(type)
        if at >= 1 and name in ("left", "right") and self.rng.random() < 0.7:
            return self._small()
        return self.form(type, setting, depth)

    def _small(self) -> Node:
        return Literal(Type.INTEGER, self.rng.randint(-1, 4))

    def _listed(self, type: Type) -> Node:
        if self.rng.random() < 0.1:
            return Literal(type, None)
        return self.literal(type)

    def _aggregate(self, type: Type, rows: Setting, depth: int) -> Node:
        options = _options(type, "aggregate")
        function, signature = self._rarest(options)
        return self.aggregate(function.name, signature, rows, min(depth - 1, 2))

    def aggregate(self, name: str, signature: Signature, rows: Setting, depth: int) -> Aggregate:
        """An aggregate of one row with one signature, sometimes distinct or filtered."""
        self.reached[(name, signature)] += 1
        args = tuple(self.form(t, rows, depth) for t in signature.args)
        distinct = name == "count" and bool(args) and self.rng.random() < 0.5
        keep = self.form(Type.BOOLEAN, rows, depth) if self.rng.random() < 0.25 else None
        q = self.rng.choice(QUANTILES) if name == "quantile" else None
        return Aggregate(signature.result, name, args, distinct, keep, q)

    def _bucket(self, setting: Setting) -> Node:
        signature = self.rng.choice(FUNCTIONS["bucket"].signatures)
        return self.bucket(signature, setting)

    def bucket(self, signature: Signature, setting: Setting) -> Bucket:
        """A bucket over an expression of its type; `named_fits` names its fit."""
        self.reached[("bucket", signature)] += 1
        arg = self.form(signature.args[0], replace(setting, buckets=False), 1)
        return Bucket(Type.INTEGER, arg, self.rng.choice((2, 3, 5, 10)), "")


def _flat(name: str, node: Node) -> tuple[Node, ...]:
    return node.args if isinstance(node, Call) and node.function == name else (node,)


def rebuilt(node: Node, parts: Sequence[Node]) -> Node:
    """The node with other parts, in the order of `children`."""
    match node:
        case Call():
            return replace(node, args=tuple(parts))
        case Bucket():
            return replace(node, arg=parts[0])
        case Aggregate(args=args, filter=keep):
            kept = None if keep is None else parts[len(args)]
            return replace(node, args=tuple(parts[: len(args)]), filter=kept)
        case Case():
            pairs = zip(parts[:-1:2], parts[1:-1:2], strict=True)
            return replace(node, branches=tuple(pairs), default=parts[-1])
    return node


def named_fits(node: Node, name: str) -> Node:
    """The expression with its fits named as the parser names those of the trait `name`."""
    numbers = count(1)

    def named(node: Node) -> Node:
        if isinstance(node, Bucket):
            number = next(numbers)
            return replace(node, fit=name if number == 1 else f"{name}#{number}")
        return rebuilt(node, [named(child) for child in children(node)])

    return named(node)


def _options(type: Type, kind: str) -> list[tuple[Function, Signature]]:
    return _OPTIONS.get((type, kind), [])


def _all_options() -> dict[tuple[Type, str], list[tuple[Function, Signature]]]:
    out: dict[tuple[Type, str], list[tuple[Function, Signature]]] = {}
    for row in FUNCTIONS.values():
        for signature in row.signatures:
            out.setdefault((signature.result, row.kind), []).append((row, signature))
    return out


_OPTIONS = _all_options()


def every_signature() -> list[tuple[str, Signature]]:
    """Each row of the function table with each of its signatures."""
    return [(row.name, s) for row in FUNCTIONS.values() for s in row.signatures]
