"""The live service's knowledge: the base it answers from, picked up anew after each build.

A build's history is made by a process of its own; until it is there the service goes on with the
one before and the events since.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from visavis.core.nouns import Project
from visavis.flow.base import Base, base_of
from visavis.flow.live_decide import Decider
from visavis.flow.profiles import Profiles
from visavis.flow.rates import has_rates
from visavis.store import builds
from visavis.store.history import stay_in_memory
from visavis.store.history_file import is_made, unfinished
from visavis.store.key import project_key
from visavis.store.recent import FOLDER, Mark, clear
from visavis.store.tail import Bodies, Frame, frame_of, frames_after

_log = logging.getLogger("visavis.live")
LOOK_SECONDS = 0.5
"""How often it is looked whether another build was published."""


@dataclass
class Knowledge:
    """What is known now; `profiles` is None until the first base is there."""

    root: Path
    state: Path
    folder: Project
    profiles: Profiles | None = None
    waiting: list[Frame] | None = None
    """Frames that came while another base is being read in."""
    covered: Callable[[int], None] | None = None
    """Told of the last frame that a build covers, once answers no longer need it."""

    def listen(self, frames: list[Frame]) -> None:
        """Told of every durable frame, in order, before its request is answered."""
        if self.profiles is not None:
            self.profiles.take(frames)
        if self.waiting is not None:
            self.waiting += frames

    async def first(self) -> None:
        """Makes the first base at once where nothing has to be made for it before."""
        if self._has_history():
            await self._renew()

    async def watch(self) -> None:
        """Picks up what builds publish, as long as the service runs."""
        while True:
            if self.profiles is None or self._other_build():
                try:
                    await self._renew()
                except (OSError, ValueError, KeyError, sqlite3.Error):
                    _log.exception("what the build published could not be read")
            await asyncio.sleep(LOOK_SECONDS)

    def _has_history(self) -> bool:
        build = builds.published(self.state)
        return not has_rates(self.folder) if build is None else is_made(build.path)

    def _other_build(self) -> bool:
        build_id = builds.published_id(self.state)
        if build_id is None or self.profiles is None:
            return False
        return build_id != self.profiles.base.build_id

    async def _renew(self) -> None:
        await self._make_history()
        base = await asyncio.to_thread(base_of, self.root, self.state, self.folder)
        if base.build_id is not None and base.history is None:
            return  # that build went away meanwhile: the next look finds the one after
        if base.history is not None:
            threading.Thread(target=stay_in_memory, args=(base.history,), daemon=True).start()
        fresh = await asyncio.to_thread(open_profiles, base, self.state)
        self.waiting = []
        try:
            last = await asyncio.to_thread(catch_up, fresh, self.state)
            # from here to the end nothing else runs: no frame is missed and none taken twice
            fresh.take([frame for frame in self.waiting if frame.number > last])
        except Exception:
            await asyncio.to_thread(fresh.close)
            raise
        finally:
            self.waiting = None
        old, self.profiles = self.profiles, fresh
        if old is not None:
            await old.end()
        await asyncio.to_thread(clear, self.state / FOLDER, fresh.file)
        if self.covered is not None:
            self.covered(base.through)

    def close(self) -> None:
        """Ends it; what is known of the events since the build stays for the next process."""
        if self.profiles is not None:
            self.profiles.close(keep=True)

    async def _make_history(self) -> None:
        if await asyncio.to_thread(self._has_history):
            return
        command = [sys.executable, "-c", "from visavis.cli.main import main; main()"]
        words = ["-p", str(self.root), "--quiet", "history"]
        process = await asyncio.create_subprocess_exec(*command, *words)
        try:
            await process.wait()
        except asyncio.CancelledError:  # the service ends: the next one has it made
            with contextlib.suppress(ProcessLookupError):  # it may just have ended
                process.kill()
            await process.wait()
            for left in (self.state / "builds").glob(f"*/{unfinished(process.pid)}*"):
                left.unlink(missing_ok=True)
            raise

    def ready(self) -> bool:
        """Whether profiles can be asked for."""
        return self.profiles is not None

    def now_base(self) -> Base | None:
        """The base of the answers given now."""
        return self.profiles.base if self.profiles else None


def decider_of(state: Path) -> Decider:
    """What decides, over a state directory."""
    return Decider(state, project_key(state))


def open_profiles(base: Base, state: Path) -> Profiles:
    """What is known over a base, with what an earlier process left; see catch_up for the rest."""

    def trusted(mark: Mark) -> bool:
        frame = frame_of(state, mark.number)
        return frame is not None and Mark.of(frame) == mark

    return Profiles(base, project_key(state), state / FOLDER, trusted, Bodies(state))


def catch_up(profiles: Profiles, state: Path) -> int:
    """Takes in what the tail has on disk; the number of its last frame."""
    last = profiles.through
    batch: list[Frame] = []
    for frame in frames_after(state, last):
        batch.append(frame)
        last = frame.number
        if len(batch) >= 1_000:
            profiles.take(batch)
            batch = []
    profiles.take(batch)
    return last
