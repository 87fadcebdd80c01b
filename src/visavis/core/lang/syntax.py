"""Text to sqlglot's tree, with exact places; everything that is no expression of ours is refused.

sqlglot accepts far more than the language, so tokens are checked before it parses and the tree is
taken over class by class afterwards (convert.py). Its own function classes are switched off:
every call comes out as a plain name with arguments.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from visavis.core.lang.scope import Located
from visavis.core.problems import Place, Problem

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.dialects.duckdb import DuckDB
    from sqlglot.tokens import Token

MAX_LENGTH = 10_000
MAX_NESTING = 30
"""Open brackets, cases and signs at one spot: sqlglot needs some 23 stack frames for each."""
MAX_DEPTH = 100
"""Levels of the tree, a chain of n operators being n levels."""

KEYWORDS = frozenset(
    "and or not in is like between case when then else end null true false distinct filter where".split()
)
_SYMBOLS = frozenset("( ) , + - * / // % || = <> != < <= > >=".split())
_OPERAND_END = frozenset({"null", "true", "false", "end", ")"})
_TYPED = frozenset({"date", "timestamp", "interval"})
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|[^'"]""", re.DOTALL)
_WORD = re.compile(r"\w+")
_INSTEAD = {
    "==": "Write = for equal.",
    "!": "Write not.",
    "^": "There is no power; multiply.",
    "**": "There is no power; multiply.",
    "::": "There are no casts; to_decimal(x) makes a decimal of an integer.",
    "[": "A list can't be indexed; a trait with `each: products` sees one row per line.",
    "?": "Write case when ... then ... else ... end, or if(condition, a, b).",
    ".": "Names have no dots, and a number starts with a digit, like 0.5.",
    ";": "One expression only.",
    "as": "An expression has no alias; the definition gives the name.",
    "over": "There are no window functions; aggregates run over the rows of the trait.",
    "select": "There are no queries in here; name a trait or a property.",
    "ilike": "Write lower(x) like 'pattern'.",
    "cast": "There are no casts; to_decimal(x) makes a decimal of an integer.",
}


