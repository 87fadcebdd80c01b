"""sqlglot's tree to the typed form: a whitelist of node classes, every name and type checked.

A part that can't be read becomes None ("poison"): its Problem is told once and what stands around
it is still checked, so that all Problems of an expression come out together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from visavis.core.lang import literals
from visavis.core.lang.check import common, counts, resolve, takes, widen
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
from visavis.core.lang.functions import FUNCTIONS, Function
from visavis.core.lang.scope import Scope
from visavis.core.lang.syntax import Source
from visavis.core.lang.types import SCALE, Type
from visavis.core.problems import Problem, nearest
from visavis.core.text import nfc

if TYPE_CHECKING:
    from sqlglot import exp

_BINARY = {
    "EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "Add": "+",
    "Sub": "-", "Mul": "*", "Div": "/", "IntDiv": "//", "Mod": "%",
}  # fmt: skip
_PARTS = {
    "Column": {"this"}, "Identifier": {"this", "quoted"}, "Literal": {"this", "is_string"},
    "Boolean": {"this"}, "Null": set(), "Paren": {"this"}, "Neg": {"this"}, "Not": {"this"},
    "And": {"this", "expression"}, "Or": {"this", "expression"},
    "DPipe": {"this", "expression", "safe"}, "Is": {"this", "expression"},
    "In": {"this", "expressions"}, "Like": {"this", "expression", "negate"},
    "Between": {"this", "low", "high"}, "Case": {"this", "ifs", "default"},
    "Cast": {"this", "to"}, "Interval": {"this", "unit"}, "Anonymous": {"this", "expressions"},
    "Filter": {"this", "expression"},
    **{kind: {"this", "expression", "typed", "safe"} for kind in _BINARY},
}  # fmt: skip
"""The only classes of sqlglot's tree that are read, and the parts they may have."""

_REFUSED = {
    "Alias": "An expression has no alias.",
    "Window": "There are no window functions.",
    "Star": "* stands only in count(*).",
    "Distinct": "distinct stands only in count(distinct x).",
    "Tuple": "A list stands only after `in`.",
    "Order": "There is no order by; rows are in the order of the log.",
}
_SINCE = {
    "days_since": "days_between",
    "years_since": "years_between",
    "hours_since": "hours_between",
}
_CALLABLE = sorted(
    [n for n, f in FUNCTIONS.items() if not f.symbol and n != "negate"]
    + [*_SINCE, "now", "today", "if", "in_segment"]
)
_LOCAL = {"now", "today", "if", "in_segment"}


