"""How much and when: frequency caps and quiet hours, as pure rules over moments and zones.

Established systems count caps in different windows (rolling, calendar days of the person, calendar
days of UTC, time since the last message), so the window is always named. A zone nobody knows
falls to the project's, and quiet hours still hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from visavis.core.clock import DAY_MS, Zone, to_date, to_days, zone
from visavis.core.problems import Place

HowCounted = Literal["rolling", "calendar", "calendar_utc", "elapsed"]
Unit = Literal["minute", "hour", "day", "week", "month"]
UNITS_MS = {"minute": 60_000, "hour": 3_600_000, "day": DAY_MS, "week": 7 * DAY_MS}
MINUTE_MS = 60_000
_DAY_MINUTES = 1440
_UTC = zone("UTC")
_THIRTY_DAYS = 30 * DAY_MS
# more windows than that in a row leave no moment open
_TURNS = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that left, as caps count it."""

    at_ms: int
    channel: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` messages in a window of `amount` units.

    rolling: (now - window, now], a month is 30 days. calendar: the present unit of the person's
    calendar and the `amount` - 1 before it (weeks begin on Monday); calendar_utc: the same in UTC.
    elapsed: at least the window must have passed since the last one (`limit` is not looked at).
    Without channels or purposes it holds for, and counts, all of them.
    """

    name: str
    limit: int
    how: HowCounted
    amount: int
    unit: Unit
    channels: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False)

    def holds_for(self, channel: str, purpose: str) -> bool:
        """Whether the cap looks at messages of that channel and purpose."""
        right_channel = not self.channels or channel in self.channels
        return right_channel and (not self.purposes or purpose in self.purposes)

    def since(self, now_ms: int, local: Zone) -> int:
        """The first moment (UTC ms) whose messages still count at `now_ms`."""
        if self.how in ("rolling", "elapsed"):
            return now_ms - self.amount * UNITS_MS.get(self.unit, _THIRTY_DAYS) + 1
        return _period_start(
            now_ms, self.amount, self.unit, local if self.how == "calendar" else _UTC
        )


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Minutes of the local day, from `start` up to but without `end`, in which nothing leaves.

    `start` after `end` crosses midnight; equal, the whole day is quiet. `days`: the weekdays
    (0 Monday) on which it starts, none named = every day: a window that crosses midnight belongs to
    the day it starts on.
    """

    start: int
    end: int
    days: frozenset[int] = frozenset()
    channels: tuple[str, ...] = ()
    place: Place | None = field(default=None, compare=False)

    def quiet(self, now_ms: int, local: Zone) -> bool:
        """Whether the local clock stands inside the window."""
        today, minute = _reading(now_ms, local)
        if self.start < self.end:
            return self.start <= minute < self.end and self._on(today)
        return (minute >= self.start and self._on(today)) or (
            minute < self.end and self._on(today - 1)
        )

    def _on(self, days: int) -> bool:
        return not self.days or (days + 3) % 7 in self.days

    def ends(self, now_ms: int, local: Zone) -> Iterator[int]:
        """Moments after `now_ms` at which the window may be over, the earliest first."""
        today, _ = _reading(now_ms, local)
        found = {local.to_utc((today + n) * DAY_MS + self.end * MINUTE_MS) for n in range(9)}
        # the clock may jump over the end: then the jump ends the window
        found.update(t for t in local.transitions if now_ms < t <= now_ms + 9 * DAY_MS)
        found.update(local.midnight(today + n) for n in range(1, 9))
        yield from sorted(t for t in found if t > now_ms)


def zone_of(name: str | None, project_zone: Zone) -> Zone:
    """The person's zone; one that is missing or unknown falls to the project's."""
    try:
        return zone(name) if name else project_zone
    except KeyError:
        return project_zone


def cap_reached(
    caps: Iterable[Cap], sent: Sequence[Sent], channel: str, purpose: str, now_ms: int, local: Zone
) -> Cap | None:
    """The first cap that one more message would break; all caps hold, so the lowest wins.

    `sent` are the person's messages, over all addresses; those dated later than now (a clock that
    was set back) count as well: nobody gets more for it.
    """
    for cap in caps:
        if cap.holds_for(channel, purpose):
            since = cap.since(now_ms, local)
            count = sum(s.at_ms >= since and cap.holds_for(s.channel, s.purpose) for s in sent)
            if count >= (1 if cap.how == "elapsed" else cap.limit):
                return cap
    return None


def open_from(
    quiet: Iterable[QuietHours], channel: str, now_ms: int, local: Zone
) -> tuple[int | None, QuietHours | None]:
    """The first moment from `now_ms` on at which no window is quiet, and the window that held now.

    None for the moment where the windows leave none open.
    """
    windows = [q for q in quiet if not q.channels or channel in q.channels]
    holding, at = _quiet_now(windows, now_ms, local), now_ms
    current = holding
    for _ in range(_TURNS):
        if current is None:
            return at, holding
        later = (t for t in current.ends(at, local) if not current.quiet(t, local))
        following = next(later, None)
        if following is None:
            return None, holding
        at = following
        current = _quiet_now(windows, at, local)
    return None, holding


def _quiet_now(windows: Sequence[QuietHours], at_ms: int, local: Zone) -> QuietHours | None:
    return next((q for q in windows if q.quiet(at_ms, local)), None)


def _reading(now_ms: int, local: Zone) -> tuple[int, int]:
    """The local date (days since 1970-01-01) and the minute of its day."""
    clock = now_ms + local.offset(now_ms)
    return clock // DAY_MS, clock % DAY_MS // MINUTE_MS


def _period_start(now_ms: int, amount: int, unit: Unit, local: Zone) -> int:
    today, minute = _reading(now_ms, local)
    match unit:
        case "minute":
            return _back_to(now_ms, local, today * DAY_MS + (minute - amount + 1) * MINUTE_MS)
        case "hour":
            hour = minute // 60 - amount + 1
            return _back_to(now_ms, local, today * DAY_MS + hour * UNITS_MS["hour"])
        case "day":
            return local.midnight(today - amount + 1)
        case "week":
            return local.midnight(today - (today + 3) % 7 - 7 * (amount - 1))
        case "month":
            day = to_date(today)
            months = day.year * 12 + day.month - amount
            return local.midnight(to_days(date(months // 12, months % 12 + 1, 1)))


def _back_to(now_ms: int, local: Zone, clock: int) -> int:
    """The moment of a local clock reading at or before now (the clock may have gone back since)."""
    return min(local.to_utc(clock), now_ms)


def minutes(text: str) -> int:
    """'21:30' as minutes of the day; '24:00' is the day's end. Raises ValueError for others."""
    hour, _, minute = text.strip().partition(":")
    if not (hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()):
        raise ValueError(f"'{text}' is no time of day: write it like 21:30")
    found = int(hour) * 60 + int(minute)
    if len(minute) != 2 or int(minute) > 59 or found > _DAY_MINUTES:
        raise ValueError(f"'{text}' is no time of day: write it like 21:30")
    return found
