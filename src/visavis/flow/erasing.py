"""The right to be forgotten: the erasure of one person everywhere (see flow.export for the other).

An erasure is noted first, in one transaction with what the database held; from then on every
import drops what names the person. The next build, made at once, writes the lake anew, rests on
no earlier build and removes those; killed at any step, the build after goes on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from visavis.core.clock import format_time
from visavis.core.progress import Progress
from visavis.engage.channels.maildir import MAILBOX, message_of
from visavis.store import builds, crash, erased, recent
from visavis.store.builds import Build
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.key import project_key
from visavis.store.lake import Lake
from visavis.store.locks import writing
from visavis.store.outbox import Outbox
from visavis.store.state import State
from visavis.store.tail import Tail, forget
from visavis.store.warehouse import Warehouse

Names = Sequence[tuple[str, str]]
"""Identifiers: kind and normal value."""


def erase(root: Path, person: str, now_ms: int, progress: Progress) -> dict[str, Any]:
    """Erases a person and says how much went; raises ProblemsError `nobody`.

    What is dated after `now_ms` and comes in later is kept: somebody who returns begins anew.
    """
    from visavis.flow.build import build_project
    from visavis.flow.projects import load_project, state_of

    project = load_project(root)
    state = state_of(project)
    build_project(project, None, now_ms, progress)
    with writing(state, "erase", now_ms):
        told = _note(root, person, now_ms)
    crash.point("erase-noted")
    made = build_project(project, None, now_ms, progress)
    return told | {"build_id": made["build_id"], "people": made["people"]}


def _note(root: Path, person: str, now_ms: int) -> dict[str, Any]:
    from visavis.collect.erasing import FACT, Pending, pending
    from visavis.flow.backup import BACKUPS
    from visavis.flow.persons import find_person, open_lake
    from visavis.flow.published import open_warehouse, published

    with published(root) as at:
        with open_warehouse(at.project()) as wh:
            open_lake(wh, at)
            found = find_person(wh, at, person)
            names = names_of(wh, found.nodes)
            messages = _on_shared(wh, at.build, found.nodes)
            events = _count(wh, found.nodes) + len(messages)
        with Outbox(at.state) as outbox, State(at.state / "state.db") as db:
            left = pending(db)
            what = Pending(
                [*left.nodes, *found.nodes],
                [*left.messages, *messages],
                sorted({*left.builds, *builds.listed(at.state)}),
            )
            backups = db.fact(BACKUPS) or []
            key = project_key(at.state)
            outbox.db.execute("PRAGMA secure_delete = ON")
            mails = _mails(outbox.db, names)
            # before what names them is gone, so that a kill in between leaves none behind; and
            # after, for one that was just being written
            delivered = _unlink(at.state, mails)
            with outbox.transaction() as tx:
                gone = _forget(tx, names)
                erased.note(tx, (erased.hash_of(key, *name) for name in names), now_ms)
                text = json.dumps(what.as_json(), ensure_ascii=False)
                tx.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (FACT, text))
            # what was deleted must not stay readable in the log beside the database either
            outbox.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            delivered += _unlink(at.state, mails)
    return {
        "erased": person,
        "at": format_time(now_ms),
        "identifiers": len(names),
        "events": events,
        **gone,
        "mails": delivered,
        "backups": [f"{b['file']} of {format_time(b['at'])}" for b in backups],
    }


def names_of(wh: Warehouse, nodes: Iterable[int]) -> list[tuple[str, str]]:
    """The identifiers of these nodes."""
    listed = ", ".join(str(node) for node in nodes)
    rows = wh.rows(f"SELECT kind, value FROM lake_nodes WHERE node IN ({listed}) ORDER BY ALL")
    return [(str(kind), str(value)) for kind, value in rows]


def _count(wh: Warehouse, nodes: Iterable[int]) -> int:
    listed = ", ".join(str(node) for node in nodes)
    return int(
        wh.value(
            f"SELECT count(*) FROM lake_events WHERE node IN ({listed}) OR "
            f"list_has_any(nodes, [{listed}]::BIGINT[])"
        )
    )


def _on_shared(wh: Warehouse, build: Build, nodes: Iterable[int]) -> list[str]:
    """Message ids of events on shared devices that the last login there made the person's."""
    table = build.table("attributed")
    if not table.exists():
        return []
    listed = ", ".join(str(node) for node in nodes)
    rows = wh.rows(
        f"SELECT e.message_id FROM read_parquet({text_literal(str(table))}) AS a "
        f"JOIN lake_events AS e USING (seq) WHERE a.node IN ({listed}) "
        f"AND e.node NOT IN ({listed}) ORDER BY 1"
    )
    return [str(message) for (message,) in rows]


def _mails(db: sqlite3.Connection, names: Names) -> set[str]:
    """Ids of the messages to or about these identifiers."""
    query = f"SELECT message_id FROM messages WHERE {MESSAGES_OF}"
    return {str(mid) for name in names for (mid,) in db.execute(query, name)}


def _unlink(state: Path, messages: Collection[str]) -> int:
    """Removes messages from the local mailboxes, read or not; how many."""
    if not messages:
        return 0
    written = (state / MAILBOX).glob("*/*/*.visavis*")
    found = [path for path in written if message_of(path) in messages]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


KEPT_OF = "kind = ?1 AND value = ?2"
MESSAGES_OF = f"({KEPT_OF}) OR (address_kind = ?1 AND lower(address) = lower(?2))"
_DELETES = {
    "messages": f"DELETE FROM messages WHERE {MESSAGES_OF}",
    "decisions": f"DELETE FROM decisions WHERE {KEPT_OF}",
    "arms": f"DELETE FROM arms WHERE {KEPT_OF}",
    "words": "DELETE FROM identity_words WHERE (kind_a = ?1 AND value_a = ?2) "
    "OR (kind_b = ?1 AND value_b = ?2)",
}


def _forget(tx: sqlite3.Connection, names: Names) -> dict[str, int]:
    """Deletes what the database holds of these identifiers; how many rows of what."""
    gone = {
        what: sum(tx.execute(statement, name).rowcount for name in names)
        for what, statement in _DELETES.items()
    }
    held = set(names)
    rows = tx.execute("SELECT id, identifiers FROM journal").fetchall()
    mine = [(n,) for n, ids in rows if held & {(kind, value) for kind, value in json.loads(ids)}]
    tx.executemany("DELETE FROM journal WHERE id = ?", mine)
    return gone


def settle(lake: Lake, db: State, what: Any, through: int) -> None:
    """Ends an erasure once a build without the person is published: earlier builds go, and the
    frames that it covers. A build that somebody reads goes with a later one."""
    from visavis.collect.erasing import FACT, Pending

    if not what.nodes and not what.builds:
        return
    crash.point("erase-built")
    left = builds.remove(lake.state, what.builds)
    _clear_tail(lake.state, through)
    db.commit(None, facts={FACT: Pending(builds=left).as_json()})


def _clear_tail(state: Path, through: int) -> None:
    """Removes covered frames, and recent events that a killed service left in a file; a service
    that runs does both itself when it takes up the build."""
    try:
        tail = Tail(state)
    except BlockingIOError:
        return
    try:
        tail.renew()
        forget(state, through)
        recent.clear(state / recent.FOLDER)
    finally:
        tail.close()
