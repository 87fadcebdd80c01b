"""sqlglot's tree to the typed form: names, literals and operators; calls.py does the rest.

A whitelist: a class or a part of a class that is not named here is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from visavis.core.lang import calls, literals
from visavis.core.lang.check import common
from visavis.core.lang.form import Call, Literal, Property, TraitRef
from visavis.core.lang.typed import Maybe, Typed, is_literal
from visavis.core.lang.types import Type
from visavis.core.problems import nearest
from visavis.core.text import nfc

if TYPE_CHECKING:
    from sqlglot import exp

_BINARY = {
    "EQ": "=",
    "NEQ": "<>",
    "LT": "<",
    "LTE": "<=",
    "GT": ">",
    "GTE": ">=",
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "IntDiv": "//",
    "Mod": "%",
}
_TWO = {"this", "expression"}
_PARTS = {
    "Column": {"this"},
    "Literal": {"this", "is_string"},
    "Boolean": {"this"},
    "Null": set[str](),
    "Paren": {"this"},
    "Neg": {"this"},
    "Not": {"this"},
    "And": _TWO,
    "Or": _TWO,
    "DPipe": {*_TWO, "safe"},
    "Is": _TWO,
    "In": {"this", "expressions"},
    "Like": {*_TWO, "negate"},
    "Between": {"this", "low", "high"},
    "Case": {"this", "ifs", "default"},
    "Cast": {"this", "to"},
    "Interval": {"this", "unit"},
    "Anonymous": {"this", "expressions"},
    "Filter": _TWO,
    **{kind: {*_TWO, "typed", "safe"} for kind in _BINARY},
}
"""The only classes of sqlglot's tree that are read, and the parts they may have."""

_REFUSED = {
    "Alias": "An expression has no alias.",
    "Star": "* stands only in count(*).",
    "Distinct": "distinct stands only in count(distinct x).",
    "Tuple": "A list stands only after `in`.",
}


