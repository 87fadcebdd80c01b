"""`send`: makes the messages that are due and sends them, each once.

Consent, arms, caps and quiet hours are asked again for each message at the moment it leaves.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time, zone
from visavis.core.consent import verdict
from visavis.core.decisions import Reason
from visavis.core.lang.types import Type
from visavis.core.links import unsubscribe_token
from visavis.core.nouns import Project
from visavis.core.offers import Channel
from visavis.core.pressure import Sent, cap_reached, open_from, zone_of
from visavis.core.problems import Problem, ProblemsError
from visavis.core.progress import Progress
from visavis.decide.arms import HOLDOUT, control_of, standing
from visavis.decide.rules import Past
from visavis.engage.channels import Fate, Outgoing, Sender
from visavis.engage.channels.maildir import Maildir
from visavis.engage.mail import compose, recipient, sender_of
from visavis.flow.consents import NAMES, word_of
from visavis.flow.due import NO_SITE, Known, due
from visavis.flow.persons import open_lake
from visavis.flow.planned import event_of, write_plan
from visavis.flow.published import Published, open_warehouse, published
from visavis.store import crash, journal
from visavis.store.engines.duckdb_names import held, identifier, text_literal
from visavis.store.journal import Recorded
from visavis.store.key import project_key
from visavis.store.locks import writing
from visavis.store.outbox import LEFT, Message, Outbox
from visavis.store.warehouse import Warehouse

MAX_BUILD_AGE_MS = 36 * 3_600_000
BATCH = 50
ATTEMPTS = 5
_BACKOFF_MS = 300_000
_LEASE_MS = 900_000
MAILBOX = "mailbox"


def send(
    root: Path,
    at_ms: int,
    progress: Progress,
    dry_run: bool = False,
    limit: int | None = None,
    only_to: str | None = None,
) -> dict[str, Any]:
    """Plans what is due at a moment and sends what may leave; says what became of everything.

    Raises ProblemsError `stale-build`, `more-than-planned`, `not-planned`, `locked`.
    """
    with published(root) as at:
        project = at.project()
        check_age(project, at, at_ms)
        with writing(at.state, "send", at_ms, "send.lock"), Outbox(at.state) as outbox:
            recovered = [] if dry_run else recover(project, outbox, at_ms)
            found = due(at, project, outbox, at_ms, progress)
            check_shown(project, at, outbox, found.messages())
            counts = {
                "at": format_time(at_ms),
                "build_id": at.build.id,
                "people": found.people,
                "planned": sum(found.messages().values()),
                "campaigns": found.messages(),
                "left_out": found.left_out,
            }
            if dry_run:
                return {**counts, "sent": 0, "dry_run": True}
            crash.point("send-decided")
            write_plan(found, outbox)
            crash.point("send-planned")
            delivery = Delivery(at, project, outbox, at_ms, limit, only_to or "")
            with progress.step("send"):
                delivery.run()
            uncertain = len(recovered) + delivery.uncertain
            boxes = {n: str(mailbox(at.state, n)) for n in delivery.boxes}
            return {**counts, **delivery.told(), "uncertain": uncertain, "mailboxes": boxes}


def check_age(project: Project, at: Published, at_ms: int) -> None:
    """Raises `stale-build` where the build is older than the project allows for sending."""
    limit = project.settings.get("max_build_age") or MAX_BUILD_AGE_MS
    assert isinstance(limit, int)
    if at_ms - at.build.as_of > limit:
        built = format_time(at.build.as_of)
        message = f"the published build is of {built}, too old to send by at {format_time(at_ms)}"
        hint = f"Run `visavis build` first, or set max_build_age ({limit // 3_600_000} hours now)."
        raise ProblemsError([Problem("stale-build", message, hint=hint)])


def check_shown(
    project: Project, at: Published, outbox: Outbox, messages: Mapping[str, int]
) -> None:
    """Raises where more would be sent than the last plan of these definitions showed.

    Live channels need a plan; the local mailbox does without.
    """
    shown = outbox.shown()
    same = shown is not None and (
        shown["definition_hash"] == at.build.manifest["definition_hash"]
        and shown["loads"] == at.build.manifest["loads"]
    )
    if not same or shown is None:
        live = {c for c in messages if project.channels[project.offers[c].channel or ""].live}
        if live:
            message = "no plan of this build was looked at, and live channels would be sent on"
            raise ProblemsError([Problem("not-planned", message, hint="Run `visavis plan` first.")])
        return
    more = {c: n for c, n in messages.items() if n > shown["messages"].get(c, 0)}
    if more:
        said = ", ".join(f"{c} ({n}, shown {shown['messages'].get(c, 0)})" for c, n in more.items())
        message = f"more messages are due than the last plan showed: {said}"
        raise ProblemsError(
            [Problem("more-than-planned", message, hint="Look at `visavis plan` again.")]
        )


def recover(project: Project, outbox: Outbox, at_ms: int) -> list[Message]:
    """Messages that a killed `send` had under way: those a channel would know again are sent
    again, the others are uncertain from now on, which is never changed but by hand."""
    lost = outbox.under_way()
    known = [m for m in lost if _knows(project.channels.get(m.channel))]
    doubtful = [m for m in lost if not _knows(project.channels.get(m.channel))]
    outbox.settle([(m.message_id, "planned", "", m.due_at) for m in known], at_ms)
    outbox.settle(
        [(m.message_id, "uncertain", "the process sending it ended", m.due_at) for m in doubtful],
        at_ms,
        [event_of(m, "Uncertain", at_ms) for m in doubtful],
    )
    return doubtful


def _knows(channel: Channel | None) -> bool:
    return channel is not None and not leaves(channel)


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

    at: Published
    project: Project
    outbox: Outbox
    at_ms: int
    limit: int | None
    only_to: str
    sent: int = 0
    uncertain: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    known: Known = field(default_factory=Known)
    persons: dict[tuple[str, str], int] = field(default_factory=dict)
    zones: dict[int, str | None] = field(default_factory=dict)
    journal_seen: int = 0
    boxes: list[str] = field(default_factory=list)
    key: bytes = b""

    def run(self) -> None:
        """Everything due on every channel, then what is left waits for the next time."""
        self.key = project_key(self.at.state)
        for message in self.outbox.expire(self.at_ms):
            self._count("expired", message)
        self._look_up()
        with asyncio.Runner(loop_factory=_loop()) as runner:
            runner.run(self._all())

    def told(self) -> dict[str, Any]:
        """Counts of what became of messages."""
        return {"sent": self.sent, **self.counts, "waiting": self.outbox.waiting()}

    def _count(self, what: str, _message: Message) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    def _look_up(self) -> None:
        """Who holds the addresses written to, and everything that decides about them."""
        import pyarrow as pa

        addresses = self.outbox.addresses_due(self.at_ms)
        with open_warehouse(self.project) as wh:
            open_lake(wh, self.at)
            table = pa.table(
                {"kind": [k for k, _ in addresses], "value": [v for _, v in addresses]},
                schema=pa.schema([("kind", pa.string()), ("value", pa.string())]),
            )
            wh.register("wanted", table)
            wh.execute(
                "CREATE OR REPLACE TEMP TABLE written_to AS SELECT w.kind, w.value, p.person, "
                "p.person_id FROM wanted AS w JOIN lake_nodes AS n USING (kind, value) "
                "JOIN node_persons AS p USING (node)"
            )
            self.persons = {
                (k, v): int(p) for k, v, p in wh.rows("SELECT kind, value, person FROM written_to")
            }
            self.journal_seen = journal.last(self.outbox.db)
            self.known = Known.read(wh, self.at, self.project, self.outbox, "written_to", LEFT)
            self.zones = self._zones(wh)

    def _zones(self, wh: Warehouse) -> dict[int, str | None]:
        trait = self.project.traits.get("time_zone")
        if trait is None or trait.type is not Type.TEXT:
            return {}
        people = text_literal(str(self.at.build.table("people")))
        column = held(identifier("time_zone"), trait.type)
        rows = wh.rows(
            f"SELECT w.person, any_value({column}) FROM read_parquet({people}) AS t "
            "JOIN written_to AS w USING (person_id) GROUP BY w.person"
        )
        return dict(rows)

    async def _all(self) -> None:
        for name in self.outbox.channels_waiting():
            channel = self.project.channels.get(name)
            if channel is not None:
                if not leaves(channel):
                    self.boxes.append(name)
                count = channel.connections if leaves(channel) else 1
                began = time.monotonic()
                await asyncio.gather(*(self._worker(channel, n, began) for n in range(count)))

    async def _worker(self, channel: Channel, number: int, began: float) -> None:
        sender = open_sender(self.at.state, channel)
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
        self._news()
        outcomes: list[tuple[str, str, str, int]] = []
        events: list[Recorded] = []
        leaving: list[tuple[Message, Outgoing]] = []
        for message in batch:
            stopped = self._stopped(message)
            outgoing = None if stopped else self._outgoing(message, channel)
            if outgoing is None:
                status, reason, when = stopped or ("failed", "not an address", message.due_at)
                outcomes.append((message.message_id, status, reason, when))
                self._count("held" if status == "planned" else status, message)
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

    def _news(self) -> None:
        """What the journal says since the last look: somebody may have said no meanwhile."""
        for event in journal.waiting(self.outbox.db, self.journal_seen, NAMES):
            self.journal_seen = event.id
            word = word_of(event, self.project)
            person = self.persons.get(word.address) if word else None
            if word is not None and person is not None:
                self.known.words.setdefault(person, []).append(word)

    def _stopped(self, message: Message) -> tuple[str, str, int] | None:
        """Why a message doesn't leave now: (status, reason, when to look again)."""
        address = (message.address_kind, message.address)
        person = self.persons.get(address)
        if person is None:
            return ("refused", str(Reason.NO_ADDRESS), message.due_at)
        project, known, at = self.project, self.known, self.at_ms
        told = verdict(known.words.get(person, ()), address, message.channel, message.purpose, at)
        if not told.allowed:
            return ("refused", told.reason, message.due_at)
        names = known.identifiers[person]
        if standing(known.arms[HOLDOUT], names) not in ("treated", None):
            return ("refused", str(Reason.HELD_OUT), message.due_at)
        control = known.arms.get(control_of(message.campaign), {})
        if standing(control, names) not in ("treated", None):
            return ("refused", str(Reason.CONTROL), message.due_at)
        local = zone_of(self.zones.get(person), zone(project.time_zone))
        opens, _ = open_from(project.quiet_hours.values(), message.channel, at, local)
        if opens is None or opens >= message.expires_at:
            return ("expired", "quiet hours until it expired", message.due_at)
        if opens > at:
            return ("planned", "quiet hours", opens)
        past = known.past.setdefault(person, [])
        sent = [Sent(p.at_ms, p.channel, p.purpose) for p in past if p.left]
        cap = cap_reached(project.caps.values(), sent, message.channel, message.purpose, at, local)
        if cap is not None:
            return ("refused", str(Reason.CAP), message.due_at)
        left = Past(
            message.campaign, message.occasion, address, message.channel, message.purpose, at,
            True, message.planned_at,
        )  # fmt: skip
        past.append(left)
        return None

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
                self._count("failed" if status == "failed" else "retried", message)
            elif fate.what == "sent":
                events.append(event_of(message, "Sent", self.at_ms))
            elif fate.what == "failed":
                self.sent -= 1
                self._count("failed", message)
                events.append(event_of(message, "Bounced", self.at_ms, fate.reason))
            else:
                self.sent -= 1
                self.uncertain += 1
                events.append(event_of(message, "Uncertain", self.at_ms, fate.reason))
            outcomes.append((message.message_id, status, fate.reason, when))
        self.outbox.settle(outcomes, self.at_ms, events)
