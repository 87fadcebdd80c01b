"""The typed form: the small tree that every expression becomes, and the only thing readers read.

Each node knows its type and its place in the project, so that a value can name the line that made
it. Operators are Calls named by their sign. Equality ignores places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from visavis.core.lang.types import Type
from visavis.core.problems import Place

Value = bool | int | float | str | None
"""A value as the Python reader holds it; see Type."""


@dataclass(frozen=True, slots=True)
class Node:
    """Any expression."""

    type: Type
    place: Place | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant, already in the Python reader's representation (decimals scaled, times in ms)."""

    value: Value


@dataclass(frozen=True, slots=True)
class Property(Node):
    """A property of the event at hand, or of the order line in an `each` trait.

    `scope` says where it lives: "event" (built in: timestamp, event, message_id, source, channel,
    type), "property" (declared or of the vocabulary), "line" (a line's own field, which beats the
    catalogue's value of the same name where it is not null), "catalogue", or "row" (a source's
    mapped column, in quality rules).
    """

    name: str
    scope: str


@dataclass(frozen=True, slots=True)
class TraitRef(Node):
    """The value of another trait of the same person."""

    name: str


@dataclass(frozen=True, slots=True)
class Now(Node):
    """The moment asked about; always an argument."""


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A scalar function or operator of the function table."""

    function: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Case(Node):
    """`case when c then v ... else d end`; a `case x when` is rewritten to comparisons."""

    branches: tuple[tuple[Node, Node], ...]
    default: Node


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """An aggregate of the function table over the rows of a computed trait.

    `parameter` is the literal q of quantile, a scaled decimal from 0 to SCALE; `filter` the
    optional `filter (where ...)`.
    """

    function: str
    args: tuple[Node, ...]
    distinct: bool = False
    filter: Node | None = None
    parameter: Value = None


@dataclass(frozen=True, slots=True)
class Bucket(Node):
    """`bucket(x, n)`: 1 + the number of cut points below x; the cut points are a fit named `fit`.

    The n-1 cut points are the discrete (nearest rank) quantiles 1/n .. (n-1)/n of x over the
    people for whom x is not null. Without a fit, or where x is null, the value is null.
    """

    arg: Node
    n: int
    fit: str


def children(node: Node) -> Iterator[Node]:
    """The direct parts of a node, in reading order."""
    match node:
        case Call(args=args):
            yield from args
        case Aggregate(args=args, filter=keep):
            yield from args
            if keep is not None:
                yield keep
        case Case(branches=branches, default=default):
            for condition, value in branches:
                yield condition
                yield value
            yield default
        case Bucket(arg=arg):
            yield arg


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)


def trait_names(node: Node) -> frozenset[str]:
    """Names of the traits an expression reads."""
    return frozenset(n.name for n in walk(node) if isinstance(n, TraitRef))


def reads_now(node: Node) -> bool:
    """Whether the value may change by the clock alone, traits aside."""
    return any(isinstance(n, Now) for n in walk(node))
