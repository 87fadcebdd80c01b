"""Text functions of the Python reader; characters are code points."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from visavis.core.lang.form import Call, Literal
from visavis.core.text import lower, upper

_SPACE = " \t\r\n\v\f\u00a0\u3000"
TEXT: dict[str, Callable[..., Any]] = {
    "lower": lower,
    "upper": upper,
    "trim": lambda a: a.strip(_SPACE),
    "length": len,
    "concat": lambda *texts: "".join(texts),
    "left": lambda a, n: a[: max(n, 0)],
    "right": lambda a, n: a[-n:] if n > 0 else "",
    "replace": lambda a, old, new: a.replace(old, new) if old else a,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": operator.contains,
}


def like(call: Call) -> Callable[..., Any]:
    """The function of a text and a pattern, which is a literal (null gives null)."""
    pattern = call.args[1]
    if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
        return lambda a, _: None
    match = matcher(pattern.value)
    return lambda a, _: None if a is None else match(a)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches a LIKE pattern; no backtracking, so no pattern is slow."""
    pieces = pattern.split("%")
    if len(pieces) == 1:
        whole = _piece(pattern)
        return lambda text: whole.fullmatch(text) is not None
    first, *middle, last = map(_piece, pieces)
    head, tail = len(pieces[0]), len(pieces[-1])

    def match(text: str) -> bool:
        at, end = head, len(text) - tail
        if end < head or not first.match(text) or not last.match(text, end):
            return False
        for part in middle:
            found = part.search(text, at, end)
            if not found:
                return False
            at = found.end()
        return True

    return match


def _piece(text: str) -> re.Pattern[str]:
    return re.compile("".join("." if c == "_" else re.escape(c) for c in text), re.DOTALL)
