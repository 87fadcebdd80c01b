"""A form's canonical text in our own language: parsing it again gives an equal form."""

from __future__ import annotations

import re

from visavis.core.clock import format_time, to_date
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
from visavis.core.lang.functions import FUNCTIONS
from visavis.core.lang.tokens import RESERVED
from visavis.core.lang.types import SCALE, Type

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_UNITS = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1_000))


def to_sql(node: Node) -> str:
    """The text of a form; operators below operators stand in brackets."""
    match node:
        case Literal():
            return _literal(node)
        case Property(name=name) | TraitRef(name=name):
            return name_sql(name)
        case Now():
            return "now()"
        case Call():
            return _call(node)
        case Case():
            whens = " ".join(f"when {to_sql(c)} then {to_sql(v)}" for c, v in node.branches)
            return f"case {whens} else {to_sql(node.default)} end"
        case Aggregate():
            return _aggregate(node)
        case Bucket():
            return f"bucket({to_sql(node.arg)}, {node.n})"
    raise TypeError(node)


def name_sql(name: str) -> str:
    """A name as it must be written: bare when it is a plain word, else in double quotes."""
    if _PLAIN.fullmatch(name) and name not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def text_sql(text: str) -> str:
    """A text literal."""
    return "'" + text.replace("'", "''") + "'"


def _literal(node: Literal) -> str:
    value = node.value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return text_sql(value)
    if isinstance(value, float):
        raise TypeError("the language has no float literals")
    match node.type:
        case Type.DECIMAL:
            return decimal_sql(value)
        case Type.DATE:
            return f"date '{to_date(value).isoformat()}'"
        case Type.TIME:
            return f"timestamp '{format_time(value)}'"
        case Type.INTERVAL:
            return f"interval '{_interval(value)}'"
    return str(value)


def decimal_sql(scaled: int) -> str:
    """A scaled decimal with a point, without needless zeros: 1500000 is '1.5', 1000000 is '1.0'."""
    whole, rest = divmod(abs(scaled), SCALE)
    places = f"{rest:06d}".rstrip("0") or "0"
    return f"{'-' if scaled < 0 else ''}{whole}.{places}"


def _interval(ms: int) -> str:
    for unit, size in _UNITS:
        if ms % size == 0:
            return f"{ms // size} {unit}s"
    raise ValueError(f"an interval of {ms} ms can't be written")


def _call(node: Call) -> str:
    name, args = node.function, node.args
    if not FUNCTIONS[name].symbol:
        return f"{name}({', '.join(map(to_sql, args))})"
    parts = [_operand(a) for a in args]
    if name in ("not", "negate"):
        return f"not {parts[0]}" if name == "not" else f"- {parts[0]}"
    if name == "is null":
        return f"{parts[0]} is null"
    if name == "in":
        return f"{parts[0]} in ({', '.join(map(to_sql, args[1:]))})"
    return f" {name} ".join(parts)


def _operand(node: Node) -> str:
    text = to_sql(node)
    symbol = isinstance(node, Call) and FUNCTIONS[node.function].symbol
    return f"({text})" if symbol else text


def _aggregate(node: Aggregate) -> str:
    args = [to_sql(a) for a in node.args]
    if node.function == "quantile" and isinstance(node.parameter, int):
        args.append(decimal_sql(node.parameter))
    distinct = "distinct " if node.distinct else ""
    keep = f" filter (where {to_sql(node.filter)})" if node.filter is not None else ""
    return f"{node.function}({distinct}{', '.join(args)}){keep}"
