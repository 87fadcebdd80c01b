"""Forms of the definition language as DuckDB SQL, by the function table and nothing else.

Every piece of SQL made here has exactly the type that the form says, never fails, and gives null
where the table says so. Names and constants go through `duckdb_names`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

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
    Value,
)
from visavis.core.lang.types import DATE_MAX, DATE_MIN, TIME_MAX, TIME_MIN, Type
from visavis.store.engines.duckdb_names import (
    SQL_TYPES,
    literal,
    text_literal,
    time_literal,
)

I, D, F, T = Type.INTEGER, Type.DECIMAL, Type.FLOAT, Type.TIME  # noqa: E741

WHITE_SPACE = " \t\r\n\v\f\u00a0\u3000"
"""What trim takes away."""
LONGEST_REPEATED = 300
"""Characters of SQL that a macro may write several times over."""


def _no_columns(node: Property) -> str:
    raise TypeError(f"property '{node.name}' can't be read here")


def _no_traits(name: str) -> str:
    raise TypeError(f"trait '{name}' can't be read here")


def _no_aggregates(node: Aggregate) -> str:
    raise TypeError(f"{node.function}() can't be computed here")


@dataclass(frozen=True)
class Names:
    """How the leaves of a form are written in the query at hand. `now` is SQL for the moment."""

    now: str = "NULL"
    column: Callable[[Property], str] = _no_columns
    trait: Callable[[str], str] = _no_traits
    aggregate: Callable[[Aggregate], str] = _no_aggregates
    fits: Mapping[str, Sequence[Value]] = field(default_factory=dict)


def at(now_ms: int) -> str:
    """SQL for a fixed moment."""
    return time_literal(now_ms)


def expression(node: Node, names: Names) -> str:
    """SQL of the form's value; it can stand in any place without parentheses around it."""
    match node:
        case Literal(value=value, type=kind):
            return literal(value, kind)
        case Property():
            return names.column(node)
        case TraitRef(name=name):
            return names.trait(name)
        case Now():
            return names.now
        case Case():
            return _case(node, names)
        case Bucket():
            return _bucket(node, names)
        case Aggregate():
            return names.aggregate(node)
        case Call():
            return _call(node, names)
    raise TypeError(f"no SQL for {type(node).__name__}")


def _case(node: Case, names: Names) -> str:
    branches = " ".join(
        f"WHEN {expression(condition, names)} THEN {expression(value, names)}"
        for condition, value in node.branches
    )
    return f"CASE {branches} ELSE {expression(node.default, names)} END"


def _bucket(node: Bucket, names: Names) -> str:
    cuts = names.fits.get(node.fit, ())
    if not cuts:
        return literal(None, I)
    value = expression(node.arg, names)
    above = " + ".join(f"CAST({value} > {literal(cut, node.arg.type)} AS BIGINT)" for cut in cuts)
    return f"(1 + {above})"


def _call(node: Call, names: Names) -> str:
    args = [expression(arg, names) for arg in node.args]
    kinds = [arg.type for arg in node.args]
    if node.function in _PLAIN:
        return _PLAIN[node.function].format(*args)
    return _BUILT[node.function](node, args, kinds)


def _joined(sign: str) -> Callable[[Call, list[str], list[Type]], str]:
    return lambda node, args, kinds: f"({f' {sign} '.join(args)})"


def _same(name: str) -> Callable[[Call, list[str], list[Type]], str]:
    return lambda node, args, kinds: f"{name}({', '.join(args)})"


def _member(node: Call, args: list[str], kinds: list[Type]) -> str:
    return f"({args[0]} IN ({', '.join(args[1:])}))"


def _sum(node: Call, args: list[str], kinds: list[Type]) -> str:
    sign = node.function
    if kinds[0] is T:
        return _moved(args[0], node.args[1], sign)
    if node.type is F:
        return f"visavis_finite(CAST({args[0]} AS DOUBLE) {sign} CAST({args[1]} AS DOUBLE))"
    if node.type is I:
        return f"TRY_CAST(CAST({args[0]} AS HUGEINT) {sign} {args[1]} AS BIGINT)"
    return f"TRY_CAST({args[0]} {sign} {args[1]} AS DECIMAL(18,6))"


