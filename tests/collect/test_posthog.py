"""PostHog's events as calls of the common form."""

from __future__ import annotations

import json
from typing import Any

from visavis.collect.calls import Event
from visavis.collect.payloads import POSTHOG, events_of, head

NOW = 1_717_200_000_000


def events(*given: dict[str, Any]) -> list[Event]:
    body = json.dumps({"api_key": "k", "batch": list(given)}).encode()
    found = events_of(1, NOW, head(POSTHOG, "", "k"), body)
    assert all(isinstance(e, Event) for e in found), found
    return [e for e in found if isinstance(e, Event)]


def test_what_an_event_says_of_its_person_is_a_call_of_its_own() -> None:
    said = {"price": 2, "$set": {"email": "a@b.co", "plan": "pro"}, "$set_once": {"first": 1}}
    bought, told = events(
        {"event": "bought", "distinct_id": "u1", "uuid": "m1", "properties": said}
    )
    assert (bought.type, bought.event, bought.values) == ("track", "bought", {"price": 2})
    assert (told.type, told.message_id, told.ts) == ("identify", "m1:set", bought.ts)
    assert told.values == {"email": "a@b.co", "plan": "pro"}
    assert told.identifiers == [("user_id", "u1"), ("email", "a@b.co")]


def test_an_identify_says_it_once() -> None:
    said = {"$anon_distinct_id": "a1", "$set": {"plan": "pro"}}
    (told,) = events({"event": "$identify", "distinct_id": "u1", "properties": said})
    assert told.identifiers == [("user_id", "u1"), ("anonymous_id", "a1")]
    (told,) = events({"event": "$set", "distinct_id": "u1", "$set": {"plan": "pro"}})
    assert told.values == {"plan": "pro"}
    (view,) = events({"event": "$pageview", "distinct_id": "u1", "$set_once": {"plan": "pro"}})
    assert view.type == "page"


def test_what_is_said_of_a_group_alone_is_said_of_no_person() -> None:
    said = {"$group_type": "company", "$group_key": "g1", "$group_set": {"name": "Acme"}}
    of_group = {"event": "$groupidentify", "properties": said}
    (alone,) = events({**of_group, "distinct_id": "$company_g1"})
    assert alone.identifiers == [("account_id", "g1")]
    (both,) = events({**of_group, "distinct_id": "u1"})
    assert both.identifiers == [("user_id", "u1"), ("account_id", "g1")]


def test_an_event_without_a_person_is_a_strangers() -> None:
    said = {"$process_person_profile": False}
    (event,) = events({"event": "looked", "distinct_id": "x1", "properties": said})
    assert event.identifiers == [("anonymous_id", "x1")]