class Source:
    """An expression's text, its tokens and the place of every part of its tree."""

    def __init__(self, text: Located) -> None:
        self.located = text
        self.tokens: list[Token] = []
        self._starts: list[int] = []
        self._anchors: dict[int, int] = {}

    def place(self, offset: int) -> Place:
        """The place in the project of a character of the text."""
        return self.located.place(offset)

    def problem(self, code: str, message: str, offset: int, hint: str = "") -> Problem:
        """A Problem at a character of the text."""
        return Problem(code, message, self.place(offset), hint)

    def read(self) -> tuple[exp.Expr | None, list[Problem]]:
        """The tree, or the Problems for which there is none."""
        text = self.located.text
        if len(text) > MAX_LENGTH:
            message = f"The expression has {len(text)} characters; {MAX_LENGTH} are the most."
            return None, [self.problem("too-long", message, 0, "Split it into several traits.")]
        problems = self._tokenize() or self._check_tokens()
        if problems:
            return None, problems
        return self._parse()

    def _tokenize(self) -> list[Problem]:
        from sqlglot.errors import TokenError

        try:
            self.tokens = _dialect().tokenize(self.located.text)
        except TokenError:
            return [self._unclosed()]
        self._starts = [token.start for token in self.tokens]
        if not self.tokens:
            return [self.problem("syntax", "The expression is empty.", 0)]
        return []

    def _unclosed(self) -> Problem:
        text, at = self.located.text, 0
        while found := _QUOTED.match(text, at):
            at = found.end()
        quote = text[at : at + 1] or text[:1]
        message = (
            f"{quote} opens a text that is never closed." if quote in "'\"" else "Can't be read."
        )
        return self.problem("syntax", message, at, "Inside a text write '' for one quote.")

    def _check_tokens(self) -> list[Problem]:
        found = [p for p in map(self._refused, self.tokens) if p]
        pairs = zip(self.tokens, self.tokens[1:], strict=False)
        found = found or [p for p in (self._juxtaposed(a, b) for a, b in pairs) if p][:1]
        return found or self._too_nested()

    def _refused(self, token: Token) -> Problem | None:
        from sqlglot.tokens import TokenType

        word = self.written(token)
        lower = word.lower()
        if token.token_type in (TokenType.NUMBER, TokenType.STRING, TokenType.IDENTIFIER):
            if token.token_type != TokenType.STRING or word.startswith("'"):
                return None
        elif lower in KEYWORDS or lower in _SYMBOLS or token.token_type in _name_tokens():
            return None
        hint = _INSTEAD.get(lower, "")
        if not hint and _WORD.fullmatch(word):
            hint = f'If it is a name, write it in double quotes: "{word}".'
        return self.problem("syntax", f"'{word}' is not part of the language.", token.start, hint)

    def _juxtaposed(self, left: Token, right: Token) -> Problem | None:
        first, second = self.written(left).lower(), self.written(right).lower()
        if not self._operand(left, ends=True) or not self._operand(right, ends=False):
            return None
        if first in _TYPED and second.startswith("'"):
            return None
        hint = _INSTEAD.get(second, "An operator is missing between them.")
        if first.isdigit() and second.rstrip("s") in ("second", "minute", "hour", "day", "week"):
            hint = f"Write interval '{first} {second}'."
        message = f"{self.written(right)} can't follow {self.written(left)}."
        return self.problem("syntax", message, right.start, hint)

    def _operand(self, token: Token, *, ends: bool) -> bool:
        word = self.written(token).lower()
        if ends and word in _OPERAND_END:
            return True
        if not ends and word in ("null", "true", "false", "case"):
            return True
        return word not in KEYWORDS and word not in _SYMBOLS

    def written(self, token: Token) -> str:
        """The token as the user wrote it, quotes and all."""
        return self.located.text[token.start : token.end + 1]

    def _too_nested(self) -> list[Problem]:
        depth = run = 0
        for token in self.tokens:
            word = self.written(token).lower()
            run = run + 1 if word in ("not", "-") else 0
            depth += (word in ("(", "case")) - (word in (")", "end"))
            if depth + run > MAX_NESTING:
                return [self._too_deep(token.start)]
        return []

    def _too_deep(self, offset: int) -> Problem:
        hint = "Give a part of it a name: a trait of its own."
        return self.problem("too-deep", "The expression is nested too deep.", offset, hint)

    def _parse(self) -> tuple[exp.Expr | None, list[Problem]]:
        from sqlglot import exp
        from sqlglot.errors import ParseError

        parser = _dialect().parser()
        try:
            tree = parser.parse_into(exp.Condition, self.tokens, self.located.text)[0]
        except ParseError as error:
            return None, [self._syntax(error.errors[0] if error.errors else {})]
        except RecursionError:
            return None, [self._too_deep(0)]
        if tree is None:
            return None, [self.problem("syntax", "The expression is empty.", 0)]
        if _depth(tree) > MAX_DEPTH:
            return None, [self._too_deep(0)]
        self._anchor(tree)
        return tree, []

    def _syntax(self, error: dict[str, Any]) -> Problem:
        at = (error.get("line"), error.get("col"))
        token = next((t for t in self.tokens if (t.line, t.col) == at), self.tokens[-1])
        what = str(error.get("description", ""))
        word = self.written(token)
        if "missing" in what:
            return self.problem("syntax", f"Something is missing after {word}.", token.start)
        if what.startswith("Expecting )"):
            return self.problem(
                "syntax", f"A closing bracket is missing after {word}.", token.start
            )
        if what.startswith("Expecting") or what.startswith("Expected"):
            return self.problem("syntax", f"{what} at {word}.", token.start)
        return self.problem("syntax", f"{word} is not expected here.", token.start)

    def _anchor(self, tree: exp.Expr) -> None:
        """Nodes that sqlglot gives no position get that of their token, first to first."""
        for kind, words in (
            ("Null", ("null",)),
            ("Boolean", ("true", "false")),
            ("Case", ("case",)),
            ("Interval", ("interval",)),
        ):
            nodes = [n for n in tree.walk(bfs=False) if type(n).__name__ == kind]
            at = [
                t.start
                for t, after in zip(self.tokens, [*self.tokens[1:], None], strict=True)
                if self.written(t).lower() in words
                and (kind != "Interval" or (after and self.written(after).startswith("'")))
            ]
            if len(nodes) == len(at):
                self._anchors |= {id(n): start for n, start in zip(nodes, at, strict=True)}

    def start(self, tree: exp.Expr) -> int:
        """Offset of the first character of a part of the tree."""
        for node in tree.walk(bfs=False):
            at = self._anchors.get(id(node), node.meta.get("start"))
            if at is not None:
                return self._sign(type(tree).__name__, int(at))
        return 0

    def _sign(self, kind: str, at: int) -> int:
        words = {"Neg": ("-",), "Not": ("not",), "Cast": tuple(_TYPED)}.get(kind)
        if not words:
            return at
        i = bisect_right(self._starts, at) - 2
        while kind != "Cast" and i > 0 and self.written(self.tokens[i]) == "(":
            i -= 1
        if i >= 0 and self.written(self.tokens[i]).lower() in words:
            return self.tokens[i].start
        return at

    def token_at(self, offset: int) -> int:
        """Index of the token that holds a character."""
        return bisect_right(self._starts, offset) - 1

    def slice(self, tree: exp.Expr) -> str:
        """A literal or name as it is written."""
        start, end = tree.meta.get("start"), tree.meta.get("end")
        return "" if start is None or end is None else self.located.text[start : end + 1]


def _depth(tree: exp.Expr) -> int:
    """Levels of the tree, not counting brackets and chains of and, or, ||."""
    deepest, stack = 0, [(tree, 1, "")]
    while stack:
        node, level, above = stack.pop()
        deepest = max(deepest, level)
        kind = type(node).__name__
        free = kind == "Paren" or (kind in ("And", "Or", "DPipe") and kind == above)
        stack += [(child, level + (not free), kind) for child in node.iter_expressions()]
    return deepest


@lru_cache(maxsize=1)
def _dialect() -> DuckDB:
    from sqlglot.dialects.duckdb import DuckDB as Base

    case = Base.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]

    class Language(Base):
        class Parser(Base.Parser):
            FUNCTIONS: dict[str, Any] = {}
            FUNCTION_PARSERS: dict[str, Any] = {}
            NO_PAREN_FUNCTIONS: dict[Any, Any] = {}
            NO_PAREN_FUNCTION_PARSERS = {"CASE": case}
            FUNCTIONS_WITH_ALIASED_ARGS: set[str] = set()

    return Language()


@lru_cache(maxsize=1)
def _name_tokens() -> frozenset[Any]:
    parser = _dialect().parser_class
    return frozenset(parser.ID_VAR_TOKENS | parser.FUNC_TOKENS)


def words(text: Located) -> tuple[list[str], list[str]]:
    """Every name an expression may read, and every text in it: what to define before checking it.

    A cheap over-estimate without types, for putting definitions in order; empty if unreadable.
    """
    from sqlglot.tokens import TokenType

    source = Source(text)
    if source.read()[0] is None:
        return [], []
    texts = [t.text for t in source.tokens if t.token_type == TokenType.STRING]
    names = [
        t.text
        for t in source.tokens
        if t.token_type not in (TokenType.STRING, TokenType.NUMBER) and _WORD.match(t.text)
    ]
    return names, texts
