"""The function table: every function and operator, its types, and what it does at the edges.

This table is the contract between the readers. The parser accepts nothing else, the docs are
printed from it, and the laws test each row in both readers before any composition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visavis.core.lang.types import Type

Kind = Literal["scalar", "aggregate", "population"]

B, I, D, X, T, M, A = (  # noqa: E741 - one letter a type keeps the table readable
    Type.BOOLEAN,
    Type.INTEGER,
    Type.DECIMAL,
    Type.TEXT,
    Type.TIME,
    Type.INTERVAL,
    Type.DATE,
)
F = Type.FLOAT


@dataclass(frozen=True, slots=True)
class Signature:
    """Argument types and the result's; `variadic` repeats the last argument one or more times."""

    args: tuple[Type, ...]
    result: Type
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """One row of the table. The texts say what both readers do; an empty text means it can't occur."""

    name: str
    kind: Kind
    signatures: tuple[Signature, ...]
    does: str
    null: str
    empty: str = ""
    zero: str = ""
    overflow: str = ""
    tie: str = ""
    unicode: str = ""
    symbol: bool = False


def _sig(*types: Type, variadic: bool = False) -> Signature:
    return Signature(types[:-1], types[-1], variadic)


NULL_IN = "null if any argument is null"
SKIP = "nulls are skipped"
BEYOND = "null"
ORDERED = (I, D, F, X, T, A, B)
"""Types that have an order: false < true, text by code point."""

_COMPARE = (
    *(_sig(t, t, B) for t in ORDERED),
    _sig(I, D, B), _sig(D, I, B), _sig(I, F, B), _sig(F, I, B), _sig(D, F, B), _sig(F, D, B),
)  # fmt: skip
_SAME = tuple(_sig(t, t, variadic=True) for t in ORDERED)
_ARITHMETIC = (_sig(I, I, I), _sig(I, D, D), _sig(D, I, D), _sig(D, D, D))
_FLOAT_ARITHMETIC = (_sig(F, F, F), _sig(I, F, F), _sig(F, I, F), _sig(D, F, F), _sig(F, D, F))
_PART = (_sig(T, I), _sig(A, I))
_DAYS = (_sig(T, T, I), _sig(A, A, I), _sig(T, A, I), _sig(A, T, I))


def _scalar(name: str, sigs: tuple[Signature, ...], does: str, **edges: object) -> Function:
    edges.setdefault("null", NULL_IN)
    return Function(name, "scalar", sigs, does, **edges)  # type: ignore[arg-type]


def _aggregate(name: str, sigs: tuple[Signature, ...], does: str, **edges: object) -> Function:
    edges.setdefault("null", SKIP)
    return Function(name, "aggregate", sigs, does, **edges)  # type: ignore[arg-type]


