"""The case table of lower() and upper(): one character for one, the same in every reader.

It is Unicode's simple case mapping, with U+1E9E as the upper case of U+00DF. Where a full mapping
would give several characters the table says which single one stands.
"""

from __future__ import annotations

from functools import lru_cache

_TITLED = (*range(0x1F80, 0x1F88), *range(0x1F90, 0x1F98), *range(0x1FA0, 0x1FA8))

LOWER: dict[str, str] = {"\u0130": "i"}
"""Exceptions: the others are the one-character lower case, or the character itself."""

UPPER: dict[str, str] = {
    "\u00df": "\u1e9e",
    "\u1fb3": "\u1fbc",
    "\u1fc3": "\u1fcc",
    "\u1ff3": "\u1ffc",
    **{chr(point): chr(point + 8) for point in _TITLED},
}
"""Exceptions: the others are the one-character upper case, or the character itself."""


def lower(text: str) -> str:
    """Lower case, one character for one."""
    return text.lower() if text.isascii() else "".join(map(_lower, text))


def upper(text: str) -> str:
    """Upper case, one character for one."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


@lru_cache(maxsize=4096)
def _lower(char: str) -> str:
    changed = LOWER.get(char) or char.lower()
    return changed if len(changed) == 1 else char


@lru_cache(maxsize=4096)
def _upper(char: str) -> str:
    changed = UPPER.get(char) or char.upper()
    return changed if len(changed) == 1 else char
