"""The case table: which one character stands for a character in lower and in upper case.

It is Unicode's simple mapping, one code point for one, whatever stands around it (so a final sigma
is `σ`), with `ß` and `ẞ` as a pair. DuckDB's lower() and upper() follow it as they are.
"""

from __future__ import annotations

_IOTA = range(0x1F80, 0x2000)
"""Greek letters with iota below: their one-character capital is the title-case letter."""


class _Lower(dict[int, str]):
    """Filled as characters are met, for str.translate."""

    def __missing__(self, code: int) -> str:
        low = chr(code).lower()
        self[code] = low if len(low) == 1 else "i" if code == 0x130 else chr(code)
        return self[code]


class _Upper(dict[int, str]):
    def __missing__(self, code: int) -> str:
        up = chr(code).upper()
        if len(up) > 1:
            title = chr(code).title()
            up = title if code in _IOTA and len(title) == 1 else "ẞ" if code == 0xDF else chr(code)
        self[code] = up
        return up


_LOWER, _UPPER = _Lower(), _Upper()


def lower(text: str) -> str:
    """Each character by the table's lower case."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


def upper(text: str) -> str:
    """Each character by the table's upper case."""
    return text.upper() if text.isascii() else text.translate(_UPPER)