_ROWS: tuple[Function, ...] = (
    # comparisons and logic
    _scalar("=", _COMPARE, "equal; integers and decimals exactly, beside a float as the nearest float", unicode="by code point after NFC", symbol=True),
    _scalar("<>", _COMPARE, "not equal", unicode="by code point after NFC", symbol=True),
    _scalar("<", _COMPARE, "less", unicode="by code point", symbol=True),
    _scalar("<=", _COMPARE, "less or equal", unicode="by code point", symbol=True),
    _scalar(">", _COMPARE, "greater", unicode="by code point", symbol=True),
    _scalar(">=", _COMPARE, "greater or equal", unicode="by code point", symbol=True),
    _scalar("and", (Signature((B, B), B, True),), "both", null="false if any is false, else null", symbol=True),
    _scalar("or", (Signature((B, B), B, True),), "either", null="true if any is true, else null", symbol=True),
    _scalar("not", (_sig(B, B),), "the opposite", null="null", symbol=True),
    _scalar("is null", tuple(_sig(t, B) for t in ORDERED), "whether there is no value", null="true", symbol=True),
    _scalar("in", tuple(Signature((t, t), B, True) for t in ORDERED if t is not F), "the first equals one of the rest (literals)",
            null="null if the first is null; null if nothing equals and a literal is null", symbol=True),
    _scalar("like", (_sig(X, X, B),), "matches a pattern: % any run, _ one character; the pattern is a literal",
            unicode="_ is one code point; case matters", symbol=True),
    # arithmetic
    _scalar("+", (*_ARITHMETIC, *_FLOAT_ARITHMETIC, _sig(T, M, T)), "sum; a time plus an interval of 24 h days",
            overflow=BEYOND, symbol=True),
    _scalar("-", (*_ARITHMETIC, *_FLOAT_ARITHMETIC, _sig(T, M, T)), "difference", overflow=BEYOND, symbol=True),
    _scalar("*", (*_ARITHMETIC, *_FLOAT_ARITHMETIC), "product; decimals rounded to 6 places, half away from zero",
            overflow=BEYOND, symbol=True),
    _scalar("/", (_sig(I, I, D), _sig(I, D, D), _sig(D, I, D), _sig(D, D, D), *_FLOAT_ARITHMETIC),
            "quotient as a decimal at 6 places, half away from zero (a float only between floats)",
            zero="null", overflow=BEYOND, symbol=True),
    _scalar("//", (_sig(I, I, I),), "integer quotient, towards zero", zero="null", overflow=BEYOND, symbol=True),
    _scalar("%", (_sig(I, I, I),), "remainder, with the sign of the first", zero="null", symbol=True),
    _scalar("negate", (_sig(I, I), _sig(D, D), _sig(F, F)), "minus x", overflow=BEYOND, symbol=True),
    _scalar("abs", (_sig(I, I), _sig(D, D), _sig(F, F)), "without its sign", overflow=BEYOND),
    _scalar("round", (_sig(D, D), _sig(D, I, D)), "to n (literal 0 to 6, default 0) places, half away from zero",
            overflow=BEYOND),
    _scalar("floor", (_sig(D, I),), "the integer at or below"),
    _scalar("ceil", (_sig(D, I),), "the integer at or above"),
    _scalar("sign", (_sig(I, I), _sig(D, I)), "-1, 0 or 1"),
    _scalar("least", _SAME, "the smallest", null="nulls are skipped; null if all are"),
    _scalar("greatest", _SAME, "the largest", null="nulls are skipped; null if all are"),
    # nulls
    _scalar("coalesce", _SAME, "the first that is not null", null="null if all are"),
    _scalar("nullif", tuple(_sig(t, t, t) for t in ORDERED), "null if both are equal, else the first",
            null="the first if the second is null"),
    # conversions, also taken unasked where integers meet decimals or either meets a float
    _scalar("to_decimal", (_sig(I, D),), "the same number as a decimal", overflow=BEYOND),
    _scalar("to_float", (_sig(I, F), _sig(D, F)), "the nearest float"),
    # text
    _scalar("lower", (_sig(X, X),), "lower case", unicode="one character for one, by Unicode's simple case mapping"),
    _scalar("upper", (_sig(X, X),), "upper case", unicode="one character for one, by Unicode's simple case mapping"),
    _scalar("trim", (_sig(X, X),), "without white space at both ends", unicode="ASCII space, tab, CR, LF, VT, FF and U+00A0, U+3000"),
    _scalar("length", (_sig(X, I),), "number of characters", empty="0", unicode="code points"),
    _scalar("concat", (Signature((X, X), X, True),), "the texts joined; also written ||"),
    _scalar("left", (_sig(X, I, X),), "the first n characters", zero="empty text, also for a negative n", unicode="code points"),
    _scalar("right", (_sig(X, I, X),), "the last n characters", zero="empty text, also for a negative n", unicode="code points"),
    _scalar("replace", (_sig(X, X, X, X),), "every occurrence of the second by the third", empty="an empty second changes nothing"),
    _scalar("starts_with", (_sig(X, X, B),), "begins with", empty="true for an empty second"),
    _scalar("ends_with", (_sig(X, X, B),), "ends with", empty="true for an empty second"),
    _scalar("contains", (_sig(X, X, B),), "has it somewhere", empty="true for an empty second"),
    # time; every part of a date is of the project's zone
    _scalar("date", (_sig(T, A),), "the calendar date there", overflow="the first or last date of the years 1 to 9999"),
    _scalar("year", _PART, "calendar year"),
    _scalar("quarter", _PART, "1 to 4"),
    _scalar("month", _PART, "1 to 12"),
    _scalar("week", _PART, "ISO week, 1 to 53"),
    _scalar("day", _PART, "day of the month"),
    _scalar("day_of_year", _PART, "1 to 366"),
    _scalar("day_of_week", _PART, "ISO: Monday 1 to Sunday 7"),
    _scalar("hour", (_sig(T, I),), "0 to 23"),
    _scalar("days_between", _DAYS, "calendar days from the first to the second, negative if it is earlier"),
    _scalar("years_between", _DAYS, "difference of the calendar years, less one while the second's month and day are before the first's (so -1 "
            "a day earlier); born on 29 February, a year completes on 1 March"),
    _scalar("days_to_anniversary", _DAYS,
            "days from the second's date to the next anniversary of the first's month and day, 0 on the day; 29 February is kept on 1 March in other years"),
    _scalar("hours_between", (_sig(T, T, I),), "completed hours from the first to the second, towards zero"),
    # aggregates over the rows of a trait
    _aggregate("count", (Signature((), I), *(_sig(t, I) for t in ORDERED)),
               "rows; with an argument, those where it is not null; `distinct` counts each value once", empty="0"),
    _aggregate("sum", (_sig(I, I), _sig(D, D), _sig(F, F)), "total", empty="0", overflow=BEYOND),
    _aggregate("avg", (_sig(I, D), _sig(D, D), _sig(F, F)),
               "exact sum by count, at 6 places, half away from zero", empty="null", overflow=BEYOND),
    _aggregate("min", tuple(_sig(t, t) for t in ORDERED), "smallest", empty="null", unicode="by code point"),
    _aggregate("max", tuple(_sig(t, t) for t in ORDERED), "largest", empty="null", unicode="by code point"),
    _aggregate("first", tuple(_sig(t, t) for t in ORDERED), "earliest not null", empty="null",
               tie="equal times: the smallest message_id, then the first line"),
    _aggregate("last", tuple(_sig(t, t) for t in ORDERED), "latest not null", empty="null",
               tie="equal times: the largest message_id, then the last line"),
    _aggregate("mode", tuple(_sig(t, t) for t in (I, D, X, T, A, B)), "most frequent", empty="null", tie="the smallest value"),
    _aggregate("quantile", tuple(_sig(t, t) for t in (I, D, F, X, T, A)),
               "nearest rank: the value at ceil(q n) of n, q a literal from 0 (the smallest) to 1", empty="null"),
    _aggregate("median", tuple(_sig(t, t) for t in (I, D, F, X, T, A)), "quantile(x, 0.5)", empty="null"),
    _aggregate("mean_gap", (Signature((), D),),
               "mean days between rows: calendar days from the first to the last by rows less one, at 6 places",
               null="", empty="null, also for one row"),
    # over all people: a fit
    Function("bucket", "population", (_sig(I, I, I), _sig(D, I, I), _sig(F, I, I), _sig(T, I, I), _sig(A, I, I)),
             "1 to n: 1 + the cut points below x; the cut points are the discrete quantiles 1/n .. (n-1)/n of x "
             "over the people for whom x is not null",
             null="null; nulls are not ranked", empty="null", tie="equal values share a bucket"),
)  # fmt: skip

FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}

SUGAR = {
    "days_since(t)": "days_between(t, now())",
    "years_since(t)": "years_between(t, now())",
    "hours_since(t)": "hours_between(t, now())",
    "today()": "date(now())",
    "if(c, a, b)": "case when c then a else b end",
    "x between a and b": "x >= a and x <= b",
    "x is not null": "not (x is null)",
    "case x when a then b ... end": "case when x = a then b ... end",
}
"""Spellings that the parser rewrites, so that no reader knows them."""
