"""The published history: what traits read of each identifier's events, for the live reader.

The open file that store.history_file has made and that never changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from visavis.core.consent import Word
from visavis.core.lang.form import Value
from visavis.core.lang.history import Lines, Stream
from visavis.store.history_file import PIDS, PLAIN, Past

Name = tuple[str, str]


class Held(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An identifier, its number, the person who holds it, and when it was seen (UTC ms)."""

    node: int
    person: int | None
    first_seen: int | None
    last_seen: int | None
    bot_since: int | None
    """Since when it is told to be a robot's."""
    kind: str
    value: str

    @property
    def owner(self) -> int:
        """Where it lies in the file: the person, or a place of its own."""
        return ~self.node if self.person is None else self.person


@dataclass(frozen=True, slots=True)
class Settled:
    """A person to whom no link leads from anybody else, or from the time after the build, and with
    whom nobody else has an identifier in common, however it is spelled: the identifier that names
    it, and what is known of each that it has."""

    person_id: str
    name: Name
    members: dict[Name, Held]


class _Owner(NamedTuple):
    """A person, or what belongs to none: a row of the file."""

    person_id: str | None
    settled: bool
    said: bool
    """Whether anything was said about consent."""
    members: dict[Name, Held]
    events: bytes | None
    """Those of all of them; None for so many that they lie elsewhere."""


def stay_in_memory(history: PublishedHistory) -> None:
    """Reads a history once, and until it is closed again and again at a walking pace: the system
    then has it in memory, and reads again what it took back, so that nobody who is asked for the
    first time waits for the disk. One that takes more than half the memory is left. For a thread of
    its own."""
    pause = 0.0
    with (
        contextlib.suppress(OSError, ValueError),  # gone, or a system that can't do that
        open(history.path, "rb") as file,
        open(os.devnull, "wb") as nowhere,  # nothing is copied, and few calls are made
    ):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        size, at = os.fstat(file.fileno()).st_size, 0
        while size * 2 < memory and not history.closed.wait(pause):
            began = time.monotonic()
            at += os.sendfile(nowhere.fileno(), file.fileno(), at, _PIECE)
            # the disk has a tenth of the time to do: where memory is short, others need it
            took = time.monotonic() - began
            pause = max(_PACE_SECONDS, 10 * took) if pause or at >= size else 0.0
            at = 0 if at >= size else at


