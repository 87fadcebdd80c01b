"""Sends what an outbox holds, in batches on every channel, and settles what became of each."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visavis.core.links import unsubscribe_token
from visavis.core.offers import Channel
from visavis.engage.channels import Fate, Outgoing, Sender
from visavis.engage.channels.maildir import MAILBOX, Maildir
from visavis.engage.mail import compose, recipient, sender_of
from visavis.flow.due import NO_SITE
from visavis.flow.gate import Gate
from visavis.flow.planned import event_of
from visavis.store import crash
from visavis.store.journal import Recorded
from visavis.store.key import project_key
from visavis.store.outbox import Message, Outbox

BATCH = 50
ATTEMPTS = 5
_BACKOFF_MS = 300_000
_LEASE_MS = 900_000


def leaves(channel: Channel) -> bool:
    """Whether messages of the channel leave the machine: live ones, or all to a test address."""
    return channel.kind == "smtp" and (channel.live or channel.test_address is not None)


def mailbox(state: Path, channel: str) -> Path:
    """Where a channel's local mailbox is."""
    return state / MAILBOX / channel


def open_sender(state: Path, channel: Channel) -> Sender:
    """A connection of a channel; only a live one leaves the machine."""
    if leaves(channel):
        from visavis.engage.channels.smtp import Smtp

        return Smtp(channel)
    return Maildir(mailbox(state, channel.name))


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where there is one: a third less work for each message."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@dataclass(slots=True)
class Delivery:
    """Sends what the outbox holds, asking again about each message."""

    gate: Gate
    limit: int | None
    only_to: str
    sent: int = 0
    uncertain: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    boxes: list[str] = field(default_factory=list)
    key: bytes = b""

    @property
    def state(self) -> Path:
        return self.gate.at.state

    @property
    def outbox(self) -> Outbox:
        return self.gate.outbox

    @property
    def at_ms(self) -> int:
        return self.gate.at_ms

    def run(self) -> None:
        """Everything due on every channel, then what is left waits for the next time."""
        self.key = project_key(self.state)
        for _ in self.outbox.expire(self.at_ms):
            self._count("expired")
        self.gate.look_up()
        with asyncio.Runner(loop_factory=_loop()) as runner:
            runner.run(self._all())

    def told(self) -> dict[str, Any]:
        """Counts of what became of messages."""
        return {"sent": self.sent, **self.counts, "waiting": self.outbox.waiting()}

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    async def _all(self) -> None:
        for name in self.outbox.channels_waiting():
            channel = self.gate.project.channels.get(name)
            if channel is not None:
                if not leaves(channel):
                    self.boxes.append(name)
                count = channel.connections if leaves(channel) else 1
                began = time.monotonic()
                await asyncio.gather(*(self._worker(channel, n, began) for n in range(count)))

    async def _worker(self, channel: Channel, number: int, began: float) -> None:
        sender = open_sender(self.state, channel)
        owner = f"{os.getpid()}-{number}"
        try:
            while (size := self._room()) > 0:
                batch = self.outbox.lease(
                    owner, channel.name, self.at_ms, self.at_ms + _LEASE_MS, size, self.only_to
                )
                if not batch:
                    return
                crash.point("send-leased")
                if not await self._batch(batch, channel, sender):
                    return
                if channel.rate:
                    await asyncio.sleep(
                        max(0.0, began + self.sent * 60 / channel.rate - time.monotonic())
                    )
        finally:
            await sender.close()

    def _room(self) -> int:
        return BATCH if self.limit is None else min(BATCH, self.limit - self.sent)

    async def _batch(self, batch: Sequence[Message], channel: Channel, sender: Sender) -> bool:
        """Sends what may leave; False where the channel is down and no more should be tried."""
        self.gate.news()
        outcomes: list[tuple[str, str, str, int]] = []
        events: list[Recorded] = []
        leaving: list[tuple[Message, Outgoing]] = []
        for message in batch:
            stopped = self.gate.stopped(message)
            outgoing = None if stopped else self._outgoing(message, channel)
            if outgoing is None:
                status, reason, when = stopped or ("failed", "not an address", message.due_at)
                outcomes.append((message.message_id, status, reason, when))
                self._count("held" if status == "planned" else status)
                if status != "planned":
                    events.append(event_of(message, "Refused", self.at_ms, reason))
            else:
                leaving.append((message, outgoing))
        # what doesn't leave is settled first: it is in no doubt whatever happens below
        if outcomes:
            self.outbox.settle(outcomes, self.at_ms, events)
        if not leaving:
            return True
        self.sent += len(leaving)
        fates = await sender.send([outgoing for _, outgoing in leaving])
        crash.point("send-sent")
        self._settle([message for message, _ in leaving], fates)
        crash.point("send-settled")
        return not any(fate.down for fate in fates)

    def _outgoing(self, message: Message, channel: Channel) -> Outgoing | None:
        address = (message.address_kind, message.address)
        token = unsubscribe_token(self.key, address, channel.name, message.purpose)
        link = f"{channel.unsubscribe or NO_SITE}{token}"
        try:
            to = recipient(channel.test_address or message.address)
        except ValueError:
            return None
        mail = compose(
            message.message_id, to, message.parts, channel, message.language, self.at_ms, link
        )
        return Outgoing(message.message_id, sender_of(channel.sender)[1], to, mail)

    def _settle(self, messages: Iterable[Message], fates: Iterable[Fate]) -> None:
        outcomes: list[tuple[str, str, str, int]] = []
        events: list[Recorded] = []
        for message, fate in zip(messages, fates, strict=True):
            status: str = fate.what
            when = message.due_at
            if fate.what == "later":
                self.sent -= 1
                tries = message.attempts + 1
                status = "failed" if tries >= ATTEMPTS and not fate.down else "planned"
                when = self.at_ms + _BACKOFF_MS * 2**message.attempts
                self._count("failed" if status == "failed" else "retried")
            elif fate.what == "sent":
                events.append(event_of(message, "Sent", self.at_ms))
            elif fate.what == "failed":
                self.sent -= 1
                self._count("failed")
                events.append(event_of(message, "Bounced", self.at_ms, fate.reason))
            else:
                self.sent -= 1
                self.uncertain += 1
                events.append(event_of(message, "Uncertain", self.at_ms, fate.reason))
            outcomes.append((message.message_id, status, fate.reason, when))
        self.outbox.settle(outcomes, self.at_ms, events)
