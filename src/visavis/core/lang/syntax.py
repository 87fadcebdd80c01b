"""An expression's text as sqlglot's tree, with the exact place of every part of it.

sqlglot accepts far more than the language: tokens.py refuses what it can beforehand, convert.py
takes the tree over class by class afterwards.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from visavis.core.lang import tokens as lexis
from visavis.core.lang.scope import Located
from visavis.core.lang.tokens import Finding
from visavis.core.problems import Place, Problem

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

MAX_LENGTH = 10_000
MAX_DEPTH = 100
"""Levels of the tree; a chain of n operators is n levels, but not one of and, or, ||."""

_ANCHORED = {
    "Null": ("null",),
    "Boolean": ("true", "false"),
    "Case": ("case",),
    "Interval": ("interval",),
}
_BEFORE = {"Neg": ("-",), "Not": ("not",), "Cast": tuple(lexis.TYPED)}


class Source:
    """An expression's text, its tokens, its tree, and the places of their parts."""

    def __init__(self, text: Located) -> None:
        self.located = text
        self.tokens: list[Token] = []
        self._words: list[str] = []
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
        tokens = lexis.tokenize(text)
        if isinstance(tokens, Finding):
            return None, [self.problem(*tokens)]
        self.tokens = tokens
        self._starts = [token.start for token in tokens]
        self._words = [lexis.written(text, token) for token in tokens]
        found = lexis.check(text, tokens)
        tree = self._parse() if not found else found[0]
        if isinstance(tree, Finding):
            return None, [self.problem(*f) for f in found or [tree]]
        return tree, []

    def _parse(self) -> exp.Expr | Finding:
        from sqlglot import exp
        from sqlglot.errors import ParseError

        try:
            trees = (
                lexis.dialect().parser().parse_into(exp.Condition, self.tokens, self.located.text)
            )
        except ParseError as error:
            return self._syntax(error.errors[0] if error.errors else {})
        except RecursionError:
            return lexis.too_deep(0)
        if not trees or trees[0] is None:
            return Finding("syntax", f"{self._words[0]} is not expected here.", self._starts[0])
        if _depth(trees[0]) > MAX_DEPTH:
            return lexis.too_deep(0)
        self._anchor(trees[0])
        return trees[0]

    def _syntax(self, error: dict[str, Any]) -> Finding:
        at = (error.get("line"), error.get("col"))
        index = next((i for i, t in enumerate(self.tokens) if (t.line, t.col) == at), -1)
        word, start = self._words[index], self._starts[index]
        what = str(error.get("description", ""))
        if "CASE" in what:
            hint = "case when condition then value else value end"
            return Finding("syntax", "A case is not complete.", start, hint)
        if "missing" in what:
            return Finding("syntax", f"Something is missing after {word}.", start)
        if what.startswith("Expecting )"):
            return Finding("syntax", f"A closing bracket is missing at {word}.", start)
        return Finding("syntax", f"{word} is not expected here.", start)

    def _anchor(self, tree: exp.Expr) -> None:
        """Nodes that sqlglot gives no position get that of their token, first to first."""
        nodes: dict[str, list[int]] = {kind: [] for kind in _ANCHORED}
        for node in tree.walk(bfs=False):
            if type(node).__name__ in nodes:
                nodes[type(node).__name__].append(id(node))
        for kind, words in _ANCHORED.items():
            at = [self._starts[i] for i in range(len(self.tokens)) if self._opens(i, words)]
            if len(nodes[kind]) == len(at):
                self._anchors |= dict(zip(nodes[kind], at, strict=True))

    def _opens(self, index: int, words: tuple[str, ...]) -> bool:
        if self._words[index].lower() not in words:
            return False
        return words != ("interval",) or self.text_after(index) is not None

    def start(self, tree: exp.Expr) -> int:
        """Offset of the first character of a part of the tree."""
        for node in tree.walk(bfs=False):
            at = self._anchors.get(id(node), node.meta.get("start"))
            if at is not None:
                return self._sign(type(tree).__name__, int(at))
        return self._starts[0]

    def _sign(self, kind: str, at: int) -> int:
        """The offset of the sign or word that stands before a part and belongs to it."""
        words = _BEFORE.get(kind)
        i = self.index(at) - 1
        while words and kind != "Cast" and i > 0 and self._words[i] == "(":
            i -= 1
        if words and i >= 0 and self._words[i].lower() in words:
            return self._starts[i]
        return at

    def index(self, offset: int) -> int:
        """Which token holds a character."""
        return bisect_right(self._starts, offset) - 1

    def word(self, index: int) -> str:
        """A token as it is written, in lower case."""
        return self._words[index].lower()

    def text_after(self, index: int) -> str | None:
        """The text literal right after a token, if there is one."""
        if index + 1 < len(self.tokens) and self._words[index + 1].startswith("'"):
            return self.tokens[index + 1].text
        return None


def _depth(tree: exp.Expr) -> int:
    deepest, stack = 0, [(tree, 1, "")]
    while stack:
        node, level, above = stack.pop()
        deepest = max(deepest, level)
        kind = type(node).__name__
        free = kind == "Paren" or (kind in ("And", "Or", "DPipe") and kind == above)
        stack += [(child, level + (not free), kind) for child in node.iter_expressions()]
    return deepest