class PublishedHistory:
    """The open file. Texts are looked up as they are met and kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = threading.Event()
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        self.db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        # not mapped: mapped pages count as memory of the process, and read no faster
        self.db.execute("PRAGMA cache_size=-65536")
        self.meta = {
            name: json.loads(value) for name, value in self.db.execute("SELECT * FROM meta")
        }
        self._shapes: list[tuple[str, list[str], list[str]]] = [
            (event, [name for name, _ in columns], [name for name, _ in lines or ()])
            for event, columns, lines in self.meta["events"]
        ]
        self._owners: OrderedDict[Name, int | None] = OrderedDict()
        self._rows: OrderedDict[int, _Owner] = OrderedDict()

    def close(self) -> None:
        self.closed.set()
        self.db.close()

    def rates(self) -> list[tuple[str, int, int]]:
        """What foreign currencies are worth: currency, from which day on, scaled rate."""
        return [(c, day, rate) for c, day, rate in self.meta.get("rates", ())]

    # who is who

    def held(self, kind: str, value: str) -> Held | None:
        """What is known of an identifier; remembered, with all of its person."""
        name = kind, value
        if name not in self._owners:
            self._look_up(name)
        owner = self._owners[name]
        return None if owner is None else self._owner(owner).members[name]

    def _look_up(self, name: Name) -> None:
        """Reads whose an identifier is, and all about them with it."""
        row = self.db.execute(
            f"SELECT {_COLUMNS}, o.owner FROM identifiers AS i JOIN owners AS o USING (owner) "
            "WHERE i.kind = ? AND i.value = ?",
            name,
        ).fetchone()
        if row is None:
            self._remember((name,), None)
        else:
            self._take(row[:-1], row[-1])

    def _remember(self, names: Iterable[Name], owner: int | None) -> None:
        owners = self._owners
        for name in names:
            owners[name] = owner
        while len(owners) > _MOST_NAMES:
            owners.popitem(last=False)

    def _owner(self, owner: int) -> _Owner:
        """What a row of the file says; remembered."""
        found = self._rows.get(owner)
        if found is not None:
            self._rows.move_to_end(owner)
            return found
        row = self.db.execute(
            f"SELECT {_COLUMNS} FROM owners AS o WHERE owner = ?", (owner,)
        ).fetchone()
        return _NOBODY if row is None else self._take(row, owner)

    def _take(self, row: tuple[Any, ...], owner: int) -> _Owner:
        person_id, settled, said, members, events = row
        names = {(held.kind, held.value): held for held in _members(members)}
        self._remember(names, owner)
        found = self._rows[owner] = _Owner(person_id, bool(settled), bool(said), names, events)
        if len(self._rows) > _MOST_OWNERS:
            self._rows.popitem(last=False)
        return found

    def person_by_id(self, person_id: str) -> int | None:
        """The person of a person_id."""
        row = self.db.execute(
            "SELECT owner FROM owners WHERE person_id = ?", (person_id,)
        ).fetchone()
        return int(row[0]) if row else None

    def person_id(self, person: int) -> str | None:
        """The person_id of a person."""
        return self._owner(person).person_id

    def identifiers(self, person: int) -> dict[Name, Held]:
        """What a person has."""
        return self._owner(person).members

    def settled(self, person: int) -> Settled | None:
        """A person of whom the build says all there is to say; None for anybody else."""
        found = self._owner(person)
        if not found.settled or found.person_id is None:
            return None
        # the identifier that names a person gives it its number
        for name, held in found.members.items():
            if held.node == person:
                return Settled(found.person_id, name, found.members)
        return None

    def identifier(self, node: int) -> tuple[str, str] | None:
        """Kind and value of a node."""
        found = self.db.execute("SELECT kind, value FROM names WHERE node = ?", (node,)).fetchone()
        return tuple(found) if found else None

    def ties(self, held: Held) -> Iterator[tuple[Name, str, int | None]]:
        """(other, rule, first seen) of an identifier's links: the strongest others first, as they
        are asked for."""
        for kind, value, rule, first in self.db.execute(
            "SELECT kind, value, rule, first_seen FROM ties WHERE owner = ? AND node = ? "
            "ORDER BY place",
            (held.owner, held.node),
        ):
            yield (kind, value), rule, first

    def same_key(self, family: str, key: str) -> list[Name]:
        """Identifiers with this comparing form; family HASHED: hashes by their digits."""
        rows = self.db.execute(
            "SELECT n.kind, n.value FROM keys AS k JOIN names AS n USING (node) "
            "WHERE k.family = ? AND k.key = ?",
            (family, key),
        ).fetchall()
        kinds = self.meta.get("kinds", {}).get(family, ())
        return rows + [(kind, key) for kind in kinds if self.held(kind, key) is not None]

    @property
    def has_hashes(self) -> bool:
        """Whether any identifier is a hash."""
        return bool(self.meta.get("hashes"))

    def plain_of(self, digest: str) -> list[Name]:
        """Plain identifiers of which a hash (hex) begins as this one does."""
        return self._by_prefix(PLAIN, digest)

    def by_pid(self, person_id: str) -> list[Name]:
        """Identifiers that give an id which begins as this one does."""
        return self._by_prefix(PIDS, person_id)

    def _by_prefix(self, what: str, digits: str) -> list[Name]:
        try:
            number = int.from_bytes(bytes.fromhex(digits[:16]), "big", signed=True)
        except ValueError:
            return []
        runs = self.db.execute(
            "SELECT body FROM prefixes WHERE what = ? AND first <= ? ORDER BY first DESC LIMIT 2",
            (what, number),
        ).fetchall()
        found: set[int] = set()
        for (raw,) in runs:
            half = len(raw) // 2
            numbers, nodes = (memoryview(part).cast("q") for part in (raw[:half], raw[half:]))
            at = bisect_left(numbers, number)
            while at < len(numbers) and numbers[at] == number:
                found.add(nodes[at])
                at += 1
        rows = (self.identifier(node) for node in sorted(found))
        return [row for row in rows if row is not None]

    def named_by(self, person: int) -> Name | None:
        """The identifier that names a person."""
        return self.identifier(person)

    def confirmed(self, node: int) -> int | None:
        """When an identifier that must be confirmed first was."""
        row = self.db.execute("SELECT at FROM confirmed WHERE node = ?", (node,)).fetchone()
        return int(row[0]) if row else None

    def logins(self, node: int) -> list[tuple[int, str, str, str]]:
        """(moment, message id, kind, value) of the logins on a shared identifier."""
        return self.db.execute(
            "SELECT l.at, l.message_id, n.kind, n.value FROM logins AS l "
            "JOIN names AS n ON n.node = l.node WHERE l.shared = ?",
            (node,),
        ).fetchall()

    def named(self, node: int) -> dict[str, list[tuple[str, str]]]:
        """Message id -> the further identifiers of events whose strongest one this is."""
        rows = self.db.execute("SELECT message_id, others FROM named WHERE node = ?", (node,))
        return {mid: [_pair(text) for text in others.split("\x1e")] for mid, others in rows}

    def orders(self, key: str) -> list[tuple[str, str, int, int | None]]:
        """(message id, source, moment, strongest identifier's node) of an order that may be told
        again live."""
        query = "SELECT message_id, source, ts, node FROM orders WHERE key = ?"
        return self.db.execute(query, (key,)).fetchall()

    def words(self, person: int) -> list[Word]:
        """What was said about consent, by the build's moment or later."""
        if not self._owner(person).said:
            return []
        rows = self.db.execute(
            "SELECT at, says, kind, value, channel, purpose, message_id FROM words "
            "WHERE person = ?",
            (person,),
        )
        return [
            Word(at, says, (kind, value), channel, purpose, "", mid)
            for at, says, kind, value, channel, purpose, mid in rows
        ]

    def segments_of(self, person: int) -> list[str]:
        """The segments that the person was in at the build."""
        rows = self.db.execute("SELECT segment FROM members WHERE person = ?", (person,))
        return [row[0] for row in rows]

    def sizes(self) -> dict[str, int]:
        """Members of each segment at the build."""
        return dict(self.db.execute("SELECT segment, members FROM sizes"))

    def items(self) -> dict[str, dict[str, Value]]:
        """The catalogue, values as the reader holds them."""
        rows = self.db.execute("SELECT product_id, fields FROM items")
        return {product: json.loads(fields) for product, fields in rows}

    # events

    def streams(self, held: Iterable[Held]) -> Iterator[tuple[int, str, Stream]]:
        """The events of these identifiers: (node, name of the events, they)."""
        wanted: dict[int, set[int]] = {}
        for one in held:
            wanted.setdefault(one.owner, set()).add(one.node)
        for owner, nodes in wanted.items():
            for past in self._pasts(owner):
                if past.node in nodes:
                    event, columns, lines = self._shapes[past.event]
                    yield past.node, event, _stream(past, columns, lines)

    def streams_of(self, person: int) -> list[tuple[str, Stream]]:
        """The events of all that a person has: (name of the events, they)."""
        shapes = self._shapes
        return [
            (shapes[past.event][0], _stream(past, *shapes[past.event][1:]))
            for past in self._pasts(person)
        ]

    def _pasts(self, owner: int) -> Iterable[Past]:
        events = self._owner(owner).events
        if events is not None:
            return _all(events)
        query = "SELECT body FROM events WHERE owner = ?"
        return (_one(body) for (body,) in self.db.execute(query, (owner,)))


def _stream(past: Past, names: Sequence[str], line_names: Sequence[str]) -> Stream:
    columns: dict[str, list[Value]] = dict(zip(names, past.columns, strict=True))
    columns["message_id"] = list(past.ids)
    cleared: Any = columns.pop("cleared", None)
    lines = None
    if past.parents:
        lines = Lines(past.parents, dict(zip(line_names, past.lines, strict=True)))
    return Stream(past.ts, past.ids, columns, lines, cleared)


_all = msgspec.msgpack.Decoder(list[Past]).decode
_one = msgspec.msgpack.Decoder(Past).decode
_members = msgspec.msgpack.Decoder(list[Held]).decode
_NOBODY = _Owner(None, False, False, {}, b"\x90")
_PIECE, _PACE_SECONDS = 1 << 25, 0.3
"""What is read at once, and how long after: 100 MB a second, a hundredth of a core."""
_COLUMNS = "o.person_id, o.settled, o.said, o.members, o.events"
_MOST_NAMES, _MOST_OWNERS = 20_000, 5_000


def _pair(text: str) -> tuple[str, str]:
    kind, _, value = text.partition("\x1f")
    return kind, value