class Converter(Typed):
    """One expression's way from tree to form."""

    inside = ""
    """The aggregate that is being read."""
    fits = 0
    """How many buckets were read."""

    def convert(self, tree: exp.Expr) -> Maybe:
        """The typed form of a part, None where it has none."""
        kind = type(tree).__name__
        allowed = _PARTS.get(kind)
        if allowed is None or {k for k, v in tree.args.items() if v} - allowed:
            return self.refuse(tree)
        if kind in _BINARY:
            return self.call(_BINARY[kind], tree, [tree.args["this"], tree.args["expression"]])
        handler: Callable[[Any], Maybe] = getattr(self, f"_{kind.lower()}")
        return handler(tree)

    def convert_all(self, trees: Iterable[exp.Expr]) -> list[Maybe]:
        """The typed forms of several parts."""
        return [self.convert(tree) for tree in trees]

    def call(self, name: str, tree: exp.Expr, args: Iterable[exp.Expr]) -> Maybe:
        """A row of the function table over parts of the tree."""
        return self.apply(name, tree, self.convert_all(args))

    def refuse(self, tree: exp.Expr) -> Maybe:
        """What is not of the language."""
        message = _REFUSED.get(type(tree).__name__, "This is not part of the language.")
        return self.fail("syntax", message, tree)

    # names and literals

    def _column(self, tree: exp.Column) -> Maybe:
        if type(tree.this).__name__ != "Identifier":
            return self.refuse(tree.this)
        name = nfc(tree.this.this)
        if name not in self.scope.names:
            setting = self.scope.settings.get(name)
            place = self.place(tree)
            return replace(setting, place=place) if setting else self._unknown(name, tree)
        kind, scope = self.scope.names[name]
        if scope == "trait":
            return TraitRef(kind, name, place=self.place(tree))
        if self.scope.aggregates and not self.inside:
            message = f"'{name}' has a value in every row; an aggregate must make one of them."
            hint = f"Write last({name}), max({name}) or another aggregate."
            return self.fail("aggregate-missing", message, tree, hint)
        return Property(kind, name, scope, place=self.place(tree))

    def _unknown(self, name: str, tree: exp.Expr) -> Maybe:
        hint = self.scope.hints.get(name, "")
        if not hint and name.lower() in ("current_date", "current_timestamp"):
            hint = "Write today() or now()."
        elif not hint and name.lower() in calls.CALLABLE:
            hint = f"The function is written {name.lower()}(...)."
        hint = hint or nearest(name, [*self.scope.names, *self.scope.settings])
        return self.fail("unknown-name", f"There is no '{name}' here.", tree, hint)

    def _literal(self, tree: exp.Expr, sign: int = 1) -> Maybe:
        if tree.args.get("is_string"):
            return self._constant(tree, lambda: (Type.TEXT, literals.text_of(tree.this)))
        written = self.source.word(self.source.index(self.source.start(tree)))
        return self._constant(tree, lambda: literals.number(written, sign))

    def _constant(self, tree: exp.Expr, read: Callable[[], tuple[Type, int | str]]) -> Maybe:
        try:
            kind, value = read()
        except literals.BadLiteral as error:
            return self.fail("bad-literal", str(error), tree, error.hint)
        return Literal(kind, value, place=self.place(tree))

    def _boolean(self, tree: exp.Boolean) -> Maybe:
        return Literal(Type.BOOLEAN, bool(tree.this), place=self.place(tree))

    def _null(self, tree: exp.Expr) -> Maybe:
        return Literal(Type.NULL, None, place=self.place(tree))

    def _cast(self, tree: exp.Cast) -> Maybe:
        word = self.source.word(self.source.index(self.source.start(tree)))
        text = tree.this.this
        if type(tree.this).__name__ != "Literal" or word not in ("date", "timestamp"):
            return self.refuse(tree)
        if word == "date":
            return self._constant(tree, lambda: (Type.DATE, literals.date_of(text)))
        return self._constant(tree, lambda: (Type.TIME, literals.time_of(text, self.scope.zone)))

    def _interval(self, tree: exp.Interval) -> Maybe:
        index = self.source.index(self.source.start(tree))
        text = self.source.text_after(index) if self.source.word(index) == "interval" else None
        return self._constant(tree, lambda: (Type.INTERVAL, literals.interval_of(text or "")))

    # operators

    def _paren(self, tree: exp.Paren) -> Maybe:
        return self.convert(tree.this)

    def _neg(self, tree: exp.Neg) -> Maybe:
        inner = _bare(tree.this)
        if type(inner).__name__ == "Literal" and not inner.args.get("is_string"):
            return self._literal(inner, -1)
        node = self.convert(inner)
        if isinstance(node, Literal) and node.type in (Type.INTEGER, Type.DECIMAL):
            return Literal(node.type, -int(node.value or 0), place=self.place(tree))
        return self.apply("negate", tree, [node])

    def _not(self, tree: exp.Not) -> Maybe:
        return self.call("not", tree, [tree.this])

    def _and(self, tree: exp.And) -> Maybe:
        return self.call("and", tree, _chain(tree, "And", brackets=True))

    def _or(self, tree: exp.Or) -> Maybe:
        return self.call("or", tree, _chain(tree, "Or", brackets=True))

    def _dpipe(self, tree: exp.DPipe) -> Maybe:
        return self.call("concat", tree, _chain(tree, "DPipe", brackets=False))

    def _is(self, tree: exp.Is) -> Maybe:
        if type(tree.expression).__name__ != "Null":
            hint = "Write the condition itself, or not condition."
            message = "`is` stands only in `is null` and `is not null`."
            return self.fail("syntax", message, tree, hint)
        return self.call("is null", tree, [tree.this])

    def _in(self, tree: exp.In) -> Maybe:
        args = self.convert_all([tree.this, *tree.expressions])
        if len(args) < 2:
            return self.fail("wrong-arguments", "The list after `in` is empty.", tree)
        for item, node in zip(tree.expressions, args[1:], strict=True):
            if node is not None and not is_literal(node):
                message = "The list after `in` holds literals only."
                return self.fail("wrong-arguments", message, item, "Write x = a or x = b.")
        node = self.apply("in", tree, args)
        kind = common([a.type for a in args if a is not None])
        if isinstance(node, Call) and not all(map(is_literal, node.args[1:])):
            message = f"A literal in the list does not fit into {kind}."
            return self.fail("bad-literal", message, tree)
        return node

    def _like(self, tree: exp.Like) -> Maybe:
        node = self.call("like", tree, [tree.this, tree.expression])
        if isinstance(node, Call) and not is_literal(node.args[1]):
            hint = "For parts of a text use contains(x, y) or starts_with(x, y)."
            message = "The pattern of `like` is a literal."
            return self.fail("wrong-arguments", message, tree.expression, hint)
        return self.apply("not", tree, [node]) if tree.args.get("negate") else node

    def _between(self, tree: exp.Between) -> Maybe:
        value, low, high = self.convert_all([tree.this, tree.args["low"], tree.args["high"]])
        above = self.apply(">=", tree, [value, low])
        below = self.apply("<=", tree, [value, high])
        return self.apply("and", tree, [above, below])

    def _case(self, tree: exp.Case) -> Maybe:
        subject = self.convert(tree.this) if tree.this else None
        branches: list[tuple[Maybe, Maybe]] = []
        for item in tree.args["ifs"]:
            condition = self.convert(item.this)
            if tree.this:
                condition = self.apply("=", item, [subject, condition])
            branches.append((condition, self.convert(item.args["true"])))
        default = tree.args.get("default")
        other = self.convert(default) if default else self._null(tree)
        return self.choose(tree, branches, other)

    # calls

    def _anonymous(self, tree: exp.Anonymous) -> Maybe:
        return calls.convert(self, tree)

    def _filter(self, tree: exp.Filter) -> Maybe:
        return calls.convert_filtered(self, tree)


def _bare(tree: exp.Expr) -> exp.Expr:
    while type(tree).__name__ == "Paren":
        tree = tree.this
    return tree


def _chain(tree: exp.Expr, kind: str, *, brackets: bool) -> list[exp.Expr]:
    """The operands of a run of one operator, left to right."""
    found: list[exp.Expr] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        inner = _bare(node) if brackets else node
        if type(inner).__name__ == kind:
            stack += [inner.args["expression"], inner.args["this"]]
        else:
            found.append(node)
    return found
