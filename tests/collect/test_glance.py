"""A glance at a call says what reading all of it says, or nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.collect import glance, typed
from visavis.collect.calls import Bad, Event
from visavis.collect.payloads import events_of, head
from visavis.core.vocabulary import EVENTS_WITH_LINES

RECEIVED = 1_790_000_000_000
PHONE = "Mozilla/5.0 (iPhone) Safari/604.1"
IDS = st.sampled_from(
    [
        "u1",
        " u2 ",
        "",
        "  ",
        None,
        7,
        0,
        10**30,
        1.5,
        True,
        "李雷",
        "e\u0301",
        "nul\0l",
        "\U0001f600",
        ["x"],
        "null",
        "a" * 1100,
    ]
)
TIMES = st.sampled_from(
    [
        None,
        "2026-09-21T12:00:00.123Z",
        "2026-09-21T12:00:00+02:00",
        "2026-09-21T12:00:00.123456",
        "2031-01-01T00:00:00Z",
        "yesterday",
        "",
        1_790_000_000,
        1_790_000_000_123,
        1e9,
        {"a": 1},
        "1790000000",
    ]
)
NAMES = st.sampled_from(
    [
        "Product Viewed",
        " Product Viewed ",
        "Order Completed",
        "Cart Viewed",
        "",
        None,
        5,
        "看过",
        "e\u0301",
        "Product List Viewed",
    ]
)
AGENTS = st.sampled_from([None, "", PHONE, "Googlebot/2.1", 5, {}])
SAID = st.one_of(
    st.none(),
    st.just([1]),
    st.just("text"),
    st.just({"deep": {"email": "no@x.co", "batch": [{}]}}),
    st.fixed_dictionaries(
        {},
        optional={
            "email": IDS,
            "phone": IDS,
            "price": st.sampled_from([1.25, 10**400, "x", float("nan")]),
        },
    ),
)
CONTEXTS = st.one_of(
    st.none(),
    st.just([]),
    st.just("text"),
    st.fixed_dictionaries(
        {},
        optional={
            "traits": SAID,
            "userAgent": AGENTS,
            "device": st.one_of(SAID, st.fixed_dictionaries({"id": IDS})),
            "externalIds": st.sampled_from([None, [], [{"type": "loyalty", "id": "9"}]]),
            "bot": st.sampled_from([None, "", "scanner", True]),
            "library": SAID,
        },
    ),
)
CALLS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["track", "page", "screen", "identify", "group", "alias", "Track", None, 3]
        ),
        "messageId": st.sampled_from(["m1", " m1 ", "", " ", None, 5, "m" * 600, "\u00fc"]),
    },
    optional={
        "event": NAMES,
        "name": NAMES,
        "userId": IDS,
        "anonymousId": IDS,
        "groupId": IDS,
        "previousId": IDS,
        "timestamp": TIMES,
        "originalTimestamp": TIMES,
        "sentAt": TIMES,
        "properties": SAID,
        "traits": SAID,
        "context": CONTEXTS,
    },
)
USUAL = {
    "type": "track",
    "messageId": "m1",
    "event": "Product Viewed",
    "userId": "u1",
    "anonymousId": "a1",
    "timestamp": "2026-09-21T12:00:00.123Z",
    "properties": {"price": 1.5, "name": 'T\u00e9e\\"n'},
    "context": {"userAgent": PHONE, "traits": {"email": "A@b.co"}},
}


def same(seen: glance.Glance | None, read: Event | Bad, body: bytes) -> bool:
    """Whether the glance tells of this event; a call that it can't tell of is left out."""
    if seen is None:
        return False
    assert isinstance(read, Event)
    assert (seen.event, seen.ts) == (read.event, read.ts)
    assert glance.identifiers(seen.who) == read.identifiers
    assert read.bot is None
    assert read.event not in EVENTS_WITH_LINES
    assert read.type in ("track", "page", "screen", "identify")
    assert not read.message_id.startswith("live:")
    piece = json.loads(body[seen.begins : seen.begins + seen.length])
    assert str(piece["messageId"]).strip() == read.message_id
    return True


def check(body: bytes, agent: str = "") -> int:
    """How many calls of a batch were told at a glance, after a comparison with all of it."""
    seen = glance.of_batch(body, RECEIVED, agent)
    if seen is None:
        return 0
    read = events_of(1, RECEIVED, head("batch", agent, "k"), body)
    assert len(seen) == len(read)
    return sum(same(s, r, body) for s, r in zip(seen, read, strict=True))


@settings(max_examples=300)
@given(
    st.lists(CALLS, max_size=4),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.sampled_from(["", PHONE, "Googlebot/2.1"]),
    TIMES,
    st.booleans(),
)
def test_a_glance_says_what_reading_says(
    calls: list[Any], plain: bool, indent: int | None, agent: str, sent: Any, mixed: bool
) -> None:
    batch = [USUAL, *calls] if mixed else calls
    body = {"x": {"batch": [{"a": 1}]}, "sentAt": sent, "batch": batch, "more": [{}]}
    check(
        json.dumps(body, ensure_ascii=plain, indent=indent).encode("utf-8", "surrogatepass"), agent
    )


