"""When a job runs next: every so long, or at times as in cron, read in a zone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from visavis.core.clock import Zone

_EPOCH = datetime(1970, 1, 1)
_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Job:
    """One scheduled command: either `every_ms`, or a `cron` expression of five fields."""

    every_ms: int | None = None
    cron: str | None = None

    def next_after(self, ms: int, local: Zone) -> int:
        """The first moment after `ms` (UTC ms) at which it is due again.

        A time that the clock skips runs as much later, one that comes twice runs the first time.
        """
        if self.cron is None:
            return ms + (self.every_ms or 0)
        from croniter import croniter

        reading = _EPOCH + timedelta(milliseconds=ms + local.offset(ms))
        times = croniter(self.cron, reading)
        while True:
            found = times.get_next(datetime)
            at = local.to_utc((found - _EPOCH) // timedelta(milliseconds=1))
            if at > ms:  # else the hour that comes twice was passed before
                return at


def is_cron(text: str) -> bool:
    """Whether a text is a cron expression: minute, hour, day, month, weekday; and ever comes."""
    from croniter import croniter

    if len(text.split()) != _FIELDS or not croniter.is_valid(text):
        return False
    try:
        croniter(text, _EPOCH).get_next(datetime)
    except (ValueError, KeyError):
        return False
    return True
