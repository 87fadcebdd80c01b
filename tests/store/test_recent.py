"""Recent events: what is written to the file reads as what stayed in memory."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.core.decisions import Identifier
from visavis.store import recent, recent_file
from visavis.store.history import PublishedHistory, stay_in_memory
from visavis.store.history_file import FILE, HistoryWriter, is_made
from visavis.store.recent import Mark, Recent
from visavis.store.recent_file import RecentFile
from visavis.store.recent_part import Kept, Part
from visavis.store.tail import Frame
from visavis.unify.rules import pid_maker

PID = pid_maker(b"k" * 32)
NAMES: list[Identifier] = [
    ("user_id", "1"), ("user_id", '2"\\'), ("email", "李@例.cn"), ("device_id", "\U0001f600 d"),
]  # fmt: skip
EVENTS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
        st.integers(0, 9),
        st.sampled_from(["same row", "alias"]),
    ),
    max_size=25,
)


def kept(ts: int, number: int, others: list[Identifier]) -> Kept:
    said = {"price": 9_007_199_254_740_993, "brand": "Bücher\n\U0001f4d6", "gone": None}
    lines = [{"product_id": "p", "quantity": 10**15}]
    return Kept(
        "Order Completed", ts, f"m{number}", others, "track", ts + 1, "web", False, said, lines
    )


Given = list[tuple[list[Identifier], int, str]]


def take(held: Recent, number: int, names: list[Identifier], ts: int, rule: str) -> None:
    held.add(tuple(names), rule, kept(ts, number, names[1:]))
    held.put("last", names[0][1], [number, rule])
    held.taken(frame(number))


def frame(number: int) -> Frame:
    return Frame(number, 7 + number, b"h", b"%d" % number)


def digests(name: Identifier) -> list[str]:
    return [name[1][:1]]


def always(mark: Mark) -> bool:
    return True


def same(held: Recent, plain: Recent) -> None:
    """Says the same of everybody."""
    for name in NAMES:
        assert held.seen(name) == plain.seen(name)
        assert held.links(name) == plain.links(name)
        told = {e.message_id: e for e in held.events(name)}
        assert told == {e.message_id: e for e in plain.events(name)}
        assert held.by_pid(PID(*name)) == plain.by_pid(PID(*name))
        assert held.by_digest(name[1][:1]) == plain.by_digest(name[1][:1])
        assert held.note("last", name[1]) == plain.note("last", name[1])
    assert set(held.names()) == set(plain.names())
    assert set(held.noted("last")) == set(plain.noted("last"))
    assert held.has("last") == plain.has("last")
    assert not held.has("else")


@settings(max_examples=50)
@given(EVENTS, st.integers(1, 6))
def test_the_file_says_what_memory_does(events: Given, limit: int) -> None:
    plain = Recent(PID, digests=digests)
    with TemporaryDirectory() as folder:
        held = Recent(PID, Path(folder) / "recent-1.db", "", limit, digests)
        for number, event in enumerate(events):
            take(plain, number, *event)
            take(held, number, *event)
            if number % 3:
                held.settle()
        same(held, plain)
        held.close()
        assert list(Path(folder).iterdir()) == []


@settings(max_examples=50)
@given(EVENTS, st.integers(1, 6), st.sets(st.integers(0, 24)), st.booleans())
def test_the_next_process_goes_on_where_the_file_ends(
    events: Given, limit: int, ends: set[int], killed: bool
) -> None:
    plain = Recent(PID, digests=digests)
    with TemporaryDirectory() as folder:

        def opened() -> Recent:
            return Recent(PID, Path(folder) / "recent-1.db", "a", limit, digests, always)

        held = opened()
        for number, event in enumerate(events):
            take(plain, number, *event)
            take(held, number, *event)
            if number not in ends:
                continue
            held.settle()
            if not killed:
                held.close(keep=True)
                assert opened().mark == Mark.of(frame(number))
            held = opened()
            last = -1 if held.mark is None else held.mark.number
            for again in range(last + 1, number + 1):
                take(held, again, *events[again])
        same(held, plain)
        held.close()


@pytest.mark.parametrize("change", ["stamp", "tail", "boot", "bytes"])
def test_a_file_that_does_not_fit_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path, asked = tmp_path / "recent-1.db", list[Mark]()
    held = Recent(PID, path, "a")
    take(held, 5, [NAMES[0]], 1, "same row")
    held.close(keep=True)

    def trusted(mark: Mark) -> bool:
        asked.append(mark)
        return change != "tail"

    if change == "boot":
        monkeypatch.setattr(recent_file, "_boot", lambda: "another")
    if change == "bytes":
        path.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    held = Recent(PID, path, "b" if change == "stamp" else "a", trusted=trusted)
    assert held.mark is None
    assert held.seen(NAMES[0]) is None
    assert asked == ([Mark.of(frame(5))] if change == "tail" else [])
    held.close()


def test_memory_holds_no_more_than_the_limit(tmp_path: Path) -> None:
    held = Recent(PID, tmp_path / "recent-1.db", limit=50)
    for number in range(500):
        take(held, number, [("user_id", str(number % 7))], number, "same row")
        held.settle()
        assert sum(len(v) for v in held._hot.events.values()) < 50
    told = Counter(e.message_id for n in range(7) for e in held.events(("user_id", str(n))))
    assert len(told) == 500
    assert set(told.values()) == {1}
    held.close()


def test_a_file_that_cannot_be_written_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, failures = RecentFile.store, []

    def fails_once(*given: Any) -> None:
        if not failures:
            failures.append(1)
            raise sqlite3.OperationalError("database or disk is full")
        store(*given)

    monkeypatch.setattr(RecentFile, "store", fails_once)
    monkeypatch.setattr(recent, "_RETRY_SECONDS", 0.01)
    held = Recent(PID, tmp_path / "recent-1.db", limit=2)
    for number in range(5):
        take(held, number, [NAMES[0]], number, "same row")
    assert {e.message_id for e in held.events(NAMES[0])} == {f"m{n}" for n in range(5)}
    held.settle()
    assert failures
    assert {e.message_id for e in held.events(NAMES[0])} == {f"m{n}" for n in range(5)}
    held.close()


def test_what_is_of_another_build_is_removed(tmp_path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"recent-1.db{ending}").write_bytes(b"x")
    for name in ("recent-2.db", "other"):
        (tmp_path / name).write_bytes(b"x")
    recent_file.clear(tmp_path, "recent-2.db")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other", "recent-2.db"]


def test_a_history_of_another_version_is_made_anew(tmp_path: Path) -> None:
    assert not is_made(tmp_path)
    HistoryWriter(tmp_path / "new").finish(tmp_path / FILE)
    assert is_made(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE meta SET value = '1' WHERE name = 'version'")
    assert not is_made(tmp_path)


def test_nobody_is_settled_whose_identifier_another_spells_otherwise(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "new")
    held = [("a.b@x.example", 1), ("A.B@x.example", 2), ("c@x.example", 3), ("c@y.example", 4)]
    writer.rows("nodes", 7, [(n, n, "email", value, 0, 0, None) for value, n in held])
    writer.rows("identifiers", 3, [("email", value, n) for value, n in held])
    writer.rows("persons", 3, [(n, f"p{n}", 1) for _, n in held])
    writer.rows("keys", 3, [("email", "a.b@x.example", 2)])
    writer.meta({"events": [], "kinds": {"email": ["email"]}})
    writer.finish(tmp_path / FILE)
    history = PublishedHistory(tmp_path / FILE)
    settled = [history.settled(n) for _, n in held]
    assert [one is not None for one in settled] == [False, False, True, True]
    known = history.held("email", "c@x.example")
    assert known is not None
    assert settled[2] is not None
    assert (known.owner, settled[2].members) == (3, {("email", "c@x.example"): known})
    assert history.held("email", "nobody@x.example") is None
    history.close()


def test_a_history_is_read_until_it_is_closed(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "new")
    writer.meta({"events": [], "kinds": {}})
    writer.finish(tmp_path / FILE)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    history = PublishedHistory(tmp_path / FILE)
    thread = Thread(target=stay_in_memory, args=(history,))
    thread.start()
    thread.join(0.01)
    assert thread.is_alive()
    history.close()
    thread.join(10)
    assert not thread.is_alive()
    (tmp_path / FILE).unlink()
    history.closed.clear()
    stay_in_memory(history)  # there is nothing to read


def test_a_part_is_let_go_of_bit_by_bit() -> None:
    part, pauses = Part(), list[int]()
    for n in range(1_200):
        part.add((("user_id", f"u{n}"), ("anonymous_id", f"a{n}")), "same row", b"{}", n)
    part.put("what", "key", 1)
    part.let_go(lambda: pauses.append(len(part.of)))
    assert (len(part.of), len(part.events), len(part.together)) == (0, 0, 0)
    assert part.notes == {("what", "key"): 1}
    assert pauses[-5:] == [1_900, 1_400, 900, 400, 0]
