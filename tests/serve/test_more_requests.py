"""Requests of clients beside those that were captured: images, Track API, Unomi, newer PostHog."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from live import Server, built, command, events, key, project, rows
from test_requests import FORM, JSON, PAGE, TEXT, call, posthog

from visavis.serve.tags import PATHS

SECRET = ("sk", "")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop")
    key(root)
    key(root, "sk", "secret")
    return root


def packed(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def profile(server: Server, **asked: str) -> dict[str, Any]:
    answer = server.http.get("/v1/profile", params=asked, auth=SECRET)
    return dict(answer.json()) if answer.status_code == 200 else {}


def test_events_in_the_address_of_an_image(server: Server) -> None:
    seg = {**call("px1", anonymousId="a1"), "writeKey": "wk"}
    asked = [
        ("/v1/pixel/track", {"data": packed(seg)}),
        ("/v1/pixel/page", {"data": json.dumps({**call("px2", "page"), "writeKey": "wk"})}),
        ("/api/px/track", {"data": packed(call("px3")), "writeKey": "wk"}),
        ("/pixel/v1/track", {"writeKey": "wk", "messageId": "px4", "anonymousId": "a1",
                             "event": "Product Viewed", "properties.product_id": "p9"}),
        ("/i", {"e": "pv", "eid": "px5", "uid": "u1", "aid": "wk", "url": "https://x.co/"}),
        ("/e/", {"data": packed(posthog("px6", token="wk")), "ip": "1"}),
    ]  # fmt: skip
    for path, query in asked:
        answer = server.http.get(path, params=query, headers=PAGE)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.headers["content-type"] == "image/gif"
        assert answer.content.startswith(b"GIF89a")
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"data": packed({**seg, "writeKey": "no"})}, 401), ({"data": "%%%"}, 400), ({}, 401),
        ({"data": packed({**seg, "event": "x" * 40_000})}, 400),
    ]  # fmt: skip
    for query, status in wrong:
        answer = server.http.get("/v1/pixel/track", params=query)
        assert answer.status_code == status, answer.text
        assert {"code", "message"} <= answer.json().keys()
    assert built(server.root)["quarantined"] == 0
    assert events(server.root) == [f"px{n}" for n in range(1, 7)]
    shown = "select json_extract_string(properties, 'product_id') from events"
    assert rows(server.root, f"{shown} where message_id = 'px4'") == [("p9",)]


def test_what_customerio_does_to_a_customer(shop: Path) -> None:
    customer = "/api/v1/customers/u%201"
    with Server(shop) as server:

        def ask(method: str, path: str, body: Any = None) -> None:
            content = None if body is None else json.dumps(body)
            answer = server.http.request(method, path, content=content, auth=("wk", "any"))
            assert (answer.status_code, answer.json()) == (200, {"success": True}), path

        ask("PUT", customer, {"email": "a@b.co"})
        ask("PUT", f"{customer}/devices", {"device": {"id": "d1", "platform": "ios"}})
        ask("POST", f"{customer}/suppress")
        ask("POST", f"{customer}/unsuppress", {})
        ask("DELETE", f"{customer}/devices/d1")
        ask("DELETE", customer)
        opened = {"event": "opened", "device_id": "d1", "delivery_id": "m"}
        ask("POST", "/api/v1/push/events", opened)
        person = {"type": "person", "identifiers": {"id": "u 1"}}
        company = {"type": "object", "action": "identify", "identifiers": {"object_id": "acme"},
                   "cio_relationships": [{"identifiers": {"id": "u 1"}}]}  # fmt: skip
        ask("POST", "/api/v2/batch", {"batch": [{**person, "action": "suppress"}, company]})
        assert server.http.get(customer, auth=("wk", "")).status_code == 405
    assert built(shop)["quarantined"] == 0
    came = rows(shop, "select event, count(*) from events group by 1 order by 1")
    assert came == [
        ("Device Deleted", 1), ("Push Notification Opened", 1), ("User Deleted", 1),
        ("User Suppressed", 2), ("User Unsuppressed", 1), ("group", 1), ("identify", 2),
    ]  # fmt: skip
    assert rows(shop, "select count(*) from people") == [(1,)]
    with Server(shop) as server:
        told = profile(server, user_id="u 1")
        assert {i["value"] for i in told["identifiers"]} == {"u 1", "a@b.co", "d1"}
        assert {c["reason"] for c in told["consents"]} == {"withdrawn"}


def test_unomi(server: Server) -> None:
    page = {"pageInfo": {"pageID": "p", "pageName": "Home", "pagePath": "/",
                         "destinationURL": "https://shop.example/"}}  # fmt: skip
    view = {"eventType": "view", "scope": "wk", "target": {"itemId": "p", "itemType": "page",
            "properties": page}, "source": {"itemId": "shop", "itemType": "site"}}  # fmt: skip
    asked = {"sessionId": "s-1", "events": [view], "source": {"scope": "wk", "itemType": "page"},
             "requiredProfileProperties": ["*"]}  # fmt: skip
    text = {"Content-Type": "text/plain;charset=UTF-8", **PAGE}
    answer = server.http.post("/context.json", content=json.dumps(asked), headers=text)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-credentials"] == "true"
    told = answer.json()
    assert (told["profileId"], told["sessionId"], told["processedEvents"]) == ("s-1", "s-1", 1)
    assert "context-profile-id=s-1" in answer.headers["set-cookie"]
    login = {"eventType": "login", "scope": "wk", "target": {"itemId": "u1", "itemType": "user",
             "properties": {"email": "a@b.co", "firstName": "Ann"}}}  # fmt: skip
    buy = {"eventType": "Product Viewed", "scope": "wk", "properties": {"product_id": "p1"}}
    later = {"sessionId": "s-2", "events": [login, buy]}  # another day, the same visitor
    answer = server.http.post("/eventcollector", content=json.dumps(later), headers=text)
    assert answer.status_code == 200
    found = profile(server, user_id="u1")["traits"]
    assert [found[n] for n in ("views", "pages", "email", "first_name")] == [1, 1, "a@b.co", "Ann"]
    server.http.cookies.clear()
    for body, status in (({"sessionId": "x"}, 401), ({**asked, "source": 7}, 200), ([], 401)):
        answer = server.http.post("/context.json", content=json.dumps(body), headers=text)
        assert answer.status_code == status, (body, answer.text)
        assert "Ann" not in answer.text
    assert built(server.root)["quarantined"] == 0


def test_newer_paths_of_posthog(server: Server) -> None:
    batch = {"batch": [posthog("n1")], "created_at": "2024-06-01T12:00:00+00:00"}
    bearer = {"Authorization": "Bearer wk", **JSON}
    answer = server.http.post("/i/v1/analytics/events", content=json.dumps(batch), headers=bearer)
    assert (answer.status_code, answer.json()["results"]) == (200, {})
    deflated = zlib.compress(json.dumps({"batch": [posthog("n2")]}).encode())
    more = {**bearer, "Content-Encoding": "deflate"}
    answer = server.http.post("/i/v1/analytics/events", content=deflated, headers=more)
    assert answer.status_code == 200, answer.text
    ai = {"api_key": "wk", "batch": [posthog("n3", "$ai_generation")]}
    assert server.http.post("/i/v0/ai/batch/", content=json.dumps(ai)).status_code == 200
    asked = {
        "/flags/definitions?token=wk&send_cohorts": "flags",
        "/api/feature_flag/local_evaluation?token=wk": "cohorts",
        "/api/surveys/?token=wk": "surveys",
        "/api/early_access_features/?token=wk": "earlyAccessFeatures",
        "/api/web_experiments/?token=wk": "experiments",
    }
    for path, name in asked.items():
        assert not server.http.get(path, headers=PAGE).json()[name], path
    for path in ("/i/v1/logs?token=wk", "/i/v1/metrics?token=wk", "/rsaMetrics"):
        assert server.http.post(path, content=b"{}", headers=PAGE).status_code == 200
    form = {"data": packed({"token": "wk", "distinct_id": "u1"})}
    for path in ("/flags/?v=2&config=true", "/decide/?v=3"):
        assert server.http.post(path, data=form, headers={**FORM, **PAGE}).status_code == 200
    built(server.root)
    assert events(server.root) == ["n1", "n2", "n3"]


def test_scripts_that_snippets_load(server: Server) -> None:
    for path in PATHS:
        plain = path.replace("{key}", "wk").replace("{build}", "modern")
        answer = server.http.get(plain, headers=PAGE)
        assert answer.status_code == 200, plain
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    head = server.http.head("/p.js")
    assert (head.status_code, head.content) == (200, b"")


def test_names_in_a_query_however_they_are_written(shop: Path) -> None:
    with Server(shop) as server:
        for user, traits in (
            ("张三", {"email": "a+b@x.co"}), ("17", {"phone": "+49 170 1234567"}), ("x y", {}),
        ):  # fmt: skip
            server.post("/v1/identify", {"userId": user, "traits": traits})
        raw = b"GET /v1/profile?user_id=\xe5\xbc\xa0\xe4\xb8\x89 HTTP/1.1\r\nHost: x\r\n"
        for query in (
            "user_id=%E5%BC%A0%E4%B8%89", "email=a+b@x.co", "email=a%2Bb%40x.co",
            "email=A%2Bb@x.co", "phone=+491701234567", "phone=%2B49%20170%201234567",
            "user_id=x+y", "user_id=17",
        ):  # fmt: skip
            answer = server.http.get(f"/v1/profile?{query}", auth=SECRET)
            assert answer.status_code == 200, query
        assert b" 200 " in said(server, raw + b"Authorization: Bearer sk\r\n\r\n")
        for body in ({"user_id": 17}, {"user_id": "17", "at": None}):
            assert server.post("/v1/profile", body, key="sk").status_code == 200, body
        asked = {"person": {"user_id": 17}, "placement": "email"}
        assert server.post("/v1/decide", asked, key="sk").status_code == 200
        many = "&".join(f"k{n}=1" for n in range(500))
        assert server.http.get(f"/v1/profile?{many}", auth=SECRET).status_code == 400
        assert server.post(f"/v1/track?{many}", call("m")).status_code == 200


def said(server: Server, request: bytes) -> bytes:
    import socket

    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request)
        connection.settimeout(10)
        return connection.recv(65536)


def test_where_a_key_may_stand(shop: Path) -> None:
    asked = {"person": {"user_id": "u1"}, "placement": "email"}
    with Server(shop) as server:
        server.post("/v1/identify", {"userId": "u1"})
        path = "/v1/profile?user_id=u1"

        def status(**headers: str) -> int:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return server.http.get(path, headers=given).status_code

        basic = "Basic " + base64.b64encode(b"sk:").decode()
        assert status(Authorization=basic) == status(Authorization="Bearer sk") == 200
        # a write key, a higher one beside it, or a secret where logs and pages have it: refused
        assert status(Authorization="Bearer wk") == status() == 401
        assert status(Authorization=basic, X_Write_Key="wk") == status(X_Write_Key="sk") == 401
        assert server.http.get(f"{path}&writeKey=sk").status_code == 401
        for query, body in (("?writeKey=sk", asked), ("", {**asked, "writeKey": "sk"})):
            assert server.post(f"/v1/decide{query}", body, key=None).status_code == 401
        visitor = {"person": {"anonymous_id": "a1"}, "placement": "email"}
        for query, body in (("?writeKey=wk", visitor), ("", {**visitor, "writeKey": "wk"})):
            assert server.post(f"/v1/decide{query}", body, key=None).status_code == 200
        # of two keys the higher one counts, also when it is wrong
        for odd in ("钥匙", "a:b", "ключ é"):
            key(shop, odd)
            plain = base64.b64encode(f"{odd}:".encode())
            for name, value in (
                (b"Authorization", b"Basic " + plain),
                (b"Authorization", b"Bearer " + odd.encode()), (b"X-Write-Key", odd.encode()),
            ):  # fmt: skip
                answer = server.http.post(
                    "/v1/track", content=json.dumps(call("m")), headers=[(name, value)]
                )
                assert answer.status_code == 200, (odd, name)
        wrong = {"X-Write-Key": "no"}
        assert server.post("/v1/track", call("m"), headers=wrong).status_code == 401
        assert server.post("/v1/track?writeKey=no", call("m")).status_code == 200
        assert server.post("/v1/track?writeKey=no", {**call("m"), "writeKey": "wk"}, None
                           ).status_code == 401  # fmt: skip
        made = json.loads(command(shop, "keys", "list", "--json").stdout)
        assert "sk" not in [part for entry in made for part in map(str, entry.values())][2:]
        secret = next(entry["id"] for entry in made if entry["kind"] == "secret")
        assert command(shop, "keys", "revoke", secret).returncode == 0
        assert status(Authorization=basic) == 401
    kept = b"".join(p.read_bytes() for p in (shop / ".visavis").glob("keys*"))
    assert b'"sk"' not in kept
    assert b'"wk"' not in kept


def test_other_methods_are_told(server: Server) -> None:
    for method, path, allowed in (
        ("GET", "/v1/batch", "POST"), ("DELETE", "/v1/profile", "GET, POST"),
        ("PATCH", "/api/v1/customers/u1", "PUT, DELETE"),
    ):  # fmt: skip
        answer = server.http.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == f"{allowed}, OPTIONS"
        assert {"code", "message"} <= answer.json().keys()
    asked = {**PAGE, "Access-Control-Request-Method": "PUT"}
    told = server.http.options("/api/v1/customers/u1", headers=asked)
    assert "PUT" in told.headers["access-control-allow-methods"]


def test_answers_are_as_the_document_says(shop: Path) -> None:
    import jsonschema

    (shop / "segments").mkdir()
    (shop / "segments" / "s.yml").write_text("segments: {known: orders = 0}\n")
    (shop / "offers").mkdir()
    (shop / "offers" / "o.yml").write_text(
        "offers: {hello: {eligible: orders = 0, placements: [home], content: 'Hello you'}}\n"
    )
    with Server(shop) as server:
        document = server.http.get("/openapi.json").json()

        def check(method: str, path: str, answer: Any) -> None:
            shape = path.split("?")[0].replace("/known/", "/{name}/")
            told = document["paths"][shape][method]["responses"]
            content = told[str(answer.status_code)]["content"]["application/json"]["schema"]
            jsonschema.validate(answer.json(), {**content, "components": document["components"]})

        server.post("/v1/identify", {"userId": "u1", "traits": {"email": "a@b.co"}})
        for path in ("/v1/profile?user_id=u1", "/v1/profile", "/v1/profile?user_id=no",
                     "/v1/segments/known/count", "/health", "/ready"):  # fmt: skip
            check("get", path, server.http.get(path, auth=SECRET))
            if path.startswith("/v1"):
                check("get", path, server.http.get(path))
        check("post", "/v1/profile", server.post("/v1/profile", {"user_id": "u1"}, key="sk"))
        asked = {"person": {"user_id": "u1"}, "placement": "home"}
        check("post", "/v1/decide", server.post("/v1/decide?explain=1", asked, key="sk"))
        check("post", "/v1/decide", server.post("/v1/decide", asked))
        check("post", "/v1/decide", server.post("/v1/decide", {"person": 1}, key="sk"))
        nowhere = {**asked, "placement": "nowhere"}
        check("post", "/v1/decide", server.post("/v1/decide", nowhere, key="sk"))
        check("post", "/v1/track", server.post("/v1/track", call("m"), headers=TEXT))
        check("post", "/v1/batch", server.post("/v1/batch", b"{"))


def test_a_token_of_the_brand_is_its_users(shop: Path) -> None:
    import jwt

    (shop / "offers").mkdir()
    (shop / "offers" / "o.yml").write_text(
        "offers:\n  hi:\n    eligible: orders = 0\n    placements: [home]\n"
        "    content: \"Hi {{ first_name | default: 'you' }}\"\n"
    )
    made, other = (
        json.loads(command(shop, "keys", "create", "--kind", "signing", "--json").stdout)
        for _ in range(2)
    )
    signing, later = made["key"], 4_000_000_000
    assert command(shop, "keys", "create", "--kind", "signing", "--key", "x").returncode == 2
    with Server(shop) as server:
        server.post("/v1/identify", {"userId": "u1", "traits": {"firstName": "Ann"}})

        def asked(token: object, key: str = "wk", **body: Any) -> Any:
            said = {"placement": "home", "userToken": token, **body}
            return server.post("/v1/decide?explain=1", said, key=key)

        def signed(key: str = signing, algorithm: str = "HS256", **claims: Any) -> str:
            return jwt.encode({"sub": "u1", "exp": later, **claims}, key, algorithm=algorithm)

        for answer in (asked(signed()), asked(signed(), person={"user_id": "u1"})):
            told = answer.json()
            assert told["choices"][0]["content"] == {"text": "Hi Ann"}
            assert told["person_id"]
            assert "candidates" not in told
        headers = {"X-User-Token": signed(other["key"])}
        assert server.post("/v1/decide", {"placement": "home"}, headers=headers).is_success
        assert asked(signed(), person={"user_id": "u2"}).status_code == 403
        assert asked(None, person={"person_id": told["person_id"]}).status_code == 403
        nothing = jwt.encode({"sub": "u1", "exp": later}, "", algorithm="none")
        for wrong in (
            signed("x" * 32), signed(exp=1_000_000_000), jwt.encode({"sub": "u1"}, signing),
            jwt.encode({"sub": " ", "exp": later}, signing), nothing, "x", "a.b.c",
            signed(algorithm="HS512"), signed()[:-4],
        ):  # fmt: skip
            assert asked(wrong).status_code == 401, wrong
        assert asked(signed(), key=signing).status_code == 401
        assert command(shop, "keys", "revoke", made["id"]).returncode == 0
        assert asked(signed()).status_code == 401
    kept = (shop / ".visavis" / "keys.json").read_text()
    assert signing not in kept
