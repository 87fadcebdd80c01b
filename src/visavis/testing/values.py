"""Values of each type with the edges drawn often: limits, zeros, ties, Unicode, clock changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random
from unicodedata import normalize

from visavis.core.clock import Zone, to_days
from visavis.core.lang.form import Value
from visavis.core.lang.types import (
    DAY_MS,
    DECIMAL_LIMIT,
    INTEGER_MAX,
    INTEGER_MIN,
    SCALE,
    TIME_MAX,
    TIME_MIN,
    Type,
)

_TEXTS: tuple[str, ...] = (
    "", " ", "a", "A", "b", "ab", "aB", "AB", "Ab ", " ab", "aa", "aaa", "aaaa", "abc", "abab",
    "B",
    "a%", "a_b", "%", "_", "\\", "a\\b", "'", "a'b", '"', "a.b", "a*", "[a]", "(a", "a\nb",
    "\ta\r\n",
    "\u00a0a\u3000", "\u2003a\u2003", "\u200ba", "\x0b\x0ca", "\x1fa\x85",
    "straße", "STRASSE", "ß", "ẞ", "ΑΣ", "ας", "ασ", "Σ", "σ", "ς", "İ", "i", "I", "ı",
    "I\u0307", "ǆ", "ǅ", "Ǆ",
    "é", "É", "école", "q\u0323\u0307", "Z\u0323", "中文", "中", "文字化け", "한글", "ファ",
    "ｱ", "Ａ", "ａ",
    "👩‍👩‍👧", "👩", "😀", "😀a", "a😀b", "🇪🇺", "𝒳", "𐐀", "𐐨", "\U0010ffff", "\uffff",
    "\ue000", "ﬁ", "ŉ", "ǰ",
    "K", "Å", "ᾳ", "ᾼ", "Ა", "ა", "ꭰ", "Ꭰ", "0", "1", "10", "2", "null", "true", "x" * 40,
)  # fmt: skip
TEXTS = tuple(normalize("NFC", t) for t in _TEXTS)
"""Texts that engines are known to differ on, in NFC like all text."""

DAYS: tuple[int, ...] = tuple(
    to_days(date(*parts))
    for parts in (
        (2000, 2, 29), (2012, 2, 29), (2016, 2, 29), (2020, 2, 29), (2015, 2, 28), (2017, 3, 1),
        (2017, 2, 28),
        (1900, 2, 28), (1900, 3, 1), (1970, 1, 1), (1969, 12, 31), (1999, 12, 31), (2000, 1, 1),
        (2015, 12, 31),
        (2016, 1, 1), (2016, 1, 3), (2016, 1, 4), (2018, 1, 1), (2020, 12, 31), (2021, 1, 3),
        (2021, 1, 4),
        (1582, 10, 15), (1, 1, 1), (9999, 12, 31), (4, 2, 29), (2400, 2, 29), (2017, 6, 30),
        (2017, 10, 1),
    )
)  # fmt: skip
"""Dates at leap days, ends of years and ISO weeks, and the limits."""

INTEGERS: tuple[int, ...] = (
    0, 1, -1, 2, 3, -3, 5, 7, -7, 10, 12, 100, 366, 1000, -1000, 2**31, -(2**31), 2**53 + 1,
    10**12, 10**12 - 1, -(10**12), INTEGER_MAX, INTEGER_MAX - 1, INTEGER_MIN, INTEGER_MIN + 1,
    3_037_000_500,
)  # fmt: skip
DECIMALS: tuple[int, ...] = (
    0, 1, -1, 2, 3, SCALE // 2, -SCALE // 2, SCALE, -SCALE, 2 * SCALE, 3 * SCALE, 333_333,
    666_667, 1_500_000,
    -1_500_000, 2_500_000, 1_450_000, 1_449_999, 1_234_565, -1_234_565, 9_990_000, 19_990_000,
    100 * SCALE,
    999_999, 10**15, 10**12, -(10**12), DECIMAL_LIMIT, DECIMAL_LIMIT - 1, -DECIMAL_LIMIT,
    10**17 * 5,
)  # fmt: skip
FLOATS: tuple[float, ...] = (
    0.0, 1.0, -1.0, 0.5, -0.5, 0.25, 1.5, 2.0, 3.0, 7.0, 100.125, -20.75, 1024.0, 2.0**40,
)  # fmt: skip
"""Halves and quarters: sums are exact in any order, comparisons keep clear of rounding."""
WILD_FLOATS: tuple[float, ...] = (1e308, -1e308, 1e-308, 5e-324, 0.1, 1e16, -1e200, 1e200)


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments around `now` and the clock changes of `zone`; `windows` are lengths in ms."""

    zone: Zone
    now: int
    windows: Sequence[int]

    def near(self, rng: Random) -> int:
        """A moment at now or a window's edge, at a clock change, at a midnight, or any."""
        pick = rng.random()
        if pick < 0.35:
            return self.now - rng.choice((0, *self.windows)) + rng.choice((-1, 0, 0, 1))
        if pick < 0.45 and self.zone.transitions:
            turn = rng.choice(self.zone.transitions[:160])
            return turn + rng.choice((-3_600_000, -1, 0, 1, 1_800_000, 3_600_000, 7_200_000))
        if pick < 0.6:
            day = self.zone.date_of(self.now) - rng.choice(
                (0, 0, 1, -1, 6, 7, 89, 90, 91, 364, 365, 366)
            )
            return self.zone.midnight(day) + rng.choice((-1, 0, 1))
        if pick < 0.7:
            return self.zone.to_utc(rng.choice(DAYS[:20]) * DAY_MS + rng.randrange(DAY_MS))
        return self.now - rng.choice((1, 1, 1, 1, -1)) * rng.randrange(
            rng.choice((10_000, DAY_MS, 700 * DAY_MS))
        )