@settings(max_examples=100)
@given(CALLS, st.booleans())
def test_a_call_alone(call: dict[str, Any], plain: bool) -> None:
    body = json.dumps(call, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    (read,) = events_of(1, RECEIVED, head("track", PHONE, "k"), body)
    same(glance.of_one(body, RECEIVED, PHONE), read, body)


@settings(max_examples=500)
@given(st.data())
def test_a_damaged_call_is_never_taken_for_a_whole_one(data: st.DataObject) -> None:
    body = bytearray(json.dumps({"batch": [USUAL, USUAL]}, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(11, len(body) - 3))
        match data.draw(st.integers(0, 2)):
            case 0:
                body[at] = data.draw(
                    st.sampled_from(b'{}[]",:\\0123eE+-.tfnu/ \n\x00\x1f\xc3\xa9\xffax')
                )
            case 1:
                del body[at]
            case 2:
                body.insert(at, data.draw(st.sampled_from(b'{}[]",:\\0123eE+-.u \xff')))
    seen = glance.of_batch(bytes(body), RECEIVED, "")
    if seen is not None:
        check(bytes(body))


def test_usual_calls_are_told_at_a_glance() -> None:
    """The short way is the one that is taken."""
    body = json.dumps(
        {"batch": [USUAL] * 100, "sentAt": "2026-09-21T12:00:01Z"}, ensure_ascii=False
    )
    assert check(body.encode(), PHONE) == 100
    assert (
        check(json.dumps({"batch": [{**USUAL, "event": "Order Completed"}, USUAL]}).encode()) == 1
    )


def test_deep_large_and_odd_calls_are_left_to_the_reader() -> None:
    odd = (
        '{"a":' * 300 + "1" + "}" * 300,
        '"' + "x" * 33_000 + '"',
        "1" * 5000,
        '"\\ud83d\\ude00"',
        '"\\u0000"',
    )
    call = json.dumps(USUAL)[:-1]
    for value in odd:
        body = f'{{"batch":[{call},"more":{value}}},{json.dumps(USUAL)}]}}'.encode()
        assert check(body) < 2


def test_times_as_clients_write_them() -> None:
    moment = typed.moment("2026-09-21T12:00:00Z")
    for same in (" 2026-09-21T14:00:00+02:00\n", "2026-09-21T12:00:00", moment, str(moment)):
        assert typed.moment(same) == moment
    assert typed.moment(" 20260921 ") == typed.moment("2026-09-21")
    assert typed.moment(" \t") is None
    for bad in ("\u00b2", "\u00b2\u00b3 ", "9" * 30, "12:00", "0001-01-01T00:00:00+14:00", "-1"):
        assert typed.moment(bad) is typed.BAD
    body = b'{"batch":[{"type":"track","event":"a","timestamp":"\\u00b2","messageId":"m"}]}'
    (call,) = events_of(1, RECEIVED, head("batch", "", "k"), body)
    assert isinstance(call, Bad)
    assert call.reason.startswith("bad-time")


def test_a_number_that_no_decimal_holds_is_kept_as_a_text() -> None:
    call = b'{"type":"track","event":"a","properties":{"x":1e99999999999999999999,"y":2.5}}'
    body = b'{"batch":[' + call + b"]}"
    (event,) = events_of(1, RECEIVED, head("batch", "", "k"), body)
    assert isinstance(event, Event)
    assert event.values["x"] == "1e99999999999999999999"
    assert float(event.values["y"]) == 2.5


def _nested(kind: str, levels: int) -> str:
    """A call with so many levels, in as few bytes as they can have."""
    opens, closes = ("[", "]") if kind == "list" else ('{"":', "}")
    inner = "{}" if kind == "object" else ""
    more = levels - 1 - (kind == "object")
    text = opens * more + inner + closes * more
    return '{"type":"track","event":"A","messageId":"m","userId":"u","x":' + text + "}"


def test_a_call_nested_too_deep_is_never_usual() -> None:
    for kind in ("list", "object"):
        for levels in (2, 100, 199, 200, 201, 202, 400):
            one = _nested(kind, levels).encode()
            usual = levels <= 200
            assert (glance.of_one(one, RECEIVED, "") is not None) is usual
            batch = b'{"batch":[' + one + b"," + one.replace(b'"m"', b'"n"') + b"]}"
            seen = glance.of_batch(batch, RECEIVED, "")
            assert seen is not None
            assert [found is not None for found in seen] == [usual, usual]
            (found, _) = events_of(1, RECEIVED, head("batch", "", "k"), batch)
            assert isinstance(found, Event) is usual


@given(st.sampled_from(["[", '{"":']), st.integers(1, 600))
def test_what_is_short_can_not_be_too_deep(opens: str, levels: int) -> None:
    closes = "]" if opens == "[" else "}"
    inner = "" if opens == "[" else "0"
    raw = (opens * levels + inner + closes * levels).encode()
    assert glance._fits(raw) is (glance.depth(raw) <= 200)
