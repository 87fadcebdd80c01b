"""How well the values of a column fit what a table of order lines may tell."""

from __future__ import annotations

import re

from visavis.collect.guess_dates import Dates
from visavis.collect.guess_meanings import BACK, SOLD
from visavis.collect.guess_values import Column, holds_word
from visavis.collect.guess_words import meanings, value_words

_WORDS = {
    "payment": value_words("payment"),
    "channel": value_words("channel"),
    "status": value_words("status") + value_words("cancelled") + value_words("refunded"),
}


def name_needed(column: Column, dates: Dates) -> float:
    """How well a column must be named for its numbers to be dates; text like dates needs none."""
    if dates.form.startswith("%Y%m%d") and column.distinct >= 10:
        return 0.0
    if dates.form in ("unix", "unix_ms") and "verb" in meanings(column.name):
        return 0.0
    plain = dates.form in ("excel", "unix", "unix_ms") or dates.form.startswith("%Y%m%d")
    return 0.4 if plain else 0.0


def about_something_else(column: Column) -> bool:
    """Whether a column of dates is named after something that no order has."""
    other = {"birth", "update", "until", "staff", "person", "note", "street", "postcode", "index"}
    return bool(other & set(meanings(column.name)))


def as_written(column: Column) -> str:
    """How the dates of a column are written, in words, with an example."""
    form = column.dates.form if column.dates else ""
    example = next(iter(column.filled), "")
    words = {"excel": "as Excel serial numbers", "unix": "as seconds since 1970",
             "unix_ms": "as milliseconds since 1970", "iso": "year-month-day",
             "mixed": "in several ways"}  # fmt: skip
    parts = {"%d": "day", "%m": "month", "%Y": "year", "%y": "year", "%b": "month", "%B": "month"}
    named = "-".join(parts[p] for p in re.findall(r"%[a-zA-Z]", form) if p in parts)
    return f"{words.get(form, named)} (like {example})"


def looks_counted(column: Column) -> bool:
    """Whether its numbers are few and small, as quantities are."""
    values = [abs(n) for n in column.numbers if n is not None]
    return bool(values) and column.distinct < 30 and max(values) < 100


def counts_products(column: Column) -> bool:
    """Called a product's number, as in goods_num, and made of small whole numbers."""
    named = {"product", "id"} <= set(meanings(column.name))
    return named and column.integer_share == 1 and not column.padded and looks_counted(column)


def mostly_same(column: Column) -> bool:
    """Whether one value is most of a column."""
    return column.distinct <= 2 or column.counts.most_common(1)[0][1] > 0.5 * len(column.filled)


def content(role: str, column: Column) -> float:
    """How much of a column says what a role says, from 0 to 1."""
    if role not in _WORDS or column.distinct > 60 or column.numeric:
        return 0.0
    if role == "status":
        back = any(holds_word(text, BACK) for text in column.counts)
        sold = column.exact_share(SOLD) if back else 0.0
        return min(1.0, column.word_share(_WORDS[role]) + sold)
    return column.exact_share(_WORDS[role])


def possible(role: str, column: Column) -> bool:
    """Whether a column may have a role at all, whatever it is called."""
    if role == "cost":
        return column.numeric
    if column.dates or column.email_share > 0.5:
        return False
    if role in ("status", "payment", "channel"):
        return column.distinct <= max(20, 0.05 * len(column.filled))
    if role == "promotion":
        return not (column.numeric and column.integer_share < 1)
    if role == "category":
        repeated = column.distinct <= max(10, 0.5 * len(column.filled))
        return repeated and not (column.numeric and column.integer_share < 1)
    return column.distinct <= max(50, 0.6 * len(column.filled))
