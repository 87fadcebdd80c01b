"""How the dates of a column are written: told by its values alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise


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
    return nearly_all(sum(results), len(results))


def nearly_all(good: int, count: int) -> bool:
    """97 %, or all but one of at least eight: what is left is bad input."""
    return bool(count) and (good >= 0.97 * count or (count >= 8 and good == count - 1))


def _midnight(text: str) -> bool:
    return bool(re.search(r"[T ]00:00(:00(\.0+)?)?", text))


def _is_iso(text: str) -> bool:
    return 1 <= int(text[5:7]) <= 12 and 1 <= int(text[8:10]) <= 31


def _in_parts(sample: list[str]) -> Dates | None:
    matches = [m for t in sample if (m := _PARTS.fullmatch(t))]
    if not nearly_all(len(matches), len(sample)):
        return None
    mark, usual = Counter(m[2] for m in matches).most_common(1)[0]
    years = sum(len(m[1]) == 4 for m in matches)
    if not nearly_all(usual, len(matches)) or not nearly_all(
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
        if not nearly_all(max(late_first, late_second), late_first + late_second):
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
        rising.append(sum(s.days > 0 for s in steps) / len(steps) if steps else 0.5)
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
