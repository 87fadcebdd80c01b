"""Expressions over rows, whole columns at a time: filters and arguments that don't read the clock.

A compiled expression is a function of Rows that gives one value per row of the stream, whatever
window a trait looks at, so that traits share it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any

from visavis.core.clock import Zone
from visavis.core.lang.form import (
    Call,
    Case,
    Literal,
    Node,
    Property,
    Value,
)
from visavis.core.lang.history import Lines, Stream, shared
from visavis.core.lang.reader_functions import COMPARISONS, element
from visavis.core.lang.types import SCALE, Type

Columns = Mapping[str, Mapping[str, Value]]
"""The catalogue: fields by product id."""


class Items:
    """A catalogue turned so that one field of many products is read fast; made once, kept."""

    __slots__ = ("_fields", "_products")

    def __init__(self, products: Columns) -> None:
        self._products = products
        self._fields: dict[str, dict[Value, Value]] = {}

    def field(self, name: str) -> Mapping[Value, Value]:
        """A field's values by product id, where they are not null."""
        found = self._fields.get(name)
        if found is None:
            held = ((p, shared(fields.get(name))) for p, fields in self._products.items())
            found = self._fields[name] = {shared(p): v for p, v in held if v is not None}
        return found


class Rows:
    """The rows of one stream as of `now`: events, of which the first `visible` have happened."""

    __slots__ = ("computed", "event", "size", "stream", "visible")

    def __init__(self, event: str, stream: Stream, now: int) -> None:
        self.event, self.stream = event, stream
        ts = stream.ts
        self.size = size = len(ts)
        self.visible = size if not size or ts[-1] <= now else bisect_right(ts, now)
        self.computed: dict[object, Sequence[Any]] = {}

    def after(self, moment: int) -> int:
        """The first row later than a moment."""
        return bisect_right(self.stream.ts, moment)

    def time(self, row: int) -> int:
        """When a row happened."""
        return self.stream.ts[row]

    def property(self, name: str, scope: str) -> Sequence[Value]:
        """The column that a Property names."""
        found = self.computed.get((scope, name))
        if found is None:
            found = self.computed[scope, name] = self._find(name, scope)
        return found

    def _find(self, name: str, scope: str) -> Sequence[Value]:
        if scope == "event":
            if name == "timestamp":
                return self.stream.ts
            if name == "message_id":
                return self.stream.message_ids
            if name == "event":
                return [self.event] * self.size
        found = self.stream.columns.get(name)
        return [None] * self.size if found is None else found

    def parent(self, row: int) -> int:
        """The event row of a row."""
        return row


class LineRows(Rows):
    """The lines of a stream's events; a line happens when its event does."""

    __slots__ = ("catalogue", "lines", "of_events")

    def __init__(self, of_events: Rows, lines: Lines, catalogue: Items) -> None:
        self.event, self.stream = of_events.event, of_events.stream
        self.of_events, self.lines, self.catalogue = of_events, lines, catalogue
        parent = lines.parent
        self.size = len(parent)
        done = of_events.visible == of_events.size
        self.visible = self.size if done else bisect_left(parent, of_events.visible)
        self.computed = {}

    def after(self, moment: int) -> int:
        return bisect_left(self.lines.parent, self.of_events.after(moment))

    def time(self, row: int) -> int:
        return self.stream.ts[self.lines.parent[row]]

    def _find(self, name: str, scope: str) -> Sequence[Value]:
        if scope == "catalogue":
            return self._catalogue(name)
        if scope == "line":
            own = self.lines.columns.get(name)
            if own is None:
                return self._catalogue(name)
            if not self.catalogue.field(name) or None not in own:
                return own
            return [b if a is None else a for a, b in zip(own, self._catalogue(name), strict=True)]
        column = self.of_events.property(name, scope)
        return [column[i] for i in self.lines.parent]

    def _catalogue(self, name: str) -> Sequence[Value]:
        products = self.lines.columns.get("product_id")
        field = self.catalogue.field(name)
        if products is None or not field:
            return [None] * self.size
        return list(map(field.get, products))

    def parent(self, row: int) -> int:
        return self.lines.parent[row]


Column = Callable[[Rows], Sequence[Any]]


def once(key: int, compute: Column) -> Column:
    """The column, computed once a run however many traits read it; `key` is the expression's."""

    def read(rows: Rows) -> Sequence[Any]:
        found = rows.computed.get(key)
        if found is None:
            found = rows.computed[key] = compute(rows)
        return found

    return read


def column(node: Node, zone: Zone) -> Column:
    """The values of an expression, one a row. It reads neither clock nor traits."""
    match node:
        case Property(name=name, scope=scope):
            return _property(name, scope)
        case Literal(value=value):
            return lambda rows: [value] * rows.size
        case Call(args=args):
            return _call(node, element(node, zone), args, zone)
        case Case():
            return _case(node, zone)
    raise TypeError(f"{type(node).__name__} can't be read over rows")


