"""The hot path: a body comes in, is checked, becomes durable, and is acknowledged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from visavis.flow.live import BATCH, POSTHOG, SNOWPLOW, Keyring, Unreadable, Watch, check, head
from visavis.serve.auth import allowed, outer_key
from visavis.serve.bodies import body_of, too_large
from visavis.serve.commit import Busy, Committer, NotStored
from visavis.serve.http import Answer, Refused, Request

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
        text = outer_key(request)
        # a wrong key in a header is told before the body is read
        key = allowed(self.keyring, text, "write", by_id=True) if text else None
        posthog = door == POSTHOG
        most = MOST_POSTHOG if posthog else MOST_BATCH
        # PostHog's clients halve a batch on 413; of the others one repeats a 413, none a 400
        refusal = 413 if posthog else 400
        body = await body_of(request, most, refusal)
        try:
            checked = check(door, shape(body) if shape else body)
        except Unreadable as error:
            if key is None:
                allowed(self.keyring, None, "write")
            raise Refused(400, "bad-body", str(error)) from None
        if key is None:
            key = allowed(self.keyring, checked.key, "write")
        size = len(checked.body)
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
        await self._store(received, head(door, agent, key.id, marks), checked.body)
        return TAKEN

    async def _store(self, received: int, head_text: bytes, body: bytes) -> None:
        try:
            await self.committer.store(received, head_text, body)
        except (Busy, NotStored) as error:
            code = "busy" if isinstance(error, Busy) else "not-stored"
            message = "the service can't store events just now; send them again"
            raise Refused(503, code, message, (b"retry-after", b"1")) from None
