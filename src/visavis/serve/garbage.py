"""Looks for garbage that does not go by itself: seldom, so that nobody waits for it.

Python would look through what is new once there is enough of it, less what went away: beside caches
that let something go for all they take in, after a hundred thousand objects, for 8 ms at once.
"""

from __future__ import annotations

import asyncio
import gc

_YOUNG_SECONDS, _LOOK_EVERY = 0.02, 50
"""How often what is new is put aside, and how many times before it is looked through again."""
_FEW = 10
"""Objects: with more garbage among them, what is new is looked through the next time, too."""
_SECONDS, _MOST_SECONDS = 600.0, 86_400.0
_MUCH = 10_000
"""Objects; where there are fewer, looking through everything can wait twice as long next time."""


def begin() -> None:
    """From here on nothing is looked through but by `tidy` and `tidy_young`."""
    gc.disable()


def end() -> None:
    """Back to Python's own ways."""
    gc.unfreeze()
    gc.enable()


async def tidy() -> None:
    """Looks through everything, as seldom as little is found."""
    seconds = _SECONDS
    while True:
        await asyncio.sleep(seconds)
        gc.unfreeze()
        little = gc.collect() < _MUCH
        seconds = min(seconds * 2, _MOST_SECONDS) if little else max(seconds / 2, _SECONDS)


async def tidy_young() -> None:
    """Puts what is new aside before it is much."""
    young = Young()
    while True:
        await asyncio.sleep(_YOUNG_SECONDS)
        young.tidy()


class Young:
    """What is new since it was last put aside, for `tidy` to look through in time.

    Garbage that does not go by itself is hardly made while requests are answered, and looking for
    it takes a twentieth of the time. That this stays so is looked at now and then; and every time,
    as long as it is not so.
    """

    def __init__(self) -> None:
        self._unseen = 0
        """How many times more nothing is looked through."""

    def tidy(self) -> None:
        """Puts it aside."""
        if self._unseen:
            self._unseen -= 1
        elif gc.collect(0) <= _FEW:
            self._unseen = _LOOK_EVERY
        gc.freeze()
