"""JSON values of live events to values of the language's types; both the lake and live read them.

A value that is there but can't be one of its type is BAD; null and empty text are None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from visavis.core.clock import to_days, to_ms, zone
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

BAD: Final = object()
"""Stands for a value that can't be read as its type."""
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?")
_DIGITS = 12
_ONE = Decimal(1)
_UTC = zone("UTC")


def number(text: str) -> Decimal | str:
    """A number of JSON with a point or an exponent; its text where no decimal can hold it."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


def text(value: Any) -> Any:
    """Trimmed NFC text; numbers and booleans as JSON spells them."""
    if type(value) is str:
        clean = value.strip()
        if not clean.isascii():
            clean = nfc(clean)
        if "\0" in clean:
            clean = clean.replace("\0", "")
        return clean or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if INTEGER_MIN <= value <= INTEGER_MAX else BAD
    if isinstance(value, Decimal):
        short = -30 < value.adjusted() < 30 and len(value.as_tuple().digits) < 40
        return f"{value:f}" if short else BAD
    return BAD


def decimal(value: Any) -> Any:
    """A decimal scaled by 10**6, half away from zero beyond six places."""
    if type(value) is int:
        scaled = value * SCALE
        return scaled if -DECIMAL_LIMIT <= scaled <= DECIMAL_LIMIT else BAD
    if type(value) is str:
        found = value.strip()
        if not found:
            return None
        if not _NUMBER.fullmatch(found):
            return BAD
        value = Decimal(found)
    if not isinstance(value, Decimal):
        return None if value is None else BAD
    if value.adjusted() > _DIGITS:
        return BAD
    if value.adjusted() < -8:
        return 0
    scaled = int(value.scaleb(6).quantize(_ONE, ROUND_HALF_UP))
    return scaled if -DECIMAL_LIMIT <= scaled <= DECIMAL_LIMIT else BAD


def integer(value: Any) -> Any:
    """A whole number of 64 bits."""
    if type(value) is int:
        return value if INTEGER_MIN <= value <= INTEGER_MAX else BAD
    if value is None or value == "":
        return None
    scaled = decimal(value)
    return scaled // SCALE if scaled is not BAD and scaled % SCALE == 0 else BAD


def boolean(value: Any) -> Any:
    """true or false, also as a word or as 1 and 0."""
    if isinstance(value, bool) or value is None:
        return value
    word = str(value).strip().lower()
    if word in ("true", "t", "yes", "y", "1"):
        return True
    return False if word in ("false", "f", "no", "n", "0") else None if not word else BAD


def moment(value: Any) -> Any:
    """A time in UTC ms: ISO 8601 (without offset UTC), or a number of s, ms, us or ns by size."""
    if type(value) is str:
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            return _odd_moment(value)
        try:
            ms = to_ms(read if read.tzinfo is not None else read.replace(tzinfo=UTC))
        except OverflowError:
            return BAD
        return ms if TIME_MIN < ms <= TIME_MAX else BAD
    if type(value) is int:
        return _since_1970(value)
    if isinstance(value, Decimal):
        return _since_1970(int(value)) if abs(value.adjusted()) < 20 else BAD
    return None if value is None else BAD


def _since_1970(number: int) -> Any:
    size = abs(number)
    if size < 100_000_000_000:
        return number * 1000
    if size < 100_000_000_000_000:
        return number
    if size < 100_000_000_000_000_000:
        return number // 1000
    return number // 1_000_000 if size < 10**20 else BAD


def _odd_moment(value: str) -> Any:
    """A time in a text that is not ISO 8601 by the letter: with white space, or a number."""
    trimmed = value.strip()
    if not trimmed:
        return None
    if trimmed != value:
        return moment(trimmed)
    # there are digits that are no part of a number, such as a raised 2
    return _since_1970(int(value)) if value.isdecimal() and len(value) < 20 else BAD


def day(value: Any) -> Any:
    """A calendar date in days since 1970-01-01; of a time the date it shows."""
    if value is None or value == "":
        return None
    if type(value) is str:
        try:
            return to_days(date.fromisoformat(value.strip()[:10]))
        except ValueError:
            return BAD
    ms = moment(value)
    return BAD if ms is BAD or ms is None else _UTC.date_of(ms)


READERS: Mapping[Type, Callable[[Any], Any]] = {
    Type.TEXT: text,
    Type.DECIMAL: decimal,
    Type.INTEGER: integer,
    Type.BOOLEAN: boolean,
    Type.TIME: moment,
    Type.DATE: day,
}
"""How a JSON value of each type is read."""

Wanted = Mapping[str, tuple[str, Callable[[Any], Any]]]
"""JSON key -> the name and the reader of the value wanted of it."""


def wanted(types: Mapping[str, Type]) -> Wanted:
    """The keys looked for: each name as it is, and in camelCase where that is no other name."""
    keys = {camel(name): (name, READERS[kind]) for name, kind in types.items() if kind in READERS}
    return keys | {name: (name, READERS[kind]) for name, kind in types.items() if kind in READERS}


def camel(name: str) -> str:
    """first_name -> firstName, as many clients write it."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def read(values: Mapping[str, Any], keys: Wanted) -> dict[str, Any]:
    """The wanted values that are there; what can't be read is BAD, null is None."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        hit = keys.get(key)
        if hit is not None and (key == hit[0] or hit[0] not in values):
            found[hit[0]] = hit[1](value)
    return found
