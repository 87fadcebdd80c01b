"""The published history: what traits read of each identifier's events, for the live reader.

The open file that store.history_file has made and that never changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import threading
import time
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from visavis.core.consent import Word
from visavis.core.lang.form import Value
from visavis.core.lang.history import Lines, Stream
from visavis.core.lang.types import Type
from visavis.store.history_file import HEAD, NULL, PIDS, PLAIN, EventShape

Name = tuple[str, str]


class Held(msgspec.Struct, frozen=True, gc=False):
    """An identifier's number, the person who holds it, and when it was seen (UTC ms)."""

    node: int
    person: int | None
    first_seen: int | None
    last_seen: int | None
    bot_since: int | None = None
    """Since when it is told to be a robot's."""

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


def stay_in_memory(history: PublishedHistory) -> None:
    """Reads a history once, and until it is closed again and again at a walking pace: the system
    then has it in memory and leaves it there, so that nobody who is asked for the first time waits
    for the disk. One that takes more than half the memory is left. For a thread of its own."""
    buffer = bytearray(_PIECE)
    pause = 0.0
    with contextlib.suppress(OSError, ValueError), open(history.path, "rb", buffering=0) as file:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        if os.fstat(file.fileno()).st_size * 2 >= memory:
            return
        while not history.closed.wait(pause):
            began = time.monotonic()
            if not file.readinto(buffer):
                file.seek(0)
                pause = _PACE_SECONDS
            elif pause:
                # the disk has a tenth of the time to do: where memory is short, others need it
                pause = max(_PACE_SECONDS, 10 * (time.monotonic() - began))


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
        self.shapes = [
            EventShape(
                event,
                tuple((n, Type(t)) for n, t in columns),
                None if lines is None else tuple((n, Type(t)) for n, t in lines),
            )
            for event, columns, lines in self.meta["events"]
        ]
        self.by_event = {shape.event: shape for shape in self.shapes}
        self._texts: dict[int, str] = {}
        self._owners: OrderedDict[Name, int | None] = OrderedDict()
        self._together = lru_cache(maxsize=_MOST_OWNERS)(self._all_of)

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
            row = self.db.execute(
                "SELECT owner FROM identifiers WHERE kind = ? AND value = ?", name
            ).fetchone()
            self._remember((name,), row[0] if row else None)
        owner = self._owners[name]
        return None if owner is None else self._together(owner)[name]

    def _remember(self, names: Iterable[Name], owner: int | None) -> None:
        owners = self._owners
        for name in names:
            owners[name] = owner
        while len(owners) > _MOST_NAMES:
            owners.popitem(last=False)

    def _all_of(self, owner: int) -> dict[Name, Held]:
        rows = self.db.execute(
            "SELECT kind, value, node, first_seen, last_seen, bot FROM nodes WHERE owner = ? "
            "ORDER BY kind, value",
            (owner,),
        )
        person = None if owner < 0 else owner
        found = {
            (kind, value): Held(node, person, low, high, bot)
            for kind, value, node, low, high, bot in rows
        }
        self._remember(found, owner)
        return found

    def person_by_id(self, person_id: str) -> int | None:
        """The person of a person_id."""
        row = self.db.execute(
            "SELECT person FROM persons WHERE person_id = ?", (person_id,)
        ).fetchone()
        return int(row[0]) if row else None

    def person_id(self, person: int) -> str | None:
        """The person_id of a person."""
        row = self.db.execute(
            "SELECT person_id FROM persons WHERE person = ?", (person,)
        ).fetchone()
        return str(row[0]) if row else None

    def identifiers(self, person: int) -> dict[Name, Held]:
        """What a person has."""
        return self._together(person)

    def settled(self, person: int) -> Settled | None:
        """A person of whom the build says all there is to say; None for anybody else."""
        row = self.db.execute(
            "SELECT person_id FROM persons WHERE person = ? AND settled", (person,)
        ).fetchone()
        if row is None:
            return None
        members = self._together(person)
        # the identifier that names a person gives it its number
        naming = next((name for name, held in members.items() if held.node == person), None)
        return None if naming is None else Settled(row[0], naming, members)

    def identifier(self, node: int) -> tuple[str, str] | None:
        """Kind and value of a node."""
        found = self.db.execute("SELECT kind, value FROM nodes WHERE node = ?", (node,)).fetchone()
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
            "SELECT n.kind, n.value FROM keys AS k JOIN nodes AS n USING (node) "
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
            numbers = memoryview(raw)[:half].cast("q")
            at = bisect_left(numbers, number)
            while at < len(numbers) and numbers[at] == number:
                found.update(_numbers(raw, half + 8 * at, 1))
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
            "JOIN nodes AS n ON n.node = l.node WHERE l.shared = ?",
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
            query = "SELECT node, event, body FROM events WHERE owner = ?"
            for node, event, raw in self.db.execute(query, (owner,)):
                if node in nodes:
                    shape = self.shapes[event]
                    yield node, shape.event, self._stream(shape, raw)

    def _stream(self, shape: EventShape, raw: bytes) -> Stream:
        count, many, size = HEAD.unpack_from(raw)
        at = HEAD.size
        ts = _numbers(raw, at, count)
        at += 8 * count
        lengths = array("I")
        lengths.frombytes(raw[at : at + 4 * count])
        at += 4 * count
        ids = _cut(raw[at : at + size].decode(), raw[at : at + size], lengths)
        at += size
        columns: dict[str, list[Value]] = {}
        for name, kind in shape.columns:
            columns[name] = self._column(raw, at, count, kind)
            at += 8 * count
        columns["message_id"] = list(ids)
        cleared: list[Sequence[str] | None] | None = None
        if "cleared" in columns:
            told = columns.pop("cleared")
            cleared = [_split(value) for value in told]
        lines = None
        if shape.lines is not None:
            parents = _numbers(raw, at, many)
            at += 8 * many
            held: dict[str, list[Value]] = {}
            for name, kind in shape.lines:
                held[name] = self._column(raw, at, many, kind)
                at += 8 * many
            lines = Lines(parents, held) if many else None
        return Stream(ts, ids, columns, lines, cleared)

    def _column(self, raw: bytes, at: int, count: int, kind: Type) -> list[Value]:
        numbers = _numbers(raw, at, count)
        if kind is Type.TEXT:
            texts = self._texts
            return [
                None if n == NULL else texts[n] if n in texts else self._text(n) for n in numbers
            ]
        if kind is Type.BOOLEAN:
            return [None if n == NULL else n == 1 for n in numbers]
        return [None if n == NULL else n for n in numbers] if NULL in numbers else list(numbers)

    def _text(self, code: int) -> str:
        if len(self._texts) > _MOST_TEXTS:
            self._texts.clear()
        (text,) = self.db.execute("SELECT text FROM texts WHERE code = ?", (code,)).fetchone()
        found = self._texts[code] = sys.intern(text)
        return found


_MOST_TEXTS = 100_000
_PIECE, _PACE_SECONDS = 1 << 21, 0.04
"""What is read at once, and how long after: 50 MB a second, a hundredth of a core."""
_MOST_NAMES, _MOST_OWNERS = 20_000, 5_000


def _pair(text: str) -> tuple[str, str]:
    kind, _, value = text.partition("\x1f")
    return kind, value


def _split(value: Value) -> Sequence[str] | None:
    return None if value is None else str(value).split("\x1f")


def _numbers(raw: bytes, at: int, count: int) -> list[int]:
    numbers = array("q")
    numbers.frombytes(raw[at : at + 8 * count])
    return numbers.tolist()


def _cut(text: str, raw: bytes, lengths: Sequence[int]) -> list[str]:
    """The texts of these lengths in bytes, one after the other."""
    plain = len(text) == len(raw)
    found, at = [], 0
    for length in lengths:
        found.append(text[at : at + length] if plain else raw[at : at + length].decode())
        at += length
    return found
