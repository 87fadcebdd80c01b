"""The case table: which one character stands for a character in lower and in upper case.

It is Unicode's simple mapping, one code point for one, whatever stands around it (so a final sigma
is `σ`), with `ß` and `ẞ` as a pair. DuckDB's lower() and upper() follow it as they are.
"""

from __future__ import annotations

from functools import cache

_GREEK = range(0x1F80, 0x2000)
"""Block of the letters with iota below, whose capital is the title-case letter."""


@cache
def lower_table() -> dict[int, str]:
    """For str.translate: every code point whose lower case is another."""
    table = {c: low for c in range(0x110000) if len(low := chr(c).lower()) == 1 and low != chr(c)}
    return {**table, 0x130: "i"}


@cache
def upper_table() -> dict[int, str]:
    """For str.translate: every code point whose upper case is another."""
    table = {c: up for c in range(0x110000) if len(up := chr(c).upper()) == 1 and up != chr(c)}
    iota = {
        c: title
        for c in _GREEK
        if len(chr(c).upper()) > 1 and len(title := chr(c).title()) == 1 and title != chr(c)
    }
    return {**table, **iota, 0xDF: "ẞ"}
