"""What a column's values look like: numbers, dates and how they are written, addresses, words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise

from visavis.collect.guess_words import fold, folds, value_words

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
_MONEY_MARKS = re.compile(r"[€$£¥￥₽₺₩₹元円원]|\b[A-Z]{3}\b|R\$|kr\.?|zł")
_EXPONENT = re.compile(r"[-+]?\d+(?:\.\d+)?[eE][-+]?\d+")
CURRENCY_CODES = frozenset(value_words("currency"))
SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "$": "USD",
    "¥": "JPY",
    "￥": "CNY",
    "元": "CNY",
    "円": "JPY",
    "₽": "RUB",
    "₹": "INR",
    "₩": "KRW",
}


@dataclass(frozen=True)
class Dates:
    """How a column's dates are written.

    `form` is as in strptime, or "iso", "excel", "unix", "unix_ms", "mixed". `sure` is False where
    it is not known whether day or month comes first, `proven` where no value shows it.
    """

    form: str
    sure: bool = True
    has_time: bool = False
    proven: bool = True

    def swapped(self) -> Dates:
        """The same with day and month in the other order, proven."""
        swap = {"%d": "%m", "%m": "%d"}
        form = re.sub("%[dm]", lambda m: swap[m[0]], self.form)
        return Dates(form, True, self.has_time)


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
        return _nearly_all(sum(n is not None for n in self.numbers), len(self.filled))

    @cached_property
    def integer_share(self) -> float:
        whole = sum(n is not None and n == int(n) for n in self.numbers)
        return _part(whole, len(self.filled))

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
        return self._share_of(lambda t: t.upper() in CURRENCY_CODES or t in SYMBOLS)

    @cached_property
    def symbol(self) -> str | None:
        """The currency that stands beside the numbers ("12,50 €"), if one does."""
        found = Counter[str]()
        for text, count in self.counts.items():
            for mark, code in SYMBOLS.items():
                if mark in text:
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


_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?(Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?"
)
_PARTS = re.compile(
    r"(\d{1,4})([./-])(\d{1,2})\2(\d{2,4})"
    r"(?:[T ,]\s*(\d{1,2}:\d{2})(:\d{2})?(\.\d+)?\s*([AaPp][Mm])?)?"
)
_WORDED = re.compile(
    r"\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}.*|(?:[A-Za-z]{3,9}, )?[A-Za-z]{3,9} \d{1,2},? \d{4}.*"
)
_WORDY = (
    "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d/%b/%Y", "%d%b%Y",
    "%d %b %y", "%A, %B %d, %Y", "%A, %d %B %Y", "%a, %d %b %Y", "%a %b %d %Y", "%Y年%m月%d日",
)  # fmt: skip
_CLOCKS = (
    "",
    "%H时%M分%S秒",
    " %H时%M分%S秒",
    " %H:%M",
    " %H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %H:%M",
    ", %I:%M %p",
)


def read_dates(filled: Sequence[str]) -> Dates | None:
    """How the dates are written, if at least 97 % of the values are dates written one way."""
    if not filled:
        return None
    step = max(1, len(filled) // 2000)
    sample = list(filled[::step])
    if _most(bool(_ISO.fullmatch(t)) and _is_iso(t) for t in sample):
        return Dates("iso", has_time=any(len(t) > 10 and not _midnight(t) for t in sample))
    if found := _in_parts(sample):
        return found
    return _compact(sample) or _wordy(sample) or _mixed(sample)


def _most(tests: Iterable[bool]) -> bool:
    results = list(tests)
    return _nearly_all(sum(results), len(results))


def _nearly_all(good: int, count: int) -> bool:
    """97 %, or all but one of at least eight: what is left is bad input."""
    return bool(count) and (good >= 0.97 * count or (count >= 8 and good == count - 1))


def _midnight(text: str) -> bool:
    return bool(re.search(r"[T ]00:00(:00(\.0+)?)?", text))


def _is_iso(text: str) -> bool:
    return 1 <= int(text[5:7]) <= 12 and 1 <= int(text[8:10]) <= 31


def _in_parts(sample: list[str]) -> Dates | None:
    matches = [m for t in sample if (m := _PARTS.fullmatch(t))]
    if not _nearly_all(len(matches), len(sample)):
        return None
    mark, usual = Counter(m[2] for m in matches).most_common(1)[0]
    years = sum(len(m[1]) == 4 for m in matches)
    if not _nearly_all(usual, len(matches)) or not _nearly_all(
        max(years, len(matches) - years), len(matches)
    ):
        return None
    clock = _clock(matches)
    first = [int(m[1]) for m in matches]
    second = [int(m[3]) for m in matches]
    year_first = sum(len(m[1]) == 4 for m in matches) > len(matches) / 2
    if year_first:
        form = f"%Y{mark}%m{mark}%d" if max(second) <= 12 else f"%Y{mark}%d{mark}%m"
        return Dates(form + clock, has_time=bool(clock))
    year = "%Y" if sum(len(m[4]) == 4 for m in matches) > len(matches) / 2 else "%y"
    day_first, sure = _day_first(first, second, mark, sample, year)
    if day_first is None:
        return None
    form = mark.join(("%d", "%m", year) if day_first else ("%m", "%d", year))
    proven = max(*first, *second) > 12
    return Dates(form + clock, sure, bool(clock), proven)


def _clock(matches: Sequence[re.Match[str]]) -> str:
    timed = [m for m in matches if m[5]]
    if len(timed) < len(matches) / 2:
        return ""
    half = any(m[8] for m in timed)
    seconds = sum(bool(m[6]) for m in timed) > len(timed) / 2
    fraction = ".%f" if any(m[7] for m in timed) else ""
    hours = "%I" if half else "%H"
    comma = "," if timed[0][0].find(",") > 0 else ""
    return f"{comma} {hours}:%M{':%S' if seconds else ''}{fraction}{' %p' if half else ''}"


def _day_first(
    first: list[int],
    second: list[int],
    mark: str,
    sample: list[str],
    year: str,
) -> tuple[bool | None, bool]:
    late_first = sum(n > 12 for n in first)
    late_second = sum(n > 12 for n in second)
    if late_first and late_second:
        if not _nearly_all(max(late_first, late_second), late_first + late_second):
            return None, False
        return late_first > late_second, False
    if late_first or late_second:
        return bool(late_first), True
    return _by_order(sample, year, mark)


def _by_order(sample: list[str], year: str, mark: str) -> tuple[bool, bool]:
    """Files are mostly written in order of time, day by day: the reading that shows it is right."""
    rising, span = [], []
    for form in (f"%d{mark}%m{mark}{year}", f"%m{mark}%d{mark}{year}"):
        moments = [datetime.strptime(t.split()[0].rstrip(","), form) for t in sample]
        steps = [b - a for a, b in pairwise(moments) if a != b]
        rising.append(_part(sum(s.days > 0 for s in steps), len(steps)) if steps else 0.5)
        span.append((max(moments) - min(moments)).days)
    if abs(rising[0] - rising[1]) > 0.15 and max(rising) > 0.8:
        return rising[0] > rising[1], True
    # the first rows of a file are rarely spread over months
    if min(rising) > 0.8 and 3 * min(span) < max(span):
        return span[0] < span[1], True
    return True, False


def _compact(sample: list[str]) -> Dates | None:
    if not _most(t.replace(".", "", 1).isdigit() for t in sample):
        return None
    for length, form in ((8, "%Y%m%d"), (14, "%Y%m%d%H%M%S"), (12, "%Y%m%d%H%M")):
        if _most(len(t) == length and _reads(t, form) for t in sample):
            return Dates(form, has_time=length > 8)
    values = [float(t) for t in sample if t.replace(".", "", 1).isdigit()]
    for low, high, form in (
        (20_000, 60_000, "excel"),
        (631_152_000, 4_102_444_800, "unix"),
        (631_152_000_000, 4_102_444_800_000, "unix_ms"),
    ):
        if _most(low <= v <= high for v in values):
            return Dates(form, sure=form != "excel", has_time=any(v % 1 for v in values))
    return None


def _wordy(sample: list[str]) -> Dates | None:
    for day in _WORDY:
        for clock in _CLOCKS:
            if _reads(sample[0], day + clock) and _most(_reads(t, day + clock) for t in sample):
                return Dates(day + clock, has_time=bool(clock))
    return None


def _mixed(sample: list[str]) -> Dates | None:
    """Dates, but not written one way: each row must show how it is meant."""
    shapes = (_ISO, _PARTS, _WORDED)
    dated = sum(any(shape.fullmatch(t) for shape in shapes) for t in sample)
    if dated < 0.9 * len(sample):
        return None
    return Dates("mixed", sure=False, has_time=any(":" in t for t in sample), proven=True)


def _reads(text: str, form: str) -> bool:
    try:
        return 1900 <= datetime.strptime(text, form).year <= 2100
    except ValueError:
        return False
