"""Unmodified client libraries of node, by changing the host only."""

from __future__ import annotations

import pytest
from live import Server
from shop import KEY, Node, known

COMMON = ["alias", "group", "identify", "page", "screen", "track", "track"]
NO_ALIAS = ["group", "identify", "page", "track", "track"]
TRACK_API = ["alias", "identify", "page", "track", "track"]


@pytest.mark.parametrize(
    ("client", "calls"),
    [
        ("segment", COMMON),
        ("rudderstack", COMMON),
        ("customerio", COMMON),
        ("posthog", COMMON),
        ("jitsu", NO_ALIAS),
        ("customerio-track", TRACK_API),
    ],
)
def test_client(server: Server, node: Node, client: str, calls: list[str]) -> None:
    node.run(f"node/{client}.mjs", HOST=server.url, KEY=KEY)
    known(server, calls)
