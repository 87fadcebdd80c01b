"""Type checking: which signature of a function fits, and the conversions that make it fit.

Only lossless steps are taken unasked: integer to decimal, either to float. `null` fits every type.
"""

from __future__ import annotations

from collections.abc import Sequence

from visavis.core.lang.form import Call, Literal, Node
from visavis.core.lang.functions import Function, Signature
from visavis.core.lang.types import DECIMAL_LIMIT, SCALE, Type

_WIDER = {
    (Type.INTEGER, Type.DECIMAL),
    (Type.INTEGER, Type.FLOAT),
    (Type.DECIMAL, Type.FLOAT),
}


def expand(signature: Signature, count: int) -> tuple[Type, ...] | None:
    """The argument types for `count` arguments, or None when it doesn't take so many."""
    args = signature.args
    if count == len(args):
        return args
    if signature.variadic and count > len(args):
        return args + (args[-1],) * (count - len(args))
    return None


def _cost(wanted: Sequence[Type], given: Sequence[Type]) -> int | None:
    cost = 0
    for want, have in zip(wanted, given, strict=True):
        if have in (want, Type.NULL):
            continue
        if (have, want) not in _WIDER:
            return None
        cost += 1
    return cost


def resolve(function: Function, given: Sequence[Type]) -> tuple[tuple[Type, ...], Type] | None:
    """Argument types and result type of the signature that needs the fewest conversions."""
    best: tuple[int, tuple[Type, ...], Type] | None = None
    for signature in function.signatures:
        wanted = expand(signature, len(given))
        cost = None if wanted is None else _cost(wanted, given)
        if wanted is not None and cost is not None and (best is None or cost < best[0]):
            best = (cost, wanted, signature.result)
    return best and best[1:]


def counts(function: Function) -> str:
    """How many arguments it takes, in words: '1 or 2', 'at least 2'."""
    if any(s.variadic for s in function.signatures):
        return f"at least {min(len(s.args) for s in function.signatures)}"
    numbers = sorted({len(s.args) for s in function.signatures})
    return " or ".join(str(n) for n in numbers)


def takes(function: Function, count: int) -> bool:
    """Whether any signature takes so many arguments."""
    return any(expand(s, count) is not None for s in function.signatures)


def widen(node: Node, wanted: Type) -> Node:
    """The node as a value of the wanted type: itself, a conversion around it, or a typed null."""
    if isinstance(node, Literal) and node.type is Type.NULL:
        return Literal(wanted, None, place=node.place)
    if node.type == wanted or (node.type, wanted) not in _WIDER:
        return node
    if isinstance(node, Literal) and wanted is Type.DECIMAL and isinstance(node.value, int):
        scaled = node.value * SCALE
        if abs(scaled) <= DECIMAL_LIMIT:
            return Literal(Type.DECIMAL, scaled, place=node.place)
    name = "to_decimal" if wanted is Type.DECIMAL else "to_float"
    return Call(wanted, name, (node,), place=node.place)


def common(types: Sequence[Type]) -> Type | None:
    """The type that all can become without loss, NULL if all are null, None if there is none."""
    known = {t for t in types if t is not Type.NULL}
    if not known:
        return Type.NULL
    if len(known) == 1:
        return known.pop()
    if known == {Type.INTEGER, Type.DECIMAL}:
        return Type.DECIMAL
    if known <= {Type.INTEGER, Type.DECIMAL, Type.FLOAT}:
        return Type.FLOAT
    return None
