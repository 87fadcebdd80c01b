"""Literals: from what is written to the value the Python reader holds, or why it can't be."""

from __future__ import annotations

import re
from datetime import date

from visavis.core.clock import Zone, parse_duration, parse_time, to_days
from visavis.core.lang.types import (
    DECIMAL_LIMIT,
    INTEGER_MAX,
    INTEGER_MIN,
    SCALE,
    TIME_MAX,
    TIME_MIN,
    Type,
)
from visavis.core.text import nfc

_INTEGER = re.compile(r"\d+", re.ASCII)
_DECIMAL = re.compile(r"(\d+)\.(\d+)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


class BadLiteral(ValueError):
    """Why a literal has no value; the second argument is the hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def number(text: str, sign: int = 1) -> tuple[Type, int]:
    """'12' is an integer, '1.5' a decimal of at most 6 places, scaled."""
    if _INTEGER.fullmatch(text):
        value = sign * int(text)
        if not INTEGER_MIN <= value <= INTEGER_MAX:
            raise BadLiteral(f"{text} does not fit into 64 bits.")
        return Type.INTEGER, value
    parts = _DECIMAL.fullmatch(text)
    if not parts:
        raise BadLiteral(f"{text} is no number.", "Write 1000, 0.5 or 12.50.")
    if len(parts[2]) > 6:
        raise BadLiteral(f"{text} has more than 6 places.", "Decimals are kept at 6 places.")
    value = sign * (int(parts[1]) * SCALE + int(parts[2].ljust(6, "0")))
    if abs(value) > DECIMAL_LIMIT:
        raise BadLiteral(
            f"{text} is too large.", "A decimal has at most 12 digits before the point."
        )
    return Type.DECIMAL, value


def text_of(text: str) -> str:
    """The text in NFC; characters that no engine can hold are refused."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise BadLiteral("The text holds a character that can't be stored.")
    return nfc(text)


def date_of(text: str) -> int:
    """'2018-01-31' as days since 1970."""
    try:
        if _DATE.fullmatch(text):
            return to_days(date.fromisoformat(text))
    except ValueError:
        pass
    raise BadLiteral(f"'{text}' is no date.", "Write date '2018-01-31'.")


def time_of(text: str, zone: Zone) -> int:
    """'2018-01-31T12:00:00Z' as UTC ms; without an offset it is a local time of `zone`."""
    hint = "Write timestamp '2018-01-31T12:00:00Z', or without Z for the project's time zone."
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        ms = parse_time(text, zone)
    except (ValueError, OverflowError) as error:
        raise BadLiteral(f"'{text}' is no time.", hint) from error
    if not TIME_MIN <= ms <= TIME_MAX:
        raise BadLiteral(f"'{text}' is out of the years 1 to 9999.", hint)
    return ms


def interval_of(text: str) -> int:
    """'90 days' as milliseconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadLiteral(f"'{text}' is no interval.", "Write interval '90 days'.") from error
