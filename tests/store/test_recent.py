"""Recent events: what is written to the file reads as what stayed in memory."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.core.decisions import Identifier
from visavis.store import recent
from visavis.store.history import FILE, HistoryWriter, is_made
from visavis.store.recent import Kept, Recent
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


def fill(held: Recent, events: list[tuple[list[Identifier], int, str]]) -> None:
    for number, (names, ts, rule) in enumerate(events):
        held.add(tuple(names), rule, kept(ts, number, names[1:]))


@given(EVENTS, st.integers(1, 6))
def test_the_file_says_what_memory_does(
    events: list[tuple[list[Identifier], int, str]], limit: int
) -> None:
    plain = Recent(PID)
    fill(plain, events)
    with TemporaryDirectory() as folder:
        held = Recent(PID, Path(folder), limit)
        for number, (names, ts, rule) in enumerate(events):
            held.add(tuple(names), rule, kept(ts, number, names[1:]))
            if number % 3:
                held.settle()
        for name in NAMES:
            assert held.seen(name) == plain.seen(name)
            assert held.links(name) == plain.links(name)
            told = {e.message_id: e for e in held.events(name)}
            assert told == {e.message_id: e for e in plain.events(name)}
            assert held.by_pid(PID(*name)) == plain.by_pid(PID(*name))
        assert set(held.names()) == set(plain.names())
        held.close()
        assert list(Path(folder).iterdir()) == []


def test_memory_holds_no_more_than_the_limit(tmp_path: Path) -> None:
    held = Recent(PID, tmp_path, limit=50)
    for number in range(500):
        held.add((("user_id", str(number % 7)),), "same row", kept(number, number, []))
        held.settle()
        assert sum(len(v) for v in held._hot.events.values()) < 50
    told = Counter(e.message_id for n in range(7) for e in held.events(("user_id", str(n))))
    assert len(told) == 500
    assert set(told.values()) == {1}
    held.close()


def test_a_file_that_cannot_be_written_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, failures = recent._store, []

    def fails_once(*given: object) -> None:
        if not failures:
            failures.append(1)
            raise sqlite3.OperationalError("database or disk is full")
        store(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(recent, "_store", fails_once)
    monkeypatch.setattr(recent, "_RETRY_SECONDS", 0.01)
    held = Recent(PID, tmp_path, limit=2)
    for number in range(5):
        held.add((NAMES[0],), "same row", kept(number, number, []))
    assert {e.message_id for e in held.events(NAMES[0])} == {f"m{n}" for n in range(5)}
    held.settle()
    assert failures
    assert {e.message_id for e in held.events(NAMES[0])} == {f"m{n}" for n in range(5)}
    held.close()


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"recent-1-a.db{ending}").write_bytes(b"x")
    (tmp_path / "other").write_bytes(b"x")
    recent.clear(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["other"]


def test_a_history_of_another_version_is_made_anew(tmp_path: Path) -> None:
    assert not is_made(tmp_path)
    HistoryWriter(tmp_path / "new").finish(tmp_path / FILE)
    assert is_made(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("UPDATE meta SET value = '1' WHERE name = 'version'")
    assert not is_made(tmp_path)