def _moved(time: str, interval: Node, sign: str) -> str:
    """A moment moved by a constant; the range is tested first, so that nothing overflows."""
    if not isinstance(interval, Literal) or not isinstance(interval.value, int):
        raise TypeError("an interval is a constant")
    ms = interval.value if sign == "+" else -interval.value
    low, high = max(TIME_MIN, TIME_MIN - ms), min(TIME_MAX, TIME_MAX - ms)
    if low > high:
        return literal(None, T)
    limits = f"BETWEEN {time_literal(low)} AND {time_literal(high)}"
    return once([time], lambda t: f"CASE WHEN {t} {limits} THEN {t} + to_milliseconds({ms}) END")


def _product(node: Call, args: list[str], kinds: list[Type]) -> str:
    if node.type is F:
        return f"visavis_finite(CAST({args[0]} AS DOUBLE) * CAST({args[1]} AS DOUBLE))"
    if node.type is I:
        return f"TRY_CAST(CAST({args[0]} AS HUGEINT) * {args[1]} AS BIGINT)"
    if I in kinds:
        wide = [
            f"CAST({a} AS DECIMAL(19,{0 if k is I else 6}))"
            for a, k in zip(args, kinds, strict=True)
        ]
        return f"TRY_CAST({wide[0]} * {wide[1]} AS DECIMAL(18,6))"
    return once(args, lambda a, b: f"visavis_product({a}, {b})")


def once(args: Sequence[str], build: Callable[..., str]) -> str:
    """What `build` makes of the arguments, each of them written (and worked out) once.

    Macros repeat their arguments, and macros in macros would grow the query beyond planning; so an
    argument that is more than a column is bound to a name first. That takes longer for a row.
    """
    if all(_short(arg) for arg in args):
        return build(*args)
    fields = ", ".join(f"x{i} := {arg}" for i, arg in enumerate(args))
    inner = build(*(f"v.x{i}" for i in range(len(args))))
    return f"list_transform([struct_pack({fields})], lambda v: {inner})[1]"


def _short(sql: str) -> bool:
    return len(sql) <= LONGEST_REPEATED and not _GROWING.search(sql)


_GROWING = re.compile(r"visavis_|CASE|list_transform")


def _division(node: Call, args: list[str], kinds: list[Type]) -> str:
    if node.type is F:
        # by zero it is infinite, or no number
        return f"visavis_finite(CAST({args[0]} AS DOUBLE) / CAST({args[1]} AS DOUBLE))"
    places = {(I, I): 10**6, (D, D): 10**6, (I, D): 10**12, (D, I): 1}[(kinds[0], kinds[1])]

    def quotient(a: str, b: str) -> str:
        return f"visavis_quotient({whole(a, kinds[0])} * {places}, {whole(b, kinds[1])})"

    return once(args, quotient)


def whole(sql: str, kind: Type) -> str:
    """An integer or decimal as HUGEINT; decimals in millionths."""
    number = sql if kind is I else f"visavis_scaled({sql})"
    return f"CAST({number} AS HUGEINT)"


def _negate(node: Call, args: list[str], kinds: list[Type]) -> str:
    if node.type is I:
        return f"TRY_CAST(-CAST({args[0]} AS HUGEINT) AS BIGINT)"
    return f"(-{args[0]})"


def _abs(node: Call, args: list[str], kinds: list[Type]) -> str:
    if node.type is I:
        return f"TRY_CAST(abs(CAST({args[0]} AS HUGEINT)) AS BIGINT)"
    return f"abs({args[0]})"


def _round(node: Call, args: list[str], kinds: list[Type]) -> str:
    places = 0
    if len(node.args) > 1:
        given = node.args[1]
        if not isinstance(given, Literal) or not isinstance(given.value, int):
            raise TypeError("round() takes a constant number of places")
        places = given.value
    wide = f"CAST({args[0]} AS DECIMAL({19 + places},{places}))"
    return f"TRY_CAST({wide} AS DECIMAL(18,6))"


