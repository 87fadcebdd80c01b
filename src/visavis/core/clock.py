"""Moments, days and zones: one offset table per zone, made from the pinned tzdata package.

Moments are integer milliseconds since 1970 UTC, dates integer days since 1970-01-01. `now` is
always passed in. The machine's own zone files are never read.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from io import BytesIO
from zoneinfo import ZoneInfo

from visavis.core.lang.types import DAY_MS as DAY_MS
from visavis.core.lang.types import TIME_MAX, TIME_MIN

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DATE = date(1970, 1, 1)
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": DAY_MS, "w": 7 * DAY_MS}
_DURATION = re.compile(
    r"\s*(\d{1,9})(?:\s+(second|minute|hour|day|week)s?|\s*(s|sec|m|min|h|d|w))\s*", re.ASCII
)
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_FORTNIGHT = 14 * 86_400
_HEADER, _COUNTS_AT, _SIZES = 44, 20, (1, 1, 8, 5, 6, 1)
"""Bytes: a zone file's header, where its counts stand in it, what each counts in block one."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone as data: `offsets[i]` (ms east of UTC) holds from `transitions[i - 1]` on.

    Before 1970 the offset of 1970 holds, after 2100 that of 2100.
    """

    name: str
    transitions: tuple[int, ...]
    offsets: tuple[int, ...]

    def offset(self, ms: int) -> int:
        """Milliseconds to add to the UTC moment to read the local clock."""
        return self.offsets[bisect_right(self.transitions, ms)]

    def date_of(self, ms: int) -> int:
        """The local calendar date, in days since 1970-01-01."""
        return (ms + self.offset(ms)) // DAY_MS

    def to_utc(self, local_ms: int) -> int:
        """The UTC moment of a local clock reading: ambiguous = the first, skipped = later."""
        low = bisect_right(self.transitions, local_ms - DAY_MS)
        high = bisect_right(self.transitions, local_ms + DAY_MS)
        for i in range(low, high + 1):
            ms = local_ms - self.offsets[i]
            if i == len(self.transitions) or ms < self.transitions[i]:
                before = i == 0 or ms >= self.transitions[i - 1]
                # in a gap the reading never happened: read it as if the clock had not jumped yet
                return ms if before else local_ms - self.offsets[i - 1]
        return local_ms - self.offsets[high]

    def midnight(self, days: int) -> int:
        """The first moment (UTC ms) whose local date is `days` or later."""
        ms = self.to_utc(days * DAY_MS)
        # a zone may skip its midnight: then the day begins at the jump itself
        i = bisect_right(self.transitions, ms)
        turn = self.transitions[i - 1] if i else ms
        begins = self.date_of(turn - 1) < days <= self.date_of(turn)
        return turn if begins else ms


@lru_cache(maxsize=256)
def zone(name: str) -> Zone:
    """The zone of an IANA name; raises KeyError for a name that tzdata does not have."""
    data = _zone_file(name)
    try:
        info = ZoneInfo.from_file(BytesIO(data), key=name)
    except ValueError as error:
        raise KeyError(name) from error
    at = int(datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(_LAST_YEAR, 12, 31, tzinfo=UTC).timestamp())
    last = _utc_offset(info, at)
    moments, offsets = [], [last * 1000]
    for step in _looks(data, at, end):
        now = _utc_offset(info, step)
        if now != last:
            moments.append(_turn(info, at, step) * 1000)
            offsets.append(now * 1000)
            last = now
        at = step
    return Zone(name, tuple(moments), tuple(offsets))


def _zone_file(name: str) -> bytes:
    parts = name.split("/")
    if not name or not all(re.fullmatch(r"[A-Za-z0-9_+-]+", p) for p in parts):
        raise KeyError(name)
    try:
        return resources.files("tzdata").joinpath("zoneinfo", *parts).read_bytes()
    except OSError as error:
        raise KeyError(name) from error


def _looks(data: bytes, start: int, end: int) -> Iterator[int]:
    """Moments (s) between which the offset changes once at most, from a zone's file (RFC 8536):
    the changes it lists, then every fortnight where a rule holds after them."""
    counts = struct.unpack_from(">6L", data, _COUNTS_AT)
    second = _HEADER + sum(n * size for n, size in zip(counts, _SIZES, strict=True))
    (count,) = struct.unpack_from(">12xL", data, second + _COUNTS_AT)
    listed = struct.unpack_from(f">{count}q", data, second + _HEADER)
    yield from (moment for moment in listed if start < moment <= end)
    if b"," in data.rsplit(b"\n", 2)[1]:
        yield from range(max(start, *listed[-1:]) + _FORTNIGHT, end, _FORTNIGHT)
        yield end


def _utc_offset(info: ZoneInfo, seconds: int) -> int:
    moment = _EPOCH + timedelta(seconds=seconds)
    offset = moment.astimezone(info).utcoffset()
    return int(offset.total_seconds()) if offset else 0


def _turn(info: ZoneInfo, low: int, high: int) -> int:
    """The second at which the offset becomes that of `high`."""
    target = _utc_offset(info, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _utc_offset(info, middle) == target else (middle, high)
    return high


def zone_names() -> frozenset[str]:
    """Every IANA name that tzdata has, for checks and hints."""
    text = resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(text.split())


def parse_duration(text: str) -> int:
    """'90 days' or '1 hour' in milliseconds; units second, minute, hour, day (24 h), week.

    Short forms are 90d, 12h, 15m, 30s, 2w. Raises ValueError for anything else.
    """
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"'{text}' is no duration: write a number and a unit, like '90 days'")
    return int(found[1]) * _UNITS[(found[2] or found[3])[0]]


def parse_time(text: str, local: Zone) -> int:
    """ISO 8601 to UTC ms; without an offset it is of the `local` zone. ValueError for others."""
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is not None:
        return to_ms(moment)
    return local.to_utc(to_ms(moment.replace(tzinfo=UTC)))


def to_ms(moment: datetime) -> int:
    """An aware datetime as UTC ms, sub-milliseconds cut off towards the past."""
    since = moment - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


def to_datetime(ms: int) -> datetime:
    """UTC ms as an aware datetime; raises OverflowError outside the years 1 to 9999."""
    if not TIME_MIN <= ms <= TIME_MAX:
        raise OverflowError(ms)
    return _EPOCH + timedelta(milliseconds=ms)


def format_time(ms: int) -> str:
    """'2011-12-09T12:50:00Z', with a fraction only when it is not zero."""
    days, rest = divmod(ms, DAY_MS)
    seconds, fraction = divmod(rest, 1000)
    minute, second = divmod(seconds, 60)
    return f"{_day_text(days)}T{_MINUTES[minute]}:{_TWO_DIGITS[second]}{_FRACTIONS[fraction]}"


_TWO_DIGITS = tuple(f"{number:02d}" for number in range(60))
_MINUTES = tuple(f"{hour}:{minute}" for hour in _TWO_DIGITS[:24] for minute in _TWO_DIGITS)
_FRACTIONS = ("Z", *(f".{number:03d}".rstrip("0") + "Z" for number in range(1, 1000)))


@lru_cache(maxsize=4096)
def _day_text(days: int) -> str:
    return to_date(days).isoformat()


def to_date(days: int) -> date:
    """Days since 1970-01-01 as a date."""
    return _EPOCH_DATE + timedelta(days=days)


def to_days(day: date) -> int:
    """A date as days since 1970-01-01."""
    return (day - _EPOCH_DATE).days
