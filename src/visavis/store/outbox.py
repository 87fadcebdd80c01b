"""The outbox: messages, decisions and arms in the state, each change in one transaction.

One message per key (address, campaign, occasion), whoever else wants to send it. A message that
may have left is never handed out again by itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visavis.store import journal
from visavis.store.formats import open_database, transaction
from visavis.store.journal import Recorded

TABLES = """
CREATE TABLE IF NOT EXISTS arms(
  experiment TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, arm TEXT NOT NULL,
  at INT NOT NULL, share REAL NOT NULL, PRIMARY KEY(experiment, kind, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS decisions(
  decision_id TEXT PRIMARY KEY, placement TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
  at INT NOT NULL, build_id TEXT NOT NULL, held_out INT NOT NULL, choices TEXT NOT NULL,
  candidates TEXT NOT NULL, features TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS decisions_of ON decisions(kind, value);
CREATE TABLE IF NOT EXISTS messages(
  message_id TEXT PRIMARY KEY, campaign TEXT NOT NULL, occasion TEXT NOT NULL,
  channel TEXT NOT NULL, purpose TEXT NOT NULL, address_kind TEXT NOT NULL, address TEXT NOT NULL,
  kind TEXT NOT NULL, value TEXT NOT NULL, decision_id TEXT NOT NULL, language TEXT NOT NULL,
  parts TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '',
  planned_at INT NOT NULL, due_at INT NOT NULL, expires_at INT NOT NULL,
  owner TEXT, lease_until INT, attempts INT NOT NULL DEFAULT 0, changed_at INT NOT NULL,
  UNIQUE(address_kind, address, campaign, occasion)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS messages_waiting ON messages(due_at) WHERE status = 'planned';
CREATE INDEX IF NOT EXISTS messages_under_way ON messages(status) WHERE status = 'sending';
CREATE INDEX IF NOT EXISTS messages_of ON messages(address_kind, address);
CREATE INDEX IF NOT EXISTS messages_about ON messages(kind, value);
CREATE TABLE IF NOT EXISTS paused(name TEXT PRIMARY KEY, at INT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown(id INT PRIMARY KEY CHECK (id = 1), plan TEXT NOT NULL);
"""
LEFT = ("sent", "uncertain", "sending")
"""States of messages that left or may have left: caps count them."""
KEPT = "held out"
KEPT_OUT = (KEPT, "control")
"""States of messages that were never to be sent, kept to measure against."""
_COLUMNS = (
    "message_id, campaign, occasion, channel, purpose, address_kind, address, kind, value, "
    "decision_id, language, parts, status, reason, planned_at, due_at, expires_at, owner, "
    "lease_until, attempts, changed_at"
)


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox. `address` is as it will be written to, times in UTC ms."""

    message_id: str
    campaign: str
    occasion: str
    channel: str
    purpose: str
    address_kind: str
    address: str
    kind: str
    value: str
    decision_id: str
    language: str
    parts: Mapping[str, str]
    status: str
    reason: str
    planned_at: int
    due_at: int
    expires_at: int
    owner: str | None = None
    lease_until: int | None = None
    attempts: int = 0
    changed_at: int = 0

    def row(self) -> tuple[object, ...]:
        parts = json.dumps(dict(self.parts), ensure_ascii=False)
        return (
            self.message_id, self.campaign, self.occasion, self.channel, self.purpose,
            self.address_kind, self.address, self.kind, self.value, self.decision_id,
            self.language, parts, self.status, self.reason, self.planned_at, self.due_at,
            self.expires_at, self.owner, self.lease_until, self.attempts, self.changed_at,
        )  # fmt: skip


class Outbox:
    """The open outbox of a state directory."""

    def __init__(self, state: Path) -> None:
        self.db = open_database(state / "state.db")
        self.db.executescript(TABLES)

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Everything in the block, or nothing of it."""
        return transaction(self.db)

    # arms

    def arms(self, experiments: Iterable[str]) -> dict[str, dict[tuple[str, str], str]]:
        """Recorded arms by experiment and identifier."""
        found: dict[str, dict[tuple[str, str], str]] = {name: {} for name in experiments}
        for experiment, kind, value, arm in self.db.execute(
            "SELECT experiment, kind, value, arm FROM arms"
        ):
            if experiment in found:
                found[experiment][kind, value] = arm
        return found

    # planning

    def plan(
        self,
        messages: Iterable[Message],
        decisions: Iterable[tuple[object, ...]],
        arms: Iterable[tuple[str, str, str, str, int, float]],
        events: Iterable[Recorded],
    ) -> int:
        """In one transaction: arms, decisions, their messages and events. The messages that are
        new; one that is there already stays as it is."""
        with self.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO arms VALUES (?, ?, ?, ?, ?, ?)", arms)
            db.executemany(
                "INSERT OR IGNORE INTO decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", decisions
            )
            before = db.total_changes
            marks = ", ".join("?" * 21)
            db.executemany(
                f"INSERT INTO messages({_COLUMNS}) VALUES ({marks}) "
                "ON CONFLICT(address_kind, address, campaign, occasion) DO UPDATE SET "
                "status = excluded.status, reason = excluded.reason, parts = excluded.parts, "
                "decision_id = excluded.decision_id, planned_at = excluded.planned_at, "
                "due_at = excluded.due_at, expires_at = excluded.expires_at, "
                "changed_at = excluded.changed_at "
                "WHERE messages.status IN ('held out', 'control') AND excluded.status = 'planned'",
                (m.row() for m in messages),
            )
            new = db.total_changes - before
            journal.record(db, events)
        return new

    # delivering

    def lease(
        self, owner: str, channel: str, now_ms: int, until_ms: int, count: int, only_to: str = ""
    ) -> list[Message]:
        """Takes messages that are due, in the order they are, and commits that they are under way:
        from here on they may have left."""
        with self.transaction() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM messages WHERE status = 'planned' AND due_at <= ? "
                "AND channel = ? AND campaign NOT IN (SELECT name FROM paused) "
                "AND channel NOT IN (SELECT name FROM paused) AND (? = '' OR address = ?) "
                "ORDER BY due_at, message_id LIMIT ?",
                (now_ms, channel, only_to, only_to, count),
            ).fetchall()
            db.executemany(
                "UPDATE messages SET status = 'sending', owner = ?, lease_until = ?, "
                "attempts = attempts + 1, changed_at = ? WHERE message_id = ?",
                [(owner, until_ms, now_ms, row[0]) for row in rows],
            )
        return [_message(row) for row in rows]

    def settle(
        self,
        outcomes: Sequence[tuple[str, str, str, int]],
        now_ms: int,
        events: Iterable[Recorded] = (),
    ) -> None:
        """Writes what became of leased messages: (message_id, status, reason, due_at)."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE messages SET status = ?, reason = ?, due_at = ?, owner = NULL, "
                "lease_until = NULL, changed_at = ? WHERE message_id = ?",
                [(status, why, due, now_ms, mid) for mid, status, why, due in outcomes],
            )
            journal.record(db, events)

    def expire(self, now_ms: int) -> list[Message]:
        """Messages that waited too long are not sent any more; which."""
        waiting = self.messages("status = 'planned' AND expires_at <= ?", (now_ms,))
        outcomes = [(m.message_id, "expired", "waited too long", m.due_at) for m in waiting]
        if outcomes:
            self.settle(outcomes, now_ms)
        return waiting

    def pause(self, name: str, now_ms: int) -> None:
        """Nothing of a campaign or channel leaves until it is resumed."""
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO paused VALUES (?, ?)", (name, now_ms))

    def resume(self, name: str) -> bool:
        """Lets a campaign or channel go on; whether it was paused."""
        with self.transaction() as db:
            return db.execute("DELETE FROM paused WHERE name = ?", (name,)).rowcount > 0

    def paused(self) -> list[str]:
        """What is paused."""
        return [row[0] for row in self.db.execute("SELECT name FROM paused ORDER BY name")]

    def show(self, plan: Mapping[str, Any]) -> None:
        """Remembers what a plan showed."""
        text = json.dumps(dict(plan), ensure_ascii=False)
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO shown VALUES (1, ?)", (text,))

    def shown(self) -> dict[str, Any] | None:
        """What the last plan showed."""
        row = self.db.execute("SELECT plan FROM shown").fetchone()
        return json.loads(row[0]) if row else None

    def under_way(self) -> list[Message]:
        """Messages that somebody took to send and has said nothing of since."""
        rows = self.db.execute(f"SELECT {_COLUMNS} FROM messages WHERE status = 'sending'")
        return [_message(row) for row in rows]

    def messages(self, where: str = "true", params: Sequence[object] = ()) -> list[Message]:
        """Messages by a condition of SQL over the table's columns."""
        rows = self.db.execute(
            f"SELECT {_COLUMNS} FROM messages WHERE {where} ORDER BY planned_at, message_id", params
        )
        return [_message(row) for row in rows]

    def waiting(self) -> int:
        """How many messages are still to be sent."""
        sql = "SELECT count(*) FROM messages WHERE status = 'planned'"
        return int(self.db.execute(sql).fetchone()[0])

    def channels_waiting(self) -> list[str]:
        """Channels on which something is still to be sent."""
        sql = "SELECT DISTINCT channel FROM messages WHERE status = 'planned' ORDER BY 1"
        return [row[0] for row in self.db.execute(sql)]

    def addresses_due(self, now_ms: int) -> list[tuple[str, str]]:
        """Kind and value of every address that something is due to."""
        sql = (
            "SELECT DISTINCT address_kind, address FROM messages "
            "WHERE status = 'planned' AND due_at <= ? ORDER BY 1, 2"
        )
        return self.db.execute(sql, (now_ms,)).fetchall()

    def past(self, name: tuple[str, str] | None = None) -> list[tuple[Any, ...]]:
        """(address_kind, address, kind, value, campaign, occasion, channel, purpose, at, status,
        planned_at) of every message but those of control groups; or only of those to, or filed
        under, an identifier."""
        one = "AND ((address_kind = ? AND address = ?) OR (kind = ? AND value = ?))"
        return self.db.execute(
            "SELECT address_kind, address, kind, value, campaign, occasion, channel, purpose, "
            "CASE WHEN status IN ('sent', 'uncertain', 'sending') THEN changed_at "
            "ELSE planned_at END, status, planned_at FROM messages "
            f"WHERE status <> 'control' {one if name else ''}",
            (*name, *name) if name else (),
        ).fetchall()

    def decisions(self, where: str, params: Sequence[object]) -> list[dict[str, Any]]:
        """Decisions as dicts, JSON read."""
        names = (
            "decision_id", "placement", "kind", "value", "at", "build_id", "held_out", "choices",
            "candidates", "features",
        )  # fmt: skip
        rows = self.db.execute(
            f"SELECT {', '.join(names)} FROM decisions WHERE {where} ORDER BY at, decision_id",
            params,
        )
        found = [dict(zip(names, row, strict=True)) for row in rows]
        for one in found:
            for name in ("choices", "candidates", "features"):
                one[name] = json.loads(one[name])
        return found


def _message(row: Sequence[Any]) -> Message:
    fields = list(row)
    fields[11] = json.loads(fields[11])
    return Message(*fields)
