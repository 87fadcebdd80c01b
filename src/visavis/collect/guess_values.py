"""What a column's values look like: numbers and how they are written, addresses, words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property

from visavis.collect.guess_dates import Dates, nearly_all, read_dates
from visavis.collect.guess_words import fold, folds, value_words
from visavis.collect.money_signs import SIGN, SIGNS, WORD, currency_of

NOTHING = frozenset(
    {
        "",
        "null",
        "none",
        "nan",
        "nat",
        "n/a",
        "na",
        "#n/a",
        "-",
        "--",
        "\\n",
        "<na>",
        "nil",
        "(null)",
    }
)
NOBODY = frozenset(value_words("nobody")) | {"not set"}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
_PHONE = re.compile(r"\+?[\d][\d\s()./-]{6,18}\d")
_POINT = re.compile(r"[-+]?(?:\d{1,3}(?:[,'’  ]\d{3})+|\d+)?(?:\.\d+)?")
_COMMA = re.compile(r"[-+]?(?:\d{1,3}(?:[.'’  ]\d{3})+|\d+)?(?:,\d+)?")
_MONEY_MARKS = re.compile(
    rf"{SIGN}|\b[A-Z]{{3}}\b|^(?:{WORD})\.?(?=\W|\d)|(?<![^\W\d_])(?:{WORD})\.?$|[.,][-–—]+$"
)
_EXPONENT = re.compile(r"[-+]?\d+(?:\.\d+)?[eE][-+]?\d+")
CURRENCY_CODES = frozenset(value_words("currency"))


class Column:
    """One column of a sample: a name and texts (None = missing), with what they look like."""

    def __init__(self, name: str, texts: Sequence[object]) -> None:
        self.name = name
        self.texts: list[str | None] = [_text(t) for t in texts]

    @cached_property
    def filled(self) -> list[str]:
        return [t for t in self.texts if t is not None]

    @property
    def share(self) -> float:
        """How much of it is filled."""
        return len(self.filled) / len(self.texts) if self.texts else 0.0

    @cached_property
    def counts(self) -> Counter[str]:
        return Counter(self.filled)

    @property
    def distinct(self) -> int:
        return len(self.counts)

    @cached_property
    def mark_open(self) -> bool:
        """Whether every number reads either way, like 1,234 and 1.234, and some have a mark."""
        values = [_bare(t) for t in self.counts]
        marked = [v for v in values if "," in v or "." in v]
        return bool(marked) and all(re.fullmatch(r"[-+]?\d{1,3}[.,]\d{3}", v) for v in marked)

    @cached_property
    def decimal_mark(self) -> str:
        """ "," where the numbers can't be read with a point."""
        values = [_bare(t) for t in self.counts]
        point = sum(bool(v and _POINT.fullmatch(v)) for v in values)
        comma = sum(bool(v and _COMMA.fullmatch(v)) for v in values)
        if comma != point:
            return "," if comma > point else "."
        # "1,234" alone may be both: three digits after every comma are thousands
        marked = [v for v in values if "," in v]
        return "," if any(not re.search(r",\d{3}$", v) for v in marked) else "."

    @cached_property
    def numbers(self) -> list[float | None]:
        """The values as numbers, None where they aren't."""
        cache = {t: to_number(t, self.decimal_mark) for t in self.counts}
        return [None if t is None else cache[t] for t in self.texts]

    @cached_property
    def number_share(self) -> float:
        return _part(sum(n is not None for n in self.numbers), len(self.filled))

    @cached_property
    def numeric(self) -> bool:
        return nearly_all(sum(n is not None for n in self.numbers), len(self.filled))

    @cached_property
    def integer_share(self) -> float:
        whole = sum(n is not None and n == int(n) for n in self.numbers)
        return _part(whole, len(self.filled))

    @property
    def fraction_share(self) -> float:
        """How many of the numbers are no whole ones; what is no number doesn't count."""
        return self.number_share - self.integer_share

    @cached_property
    def padded(self) -> bool:
        """Digits with leading zeros are ids, not numbers."""
        return any(len(t) > 1 and t[0] == "0" and t.isdigit() for t in self.counts)

    @cached_property
    def dates(self) -> Dates | None:
        return read_dates(self.filled)

    @cached_property
    def email_share(self) -> float:
        return self._share_of(lambda t: bool(_EMAIL.fullmatch(t)))

    @cached_property
    def phone_share(self) -> float:
        return self._share_of(lambda t: bool(_PHONE.fullmatch(t)) and 7 <= _digits(t) <= 15)

    @cached_property
    def currency_share(self) -> float:
        return self._share_of(lambda t: t.upper() in CURRENCY_CODES or t in SIGNS)

    @cached_property
    def symbol(self) -> str | None:
        """The currency that stands beside the numbers ("12,50 €"), if one does."""
        found = Counter[str]()
        for text, count in self.counts.items():
            if code := currency_of(text):
                found[code] += count
            code_match = re.search(r"\b([A-Z]{3})\b", text)
            if code_match and code_match[1] in CURRENCY_CODES:
                found[code_match[1]] += count
        top = found.most_common(1)
        return top[0][0] if top and top[0][1] >= 0.5 * len(self.filled) else None

    def word_share(self, words: Sequence[str]) -> float:
        """How much of it holds one of the words (their stems)."""
        return self._share_of(lambda t: holds_word(t, words))

    def exact_share(self, words: Sequence[str]) -> float:
        """How much of it is made of one of the words, as whole words."""
        known = {fold(w) for w in words}
        return self._share_of(
            lambda t: any(w in known for f in folds(t) for w in (f, *re.findall(r"[^\W_]+", f)))
        )

    def _share_of(self, test: Callable[[str], bool]) -> float:
        hits = sum(n for text, n in self.counts.items() if test(text))
        return _part(hits, len(self.filled))


def holds_word(text: str, words: Sequence[str]) -> bool:
    """Whether one of the words (or beginnings of words) stands in the text."""
    spelled = folds(text)
    return any(fold(w) in s for w in words for s in spelled)


def _part(some: int, all_: int) -> float:
    return some / all_ if all_ else 0.0


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = str(value).strip()
    return None if text.lower() in NOTHING else text


def _bare(text: str) -> str:
    bare = _MONEY_MARKS.sub("", text).strip()
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1]}"
    bare = f"-{bare[:-1]}" if bare.endswith("-") else bare
    return re.sub(r"\s", "", bare).removesuffix("%")


def to_number(text: str, mark: str) -> float | None:
    """A number written with that decimal mark, with or without a currency sign; else None."""
    if _EXPONENT.fullmatch(text):
        return float(text)
    bare = _bare(text)
    pattern = _COMMA if mark == "," else _POINT
    if not bare or not any(c.isdigit() for c in bare) or not pattern.fullmatch(bare):
        return None
    for thousands in (".", "'", "’", " ", " ") if mark == "," else (",", "'", "’", " ", " "):
        bare = bare.replace(thousands, "")
    return float(bare.replace(",", "."))