class Converter:
    """One expression's way from tree to form; `problems` fills as it goes."""

    def __init__(self, source: Source, scope: Scope) -> None:
        self.source = source
        self.scope = scope
        self.problems: list[Problem] = []
        self._inside: str = ""
        self._fits = 0

    def convert(self, tree: exp.Expr) -> Node | None:
        """The typed form of a part, None where it has none."""
        kind = type(tree).__name__
        allowed = _PARTS.get(kind)
        if allowed is None or {k for k, v in tree.args.items() if v} - allowed:
            return self._refuse(tree, kind)
        if kind in _BINARY:
            return self._call(_BINARY[kind], tree, [tree.args["this"], tree.args["expression"]])
        handler: Callable[[Any], Node | None] = getattr(self, f"_{kind.lower()}")
        return handler(tree)

    def _problem(self, code: str, message: str, tree: exp.Expr, hint: str = "") -> None:
        self.problems.append(self.source.problem(code, message, self.source.start(tree), hint))

    def _refuse(self, tree: exp.Expr, kind: str) -> None:
        message = _REFUSED.get(kind, "This is not part of the language.")
        self._problem("syntax", message, tree)

    def _all(self, trees: Iterable[exp.Expr]) -> list[Node | None]:
        return [self.convert(tree) for tree in trees]

    # names and literals

    def _column(self, tree: exp.Column) -> Node | None:
        if type(tree.this).__name__ != "Identifier":
            return self._refuse(tree, "Star")
        name, place = nfc(tree.this.this), self.source.place(self.source.start(tree))
        known = self.scope.names.get(name)
        if known is None:
            return self._unknown(name, tree)
        kind, scope = known
        if scope == "trait":
            return TraitRef(kind, name, place=place)
        if self.scope.aggregates and not self._inside:
            hint = f"Which row's? Write last({name}), max({name}) or sum({name})."
            message = (
                f"'{name}' is a property of many rows; an aggregate must make one value of it."
            )
            self._problem("aggregate-missing", message, tree, hint)
            return None
        return Property(kind, name, scope, place=place)

    def _unknown(self, name: str, tree: exp.Expr) -> None:
        hint = self.scope.hints.get(name, "")
        if not hint and name.lower() in ("current_date", "current_timestamp"):
            hint = "Write today() or now()."
        elif not hint and name in _CALLABLE:
            hint = f"The function is written {name}(...)."
        hint = hint or nearest(name, self.scope.names)
        self._problem("unknown-name", f"There is no '{name}' here.", tree, hint)

    def _literal(self, tree: exp.Literal, sign: int = 1) -> Node | None:
        def read() -> tuple[Type, int | str]:
            if tree.is_string:
                return Type.TEXT, literals.text_of(tree.this)
            return literals.number(self.source.slice(tree), sign)

        return self._constant(tree, read)

    def _constant(self, tree: exp.Expr, read: Callable[[], tuple[Type, int | str]]) -> Node | None:
        try:
            kind, value = read()
        except literals.BadLiteralError as error:
            self._problem("bad-literal", str(error), tree, error.hint)
            return None
        return Literal(kind, value, place=self.source.place(self.source.start(tree)))

    def _boolean(self, tree: exp.Boolean) -> Node:
        return Literal(
            Type.BOOLEAN, bool(tree.this), place=self.source.place(self.source.start(tree))
        )

    def _null(self, tree: exp.Null) -> Node:
        return Literal(Type.NULL, None, place=self.source.place(self.source.start(tree)))

    def _cast(self, tree: exp.Cast) -> Node | None:
        word = self.source.located.text[self.source.start(tree) :].split("'")[0].strip().lower()
        if type(tree.this).__name__ != "Literal" or word not in ("date", "timestamp"):
            return self._refuse(tree, "Cast")
        text = tree.this.this
        if word == "date":
            return self._constant(tree, lambda: (Type.DATE, literals.date_of(text)))
        return self._constant(tree, lambda: (Type.TIME, literals.time_of(text, self.scope.zone)))

    def _interval(self, tree: exp.Interval) -> Node | None:
        token = self.source.tokens[self.source.token_at(self.source.start(tree)) + 1]
        return self._constant(tree, lambda: (Type.INTERVAL, literals.interval_of(token.text)))

    # operators

    def _paren(self, tree: exp.Paren) -> Node | None:
        return self.convert(tree.this)

    def _neg(self, tree: exp.Neg) -> Node | None:
        inner = tree.this
        while type(inner).__name__ == "Paren":
            inner = inner.this
        if type(inner).__name__ == "Literal" and not inner.is_string:
            return self._literal(inner, -1)
        node = self.convert(inner)
        if (
            isinstance(node, Literal)
            and isinstance(node.value, int)
            and node.type is not Type.BOOLEAN
        ):
            if node.type in (Type.INTEGER, Type.DECIMAL):
                return self._constant(tree, lambda: (node.type, -int(node.value or 0)))
        return self._apply("negate", tree, [node])

    def _not(self, tree: exp.Not) -> Node | None:
        return self._call("not", tree, [tree.this])

    def _and(self, tree: exp.And) -> Node | None:
        return self._call("and", tree, _chain(tree, "And", brackets=True))

    def _or(self, tree: exp.Or) -> Node | None:
        return self._call("or", tree, _chain(tree, "Or", brackets=True))

    def _dpipe(self, tree: exp.DPipe) -> Node | None:
        return self._call("concat", tree, _chain(tree, "DPipe", brackets=False))

    def _is(self, tree: exp.Is) -> Node | None:
        if type(tree.expression).__name__ != "Null":
            hint = "Write the condition itself, or not condition."
            self._problem("syntax", "Only `is null` and `is not null` exist.", tree, hint)
            return None
        return self._call("is null", tree, [tree.this])

    def _in(self, tree: exp.In) -> Node | None:
        args = self._all([tree.this, *tree.expressions])
        if len(args) < 2:
            self._problem("wrong-arguments", "The list after `in` is empty.", tree)
            return None
        for item, node in zip(tree.expressions, args[1:], strict=True):
            if node is not None and not isinstance(node, Literal):
                self._problem("wrong-arguments", "The list after `in` holds literals only.", item,
                              "Write x = a or x = b.")  # fmt: skip
                return None
        kind = common([a.type for a in args if a is not None])
        if kind is Type.FLOAT:
            self._problem("wrong-type", "`in` can't take a float.", tree, "Compare with a range.")
            return None
        return self._apply("in", tree, args)

    def _like(self, tree: exp.Like) -> Node | None:
        node = self._call("like", tree, [tree.this, tree.expression])
        if isinstance(node, Call) and not isinstance(node.args[1], Literal):
            self._problem("wrong-arguments", "The pattern of `like` is a literal.", tree.expression,
                          "For parts of a text use contains(x, y) or starts_with(x, y).")  # fmt: skip
            return None
        return self._apply("not", tree, [node]) if tree.args.get("negate") else node

    def _between(self, tree: exp.Between) -> Node | None:
        value, low, high = self._all([tree.this, tree.args["low"], tree.args["high"]])
        above = self._apply(">=", tree, [value, low])
        below = self._apply("<=", tree, [value, high])
        return self._apply("and", tree, [above, below])

    def _case(self, tree: exp.Case) -> Node | None:
        subject = self.convert(tree.this) if tree.this else None
        branches: list[tuple[Node | None, Node | None]] = []
        for item in tree.args["ifs"]:
            condition = self.convert(item.this)
            if tree.this:
                condition = self._apply("=", item, [subject, condition])
            branches.append((condition, self.convert(item.args["true"])))
        default = tree.args.get("default")
        place = self.source.place(self.source.start(tree))
        other = self.convert(default) if default else Literal(Type.NULL, None, place=place)
        return self._choice(tree, branches, other)

    def _choice(
        self,
        tree: exp.Expr,
        branches: Sequence[tuple[Node | None, Node | None]],
        default: Node | None,
    ) -> Node | None:
        conditions = [c for c, _ in branches]
        values = [*(v for _, v in branches), default]
        for node in conditions:
            if node is not None and node.type not in (Type.BOOLEAN, Type.NULL):
                self.problems.append(
                    Problem(
                        "wrong-type",
                        f"A condition is needed, this is {node.type}.",
                        node.place,
                        "Compare it with something.",
                    )  # fmt: skip
                )
                return None
        if any(node is None for node in (*conditions, *values)):
            return None
        found = [v for v in values if v is not None]
        kind = common([v.type for v in found])
        if kind is None or kind is Type.NULL:
            return self._no_common(tree, found)
        wide = [widen(v, kind) for v in found]
        pairs = tuple((c, v) for c, v in zip(conditions, wide, strict=False) if c is not None)
        return Case(kind, pairs, wide[-1], place=self.source.place(self.source.start(tree)))

    def _no_common(self, tree: exp.Expr, values: Sequence[Node]) -> None:
        kinds = sorted({v.type for v in values} - {Type.NULL})
        if not kinds:
            self._problem("wrong-type", "Every branch is null, so it has no type.", tree)
            return
        message = f"The branches have different types: {', '.join(kinds)}."
        self._problem("wrong-type", message, tree, "All branches must give one type.")

    # functions

    def _anonymous(self, tree: exp.Anonymous) -> Node | None:
        name = str(tree.this).lower()
        if name in _LOCAL:
            handler: Callable[[exp.Anonymous], Node | None] = getattr(self, f"_call_{name}")
            return handler(tree)
        if name in _SINCE:
            return self._since(_SINCE[name], tree)
        row = FUNCTIONS.get(name)
        if row is None or row.symbol or name == "negate":
            return self._no_function(str(tree.this), tree)
        if row.kind == "aggregate":
            return self._aggregate(tree, row)
        if row.kind == "population":
            return self._bucket(tree)
        return self._call(name, tree, tree.expressions)

    def _no_function(self, name: str, tree: exp.Anonymous) -> None:
        for arg in tree.expressions:
            if type(arg).__name__ in _PARTS:
                self.convert(arg)
        hint = nearest(name, _CALLABLE)
        self._problem("unknown-function", f"There is no function '{name}'.", tree, hint)

    def _call(self, name: str, tree: exp.Expr, args: Sequence[exp.Expr]) -> Node | None:
        return self._apply(name, tree, self._all(args))

    def _apply(self, name: str, tree: exp.Expr, args: Sequence[Node | None]) -> Node | None:
        row = FUNCTIONS[name]
        if not takes(row, len(args)):
            return self._arity(name, row, tree, len(args))
        nodes = [a for a in args if a is not None]
        if len(nodes) < len(args):
            return None
        found = resolve(row, [n.type for n in nodes])
        if found is None:
            return self._mismatch(row, tree, nodes)
        wide = tuple(widen(n, t) for n, t in zip(nodes, found[0], strict=True))
        if not self._literals_hold(name, tree, wide):
            return None
        return Call(found[1], name, wide, place=self.source.place(self.source.start(tree)))

    def _literals_hold(self, name: str, tree: exp.Expr, args: Sequence[Node]) -> bool:
        places = args[1] if name == "round" and len(args) == 2 else None
        if places is None or (isinstance(places, Literal) and places.value in range(7)):
            return True
        self._problem("wrong-arguments", "round(x, n) takes a literal n from 0 to 6.", tree)
        return False

    def _arity(self, name: str, row: Function, tree: exp.Expr, count: int) -> None:
        takes_so_many = "no arguments" if counts(row) == "0" else f"{counts(row)} argument(s)"
        message = f"{name}() takes {takes_so_many}, not {count}."
        self._problem("wrong-arguments", message, tree, _usage(row))

    def _mismatch(self, row: Function, tree: exp.Expr, nodes: Sequence[Node]) -> None:
        kinds = [n.type for n in nodes]
        message = f"'{row.name}' can't take {' and '.join(kinds)}."
        if row.symbol and len(kinds) == 2:
            hint = f"The left side is {kinds[0]}, the right side is {kinds[1]}."
        else:
            hint = _usage(row)
        self._problem("wrong-type", message, tree, f"{hint} {_advice(row, kinds)}".strip())

    def _call_now(self, tree: exp.Anonymous) -> Node | None:
        if tree.expressions:
            self._problem("wrong-arguments", "now() takes no arguments.", tree)
            return None
        return self._now(tree)

    def _call_today(self, tree: exp.Anonymous) -> Node | None:
        if tree.expressions:
            self._problem("wrong-arguments", "today() takes no arguments.", tree)
            return None
        return self._apply("date", tree, [self._now(tree)])

    def _now(self, tree: exp.Expr) -> Node | None:
        if self._inside or not self.scope.clock:
            where = f"inside {self._inside}()" if self._inside else "here"
            message = f"The clock can't be asked {where}: the answer would change for every row."
            self._problem("clock-not-allowed", message, tree, "Use `within: 90 days` on the trait.")
            return None
        return Now(Type.TIME, place=self.source.place(self.source.start(tree)))

    def _since(self, name: str, tree: exp.Anonymous) -> Node | None:
        args = self._all(tree.expressions)
        now = self._now(tree)
        if len(args) != 1:
            self._problem(
                "wrong-arguments", f"{tree.this}() takes 1 argument, not {len(args)}.", tree
            )
            return None
        return self._apply(name, tree, [args[0], now])

    def _call_if(self, tree: exp.Anonymous) -> Node | None:
        args = self._all(tree.expressions)
        if len(args) != 3:
            message = f"if() takes 3 arguments, not {len(args)}."
            self._problem("wrong-arguments", message, tree, "if(condition, then, else)")
            return None
        return self._choice(tree, [(args[0], args[1])], args[2])

    def _call_in_segment(self, tree: exp.Anonymous) -> Node | None:
        arg = tree.expressions[0] if len(tree.expressions) == 1 else None
        if arg is None or type(arg).__name__ != "Literal" or not arg.is_string:
            self._problem("wrong-arguments", "in_segment() takes the name of a segment.", tree,
                          "in_segment('name')")  # fmt: skip
            return None
        name = nfc(arg.this)
        if name not in self.scope.segments:
            hint = nearest(name, self.scope.segments)
            self._problem("unknown-name", f"There is no segment '{name}' here.", arg, hint)
        return self.scope.segments.get(name)

    def _filter(self, tree: exp.Filter) -> Node | None:
        call = tree.this
        row = FUNCTIONS.get(str(call.this).lower()) if type(call).__name__ == "Anonymous" else None
        if row is None or row.kind != "aggregate":
            self._problem("syntax", "filter (where ...) stands only after an aggregate.", tree)
            return None
        return self._aggregate(call, row, tree.expression.this)

    def _aggregate(
        self, tree: exp.Anonymous, row: Function, keep: exp.Expr | None = None
    ) -> Node | None:
        if not self._aggregate_allowed(tree, row.name):
            return None
        args, distinct = _plain_args(tree)
        self._inside = row.name
        nodes = self._all(args)
        condition = self._condition(keep) if keep is not None else None
        self._inside = ""
        parameter = self._quantile(tree, nodes) if row.name == "quantile" else None
        if row.name == "quantile":
            nodes = nodes[:1]
        if distinct and (row.name != "count" or len(nodes) != 1):
            self._problem("wrong-arguments", "distinct stands only in count(distinct x).", tree)
            return None
        call = self._apply(row.name, tree, nodes)
        if not isinstance(call, Call) or (keep is not None and condition is None):
            return None
        if row.name == "quantile" and parameter is None:
            return None
        return Aggregate(
            call.type, row.name, call.args, distinct, condition, parameter, place=call.place
        )

    def _aggregate_allowed(self, tree: exp.Anonymous, name: str) -> bool:
        if self._inside:
            message = f"{name}() can't stand inside {self._inside}()."
            hint = "Give the inner one a trait of its own."
            self._problem("aggregate-nested", message, tree, hint)
        elif not self.scope.aggregates:
            message = f"{name}() needs the rows of a trait with `event:`; here is only one value."
            hint = "Define a computed trait and use its name here."
            self._problem("aggregate-not-allowed", message, tree, hint)
        else:
            return True
        return False

    def _condition(self, tree: exp.Expr) -> Node | None:
        node = self.convert(tree)
        if node is not None and node.type not in (Type.BOOLEAN, Type.NULL):
            self._problem("wrong-type", f"A condition is needed, this is {node.type}.", tree,
                          "Compare it with something.")  # fmt: skip
            return None
        return node

    def _quantile(self, tree: exp.Anonymous, nodes: Sequence[Node | None]) -> int | None:
        q = nodes[1] if len(nodes) == 2 else None
        if isinstance(q, Literal) and isinstance(q.value, int):
            value = q.value * SCALE if q.type is Type.INTEGER else q.value
            if q.type in (Type.INTEGER, Type.DECIMAL) and 0 <= value <= SCALE:
                return value
        message = "quantile(x, q) takes a value and a literal q from 0 to 1."
        self._problem("wrong-arguments", message, tree, "quantile(revenue, 0.9)")
        return None

    def _bucket(self, tree: exp.Anonymous) -> Node | None:
        if self.scope.population is None or self._inside:
            message = "bucket() compares people with each other, which is not possible here."
            hint = "Define a derived trait with it and use its name here."
            self._problem("bucket-not-allowed", message, tree, hint)
            return None
        self._fits += 1
        fit = self.scope.population + (f"#{self._fits}" if self._fits > 1 else "")
        population, self.scope = self.scope, _without_population(self.scope)
        node = self._call("bucket", tree, tree.expressions)
        self.scope = population
        if not isinstance(node, Call):
            return None
        n = node.args[1]
        if not isinstance(n, Literal) or not isinstance(n.value, int) or not 2 <= n.value <= 1000:
            message = "bucket(x, n) takes a literal n from 2 to 1000."
            self._problem("wrong-arguments", message, tree, "bucket(revenue, 5)")
            return None
        return Bucket(Type.INTEGER, node.args[0], n.value, fit, place=node.place)