def _part(name: str) -> Callable[[Call, list[str], list[Type]], str]:
    return lambda node, args, kinds: once(args, lambda a: f"{name}({_day(a, kinds[0])})")


def _day(sql: str, kind: Type) -> str:
    return f"visavis_date({sql})" if kind is T else sql


def _days(template: str) -> Callable[[Call, list[str], list[Type]], str]:
    def days(node: Call, args: list[str], kinds: list[Type]) -> str:
        return once(args, lambda a, b: template.format(_day(a, kinds[0]), _day(b, kinds[1])))

    return days


def _date(node: Call, args: list[str], kinds: list[Type]) -> str:
    first, last = literal(DATE_MIN, Type.DATE), literal(DATE_MAX, Type.DATE)
    return once(
        args,
        lambda a: (
            f"CASE WHEN visavis_date({a}) > {last} THEN {last}"
            f" WHEN visavis_date({a}) < {first} THEN {first} ELSE visavis_date({a}) END"
        ),
    )


def _repeated(template: str) -> Callable[[Call, list[str], list[Type]], str]:
    """A template whose macro repeats the arguments."""
    return lambda node, args, kinds: once(args, template.format)


_PLAIN = {
    "not": "(NOT {0})",
    "is null": "({0} IS NULL)",
    "like": "({0} LIKE {1})",
    "//": "TRY_CAST(CAST({0} AS HUGEINT) // nullif(CAST({1} AS HUGEINT), 0) AS BIGINT)",
    "%": "CAST(CAST({0} AS HUGEINT) % nullif(CAST({1} AS HUGEINT), 0) AS BIGINT)",
    "floor": "CAST(floor({0}) AS BIGINT)",
    "ceil": "CAST(ceil({0}) AS BIGINT)",
    "sign": "CAST(sign({0}) AS BIGINT)",
    "nullif": "nullif({0}, {1})",
    "lower": "lower({0})",
    "upper": "upper({0})",
    "trim": "trim({0}, " + text_literal(WHITE_SPACE) + ")",
    "length": "length({0})",
    "replace": "replace({0}, {1}, {2})",
    "starts_with": "starts_with({0}, {1})",
    "ends_with": "ends_with({0}, {1})",
    "contains": "contains({0}, {1})",
    "hours_between": "((epoch_ms({1}) - epoch_ms({0})) // 3600000)",
    "to_decimal": "TRY_CAST({0} AS DECIMAL(18,6))",
    "to_float": "CAST({0} AS DOUBLE)",
}

_BUILT: dict[str, Callable[[Call, list[str], list[Type]], str]] = {
    # beside a float the engine, too, makes a number a float
    **{sign: _joined(sign) for sign in ("=", "<>", "<", "<=", ">", ">=")},
    "and": _joined("AND"),
    "or": _joined("OR"),
    "concat": _joined("||"),
    "in": _member,
    "+": _sum,
    "-": _sum,
    "*": _product,
    "/": _division,
    "negate": _negate,
    "abs": _abs,
    "round": _round,
    "least": _same("least"),
    "greatest": _same("greatest"),
    "coalesce": _same("coalesce"),
    "year": _part("year"),
    "quarter": _part("quarter"),
    "month": _part("month"),
    "week": _part("weekofyear"),
    "day": _part("day"),
    "day_of_year": _part("dayofyear"),
    "day_of_week": _part("isodow"),
    "days_between": _days("CAST({1} - {0} AS BIGINT)"),
    "years_between": _days("visavis_years({0}, {1})"),
    "days_to_anniversary": _days("visavis_to_anniversary({0}, {1})"),
    "date": _date,
    "hour": _repeated("hour(visavis_local({0}))"),
    "left": _repeated("visavis_first_chars({0}, {1})"),
    "right": _repeated("visavis_last_chars({0}, {1})"),
}


def typed(node: Node) -> str:
    """The column type of a form's value."""
    return SQL_TYPES.get(node.type, "INTEGER")