def text(rng: Random) -> str:
    """A short text, often one of few (so that values repeat), often an odd one."""
    if rng.random() < 0.4:
        return rng.choice(("a", "b", "A", "ab", "中文"))
    return rng.choice(TEXTS)


def integer(rng: Random) -> int:
    """Small numbers mostly, now and then a limit."""
    if rng.random() < 0.85:
        return rng.randint(-3, 12)
    return rng.choice(INTEGERS)


def decimal(rng: Random) -> int:
    """A scaled decimal: cents mostly, now and then a limit or a last place."""
    pick = rng.random()
    if pick < 0.35:
        return rng.randint(-3, 9) * SCALE // rng.choice((1, 1, 2, 4))
    if pick < 0.88:
        return rng.randint(-2_000, 20_000) * 10_000
    return rng.choice(DECIMALS)


def double(rng: Random) -> float:
    """Quarters of small numbers: exact under sums and differences."""
    return rng.choice(FLOATS) if rng.random() < 0.5 else rng.randint(-200, 200) / 4


def moment(rng: Random, moments: Moments) -> int:
    """A moment near the edges of `moments`, rarely a limit of time."""
    if rng.random() < 0.03:
        return rng.choice((TIME_MIN, TIME_MIN + 1, TIME_MAX, TIME_MAX - 1, 0, -1))
    return moments.near(rng)


def day(rng: Random, moments: Moments) -> int:
    """A date near the edges of the calendar, or near now."""
    if rng.random() < 0.5:
        return rng.choice(DAYS)
    return moments.zone.date_of(moments.now) - rng.choice(
        (0, 1, -1, 90, 91, 365, 366, rng.randint(0, 20_000))
    )


def maker(type: Type, moments: Moments) -> Callable[[Random], Value]:
    """The function that draws a value (never null) of a type."""
    if type is Type.TIME:
        return lambda rng: moment(rng, moments)
    if type is Type.DATE:
        return lambda rng: day(rng, moments)
    return _PLAIN[type]


_PLAIN: dict[Type, Callable[[Random], Value]] = {
    Type.BOOLEAN: lambda rng: rng.random() < 0.5,
    Type.INTEGER: integer,
    Type.DECIMAL: decimal,
    Type.FLOAT: double,
    Type.TEXT: text,
}
