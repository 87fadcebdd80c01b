"""The hot path: a body comes in, is checked, becomes durable, and is acknowledged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from visavis.flow.live import BATCH, POSTHOG, SNOWPLOW, Key, Keyring, Unreadable, Watch, check, head
from visavis.serve.auth import allowed, outer_key
from visavis.serve.bodies import body_of, plain, too_large
from visavis.serve.commit import Busy, Committer, NotStored
from visavis.serve.http import Answer, Refused, Request
from visavis.serve.routes import Reply

MOST_EVENT = 32 * 1024
MOST_BATCH = 4 * 1024**2 + 64 * 1024
MOST_BATCH_SEGMENT = 512 * 1024
"""Of clients that name their key in the body of a batch, as Segment's do."""
MOST_POSTHOG = 20 * 1024**2
Shape = Callable[[bytes], bytes]
TAKEN = Answer(200, b'{"success":true}')


def clock() -> int:
    """UTC ms."""
    return time.time_ns() // 1_000_000


@dataclass
class Collecting:
    """Takes bodies in; `counts` is what the metrics tell."""

    committer: Committer
    keyring: Keyring
    now: Callable[[], int] = clock
    watch: Watch = field(default_factory=Watch)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("taken", "refused"), 0))

    async def take(self, request: Request, door: str, shape: Shape | None = None) -> Answer:
        """Acknowledges a body once it is durable; raises Refused.

        `shape` makes the door's form of a body that comes in another.
        """
        key = self._outer(request)  # a wrong key in a header is told before the body is read
        body = await body_of(request, *_limits(door))
        received, head_text, body = self._frame(request, door, body, key, shape)
        try:
            await self.committer.store(received, head_text, body)
        except (Busy, NotStored) as error:
            raise _unavailable(error) from None
        return TAKEN

    def at_once(self, door: str, request: Request, body: bytes, reply: Reply) -> None:
        """As `take`, for a body that is there; answers once it is durable."""
        key = self._outer(request)
        body = plain(body, *_limits(door))
        received, head_text, body = self._frame(request, door, body, key)

        def done(failure: NotStored | None) -> None:
            reply(TAKEN if failure is None else _unavailable(failure).answer)

        try:
            self.committer.put(received, head_text, body, done)
        except Busy as error:
            raise _unavailable(error) from None

    def _outer(self, request: Request) -> Key | None:
        text = outer_key(request)
        return allowed(self.keyring, text, "write", by_id=True) if text else None

    def _frame(
        self, request: Request, door: str, body: bytes, key: Key | None, shape: Shape | None = None
    ) -> tuple[int, bytes, bytes]:
        """When a body came in, the head and the body of its frame; raises Refused."""
        try:
            checked = check(door, shape(body) if shape else body)
        except Unreadable as error:
            if key is None:
                allowed(self.keyring, None, "write")
            raise Refused(400, "bad-body", str(error)) from None
        if key is None:
            key = allowed(self.keyring, checked.key, "write", by_id=True)
        size, refusal = len(checked.body), _limits(door)[1]
        if door == BATCH:
            if checked.key and size > MOST_BATCH_SEGMENT:
                raise too_large(MOST_BATCH_SEGMENT, refusal)
        elif door not in (POSTHOG, SNOWPLOW) and size > MOST_EVENT:
            raise too_large(MOST_EVENT, refusal)
        agent = request.headers.get(b"user-agent", b"").decode("latin-1")
        received = self.now()
        marks = None
        if door not in (POSTHOG, SNOWPLOW):
            marks = self.watch.marks(door == BATCH, checked.body, agent, received)
        return received, head(door, agent, key.id, marks), checked.body


def _limits(door: str) -> tuple[int, int]:
    """The most bytes of a body, and the status that refuses one that is larger."""
    # PostHog's clients halve a batch on 413; of the others one repeats a 413, none a 400
    return (MOST_POSTHOG, 413) if door == POSTHOG else (MOST_BATCH, 400)


def _unavailable(error: Busy | NotStored) -> Refused:
    code = "busy" if isinstance(error, Busy) else "not-stored"
    message = "the service can't store events just now; send them again"
    return Refused(503, code, message, (b"retry-after", b"1"))
