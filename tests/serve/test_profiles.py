"""Live profiles, decisions and counts: as a build of the same moment says, and nobody else's."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from live import Server, built, key, project, rows

SEGMENTS = "segments:\n  buyers: orders > 0\n  big: {condition: revenue > 30}\n"
OFFERS = """\
offers:
  welcome:
    eligible: orders = 0
    placements: [home]
    content: "Welcome, {{ first_name | default: 'you' }}"
  thanks:
    eligible: orders > 0
    placements: [home]
    value: 5
    content: "Thanks for {{ orders }} orders"
"""
START = 1_717_200_000_000  # 2024-06-01


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop", segments__s_yml=SEGMENTS, offers__o_yml=OFFERS)
    key(root)
    key(root, "sk", "secret")
    return root


def profile(server: Server, status: int = 200, **asked: str) -> dict[str, Any]:
    answer = server.http.get("/v1/profile", params=asked, auth=("sk", ""))
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def order(user: str, number: int, revenue: float, **more: Any) -> dict[str, Any]:
    products = [{"product_id": f"p{number % 3}", "quantity": 2, "price": revenue / 2}]
    return {
        "type": "track", "event": "Order Completed", "userId": user, "messageId": f"o{number}",
        "properties": {"order_id": f"n{number}", "revenue": revenue, "products": products}, **more,
    }  # fmt: skip


def test_an_event_is_in_the_very_next_answer(shop: Path) -> None:
    with Server(shop) as server:
        profile(server, 404, user_id="u1")
        for n in range(1, 4):
            assert server.post("/v1/track", order("u1", n, 10.5)).status_code == 200
            told = profile(server, user_id="u1")
            assert (told["traits"]["orders"], told["traits"]["revenue"]) == (n, 10.5 * n)
            assert ("big" in told["segments"]) == (n == 3)
        server.post("/v1/track", order("u1", 3, 10.5))
        assert profile(server, user_id="u1")["traits"]["orders"] == 3
        counted = server.http.get("/v1/segments/buyers/count", auth=("sk", "")).json()
        assert counted["count"] == 1
        by_id = profile(server, person_id=told["person_id"])
        assert by_id["person_id"] == told["person_id"]


def test_a_login_joins_a_visitor_and_another_login_does_not(shop: Path) -> None:
    with Server(shop) as server:
        view = {"type": "track", "event": "Product Viewed", "anonymousId": "a1"}
        server.post("/v1/track", {**view, "messageId": "v1"})
        assert profile(server, anonymous_id="a1")["traits"]["views"] == 1
        server.post("/v1/identify", {"userId": "u1", "anonymousId": "a1", "messageId": "i1",
                                     "traits": {"email": "One@x.co"}})  # fmt: skip
        one = profile(server, email="one@x.co")
        assert one["traits"]["views"] == 1
        server.post("/v1/identify", {"userId": "u2", "anonymousId": "a1", "messageId": "i2",
                                     "traits": {"email": "two@x.co"}})  # fmt: skip
        one, two = profile(server, user_id="u1"), profile(server, user_id="u2")
        assert one["person_id"] != two["person_id"]
        assert "two@x.co" not in str(one)
        profile(server, 404, anonymous_id="a1")


def test_a_public_key_reads_nobody(shop: Path) -> None:
    with Server(shop) as server:
        traits = {"email": "v@x.co", "firstName": "Vic"}
        known = {"userId": "victim", "anonymousId": "a9", "messageId": "m1", "traits": traits}
        server.post("/v1/identify", known)
        server.post("/v1/track", order("victim", 1, 50, anonymousId="a9"))
        for person in ({"user_id": "victim"}, {"email": "v@x.co"}):
            body = {"person": person, "placement": "home"}
            assert server.post("/v1/decide", body).status_code == 403
        assert server.http.get("/v1/profile?user_id=victim", auth=("wk", "")).status_code == 401
        # who claims to be the victim from another device sees that device's session alone
        server.post("/v1/identify", {"userId": "victim", "anonymousId": "evil", "messageId": "m2"})
        for visitor in ("a9", "evil"):
            answer = server.post(
                "/v1/decide?explain=1", {"person": {"anonymous_id": visitor}, "placement": "home"}
            )
            told = answer.json()
            assert [c["offer"] for c in told["choices"]] == ["welcome"]
            assert "Vic" not in answer.text
            assert not {"person_id", "candidates"} & told.keys()


def test_an_order_in_another_currency_counts_nowhere(shop: Path) -> None:
    with Server(shop) as server:
        server.post("/v1/track", order("u1", 1, 10))
        foreign = order("u1", 2, 10)
        foreign["properties"]["currency"] = "USD"
        assert server.post("/v1/track", foreign).status_code == 200
        assert profile(server, user_id="u1")["traits"]["revenue"] == 10
    built(shop)
    assert rows(shop, "select sum(revenue) from people")[0][0] == 10
    (reason,) = rows(shop, "select reason from quarantine")
    assert reason[0].startswith("no-rate")


def test_a_secret_key_decides_for_anybody_and_it_is_recorded(shop: Path) -> None:
    with Server(shop) as server:
        server.post("/v1/track", order("u1", 1, 5))
        body = {"person": {"user_id": "u1"}, "placement": "home", "context": {"weather": "rain"}}
        told = server.post("/v1/decide?explain=1", body, key="sk").json()
        assert [c["offer"] for c in told["choices"]] == ["thanks"]
        assert told["choices"][0]["content"] == {"text": "Thanks for 1 orders"}
        assert told["held_out"] is False
        fell = {c["offer"]: c["fell"] for c in told["candidates"]}
        assert fell == {"thanks": None, "welcome": "not eligible"}
        assert server.post("/v1/decide", {**body, "placement": "no"}, key="sk").status_code == 404
        assert server.post("/v1/decide", body, key="bad").status_code == 401
        for context in ("rain", ["rain"], {"weather": "r" * 4096}):
            refused = server.post("/v1/decide", {**body, "context": context}, key="sk")
            assert (refused.status_code, refused.json()["code"]) == (400, "bad-context")
    built(shop)
    made = rows(
        shop,
        "select person_id is not null, json_extract_string(properties, '$.context.weather') "
        "from events where event = 'Decision Made'",
    )
    assert made == [(True, "rain")]


def test_a_build_is_picked_up_without_a_pause(shop: Path) -> None:
    with Server(shop) as server:
        for n in range(1, 6):
            server.post("/v1/track", order("u1", n, 10))
        built(shop)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            server.post("/v1/track", order("u2", 100, 1))
            assert profile(server, user_id="u1")["traits"]["orders"] == 5
            if any((shop / ".visavis/builds").glob("*/history.*.db")):
                break
        server.post("/v1/track", order("u1", 6, 10))
        assert profile(server, user_id="u1")["traits"]["orders"] == 6
        assert profile(server, user_id="u2")["traits"]["orders"] == 1
        server.kill()
    with Server(shop) as server:
        assert profile(server, user_id="u1")["traits"]["orders"] == 6


def test_evidence_of_later_changes_the_answer_of_then(shop: Path) -> None:
    """An answer is kept, but not past the moment at which more is known of who it is."""
    with Server(shop) as server:
        for day, user in ((1, "u1"), (5, "u2")):
            mail = {"email": "both@x.co"}
            at = f"2024-06-0{day}T00:00:00Z"
            server.post("/v1/identify", {"userId": user, "traits": mail, "timestamp": at})
        for moment, status in (("2024-06-02", 200), ("2024-06-03", 200), ("2024-06-06", 404)):
            profile(server, status, email="both@x.co", at=f"{moment}T00:00:00Z")


def calls(rng: Random, count: int) -> list[dict[str, Any]]:
    """Events of a few people and devices, in disorder, with repeats."""
    made = []
    for n in range(count):
        at = START + rng.randrange(0, 30) * 86_400_000 + rng.randrange(3) * 1000
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / 1000)) + "Z"
        user = rng.choice(["u1", "u2", "u3", None])
        call: dict[str, Any] = {
            "messageId": f"m{n}", "timestamp": moment, "userId": user,
            "anonymousId": rng.choice(["a1", "a2", "a3", "a4"]),
        }  # fmt: skip
        match rng.randrange(4):
            case 0:
                traits = {"email": rng.choice(["x@x.co", "Y@x.co", f"{user}@x.co"])}
                call |= {"type": "identify", "traits": {**traits, "firstName": f"N{n}"}}
            case 1:
                call |= {"type": "track", "event": "Product Viewed", "properties": {}}
            case 2:
                call |= {"type": "page", "name": "Home"}
            case _:
                number = rng.choice([n, rng.randrange(4)])  # told by browser and server
                call |= order(user or "u4", number, rng.choice([5, 10.25, 20])) | {
                    "messageId": f"m{n}", "timestamp": moment, "userId": user,
                }  # fmt: skip
        made.append(call)
    orders = [c for c in made if c.get("event") == "Order Completed"]
    changed = [
        {**c, "properties": {**c["properties"], "revenue": 1}} for c in rng.sample(orders, 2)
    ]  # of one message id, what was received last counts
    again = [*made, *rng.sample(made, 5), *changed]
    rng.shuffle(again)
    return again


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, 12))]
)
def test_law_live_equals_batch(shop: Path, seed: int) -> None:
    rng = Random(seed)
    told = calls(rng, 60)
    first, rest = told[: len(told) // 2], told[len(told) // 2 :]
    moments = [START + 5 * 86_400_000, START + 15 * 86_400_000 + 1500, START + 40 * 86_400_000]
    with Server(shop) as server:
        server.post("/v1/batch", {"batch": first})
        server.kill()
    if seed:
        built(shop)
    with Server(shop) as server:
        for call in rest:
            server.post(f"/v1/{call['type']}", call)
        live = {at: everybody(server, at) for at in moments}
    for at in moments:
        built(shop, at)
        assert live[at] == by_build(shop), f"as of {at}"


NAMES = [
    *((kind, f"{kind[0]}{n}") for kind in ("user_id", "anonymous_id") for n in range(1, 5)),
    *(("email", f"{name}@x.co") for name in ("x", "y", "u1")),
]
TRAITS = ("orders", "revenue", "items", "views", "pages", "email", "first_name")


def everybody(server: Server, at: int) -> dict[tuple[str, str], Any]:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / 1000)) + f".{at % 1000:03d}Z"
    found = {}
    for kind, value in NAMES:
        answer = server.http.get("/v1/profile", params={kind: value, "at": moment}, auth=("sk", ""))
        if answer.status_code == 200:
            told = answer.json()
            values = tuple(str(told["traits"][n]) for n in TRAITS)
            found[kind, value] = (told["person_id"], values, sorted(told["segments"]))
    return found


def by_build(root: Path) -> dict[tuple[str, str], Any]:
    columns = ", ".join(f"p.{name}" for name in TRAITS)
    people = rows(root, f"select i.kind, i.value, i.person_id, {columns} from identifiers i "
                        "join people p using (person_id)")  # fmt: skip
    members: dict[str, list[str]] = {}
    for person, segment in rows(root, "select person_id, segment from segment_members"):
        members.setdefault(person, []).append(segment)
    return {
        (kind, value): (person, tuple(_text(v) for v in rest), sorted(members.get(person, ())))
        for kind, value, person, *rest in people
        if (kind, value) in NAMES
    }


def _text(value: Any) -> str:
    from decimal import Decimal

    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)
