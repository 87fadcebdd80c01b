"""The words and signs of the language, and what is refused before anything is parsed.

sqlglot's DuckDB dialect is cut down to ours: every word that we don't use is a plain name, every
call comes out as a name with arguments, and no statement or command is ever recognised.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from sqlglot.dialects.duckdb import DuckDB
    from sqlglot.tokenizer_core import Token

MAX_NESTING = 30
"""Open brackets, cases and signs at one spot: sqlglot needs some 23 stack frames for each."""

_KEYWORDS = """
    and or not in is like between case when then else end null true false distinct filter where
"""
KEYWORDS = frozenset(_KEYWORDS.split())
RESERVED = KEYWORDS | {"interval", "lambda"}
"""Words that are no name unless quoted."""
TYPED = frozenset({"date", "timestamp", "interval"})
"""Words that make a literal of the text after them."""

_SIGNS = frozenset(["(", ")", ",", "+", "-", "*", "/", "//", "%", "||"])
_COMPARING = frozenset(["=", "<>", "!=", "<", "<=", ">", ">="])
_OPERAND_END = frozenset({"null", "true", "false", "end", ")"})
_OPERAND_START = frozenset({"null", "true", "false", "case"})
_WORD = re.compile(r"\w+")
_PART = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|(?!/\*)[^'"]""", re.DOTALL)
_NO_CASTS = "There are no casts; to_decimal(x) makes a decimal of an integer."
_NO_POWER = "There is no power; multiply."
_INSTEAD = {
    "==": "Write = for equal.",
    "!": "Write not.",
    "^": _NO_POWER,
    "**": _NO_POWER,
    "::": _NO_CASTS,
    "as": "An expression has no alias; the definition gives the name.",
    "[": "A list can't be indexed; a trait with `each: products` sees one row per line.",
    "?": "Write if(condition, a, b).",
    ".": "Names have no dots, and a number starts with a digit, like 0.5.",
    ";": "Write one expression only.",
    "over": "There are no window functions; aggregates run over the rows of the trait.",
    "order": "There is no order by; rows are in the order of the log.",
    "ilike": "Write lower(x) like 'pattern'.",
    "escape": "A pattern has no escape; contains(x, '%') finds a percent sign.",
    "from": "There are no queries in an expression.",
}


class Finding(NamedTuple):
    """What is wrong at a character of the text."""

    code: str
    message: str
    offset: int
    hint: str = ""


def tokenize(text: str) -> list[Token] | Finding:
    """The tokens, or the quote or comment that is never closed."""
    from sqlglot.errors import TokenError

    try:
        tokens: list[Token] = dialect().tokenize(text)
    except TokenError:
        return _unclosed(text)
    return tokens or Finding("syntax", "The expression is empty.", 0)


def _unclosed(text: str) -> Finding:
    at = 0
    while found := _PART.match(text, at):
        at = found.end()
    sign = text[at : at + 1]
    if sign in ("'", '"'):
        hint = f"To have {sign} itself inside, write it twice."
        return Finding("syntax", f"{sign} is opened and never closed.", at, hint)
    if sign == "/":
        return Finding("syntax", "The comment is never closed.", at, "Close it with */.")
    return Finding("syntax", "This can't be read.", 0)


def check(text: str, tokens: list[Token]) -> list[Finding]:
    """What can be told from the tokens alone: foreign signs, a missing operator, deep nesting."""
    foreign = [f for f in (_foreign(text, t) for t in tokens) if f]
    if foreign:
        return [f for f in foreign if text[f.offset] not in "]}"] or foreign
    found = (_juxtaposed(text, a, b) for a, b in pairwise(tokens))
    first = next((f for f in found if f), None) or _too_nested(text, tokens)
    return [first] if first else []


def written(text: str, token: Token) -> str:
    """The token as the user wrote it, quotes and all."""
    return text[token.start : token.end + 1]


def _foreign(text: str, token: Token) -> Finding | None:
    word = written(text, token)
    if word[:1] in ("'", '"') or word[:1].isdigit():
        return None
    if word in _SIGNS or word in _COMPARING or _WORD.fullmatch(word):
        return None
    return Finding(
        "syntax", f"'{word}' is not part of the language.", token.start, _INSTEAD.get(word, "")
    )


def _juxtaposed(text: str, left: Token, right: Token) -> Finding | None:
    first, second = written(text, left).lower(), written(text, right).lower()
    if not _operand(first, _OPERAND_END) or not _operand(second, _OPERAND_START):
        return None
    if first in TYPED and second.startswith("'"):
        return None
    hint = _INSTEAD.get(second, "An operator is missing between them.")
    if first.isdigit() and second.rstrip("s") in ("second", "minute", "hour", "day", "week"):
        hint = f"Write interval '{first} {second}'."
    message = f"{written(text, right)} can't follow {written(text, left)}."
    return Finding("syntax", message, right.start, hint)


def _operand(word: str, besides: frozenset[str]) -> bool:
    if word in besides:
        return True
    return word not in KEYWORDS and word not in _SIGNS and word not in _COMPARING


def _too_nested(text: str, tokens: list[Token]) -> Finding | None:
    depth = run = 0
    for token in tokens:
        word = written(text, token).lower()
        run = run + 1 if word in ("not", "-") else 0
        depth += (word in ("(", "case")) - (word in (")", "end"))
        if depth + run > MAX_NESTING:
            return too_deep(token.start)
    return None


def too_deep(offset: int) -> Finding:
    """The Problem of nesting that neither sqlglot nor a reader of text can follow."""
    hint = "Give a part of it a name: a trait of its own."
    return Finding("too-deep", "The expression is nested too deep.", offset, hint)


@lru_cache(maxsize=1)
def dialect() -> DuckDB:
    """DuckDB's dialect without functions, commands and words that are not ours."""
    from sqlglot.dialects.duckdb import DuckDB as Base
    from sqlglot.parsers.duckdb import DuckDBParser

    ours = KEYWORDS | TYPED
    known = Base.Tokenizer.KEYWORDS.items()
    keywords = {w: t for w, t in known if w.lower() in ours or not _WORD.match(w)}
    case = DuckDBParser.NO_PAREN_FUNCTION_PARSERS["CASE"]

    class Language(Base):
        class Tokenizer(Base.Tokenizer):
            KEYWORDS = keywords
            COMMANDS: ClassVar[set[Any]] = set()

        class Parser(DuckDBParser):
            FUNCTIONS: ClassVar[dict[str, Any]] = {}
            FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {}
            NO_PAREN_FUNCTIONS: ClassVar[dict[Any, Any]] = {}
            NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CASE": case}
            FUNCTIONS_WITH_ALIASED_ARGS: ClassVar[set[str]] = set()

    return Language()
