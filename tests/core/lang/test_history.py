"""Histories: one row a message, in log order, declared fields only."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.lang.asking import LINES, ORDER, PROPERTIES, event, history

from visavis.core.lang.history import History
from visavis.core.lang.types import TIME_MIN, Type


def ids(held: History, name: str = ORDER) -> list[str]:
    return held.streams[name].message_ids if name in held.streams else []


def test_rows_stand_by_time_then_message_id_by_code_point() -> None:
    spots = [(5, "a"), (1, "é"), (1, "z"), (1, "Z"), (1, "\uffff"), (1, "😀"), (None, "q")]
    held = history(*(event(ORDER, ts, name) for ts, name in spots))
    assert ids(held) == ["q", "Z", "z", "é", "\uffff", "😀", "a"]
    assert held.streams[ORDER].ts == [TIME_MIN, 1, 1, 1, 1, 1, 5]


def test_declared_fields_only_and_absent_ones_null() -> None:
    held = history(event(ORDER, 1, "a", visits=3, secret="x"), event("Other", 1, "b", visits=3))
    columns = held.streams[ORDER].columns
    assert set(columns) == {*PROPERTIES[ORDER], "type", "source", "channel", "message_id"}
    assert columns["visits"] == [3]
    assert columns["place"] == [None]
    assert set(held.streams["Other"].columns) == {"type", "source", "channel", "message_id"}


def test_built_in_columns() -> None:
    held = history(
        event(ORDER, 1, "a", SOURCE="shop", CHANNEL="web", TYPE="page"), event("identify", 1, "b")
    )
    columns = held.streams[ORDER].columns
    assert [columns[n] for n in ("source", "channel", "type", "message_id")] == [
        ["shop"], ["web"], ["page"], ["a"],
    ]  # fmt: skip
    assert held.streams["identify"].columns["type"] == ["identify"]
    assert history(event(ORDER, 1)).streams[ORDER].columns["type"] == ["track"]


def test_an_event_without_a_name_is_an_identify() -> None:
    nameless: dict[str, Any] = {"message_id": "a", "ts": 1, "properties": {"city": "Bonn"}}
    held = history(nameless)
    assert held.streams["identify"].columns["city"] == ["Bonn"]
    assert held.streams["identify"].columns["type"] == ["identify"]


def test_a_repeated_message_counts_once() -> None:
    first = event(ORDER, 1, "a", visits=1)
    assert ids(history(first, first)) == ["a"]


def winner(*versions: dict[str, Any]) -> list[Any]:
    """The value that counts, whatever the order of arrival."""
    made = [event(ORDER, 1, "a", **version) for version in versions]
    found = {tuple(history(*e).streams[ORDER].columns["visits"]) for e in (made, made[::-1])}
    assert len(found) == 1
    return list(found.pop())


def test_the_highest_revision_then_arrival_then_content_wins() -> None:
    assert winner({"visits": 1, "REVISION": 2}, {"visits": 2, "REVISION": 1, "RECEIVED_AT": 9}) == [
        1
    ]
    assert winner({"visits": 1, "RECEIVED_AT": 5}, {"visits": 2, "RECEIVED_AT": 6}) == [2]
    assert winner({"visits": 1, "RECEIVED_AT": 5}, {"visits": 2}) == [1]
    assert winner({"visits": 1, "CONTENT_HASH": "b"}, {"visits": 2, "CONTENT_HASH": "a"}) == [1]
    assert winner({"visits": 1}, {"visits": 2}) in ([1], [2])


def test_a_winner_brings_its_own_time_and_name() -> None:
    held = history(event(ORDER, 1, "a"), event("Product Viewed", 7, "a", REVISION=1))
    assert list(held.streams) == ["Product Viewed"]
    assert held.streams["Product Viewed"].ts == [7]


def test_void_events_are_in_no_stream_also_when_they_correct() -> None:
    held = history(event(ORDER, 1, "a", VOID=True), event(ORDER, 1, "b", VOID=False))
    assert ids(held) == ["b"]
    assert ids(history(event(ORDER, 1, "a"), event(ORDER, 1, "a", VOID=True, REVISION=1))) == []


def test_lines_keep_their_order_and_their_event() -> None:
    lines = [{"product_id": "p2", "quantity": 1, "odd": 1}, {"product_id": "p1"}]
    held = history(event(ORDER, 5, "b", PRODUCTS=lines), event(ORDER, 1, "a", PRODUCTS=lines[:1]))
    found = held.streams[ORDER].lines
    assert found is not None
    assert found.parent == [0, 1, 1]
    assert found.columns["product_id"] == ["p2", "p2", "p1"]
    assert found.columns["quantity"] == [1, 1, None]
    assert set(found.columns) == set(LINES)
    assert history(event(ORDER, 1)).streams[ORDER].lines is None


def test_cleared_traits_are_told_apart_from_absent_ones() -> None:
    held = history(
        event("identify", 1, "a", CLEARED=["city"]), event("identify", 2, "b", city=None)
    )
    assert held.streams["identify"].cleared == [("city",), None]
    assert history(event("identify", 1)).streams["identify"].cleared is None


spots = st.tuples(
    st.sampled_from(["a", "b", "c"]),
    st.integers(0, 2),
    st.integers(0, 1),
    st.integers(0, 1),
    st.integers(0, 2),
)


@given(st.lists(spots, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_arrival_order_changes_nothing(
    found: list[tuple[str, int, int, int, int]], rng: Any
) -> None:
    events = [
        event(ORDER, ts, name, visits=v, REVISION=revision, RECEIVED_AT=received)
        for name, ts, revision, received, v in found
    ]
    shuffled = rng.sample(events, len(events))
    declared = {ORDER: {"visits": Type.INTEGER}}
    first, second = (History.from_events(e, declared, {}) for e in (events, shuffled))
    assert first.streams.keys() == second.streams.keys()
    for name, stream in first.streams.items():
        assert stream == second.streams[name]
