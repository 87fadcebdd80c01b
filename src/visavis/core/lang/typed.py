"""Makes typed nodes: the signature that fits, conversions put in, or a Problem in words.

A part that couldn't be read is None ("poison"): its Problem is told already, what holds it becomes
None in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from visavis.core.lang.check import common, counts, resolve, takes, widen
from visavis.core.lang.form import Call, Case, Literal, Node
from visavis.core.lang.functions import FUNCTIONS, Function
from visavis.core.lang.scope import Scope
from visavis.core.lang.syntax import Source
from visavis.core.lang.types import Type
from visavis.core.problems import Place, Problem

if TYPE_CHECKING:
    from sqlglot import exp

Maybe = Node | None


class Typed:
    """What every part of the way from tree to form shares; `problems` fills as it goes."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self.source = source
        self.scope = scope
        self.problems: list[Problem] = []

    def place(self, tree: exp.Expr) -> Place:
        """Where a part of the tree begins in the project."""
        return self.source.place(self.source.start(tree))

    def fail(self, code: str, message: str, tree: exp.Expr, hint: str = "") -> Maybe:
        """Tells a Problem at a part of the tree; always None."""
        self.problems.append(Problem(code, message, self.place(tree), hint))
        return None

    def apply(self, name: str, tree: exp.Expr, args: Sequence[Maybe]) -> Maybe:
        """A call of a row of the function table over typed arguments."""
        row = FUNCTIONS[name]
        if not takes(row, len(args)):
            return self._arity(row, tree, len(args))
        nodes = [a for a in args if a is not None]
        if len(nodes) < len(args):
            return None
        found = resolve(row, [n.type for n in nodes])
        if found is None:
            return self._mismatch(row, tree, nodes)
        wide = tuple(widen(n, t) for n, t in zip(nodes, found[0], strict=True))
        return Call(found[1], name, wide, place=self.place(tree))

    def choose(
        self, tree: exp.Expr, branches: Sequence[tuple[Maybe, Maybe]], default: Maybe
    ) -> Maybe:
        """A case over typed branches, all made one type."""
        conditions = [self.condition(c, tree) for c, _ in branches]
        values = [v for v in (*(v for _, v in branches), default) if v is not None]
        if None in conditions or len(values) <= len(branches):
            return None
        kind = common([v.type for v in values])
        if kind is None or kind is Type.NULL:
            return self._no_common(tree, values)
        wide = [widen(v, kind) for v in values]
        pairs = tuple((c, v) for c, v in zip(conditions, wide, strict=False) if c is not None)
        return Case(kind, pairs, wide[-1], place=self.place(tree))

    def condition(self, node: Maybe, tree: exp.Expr) -> Maybe:
        """The node if it can be true or false, else None and a Problem at it."""
        if node is None or node.type in (Type.BOOLEAN, Type.NULL):
            return node and widen(node, Type.BOOLEAN)
        message = f"A condition is needed here, but this is {node.type}."
        hint = "Compare it with something, like x > 0."
        place = node.place or self.place(tree)
        self.problems.append(Problem("wrong-type", message, place, hint))
        return None

    def _arity(self, row: Function, tree: exp.Expr, count: int) -> Maybe:
        number = counts(row)
        many = {"0": "no arguments", "1": "1 argument"}.get(number, f"{number} arguments")
        message = f"{row.name}() takes {many}, not {count}."
        return self.fail("wrong-arguments", message, tree, "" if number == "0" else usage(row))

    def _mismatch(self, row: Function, tree: exp.Expr, nodes: Sequence[Node]) -> Maybe:
        kinds = [n.type for n in nodes]
        message = f"'{row.name}' can't take {' and '.join(kinds)}."
        if row.symbol and len(kinds) == 2:
            hint = f"The left side is {kinds[0]}, the right side is {kinds[1]}."
        else:
            hint = usage(row)
        return self.fail("wrong-type", message, tree, f"{hint} {_advice(row, kinds)}".strip())

    def _no_common(self, tree: exp.Expr, values: Sequence[Node]) -> Maybe:
        kinds = sorted({v.type for v in values} - {Type.NULL})
        if not kinds:
            message = "Every branch is null, so the whole has no type."
            return self.fail("wrong-type", message, tree, "Give one branch a value.")
        message = f"The branches are of different types: {', '.join(kinds)}."
        return self.fail("wrong-type", message, tree, "All branches must give one type.")


def is_literal(node: Node) -> bool:
    """Whether it is a constant."""
    return isinstance(node, Literal)


def usage(row: Function) -> str:
    """'It takes (text, integer).'"""
    shown = [", ".join(s.args) + (", ..." if s.variadic else "") for s in row.signatures]
    more = ", and so on" if len(shown) > 3 else ""
    return f"It takes {' or '.join(f'({s})' for s in shown[:3])}{more}."


def _advice(row: Function, kinds: Sequence[Type]) -> str:
    pair = set(kinds)
    if pair == {Type.TIME, Type.DATE}:
        return "date(x) makes a date of a time."
    if pair == {Type.TEXT, Type.DATE}:
        return "Write a date as date '2018-01-31'."
    if pair == {Type.TEXT, Type.TIME}:
        return "Write a time as timestamp '2018-01-31T12:00:00Z'."
    if row.name in ("and", "or"):
        return "Every side must be a condition."
    if row.name == "-" and pair <= {Type.TIME, Type.DATE}:
        return "days_between(a, b) counts the days from a to b."
    if Type.INTERVAL in pair:
        return "An interval is added to or taken from a time: t + interval '90 days'."
    return ""
