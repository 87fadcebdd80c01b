"""Requests as every family of clients writes them: taken, and answered as they can bear it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from live import Server, built, events, rows

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BASIC = {"Authorization": "Basic " + base64.b64encode(b"wk:").decode()}
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
PAGE = {"Origin": "https://shop.example", "Referer": "https://shop.example/", "User-Agent": AGENT}


@dataclass(frozen=True)
class Sent:
    """A request of a client: `ids` are the message ids that the build must have from it."""

    path: str
    body: Any
    ids: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    packed: bool = False

    def content(self) -> bytes:
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return gzip.compress(raw) if self.packed else raw


def call(name: str, kind: str = "track", /, **more: Any) -> dict[str, Any]:
    event = (
        {"event": "Product Viewed", "properties": {"product_id": "p"}} if kind == "track" else {}
    )
    return {
        "type": kind, "messageId": name, "timestamp": "2024-06-01T12:00:00.123Z",
        "userId": "u1", "integrations": {}, "context": {"library": {"name": "x", "version": "1"}},
        **event, **more,
    }  # fmt: skip


def posthog(name: str, event: str = "Product Viewed", **properties: Any) -> dict[str, Any]:
    return {
        "event": event, "distinct_id": "u1", "uuid": name, "timestamp": "2024-06-01T12:00:00+00:00",
        "properties": {"$lib": "posthog-python", "distinct_id": "u1", **properties},
    }  # fmt: skip


NOW = "2024-06-01T12:00:01.000000+00:00"
FAMILIES: dict[str, list[Sent]] = {
    "segment python": [
        Sent("/v1/batch", {"batch": [call("s1", anonymousId=None), call("s2", userId=None,
             anonymousId="a1")], "sentAt": NOW, "writeKey": "wk"}, ("s1", "s2"), {**BASIC, **JSON}),
        Sent("/v1/batch", {"batch": [call("s3")], "sentAt": NOW, "writeKey": "wk"}, ("s3",),
             {**BASIC, **JSON, "Content-Encoding": "gzip"}, packed=True),
    ],
    "rudder python": [
        Sent("/v1/batch", {"batch": [call("r1", "identify", channel="server", context={
             "traits": {"email": "r@x.co"}, "library": {"name": "rudder-python"}})],
             "sentAt": NOW}, ("r1",), {**BASIC, **JSON, "Content-Encoding": "gzip"}, packed=True),
    ],
    "customerio python": [
        Sent("/v1/batch", {"batch": [call("c1")], "sentAt": NOW}, ("c1",), {**BASIC, **JSON}),
    ],
    "segment node": [
        Sent("/v1/batch", {"batch": [call("node-next-1-2")], "writeKey": "wk", "sentAt": NOW},
             ("node-next-1-2",), {**BASIC, **JSON, "X-Retry-Count": "2"}),
    ],
    "old node": [
        Sent("/v1/batch", {"batch": [call("node-0cc1-1")], "timestamp": NOW, "sentAt": NOW},
             ("node-0cc1-1",), {**BASIC, **JSON}),
    ],
    "rudder node": [
        Sent("/v1/batch", {"batch": [{**call("rn1"), "timestamp": None, "sentAt": NOW,
             "originalTimestamp": "2024-06-01T12:00:00.000Z"}]}, ("rn1",),
             {**BASIC, **FORM, "Content-Encoding": "gzip"}, packed=True),
    ],
    "customerio node": [
        Sent("/v1/batch", {"batch": [call("cn1")]}, ("cn1",), {**BASIC, **JSON}),
    ],
    "segment browser": [
        *(Sent(f"/v1/{short}", {**call(f"ajs-next-{short}", kind), "sentAt": NOW, "writeKey": "wk",
               "groupId": "g", "previousId": "u1"}, (f"ajs-next-{short}",),
               {**BASIC, **TEXT, **PAGE})
          for short, kind in zip("itpgas", ("identify", "track", "page", "group", "alias",
                                            "screen"), strict=True)),
        Sent("/v1/b", {"writeKey": "wk", "batch": [call("ajs-next-b")], "sentAt": NOW},
             ("ajs-next-b",), {**TEXT, **PAGE}),
        Sent("/v1/m", {"series": [{"type": "Counter"}]}, (), {**TEXT, **PAGE}),
    ],
    "customerio browser": [
        Sent("/v1/t", {**call("cb1"), "writeKey": "wk"}, ("cb1",), {**TEXT, **PAGE}),
        Sent("/v1/p", {**call("cb2", "page", name="Home"), "writeKey": "wk"}, ("cb2",),
             {**TEXT, **PAGE}),
    ],
    "rudder browser": [
        *(Sent(f"/v1/{kind}", {**call(f"rb-{kind}", kind), "userId": "", "anonymousId": "ra",
               "channel": "web", "groupId": "g", "previousId": "u1"}, (f"rb-{kind}",),
               {**BASIC, **JSON, **PAGE, "AnonymousId": base64.b64encode(b"ra").decode(),
                "SentAt": NOW})
          for kind in ("identify", "track", "page", "group", "alias")),
        Sent("/beacon/v1/batch?writeKey=wk", {"batch": [call("rb-beacon")]}, ("rb-beacon",),
             {**TEXT, **PAGE}),
        Sent("/v1/batch", {"batch": [call("rb-batch")], "sentAt": NOW}, ("rb-batch",),
             {**BASIC, **JSON, **PAGE}),
    ],
    "jitsu": [
        Sent(f"/api/s/{kind}", {**call(f"j-{kind}", kind), "writeKey": "wk:***", "groupId": "g",
             "previousId": "u1"}, (f"j-{kind}",), {**JSON, "X-Write-Key": "wk"})
        for kind in ("identify", "track", "page", "group", "alias")
    ],
    "posthog python": [
        Sent("/batch/", {"api_key": "wk", "batch": [posthog("ph1"), posthog("ph2", "$set", **{
             "$set": {"email": "p@x.co"}})], "sent_at": NOW, "historical_migration": False},
             ("ph1", "ph2"), JSON),
    ],
    "posthog node": [
        Sent("/batch/", {"api_key": "wk", "batch": [posthog("pn1", "$create_alias", alias="u0"),
             posthog("pn2", "$groupidentify", **{"$group_type": "company", "$group_key": "g"})],
             "sent_at": NOW}, ("pn1", "pn2"), {**JSON, "Content-Encoding": "gzip"}, packed=True),
    ],
    "snowplow": [
        Sent("/com.snowplowanalytics.snowplow/tp2", {
             "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
             "data": [
                 {"e": "pv", "eid": "sp1", "uid": "u1", "dtm": "1717243200000", "aid": "wk",
                  "url": "https://x.co/", "page": "Home", "tv": "py-1.1.0", "stm": "1717243201000"},
                 {"e": "se", "eid": "sp2", "uid": "u1", "se_ca": "shop", "se_ac": "Product Viewed"},
                 {"e": "ue", "eid": "sp3", "uid": "u1", "ue_pr": json.dumps({
                     "schema": "iglu:com.snowplow/unstruct_event/jsonschema/1-0-0",
                     "data": {"schema": "iglu:co.x/tried_on/jsonschema/1-0-0", "data": {"a": 1}}})},
             ]}, ("sp1", "sp2", "sp3"), JSON),
    ],
    "posthog browser": [
        Sent("/e/?ip=0&_=1&ver=1.2&compression=gzip-js", [posthog("pb1", "$pageview", token="wk")],
             ("pb1",), {**TEXT, **PAGE}, packed=True),
        Sent("/i/v0/e/?ip=0", b"data=" + quote(base64.b64encode(json.dumps(
             posthog("pb2", token="wk")).encode())).encode(), ("pb2",), {**FORM, **PAGE}),
        Sent("/s/?ip=0", {"event": "$snapshot"}, (), {**TEXT, **PAGE}),
    ],
}  # fmt: skip
SETTINGS = {
    "/v1/projects/wk/settings": ("integrations", "Segment.io", "apiHost"),
    "/sourceConfig/?p=npm&v=3.34.1&build=modern&writeKey=wk": ("source", "writeKey"),
    "/sourceConfig?p=npm&v=3.34.1&build=modern&writeKey=wk": ("source", "enabled"),
    "/array/wk/config?ip=0": ("supportedCompression",),
}
"""What browser clients ask for first, and where what they read stands in the answer."""


def test_every_family(server: Server) -> None:
    for requests in FAMILIES.values():
        for sent in requests:
            for _ in range(2):  # the second time, as a retry
                answer = server.http.post(sent.path, content=sent.content(), headers=sent.headers)
                assert (answer.status_code, answer.json()) == (200, {"success": True}), sent
                if "Origin" in sent.headers:
                    assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert built(server.root)["quarantined"] == 0
    expected = [name for requests in FAMILIES.values() for s in requests for name in s.ids]
    assert events(server.root) == sorted(expected)
    # odd as they are, none of them made a stranger of u1
    assert rows(server.root, "select count(*) from identifiers where value in ('', 'None')") == [
        (0,)
    ]


def test_settings_that_browsers_ask_for(server: Server) -> None:
    for path, names in SETTINGS.items():
        answer = server.http.get(path, headers=PAGE)
        assert answer.status_code == 200, path
        assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
        found = answer.json()
        for name in names:
            found = found[name]
        assert found


def test_preflights_of_every_path_need_no_key(server: Server) -> None:
    asked = "anonymousid,authorization,content-type,sentat,x-retry-count,x-write-key"
    headers = {
        **PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": asked,
    }
    for path in {s.path.split("?")[0] for r in FAMILIES.values() for s in r} | {"/sourceConfig/"}:
        answer = server.http.options(path, headers=headers)
        assert answer.is_success, path
        told = answer.headers["access-control-allow-headers"].lower().split(",")
        assert set(asked.split(",")) <= {name.strip() for name in told}
        assert "POST" in answer.headers["access-control-allow-methods"]


def test_refusals_are_read_by_every_client(server: Server) -> None:
    """KeyErrors and endless retries come of error bodies without code and message."""
    for path in ("/v1/batch", "/v1/t", "/api/s/track", "/batch/", "/v1/profile", "/nowhere"):
        for key in (None, "no"):
            answer = server.post(path, b"{", key=key)
            assert 400 <= answer.status_code < 500
            told = answer.json()
            assert isinstance(told["code"], str)
            assert isinstance(told["message"], str)
            assert answer.status_code in (400, 401, 404)
