"""Well-typed expressions at random, steered to reach every row and signature of the function table.

What comes out is what the parser makes of its text: whole literals, and literal arguments where
the table asks for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
)
from visavis.core.lang.functions import FUNCTIONS, Function, Signature
from visavis.core.lang.types import DECIMAL_LIMIT, INTEGER_MAX, TIME_MAX, TIME_MIN, Type
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
FLAT = frozenset({"and", "or", "concat"})
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
    nodes: list[Node] = [Property(t, n, "event") for n, t in shop.BUILT_IN.items()]
    nodes += [Property(t, n, "property") for n, t in shop.PROPERTIES[event].items()]
    if each:
        nodes += [Property(t, n, "line") for n, t in shop.LINE_FIELDS.items()] * 2
        own = shop.LINE_FIELDS
        extra = {n: t for n, t in shop.CATALOGUE_FIELDS.items() if n not in own}
        nodes += [Property(t, n, "catalogue") for n, t in extra.items()] * 2
    return Setting(_by_type(nodes))


def value_setting(event: str, each: bool) -> Setting:
    """What the value of a computed trait may read: the clock, and aggregates over its rows."""
    return Setting({Type.TIME: [Now(Type.TIME)]}, rows=row_setting(event, each))


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
    fits: int = 0

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
        if type is Type.INTEGER:
            assert isinstance(value, int)
            value = min(abs(value), INTEGER_MAX)
        if type is Type.DECIMAL:
            assert isinstance(value, int)
            value = min(abs(value), DECIMAL_LIMIT)
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
        branches = tuple(
            (self.form(Type.BOOLEAN, setting, depth - 1), self._or_null(type, setting, depth - 1))
            for _ in range(self.rng.choice((1, 1, 2, 3)))
        )
        return Case(type, branches, self._or_null(type, setting, depth - 1))

    def _or_null(self, type: Type, setting: Setting, depth: int) -> Node:
        return Literal(type, None) if self.rng.random() < 0.08 else self.form(type, setting, depth)

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
            return self._listed(type, setting)
        if at >= 1 and name in ("left", "right") and self.rng.random() < 0.7:
            return self._small(setting)
        return self.form(type, setting, depth)

    def _small(self, setting: Setting) -> Node:
        number = Literal(Type.INTEGER, self.rng.randint(0, 4))
        if self.rng.random() < 0.2:
            return Call(Type.INTEGER, "negate", (number,))
        return number

    def _listed(self, type: Type, setting: Setting) -> Node:
        if self.rng.random() < 0.1:
            return Literal(type, None)
        if type is Type.FLOAT:
            return Call(type, "to_float", (self.literal(Type.INTEGER),))
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

    def bucket(self, signature: Signature, setting: Setting, fit: str | None = None) -> Bucket:
        """A bucket over an expression of its type; the parser names its fit."""
        self.reached[("bucket", signature)] += 1
        self.fits += 1
        arg = self.form(signature.args[0], setting, 1)
        n = self.rng.choice((2, 3, 5, 10))
        return Bucket(Type.INTEGER, arg, n, fit or f"fit#{self.fits}")


def _flat(name: str, node: Node) -> tuple[Node, ...]:
    return node.args if isinstance(node, Call) and node.function == name else (node,)


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