def _chain(tree: exp.Expr, kind: str, *, brackets: bool) -> list[exp.Expr]:
    """The operands of a run of one operator, left to right."""
    found: list[exp.Expr] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        inner = node
        while brackets and type(inner).__name__ == "Paren":
            inner = inner.this
        if type(inner).__name__ == kind:
            stack += [inner.args["expression"], inner.args["this"]]
        else:
            found.append(node)
    return found


def _plain_args(tree: exp.Anonymous) -> tuple[list[exp.Expr], bool]:
    """Arguments of an aggregate without `*` and `distinct`, and whether it was distinct."""
    args = list(tree.expressions)
    if len(args) == 1 and type(args[0]).__name__ == "Star" and str(tree.this).lower() == "count":
        return [], False
    if len(args) == 1 and type(args[0]).__name__ == "Distinct" and not args[0].args.get("on"):
        return list(args[0].expressions), True
    return args, False


def _without_population(scope: Scope) -> Scope:
    return Scope(
        scope.names, scope.aggregates, scope.clock, None, scope.segments, scope.hints, scope.zone
    )


def _usage(row: Function) -> str:
    shown = []
    for signature in row.signatures[:3]:
        dots = ", ..." if signature.variadic else ""
        shown.append(f"({', '.join(signature.args)}{dots})")
    more = ", ..." if len(row.signatures) > 3 else ""
    return f"It takes {' or '.join(shown)}{more}."


def _advice(row: Function, kinds: Sequence[Type]) -> str:
    pair = set(kinds)
    if pair == {Type.TIME, Type.DATE}:
        return "date(x) makes a date of a time."
    if pair == {Type.TEXT, Type.DATE}:
        return "Write a date as date '2018-01-31'."
    if pair == {Type.TEXT, Type.TIME}:
        return "Write a time as timestamp '2018-01-31T12:00:00Z'."
    if row.name in ("and", "or", "not"):
        return "Both sides must be conditions."
    if row.name in ("+", "-") and pair == {Type.DATE, Type.INTERVAL}:
        return "An interval goes with a time."
    return ""
