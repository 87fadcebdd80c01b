"""What is said about consent over HTTP holds in the next answer, and after every restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live import Server, command, key, project

OFFERS = """\
offers:
  hello:
    eligible: orders >= 0
    channel: email
    content: {subject: Hello, text: "{{ unsubscribe_url }}"}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = project(tmp_path / "shop", offers__o_yml=OFFERS)
    key(root)
    key(root, "sk", "secret")
    return root


def say(server: Server, event: str, number: int, **more: Any) -> None:
    call = {"type": "track", "event": event, "userId": "u1", "messageId": f"m{number}", **more}
    assert server.post("/v1/track", call).status_code == 200


def told(server: Server) -> tuple[list[Any], list[Any]]:
    """What the profile says of consent, and what is decided for the channel."""
    asked = server.http.get("/v1/profile", params={"user_id": "u1"}, auth=("sk", ""))
    body = {"person": {"user_id": "u1"}, "placement": "email"}
    decided = server.post("/v1/decide", body, key="sk").json()
    return (
        [
            (c["value"], c["channel"], c["allowed"], c["reason"])
            for c in asked.json()["consents"]
            if c["purpose"] == "marketing"
        ],
        [choice["offer"] for choice in decided["choices"]],
    )


def test_a_word_holds_in_the_next_answer(shop: Path) -> None:
    yes = ([("a@x.co", "email", True, "consent")], ["hello"])
    no = ([("a@x.co", "email", False, "withdrawn")], [])
    mail = {"context": {"traits": {"email": "A@x.co"}}}
    with Server(shop) as server:
        say(server, "Order Completed", 0, properties={"order_id": "1", "revenue": 1}, **mail)
        assert told(server) == ([("a@x.co", "email", False, "no consent")], [])
        say(server, "Consent Given", 1, **mail)
        assert told(server) == yes
        say(server, "Email Unsubscribed", 2)
        assert told(server) == no
    with Server(shop) as server:
        assert told(server) == no
        say(server, "Consent Given", 3, **mail)
        assert told(server) == yes
    assert command(shop, "build").returncode == 0
    with Server(shop) as server:
        assert told(server) == yes
        say(server, "User Suppressed", 4)
        assert told(server) == no


def test_a_word_of_one_person_is_nobody_elses(shop: Path) -> None:
    with Server(shop) as server:
        say(server, "Consent Given", 1, context={"traits": {"email": "a@x.co"}})
        say(server, "Consent Withdrawn", 2, userId="u2", context={"traits": {"email": "b@x.co"}})
        assert told(server)[0] == [("a@x.co", "email", True, "consent")]
