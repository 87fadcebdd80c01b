"""How phones are compared: E.164, by the rules of `phonenumbers`, six to nine times as fast.

Nearly every number is its country's plain national form, with or without the national prefix; for
those the country's patterns alone say what the library's parser would.
tests/laws/test_identifiers.py holds both equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u00a0]+")
_DIGITS = re.compile(r"\+?[0-9]{5,20}")


def phone_key(value: str, country: str | None = None) -> str:
    """E.164 (+4930123456) where the number is complete or the country is known, else its digits.

    What is no number at all stays as it is.
    """
    bare = _SEPARATORS.sub("", value.replace("(0)", ""))
    if bare.startswith("00"):
        bare = f"+{bare[2:]}"
    if not _DIGITS.fullmatch(bare):
        return value
    if bare.startswith("+"):  # complete, unless the zero of national calls stands in it
        return _complete(bare) if "0" in bare[2:5] else bare
    return bare if country is None else _national(bare, country)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A country's numbers: its code, what they look like, what stands before them within the
    country, and what before those of other countries."""

    code: str
    number: re.Pattern[str]
    prefix: re.Pattern[str] | None
    abroad: re.Pattern[str] | None
    changes: bool
    lengths: frozenset[int]

    def is_abroad(self, digits: str) -> bool:
        """Whether it is dialled as a number of another country."""
        return self.abroad is not None and self.abroad.match(digits) is not None

    def national(self, digits: str) -> str | None:
        """Without the prefix; None where the patterns alone don't tell."""
        found = self.prefix.match(digits) if self.prefix else None
        if found is not None and found.end():
            if self.changes:
                return None
            digits = digits[found.end() :]
        if len(digits) not in self.lengths:
            return None
        return digits if self.number.fullmatch(digits) else None


@lru_cache(maxsize=512)
def _plan(country: str | None) -> _Plan | None:
    from phonenumbers import PhoneMetadata

    told = PhoneMetadata.metadata_for_region(country) if country else None
    if told is None or not told.general_desc or not told.general_desc.national_number_pattern:
        return None
    prefix, abroad = told.national_prefix_for_parsing, told.international_prefix
    return _Plan(
        str(told.country_code),
        re.compile(told.general_desc.national_number_pattern),
        re.compile(prefix) if prefix else None,
        re.compile(abroad) if abroad else None,
        bool(told.national_prefix_transform_rule),
        frozenset(told.general_desc.possible_length),
    )


def _national(digits: str, country: str) -> str:
    """Of a number as it is dialled within a country."""
    plan = _plan(country)
    if plan is None or digits.startswith(plan.code) or plan.is_abroad(digits):
        return _parsed(digits, country)
    national = plan.national(digits)
    if national is not None:
        return f"+{plan.code}{national}"
    return _parsed(digits, country)


def _complete(number: str) -> str:
    """Of a number with its country's code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    for size in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(number[1 : size + 1]))
        if regions:
            plan = _plan(regions[0])
            national = plan.national(number[size + 1 :]) if plan else None
            return f"+{plan.code}{national}" if plan and national else _parsed(number, None)
    return _parsed(number, None)


@lru_cache(maxsize=4096)
def _parsed(bare: str, country: str | None) -> str:
    """What the library's parser says: of several zeros of national calls it takes one at a time."""
    from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, parse

    try:
        found = str(format_number(parse(bare, country), PhoneNumberFormat.E164))
    except NumberParseException:
        return bare
    return found if found == bare else _parsed(found, None)
