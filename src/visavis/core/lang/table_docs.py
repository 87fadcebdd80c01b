"""The function table as a page: docs/reference/functions.md is exactly what `page` returns."""

from __future__ import annotations

from collections.abc import Sequence

from visavis.core.lang.functions import FUNCTIONS, NULL_IN, SUGAR, Function, Signature
from visavis.core.lang.types import Type

_HEAD = """# The functions of the definition language

Traits, conditions, `where`, quality rules and weights are SQL expressions over these functions and
no others. Both readers, the one for everybody and the one for one person now, do exactly what this
page says; it is printed from the table that the parser checks against.

## Types and literals

| Type | Holds | Written |
| --- | --- | --- |
| boolean | true or false | `true`, `false` |
| integer | 64 bits | `12`, `-3` |
| decimal | 12 digits before the point, 6 after it, exact | `12.50` |
| float | only what models give | |
| text | Unicode in normal form C | `'it''s'` |
| time | a moment in whole milliseconds | `timestamp '2018-01-31T12:00:00Z'`; without `Z` it \
is of the project's time zone |
| date | a calendar date | `date '2018-01-31'` |
| interval | a number of seconds, minutes, hours, days of 24 hours or weeks | `interval '90 days'` |

`null` fits every type. Where integers and decimals meet, integers become decimals; where either
meets a float, it becomes a float. Nothing else is converted unasked. Where nothing else is said, a
null argument makes the result null.

Names are written as they are defined: small letters, digits and `_`; any other name stands in
double quotes, like `"Favourite shop"`. Functions and words of SQL may be in capitals. Comments are
`-- to the end of the line` or `/* ... */`.
"""
_SECTIONS = (
    ("Operators", "scalar", True),
    ("Functions", "scalar", False),
    ("Aggregates over the rows of a trait", "aggregate", False),
    ("Over all people", "population", False),
)
_NOTES = {
    "aggregate": "Rows are in the order of the log. Any aggregate may be followed by "
    "`filter (where condition)`.",
    "population": "The cut points are computed with each build and kept with it.",
}
_WRITTEN = {
    "and": "a and b ...",
    "or": "a or b ...",
    "not": "not a",
    "is null": "x is null",
    "in": "x in (a, ...)",
    "like": "x like 'pattern'",
    "negate": "-x",
    "count": "count(), count(*), count(x), count(distinct x)",
    "quantile": "quantile(x, q)",
    "bucket": "bucket(x, n)",
}
_EDGES = ("null", "empty", "zero", "overflow", "tie", "unicode")


def page() -> str:
    """The whole page in Markdown."""
    sections = [_section(title, kind, symbol) for title, kind, symbol in _SECTIONS]
    return "\n".join([_HEAD, *sections, _sugar()])


def _section(title: str, kind: str, symbol: bool) -> str:
    rows = [r for r in FUNCTIONS.values() if r.kind == kind and r.symbol == symbol]
    note = f"{_NOTES[kind]}\n\n" if kind in _NOTES else ""
    head = (
        "| Written | Takes and gives | What it does | At the edges |\n| --- | --- | --- | --- |\n"
    )
    return f"## {title}\n\n{note}{head}" + "".join(_row(r) for r in rows)


def _row(row: Function) -> str:
    edges = [f"{e}: {getattr(row, e)}" for e in _EDGES if getattr(row, e) not in ("", NULL_IN)]
    cells = [f"`{_written(row)}`", _types(row.signatures), row.does, "; ".join(edges)]
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |\n"


def _written(row: Function) -> str:
    if row.name in _WRITTEN:
        return _WRITTEN[row.name]
    longest = max(row.signatures, key=lambda s: len(s.args))
    names = ["x", "y", "z"][: len(longest.args)]
    if longest.args[1:] == (Type.INTEGER,) and longest.args[0] is not Type.INTEGER:
        names[1] = "n"
    if row.symbol:
        return f"x {row.name} y"
    return f"{row.name}({', '.join(names)}{', ...' if longest.variadic else ''})"


def _types(signatures: Sequence[Signature]) -> str:
    """Signatures of one shape are told once: `(x, x) gives x, x being integer, decimal`."""
    results = {s.result for s in signatures}
    same: dict[str, list[Type]] = {}
    mixed: dict[Type, list[tuple[Type, ...]]] = {}
    for signature in signatures:
        if len(set(signature.args)) == 1:
            shape = _shape(signature, fixed=len(results) == 1 and len(signatures) > 1)
            same.setdefault(shape, []).append(signature.args[0])
        else:
            mixed.setdefault(signature.result, []).append(signature.args)
    told = [_told(shape, kinds) for shape, kinds in same.items()]
    return "; ".join(told + [f"{_pairs(args)} gives {kind}" for kind, args in mixed.items()])


def _shape(signature: Signature, *, fixed: bool) -> str:
    args = ", ".join("x" for _ in signature.args) + (", ..." if signature.variadic else "")
    own = not fixed and signature.result is signature.args[0]
    return f"({args}) gives {'x' if own else signature.result}"


def _told(shape: str, kinds: Sequence[Type]) -> str:
    if len(kinds) == 1:
        return shape.replace("x", kinds[0])
    return f"{shape}, x being {', '.join(kinds)}"


def _pairs(args: Sequence[tuple[Type, ...]]) -> str:
    """`(integer, decimal) in either order or (time, interval)`."""
    shown = []
    for types in args:
        turned = types[::-1] in args and len(types) == 2
        if not turned or args.index(types) < args.index(types[::-1]):
            shown.append(f"({', '.join(types)})" + (" in either order" if turned else ""))
    return " or ".join(shown)


def _sugar() -> str:
    rows = "".join(f"| `{short}` | `{long}` |\n" for short, long in SUGAR.items())
    segment = "| `in_segment('name')` | the condition of the segment |\n"
    head = "| Short | Stands for |\n| --- | --- |\n"
    return f"## Other spellings\n\n{head}{rows}{segment}"
