"""Signs and words of currencies that stand beside amounts, as shops write them."""

from __future__ import annotations

import re

SIGNS = {
    "R$": "BRL", "US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD",
    "NT$": "TWD", "HK$": "HKD", "S$": "SGD", "MX$": "MXN", "€": "EUR", "£": "GBP", "$": "USD",
    "¥": "JPY", "￥": "CNY", "元": "CNY", "円": "JPY", "₽": "RUB", "₹": "INR", "₩": "KRW",
    "원": "KRW", "₺": "TRY", "₴": "UAH", "₫": "VND", "₱": "PHP", "฿": "THB", "₪": "ILS",
}  # fmt: skip
"""Sign -> currency code; longer ones before those they end with."""
WORDS = {
    "zł": "PLN", "zl": "PLN", "Kč": "CZK", "Ft": "HUF", "TL": "TRY", "lei": "RON", "лв": "BGN",
    "руб": "RUB", "грн": "UAH", "Rs": "INR", "RM": "MYR", "Rp": "IDR", "Fr": "CHF", "kr": None,
    "Kr": None,
}  # fmt: skip
"""The same in letters, which stand alone at an end of the amount; None: of several countries."""

SIGN = "|".join(re.escape(sign) for sign in SIGNS)
WORD = "|".join(WORDS)
"""Both as alternatives of a regular expression, of Python and of the engine."""


def currency_of(text: str) -> str | None:
    """The currency that an amount is written in, where a sign or a word tells."""
    if found := re.search(SIGN, text):
        return SIGNS[found[0]]
    found = re.match(rf"({WORD})\b", text) or re.search(rf"(?<![^\W\d_])({WORD})\.?$", text)
    return WORDS[found[1]] if found else None