def _property(name: str, scope: str) -> Column:
    key = scope, name
    return lambda rows: rows.computed.get(key) or rows.property(name, scope)


def _call(call: Call, function: Any, args: tuple[Node, ...], zone: Zone) -> Column:
    parts = [_part(arg, zone) for arg in args]
    if all(isinstance(arg, Literal) for arg in args):
        value = function(*(arg.value for arg in args if isinstance(arg, Literal)))
        return lambda rows: [value] * rows.size
    if len(parts) == 1:
        only = parts[0]
        return lambda rows: list(map(function, only(rows)))
    if len(parts) == 2:
        first, second = parts
        return lambda rows: list(map(function, first(rows), second(rows)))
    return lambda rows: list(map(function, *(part(rows) for part in parts)))


def _part(node: Node, zone: Zone) -> Callable[[Rows], Any]:
    """An argument's values; a constant need not become a column."""
    if isinstance(node, Literal):
        value = node.value
        return lambda rows: repeat(value)
    return column(node, zone)


def _case(node: Case, zone: Zone) -> Column:
    conditions = [column(condition, zone) for condition, _ in node.branches]
    values = [column(value, zone) for _, value in node.branches]
    default = column(node.default, zone)

    def compute(rows: Rows) -> Sequence[Any]:
        result = list(default(rows))
        # the last branch first, so that the earliest true condition has the last word
        for condition, value in zip(reversed(conditions), reversed(values), strict=True):
            result = [
                v if c else r for c, v, r in zip(condition(rows), value(rows), result, strict=True)
            ]
        return result

    return compute


# masks: only whether a row is kept, so null is as good as false


def mask(node: Node, zone: Zone) -> Column:
    """What is truthy for the rows for which a condition is true."""
    if isinstance(node, Call):
        if node.function in ("and", "or"):
            return _junction(node, zone)
        quick = _quick(node, zone)
        if quick:
            return quick
    return column(node, zone)


def _junction(node: Call, zone: Zone) -> Column:
    parts = [mask(arg, zone) for arg in node.args]
    if len(parts) == 2:
        first, second = parts
        if node.function == "and":
            return lambda rows: [a and b for a, b in zip(first(rows), second(rows), strict=True)]
        return lambda rows: [a or b for a, b in zip(first(rows), second(rows), strict=True)]
    join = all if node.function == "and" else any

    def compute(rows: Rows) -> Sequence[Any]:
        return [join(row) for row in zip(*(part(rows) for part in parts), strict=True)]

    return compute


def _quick(node: Call, zone: Zone) -> Column | None:
    """The usual tests of a column against constants, without a call a row."""
    constants = node.args[1:]
    if isinstance(node.args[0], Literal) or not all(isinstance(c, Literal) for c in constants):
        return _not_null(node, zone)
    values = [c.value for c in constants if isinstance(c, Literal)]
    subject = column(node.args[0], zone)
    if node.function == "in":
        among = frozenset(v for v in values if v is not None)
        return lambda rows: [v in among for v in subject(rows)]
    if node.function == "is null":
        return lambda rows: [v is None for v in subject(rows)]
    if node.function in COMPARISONS and values[0] is not None:
        return _against(node.function, subject, node.args[0].type, constants[0])
    return _not_null(node, zone)


def _not_null(node: Call, zone: Zone) -> Column | None:
    inner = node.args[0]
    if node.function == "not" and isinstance(inner, Call) and inner.function == "is null":
        subject = column(inner.args[0], zone)
        return lambda rows: [v is not None for v in subject(rows)]
    return None


def _against(name: str, subject: Column, kind: Type, constant: Node) -> Column | None:
    value: Any = constant.value if isinstance(constant, Literal) else None
    if kind is not constant.type:
        if (kind, constant.type) != (Type.DECIMAL, Type.INTEGER):
            return None
        value *= SCALE
    return _TESTS[name](subject, value)


_TESTS: dict[str, Callable[[Column, Any], Column]] = {
    "=": lambda column, c: lambda rows: [v == c for v in column(rows)],
    "<>": lambda column, c: lambda rows: [v is not None and v != c for v in column(rows)],
    "<": lambda column, c: lambda rows: [v is not None and v < c for v in column(rows)],
    "<=": lambda column, c: lambda rows: [v is not None and v <= c for v in column(rows)],
    ">": lambda column, c: lambda rows: [v is not None and v > c for v in column(rows)],
    ">=": lambda column, c: lambda rows: [v is not None and v >= c for v in column(rows)],
}
