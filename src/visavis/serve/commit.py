"""Group commit: requests hand in frames and wait; one thread makes them durable together."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from visavis.flow.live import Frame, Tail

MOST_WAITING = 64 * 1024**2
"""Bytes that may wait for the disk; beyond it the answer is 503."""
_log = logging.getLogger("visavis.serve")
LATE_SECONDS = 0.02
"""How long what nobody waits for may stay in memory alone: a crash may lose it."""
_MOST_FRAMES = 4096
_MOST_BYTES = 16 * 1024**2


class Busy(Exception):
    """More waits for the disk than may be held in memory."""


class NotStored(Exception):
    """The disk did not take it; nothing of it is kept."""


@dataclass(slots=True)
class Numbers:
    """What the committer has done."""

    frames: int = 0
    bytes: int = 0
    commits: int = 0
    failed: int = 0
    waiting_bytes: int = 0


Done = Callable[[NotStored | None], None]
_Waiting = tuple[int, bytes, bytes, Done]
_Group = list[_Waiting]


@dataclass
class Committer:
    """Appends to the tail on a thread of its own. All but `between` is for the event loop."""

    tail: Tail
    loop: asyncio.AbstractEventLoop
    listener: Callable[[list[Frame]], None] | None = None
    """Told of frames, in order, in the event loop, before their requests are answered."""
    most_waiting: int = MOST_WAITING
    numbers: Numbers = field(default_factory=Numbers)

    def __post_init__(self) -> None:
        self._queue: queue.SimpleQueue[_Group | Callable[[], None] | None] = queue.SimpleQueue()
        self._waiting: _Group = []
        self._late: _Group = []
        self._late_due = False
        self._busy = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def store(self, received_ms: int, head: bytes, body: bytes) -> asyncio.Future[None]:
        """A future that is done once the frame is durable, or fails with NotStored. Raises Busy."""
        future = self.loop.create_future()

        def done(failure: NotStored | None) -> None:
            if not future.done():
                future.set_exception(failure) if failure else future.set_result(None)

        self.put(received_ms, head, body, done)
        return future

    def put(self, received_ms: int, head: bytes, body: bytes, done: Done) -> None:
        """Has a frame stored; `done` is called in the event loop, then. Raises Busy."""
        if self.numbers.waiting_bytes > self.most_waiting:
            raise Busy
        self.numbers.waiting_bytes += len(body)
        self._waiting.append((received_ms, head, body, done))
        if not self._busy:
            # whatever else this turn of the loop brings goes with it
            self._busy = True
            self.loop.call_soon(self._hand_over)

    def put_soon(self, received_ms: int, head: bytes, body: bytes, done: Done) -> None:
        """As `put`, for what nobody waits for: it goes with the next group, or alone after
        LATE_SECONDS."""
        if self.numbers.waiting_bytes > self.most_waiting:
            raise Busy
        self.numbers.waiting_bytes += len(body)
        if not self._late:
            self.loop.call_later(LATE_SECONDS, self._hand_over_late)
        self._late.append((received_ms, head, body, done))

    def _hand_over_late(self) -> None:
        self._late_due = True
        if not self._busy:
            self._hand_over()

    def _hand_over(self) -> None:
        """Gives the thread what waits: a group at a time, the next gathers meanwhile."""
        size = count = 0
        with self._lock:
            waiting = self._waiting
            if waiting or self._late_due:
                waiting = waiting + self._late
                self._late, self._late_due = [], False
            while count < min(len(waiting), _MOST_FRAMES) and size < _MOST_BYTES:
                size += len(waiting[count][2])
                count += 1
            self._waiting = waiting[count:]
        self._busy = count > 0
        if count:
            self._queue.put(waiting[:count])

    def between(self, work: Callable[[], None]) -> None:
        """Has something done on the thread that writes, between two commits."""
        self._queue.put(work)

    def close(self) -> None:
        """Stores what waits and ends; no `store` may follow. The loop may still run."""
        with self._lock:
            waiting, self._waiting, self._late = self._waiting + self._late, [], []
        if waiting:
            self._queue.put(waiting)
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (group := self._queue.get()) is not None:
            if callable(group):
                group()
                continue
            self._commit(group)

    def _commit(self, group: _Group) -> None:
        error: OSError | None = None
        frames: list[Frame] = []
        try:
            frames = self.tail.append([(at, head, body) for at, head, body, _ in group])
        except OSError as failure:
            error = failure
        try:
            self.loop.call_soon_threadsafe(self._answer, group, frames, error)
        except RuntimeError:  # the loop is gone, and with it everybody who asked
            return

    def _answer(self, group: _Group, frames: list[Frame], error: OSError | None) -> None:
        numbers = self.numbers
        size = sum(len(body) for _, _, body, _ in group)
        numbers.waiting_bytes -= size
        self._hand_over()
        if error is not None:
            numbers.failed += len(group)
            _tell(group, NotStored(error.strerror or str(error)))
            return
        numbers.commits += 1
        numbers.frames += len(group)
        numbers.bytes += size
        if self.listener is not None:
            self.listener(frames)
        _tell(group, None)


def _tell(group: _Group, failure: NotStored | None) -> None:
    for *_, done in group:
        try:
            done(failure)
        except Exception as error:  # noqa: BLE001 - one who can't be told is no harm to the others
            _log.error("an answer failed: %s", type(error).__name__)
