"""Customer.io's Track API: its requests as the calls that the same deed has in the common form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.collect import customerio as cio
from visavis.collect.calls import Bad, Event
from visavis.collect.payloads import BATCH, Unreadable, events_of, head

NOW = 1_717_200_000_000


def events(kind: str, who: str, body: Any) -> list[Any]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return events_of(1, NOW, head(BATCH, "", "k"), cio.batch_of(kind, who, text))


def one(kind: str, who: str, body: Any) -> Event:
    (event,) = events(kind, who, body)
    assert isinstance(event, Event), event
    return event


def test_a_customer_is_named_by_id_or_email() -> None:
    said = {"email": "a@b.co", "plan": "pro", "anonymous_id": "a1", "_update": True}
    event = one(cio.IDENTIFY, "u1", said)
    assert (event.type, event.values) == ("identify", {"email": "a@b.co", "plan": "pro"})
    assert event.identifiers == [("user_id", "u1"), ("anonymous_id", "a1"), ("email", "a@b.co")]
    assert one(cio.IDENTIFY, "a@b.co", {"plan": "pro"}).identifiers == [("email", "a@b.co")]
    assert one(cio.IDENTIFY, "u1", b"").identifiers == [("user_id", "u1")]


def test_events_pages_and_screens() -> None:
    said = {"name": " bought ", "data": {"total": 1.5}, "timestamp": 1_717_100_000, "id": "m1"}
    event = one(cio.EVENT, "u1", said)
    assert (event.event, event.ts, event.message_id) == ("bought", 1_717_100_000_000, "m1")
    assert float(event.values["total"]) == 1.5
    page = one(cio.EVENT, "u1", {"type": "page", "name": "/home"})
    assert (page.type, page.values) == ("page", {"name": "/home"})
    stranger = one(cio.ANONYMOUS, "", {"name": "looked", "anonymous_id": "a1"})
    assert stranger.identifiers == [("anonymous_id", "a1")]
    nobody = one(cio.ANONYMOUS, "", {"name": "looked"})
    assert nobody.identifiers == []


def test_devices_and_merges() -> None:
    device = one(cio.DEVICE, "u1", {"device": {"id": "d1", "platform": "ios"}})
    assert device.identifiers == [("user_id", "u1"), ("device_id", "d1")]
    merge = one(cio.MERGE, "", {"primary": {"id": "u1"}, "secondary": {"id": "u0"}})
    assert merge.type == "alias"
    assert [i for i in merge.identifiers if i[0] == "user_id"] == [
        ("user_id", "u1"), ("user_id", "u0"),
    ]  # fmt: skip


def test_what_is_done_to_a_customer_and_what_became_of_a_message() -> None:
    for kind, name in cio._DEEDS.items():
        event = one(kind, "u1", b"")
        assert (event.event, event.identifiers) == (name, [("user_id", "u1")])
    body = cio.batch_of(cio.NO_DEVICE, "u1", b"", "d1")
    (gone,) = events_of(1, NOW, head(BATCH, "", "k"), body)
    assert isinstance(gone, Event)
    assert (gone.event, gone.values) == ("Device Deleted", {"device_id": "d1"})
    push = one(cio.PUSH, "", {"event": "opened", "device_id": "d1", "delivery_id": "m1"})
    assert (push.event, push.values) == ("Push Notification Opened", {"message": "m1"})
    assert push.identifiers == [("device_id", "d1")]
    mail = one(cio.METRIC, "", {"metric": "bounced", "recipient": "a@b.co", "delivery_id": "m1"})
    assert (mail.event, mail.identifiers) == ("Email Bounced", [("email", "a@b.co")])


def test_the_second_version_in_a_batch() -> None:
    person = {"type": "person", "identifiers": {"id": "u1"}}
    batch = [
        {**person, "action": "identify", "attributes": {"plan": "pro"}},
        {**person, "action": "event", "name": "bought", "attributes": {"n": 1}},
        {**person, "action": "page", "name": "/home"},
        {**person, "action": "add_device", "device": {"id": "d1"}},
        {"type": "person", "action": "merge", "primary": {"id": "u1"}, "secondary": {"id": "u0"}},
        {"type": "person", "action": "event", "identifiers": {"anonymous_id": "a1"}, "name": "x"},
        {**person, "action": "delete"},
        {"type": "object", "identifiers": {"object_id": "o1"}, "action": "identify"},
        {**person, "action": "dance"},
        {"type": "object", "identifiers": {"object_id": "o1"}, "action": "delete"},
        17,
    ]
    found = events(cio.ENTITIES, "", {"batch": batch})
    assert [e.type if isinstance(e, Event) else e.reason.split(":")[0] for e in found] == [
        "identify", "track", "page", "identify", "alias", "track",
        "track", "group", "bad-type", "bad-type", "bad-event",
    ]  # fmt: skip
    assert found[1].values == {"n": 1}
    assert (found[6].event, found[7].identifiers) == ("User Deleted", [("account_id", "o1")])
    assert found[5].identifiers == [("anonymous_id", "a1")]
    related = [{"identifiers": {"id": who}} for who in ("u1", "u2")]
    of_two = events(cio.ENTITY, "", {**batch[7], "cio_relationships": related})
    assert [e.identifiers[0] for e in of_two] == [("user_id", "u1"), ("user_id", "u2")]
    assert one(cio.ENTITY, "", batch[1]).event == "bought"


@pytest.mark.parametrize("body", [b"{", b"17", b"[]", b"\xff", b'{"a":' * 5000, b'{"batch": 1}'])
def test_what_is_no_body_is_told(body: bytes) -> None:
    with pytest.raises(Unreadable):
        cio.batch_of(cio.ENTITIES, "", body)


KEYS = st.sampled_from([
    "cio_relationships", "recipient", "metric", "object_id", "device_id",
    "name", "type", "data", "attributes", "action", "identifiers", "id", "email", "anonymous_id",
    "device", "primary", "secondary", "timestamp", "batch", "x",
])  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.sampled_from(["person", "event", "page", ""])
)
KINDS = (*cio._CALLS, *cio._DEEDS, cio.ENTITY, cio.ENTITIES)
ANY = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6)
)


@settings(max_examples=200)
@given(kind=st.sampled_from(KINDS), who=st.text(), body=ANY)
def test_whatever_is_sent_is_taken_put_aside_or_told(kind: str, who: str, body: Any) -> None:
    try:
        found = events(kind, who, body)
    except Unreadable:
        return
    assert all(isinstance(event, (Event, Bad)) for event in found)
