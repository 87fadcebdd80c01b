"""Unmodified client libraries of Python, by changing the host only."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from live import Server, built
from shop import KEY, known, profile

COMMON = ["alias", "group", "identify", "page", "screen", "track", "track"]
FAMILY = ["segment.analytics.client", "rudderstack.analytics.client", "customerio.analytics.client"]


def opened(library: str, server: Server, errors: list[Any], **more: Any) -> Any:
    client = import_module(library).Client
    return client(
        KEY, host=server.url, on_error=lambda e, _: errors.append(e), max_retries=2, **more
    )


def calls(client: Any) -> None:
    """What a shop's back end sends, with any of the clients of Segment's family."""
    client.track(anonymous_id="anon-1", event="Product Viewed", properties={"product_id": "p1"})
    client.identify("u1", {"email": "a@b.co", "firstName": "Ann"})
    order = {"order_id": "o1", "total": 25.5, "products": [{"product_id": "p1", "quantity": 2}]}
    client.track("u1", "Order Completed", order)
    client.page("u1", "Docs", "Home", {"url": "http://x/"})
    client.screen("u1", "App", "Main")
    client.group("u1", "g1", {"name": "Acme"})
    client.alias("anon-1", "u1")


@pytest.mark.parametrize("library", FAMILY)
def test_client(server: Server, library: str) -> None:
    errors: list[Any] = []
    client = opened(library, server, errors)
    calls(client)
    client.shutdown()
    assert not errors
    known(server, COMMON)


def test_batches(server: Server) -> None:
    """More events than one batch holds are flushed in several, and each counts once."""
    errors: list[Any] = []
    for library in FAMILY:
        for packed in (False, True):
            client = opened(library, server, errors, gzip=packed)
            user = f"{library} {packed}"
            for i in range(250):
                client.track(user, "Product Viewed", {"product_id": f"p{i}"})
            client.flush()
            assert profile(server, user_id=user)["views"] == 250
            client.shutdown()
    assert not errors


def test_posthog(server: Server) -> None:
    from posthog import Posthog

    client = Posthog(KEY, host=server.url)
    client.capture("Product Viewed", distinct_id="anon-1", properties={"product_id": "p1"})
    client.set(distinct_id="u1", properties={"email": "a@b.co", "first_name": "Ann"})
    order = {"order_id": "o1", "revenue": 25.5}
    client.capture("Order Completed", distinct_id="u1", properties=order)
    client.capture("$pageview", distinct_id="u1", properties={"$current_url": "http://x/"})
    client.capture("$screen", distinct_id="u1", properties={"$screen_name": "Main"})
    client.alias(previous_id="anon-1", distinct_id="u1")
    client.group_identify("company", "g1", {"name": "Acme"}, distinct_id="u1")
    client.shutdown()
    known(server, COMMON)


def test_a_client_lives_on_through_builds(server: Server) -> None:
    errors: list[Any] = []
    client = opened(FAMILY[0], server, errors)
    for n in range(1, 4):
        client.track("u1", "Product Viewed", {"product_id": "p1"})
        client.flush()
        built(server.root)
        assert profile(server, user_id="u1")["views"] == n
    client.shutdown()
    assert not errors


def test_a_service_that_is_killed_and_comes_back_has_each_event_once(server: Server) -> None:
    errors: list[Any] = []
    client = import_module(FAMILY[0]).Client(
        KEY, host=server.url, on_error=lambda e, _: errors.append(e), upload_size=10
    )
    for i in range(40):
        client.track("u1", "Product Viewed", {"product_id": f"p{i}"}, message_id=f"m{i}")
        if i == 20:
            client.flush()
            server.kill()
    with Server(server.root, port=server.port) as again:
        client.flush()
        for i in range(40):
            client.track("u1", "Product Viewed", {"product_id": f"p{i}"}, message_id=f"m{i}")
        client.shutdown()
        assert profile(again, user_id="u1")["views"] == 40
    assert not errors
    assert built(server.root)["events"] == 40
