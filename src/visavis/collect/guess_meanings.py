"""What the values of chosen columns mean: statuses, guests, and the currency of the amounts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from visavis.collect.guess_values import CURRENCY_CODES, NOBODY, Column, holds_word
from visavis.collect.guess_words import fold, meanings, value_words
from visavis.collect.money_signs import SIGNS

SOLD = value_words("sold")
"""What rows that are sales are called where others are returns."""
BACK = value_words("cancelled") + value_words("refunded")
_YES, _NO = (frozenset(value_words(kind)) for kind in ("positive", "negative"))
_FLAGS = (("cancelled", {"cancel"}), ("refunded", {"return"}), ("test", {"test"}))
_STATUS_KINDS = tuple((kind, value_words(kind)) for kind in ("test", "cancelled", "refunded"))


def statuses_of(column: Column | None) -> dict[str, tuple[str, ...]]:
    """cancelled/refunded/returned/test -> values of the status column."""
    if column is None or column.distinct > 60:
        return {}
    documents = column.exact_share(SOLD) >= 0.3  # SALE and RETURN: each row is one or the other
    found: dict[str, list[str]] = {}
    for text in sorted(column.counts):
        if meaning := _status_of(text, column):
            meaning = "returned" if documents and meaning == "refunded" else meaning
            found.setdefault(meaning, []).append(text)
    return {meaning: tuple(values) for meaning, values in found.items()}


def _status_of(text: str, column: Column) -> str | None:
    flag = {fold(t) for t in column.counts} <= _YES | _NO
    if flag:
        kind = next((k for k, w in _FLAGS if w & set(meanings(column.name))), None)
        return kind if fold(text) in _YES else None
    return next((kind for kind, words in _STATUS_KINDS if holds_word(text, words)), None)


def nobody_of(customer: Column | None) -> tuple[str, ...]:
    """Values of the customer column that stand for guests."""
    if customer is None:
        return ()
    found = {t for t in customer.counts if t.lower() in NOBODY}
    usual = median(customer.counts.values())
    for text, count in customer.counts.most_common(3):
        # filled up with nines, and far more often than anybody else
        if re.fullmatch(r"9{4,}|0{2,}", text) and count >= 3 * usual:
            found.add(text)
    return tuple(sorted(found))


def currencies_of(
    column: Column | None, figures: Sequence[Column], columns: Sequence[Column]
) -> tuple[str, ...]:
    """The codes the amounts are in, most frequent first: told by the column of currencies, by
    signs beside the figures, or by the figures' names; empty where the table doesn't say."""
    if column:
        codes = Counter(SIGNS.get(t, t.upper()) for t in column.filled)
        return tuple(code for code, _ in codes.most_common())
    for figure in figures:
        if figure.symbol:
            return (_yen_or_yuan(figure.symbol, columns),)
    return next(((code,) for figure in figures if (code := _named_currency(figure.name))), ())


def _named_currency(name: str) -> str | None:
    for word in re.findall(r"[A-Z]{3}|[a-z]{3}", name.replace("_", " ")):
        if word.upper() in CURRENCY_CODES and re.search(rf"\b{word}\b|_{word}", name):
            return str(word).upper()
    return None


def _yen_or_yuan(code: str, columns: Sequence[Column]) -> str:
    """The sign of both is the same: the table's own language tells."""
    names = "".join(c.name for c in columns)
    if code not in ("CNY", "JPY") or not re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", names):
        return code
    return "JPY" if re.search(r"[\u3040-\u30ff]|注文|顧客|単価", names) else "CNY"
