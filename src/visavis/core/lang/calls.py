"""Function calls of the tree: rows of the function table, and the spellings that stand for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from visavis.core.lang.form import Aggregate, Bucket, Call, Literal, Node, Now
from visavis.core.lang.functions import FUNCTIONS, Function
from visavis.core.lang.typed import Maybe
from visavis.core.lang.types import SCALE, Type
from visavis.core.problems import nearest
from visavis.core.text import nfc

if TYPE_CHECKING:
    from sqlglot import exp

    from visavis.core.lang.convert import Converter

_SINCE = {
    "days_since": "days_between",
    "years_since": "years_between",
    "hours_since": "hours_between",
}
BUCKETS_MAX = 1000


def convert(to: Converter, tree: exp.Anonymous) -> Maybe:
    """The typed form of a call."""
    name = str(tree.this).lower()
    if name in _OWN:
        return _OWN[name](to, tree)
    row = FUNCTIONS.get(name)
    if row is None or name not in CALLABLE:
        return _unknown(to, tree)
    if row.kind == "aggregate":
        return _aggregate(to, tree, row)
    node = to.call(name, tree, tree.expressions)
    return _round(to, tree, node) if name == "round" else node


def convert_filtered(to: Converter, tree: exp.Filter) -> Maybe:
    """An aggregate with `filter (where ...)`."""
    call = tree.this
    row = FUNCTIONS.get(str(call.this).lower()) if type(call).__name__ == "Anonymous" else None
    if row is None or row.kind != "aggregate":
        message = "filter (where ...) stands only after an aggregate."
        return to.fail("syntax", message, tree)
    return _aggregate(to, call, row, tree.expression.this)


def _unknown(to: Converter, tree: exp.Anonymous) -> Maybe:
    to.convert_all(tree.expressions)
    name = str(tree.this)
    hint = nearest(name, CALLABLE)
    return to.fail("unknown-function", f"There is no function '{name}'.", tree, hint)


def _round(to: Converter, tree: exp.Anonymous, node: Maybe) -> Maybe:
    if isinstance(node, Call) and len(node.args) == 2:
        places = node.args[1]
        if not isinstance(places, Literal) or places.value not in range(7):
            message = "The places of round(x, n) are a literal from 0 to 6."
            return to.fail("wrong-arguments", message, tree, "round(revenue, 2)")
    return node


# the clock


def _now(to: Converter, tree: exp.Anonymous) -> Maybe:
    return _count(to, tree, 0) and _moment(to, tree)


def _today(to: Converter, tree: exp.Anonymous) -> Maybe:
    return _count(to, tree, 0) and to.apply("date", tree, [_moment(to, tree)])


def _since(to: Converter, tree: exp.Anonymous) -> Maybe:
    args = to.convert_all(tree.expressions)
    now = _moment(to, tree)
    name = _SINCE[str(tree.this).lower()]
    return _count(to, tree, 1) and to.apply(name, tree, [*args, now])


def _moment(to: Converter, tree: exp.Anonymous) -> Maybe:
    if to.scope.clock and not to.inside:
        return Now(Type.TIME, place=to.place(tree))
    where = f"inside {to.inside}()" if to.inside else "here"
    hint = "Use `within: 90 days` on the trait, or ask the clock in a derived trait."
    return to.fail("clock-not-allowed", f"The clock can't be asked {where}.", tree, hint)


def _count(to: Converter, tree: exp.Anonymous, count: int) -> Maybe:
    """A stand-in node if the call has so many arguments, else None and a Problem."""
    if len(tree.expressions) == count:
        return Literal(Type.NULL, None)
    name, number = str(tree.this).lower(), len(tree.expressions)
    many = {0: "no arguments", 1: "1 argument"}.get(count, f"{count} arguments")
    hint = next((u for u in _USAGE if u.startswith(f"{name}(")), "")
    return to.fail("wrong-arguments", f"{name}() takes {many}, not {number}.", tree, hint)


# choices and segments


def _if(to: Converter, tree: exp.Anonymous) -> Maybe:
    args = to.convert_all(tree.expressions)
    if _count(to, tree, 3) is None:
        return None
    return to.choose(tree, [(args[0], args[1])], args[2])


def _in_segment(to: Converter, tree: exp.Anonymous) -> Maybe:
    if _count(to, tree, 1) is None:
        return None
    arg = tree.expressions[0]
    if type(arg).__name__ != "Literal" or not arg.is_string:
        message = "in_segment() takes the name of a segment as a text."
        return to.fail("wrong-arguments", message, arg, "in_segment('name')")
    name = nfc(arg.this)
    if name not in to.scope.segments:
        hint = nearest(name, to.scope.segments)
        return to.fail("unknown-name", f"There is no segment '{name}' here.", arg, hint)
    return to.scope.segments[name]


# aggregates


def _aggregate(
    to: Converter, tree: exp.Anonymous, row: Function, keep: exp.Expr | None = None
) -> Maybe:
    if not _allowed(to, tree, row.name):
        return None
    args, distinct = _plain_args(tree)
    to.inside = row.name
    nodes = to.convert_all(args)
    condition = to.condition(to.convert(keep), keep) if keep is not None else None
    to.inside = ""
    if distinct and (row.name != "count" or len(nodes) != 1):
        message = "distinct stands only in count(distinct x)."
        return to.fail("wrong-arguments", message, tree)
    parameter = None
    if row.name == "quantile":
        parameter = _parameter(to, tree, nodes)
        if parameter is None:
            return None
        nodes = nodes[:1]
    call = to.apply(row.name, tree, nodes)
    if not isinstance(call, Call) or (keep is not None and condition is None):
        return None
    return Aggregate(
        call.type, row.name, call.args, distinct, condition, parameter, place=call.place
    )


def _allowed(to: Converter, tree: exp.Anonymous, name: str) -> bool:
    if to.inside:
        message = f"{name}() can't stand inside {to.inside}()."
        hint = "Give the inner one a trait of its own."
        to.fail("aggregate-nested", message, tree, hint)
    elif not to.scope.aggregates:
        message = f"{name}() needs the rows of an event; there are none here."
        hint = "Define a trait with `event:` and this value, and use its name here."
        to.fail("aggregate-not-allowed", message, tree, hint)
    return to.scope.aggregates and not to.inside


def _plain_args(tree: exp.Anonymous) -> tuple[list[exp.Expr], bool]:
    """Arguments without the `*` of count and without `distinct`, and whether it was there."""
    args = list(tree.expressions)
    kind = type(args[0]).__name__ if len(args) == 1 else ""
    if kind == "Star" and str(tree.this).lower() == "count":
        return [], False
    if kind == "Distinct" and not args[0].args.get("on"):
        return list(args[0].expressions), True
    return args, False


def _parameter(to: Converter, tree: exp.Anonymous, nodes: Sequence[Maybe]) -> int | None:
    """The q of quantile(x, q), scaled."""
    if len(nodes) == 2:
        q = nodes[1]
        value = _scaled(q) if q is not None else None
        if q is None or (value is not None and 0 <= value <= SCALE):
            return value
    message = "quantile(x, q) takes a value and a literal q from 0 to 1."
    to.fail("wrong-arguments", message, tree, "quantile(revenue, 0.9)")
    return None


def _scaled(node: Node) -> int | None:
    if isinstance(node, Literal) and isinstance(node.value, int):
        return {Type.INTEGER: node.value * SCALE, Type.DECIMAL: node.value}.get(node.type)
    return None


# over all people


def _bucket(to: Converter, tree: exp.Anonymous) -> Maybe:
    fit = to.scope.population
    if fit is None or to.inside:
        message = "bucket() compares people with each other; that can't be done here."
        hint = "Define a derived trait with it and use its name here."
        return to.fail("bucket-not-allowed", message, tree, hint)
    to.fits += 1
    fit += f"#{to.fits}" if to.fits > 1 else ""
    scope, to.scope = to.scope, replace(to.scope, population=None)
    node = to.call("bucket", tree, tree.expressions)
    to.scope = scope
    if not isinstance(node, Call):
        return None
    n = node.args[1]
    if isinstance(n, Literal) and isinstance(n.value, int) and 2 <= n.value <= BUCKETS_MAX:
        return Bucket(Type.INTEGER, node.args[0], n.value, fit, place=node.place)
    message = f"The n of bucket(x, n) is a literal from 2 to {BUCKETS_MAX}."
    return to.fail("wrong-arguments", message, tree, "bucket(revenue, 5)")


_OWN: dict[str, Callable[[Converter, exp.Anonymous], Maybe]] = {
    "now": _now,
    "today": _today,
    **dict.fromkeys(_SINCE, _since),
    "if": _if,
    "in_segment": _in_segment,
    "bucket": _bucket,
}
_USAGE = ("if(condition, then, else)", "in_segment('name')", "days_since(t)", "years_since(t)")
CALLABLE = frozenset({name for name, row in FUNCTIONS.items() if not row.symbol} | _OWN.keys())
"""Every name that can be called."""
