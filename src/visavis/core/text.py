"""Text rules that every room shares: one normal form, one case table."""

from __future__ import annotations

from unicodedata import is_normalized, normalize


def nfc(text: str) -> str:
    """The text in Unicode normal form C, in which all text is held and compared."""
    return text if text.isascii() or is_normalized("NFC", text) else normalize("NFC", text)
