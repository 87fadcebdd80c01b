"""The calendar of the Python reader: days since 1970-01-01 to years, months, weeks and back.

Proleptic Gregorian, for any year: local dates of the first and last moments lie outside 1 to 9999.
"""

from __future__ import annotations

from datetime import date

_ORDINAL = date(1970, 1, 1).toordinal()
_FIRST, _LAST = 1 - _ORDINAL, date.max.toordinal() - _ORDINAL
"""What Python's own date covers."""


def civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of days since 1970-01-01."""
    if _FIRST <= days <= _LAST:
        day = date.fromordinal(days + _ORDINAL)
        return day.year, day.month, day.day
    return civil_of_any(days)


def civil_of_any(days: int) -> tuple[int, int, int]:
    """The same in any year. Source: Howard Hinnant, chrono-compatible low-level date algorithms."""
    shifted = days + 719_468
    era = shifted // 146_097
    doe = shifted - era * 146_097
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    return yoe + era * 400 + (month <= 2), month, doy - (153 * mp + 2) // 5 + 1


def days_of(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a calendar date; the inverse of civil."""
    year -= month <= 2
    era = year // 400
    yoe = year - era * 400
    doy = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719_468


def year(days: int) -> int:
    """Calendar year."""
    return civil(days)[0]


def quarter(days: int) -> int:
    """1 to 4."""
    return (civil(days)[1] + 2) // 3


def month(days: int) -> int:
    """1 to 12."""
    return civil(days)[1]


def week(days: int) -> int:
    """ISO week: the one with the year's first Thursday is 1."""
    thursday = days - (days + 3) % 7 + 3
    return (thursday - days_of(year(thursday), 1, 1)) // 7 + 1


def day(days: int) -> int:
    """Day of the month."""
    return civil(days)[2]


def day_of_year(days: int) -> int:
    """1 to 366."""
    return days - days_of(year(days), 1, 1) + 1


def day_of_week(days: int) -> int:
    """Monday 1 to Sunday 7."""
    return (days + 3) % 7 + 1


def anniversary(born: tuple[int, int, int], in_year: int) -> int:
    """The day an anniversary is kept in a year; 29 February on 1 March in other years."""
    # days_of counts on from 1 March of the year before, so its 29 February is there for every year
    return days_of(in_year, born[1], born[2])


def years_between(first: int, second: int) -> int:
    """Completed years from the first to the second date; -1 a day before the first."""
    (y1, m1, d1), (y2, m2, d2) = civil(first), civil(second)
    return y2 - y1 - ((m2, d2) < (m1, d1))


def days_to_anniversary(first: int, second: int) -> int:
    """Days from the second date to the next anniversary of the first, 0 on the day."""
    born, this_year = civil(first), year(second)
    ahead = anniversary(born, this_year) - second
    return ahead if ahead >= 0 else anniversary(born, this_year + 1) - second


def first_of_next_month(days: int, months: int = 1) -> int:
    """The first day after the month (or with 3, the quarter) that holds a day."""
    y, m, _ = civil(days)
    following = (m - 1) // months * months + months
    return days_of(y + following // 12, following % 12 + 1, 1)
