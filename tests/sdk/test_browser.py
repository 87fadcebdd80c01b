"""Unmodified browser clients in a real browser, on a page of another origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from live import Server
from shop import KEY, Node, Pages, eventually, known, leave, profile, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

COMMON = ["alias", "group", "identify", "page", "track", "track", "track"]
JITSU = [call for call in COMMON if call != "alias"]
POSTHOG = [*COMMON, "page"]  # each page says by itself that it was viewed
_SOON = "new Promise((_, no) => setTimeout(() => no('the client never got through'), 60000))"
START, ARRIVE = (
    f"([host, key]) => Promise.race([{call}(host, key), {_SOON}]).then(() => undefined)"
    for call in ("start", "arrive")
)


@pytest.mark.parametrize(
    ("client", "calls"),
    [
        ("segment", COMMON),
        ("customerio", COMMON),
        ("rudderstack", COMMON),
        ("rudderstack-1", COMMON),
        ("posthog", POSTHOG),
        ("jitsu", JITSU),
    ],
)
def test_client(
    server: Server, node: Node, browser: Browser, pages: Pages, client: str, calls: list[str]
) -> None:
    host = server.url.removeprefix("http://")
    joined = "alias" in calls
    if joined:
        server.post("/v1/track", {"userId": "u0", "event": "Product Viewed"}, key=KEY)

    def came(orders: int, views: int) -> bool:
        found = profile(server, user_id="u1")
        return (found.get("orders"), found.get("views")) == (orders, views)

    address = pages.add(node.bundle(f'import "./browser/{client}.js"'))
    with visiting(browser) as page:
        page.goto(address)
        page.evaluate(START, [host, KEY])
        eventually(lambda: came(1, 1 + joined), "the calls of the first page have not come")
        page.goto(address)
        page.evaluate(ARRIVE, [host, KEY])
        leave(page, "leave")
        eventually(lambda: came(1, 2 + joined), "the call of a page that was left has not come")
    # keys in headers are asked about first; Customer.io's and PostHog's stand in the bodies
    asked_first = 'path="OPTIONS"' in server.http.get("/metrics").text
    assert asked_first == (client not in ("customerio", "posthog"))
    known(server, [*calls, *(["track"] if joined else [])], views=2 + joined)
