"""Robots and link scanners, told by name and by what they do, count for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live import Server, built, key, project, rows

from visavis.collect.behaviour import CLICKS, VIEWS, Watch
from visavis.collect.bots import by_user_agent

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
AT = "2024-06-01T12:00:%02d.000Z"
TRAITS = """\
traits:
  clicks: {event: Email Clicked, value: count()}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop", traits__more_yml=TRAITS)
    key(root)
    key(root, "sk", "secret")
    return root


def pages(who: str, count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"type": "page", "name": "Home", "anonymousId": who, "messageId": f"{who}-{n}",
         "timestamp": AT % (n % 60)}
        for n in range(first, first + count)
    ]  # fmt: skip


def send(server: Server, calls: list[dict[str, Any]], agent: str = BROWSER) -> None:
    for start in range(0, len(calls), 10):
        body = {"batch": calls[start : start + 10]}
        answer = server.post("/v1/batch", body, headers={"User-Agent": agent})
        assert answer.status_code == 200


def status(server: Server, who: str) -> int:
    return server.http.get("/v1/profile", params={"anonymous_id": who}, auth=("sk", "")).status_code


def test_a_robot_that_says_it_is_a_browser(shop: Path) -> None:
    with Server(shop) as server:
        send(server, pages("reader", VIEWS))
        for _ in range(3):
            send(server, pages("reader", 10))  # retries are no views
        send(server, pages("robot", VIEWS))
        assert [status(server, who) for who in ("reader", "robot")] == [200, 200]
        send(server, pages("robot", 1, VIEWS))
        assert [status(server, who) for who in ("reader", "robot")] == [200, 404]
        built(shop)
        assert rows(shop, "select pages from people") == [(VIEWS,)]
        marked = "select count(*) from events where context like '%behaviour%'"
        assert rows(shop, marked) == [(1,)]
        server.kill()
    with Server(shop) as server:
        # after a restart it starts anew, but what it is told by stays nobody's
        send(server, pages("robot", 5, 100))
        assert [status(server, who) for who in ("reader", "robot")] == [200, 404]
    built(shop)
    assert rows(shop, "select pages from people") == [(VIEWS,)]
    # of a moment before it gave itself away, it was a visitor
    built(shop, 1_717_243_199_000)
    assert rows(shop, "select count(*) from people") == [(0,)]


def test_a_shop_that_sends_for_everybody_is_no_robot(shop: Path) -> None:
    calls = [{**p, "userId": f"u{n}"} for n, p in enumerate(pages("desk", VIEWS + 20))]
    with Server(shop) as server:
        send(server, calls)
        send(server, pages("till", VIEWS + 20), agent="analytics-python/2.3.4")
        assert status(server, "till") == 200
    built(shop)
    assert rows(shop, "select sum(pages) from people") == [(2 * (VIEWS + 20),)]


def clicks(who: str, second: int, count: int) -> list[dict[str, Any]]:
    return [
        {"type": "track", "event": "Email Clicked", "userId": who,
         "messageId": f"{who}-{second}-{n}", "timestamp": AT % second,
         "properties": {"message": "june", "link_url": f"https://x.co/{n}"}}
        for n in range(count)
    ]  # fmt: skip


def test_a_scanner_that_follows_all_links_at_once(shop: Path) -> None:
    with Server(shop) as server:
        hook = "mail-provider/1.0"
        send(server, clicks("ann", 1, 8), hook)
        send(server, clicks("ann", 40, 1), hook)
        send(server, clicks("bob", 1, CLICKS), hook)
        live = [
            server.http.get("/v1/profile", params={"user_id": u}, auth=("sk", "")).json()["traits"]
            for u in ("ann", "bob")
        ]
        assert [t["clicks"] for t in live] == [1, CLICKS]
    built(shop)
    told = "select i.value, p.clicks from people p join identifiers i using (person_id) order by 1"
    assert rows(shop, told) == [("ann", 1), ("bob", CLICKS)]


@pytest.mark.parametrize(
    ("agent", "robot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("facebookexternalhit/1.1", True),
        ("Mozilla/5.0 (compatible; Barracuda Sentinel (EE))", True),
        ("Slackbot-LinkExpanding 1.0", True),
        ("WhatsApp/2.23.20.0 A", True),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT X18) Chrome/99 Mobile Safari/537.36", False),
        (BROWSER, False),
        ("analytics-python/2.3.4", False),
        ("okhttp/4.12", False),
    ],
)
def test_names(agent: str, robot: bool) -> None:
    assert by_user_agent(agent) is robot


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 200)), max_size=80), st.integers(1, 9))
def test_law_repeats_and_cuts_make_no_robot(seen: list[tuple[int, int]], cut: int) -> None:
    """However views are cut into bodies and repeated, up to VIEWS distinct ones are a person's."""
    import json

    watch = Watch()
    calls = [
        {"type": "page", "anonymousId": f"a{who}", "messageId": f"{who}-{n % VIEWS}",
         "timestamp": AT % 0}
        for who, n in seen
    ]  # fmt: skip
    for start in range(0, len(calls), cut):
        body = json.dumps({"batch": calls[start : start + cut]}).encode()
        assert watch.marks(True, body, BROWSER, 0) == {}
