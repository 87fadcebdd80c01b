"""`explain PERSON --message ID`: every reason with its place, from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.engage.sendingshop import AT, FILES, build, run, shop


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    policies = FILES["policies/p.yml"] + "quiet_hours:\n  night: {from: '09:00', to: '12:00'}\n"
    offers = FILES["offers/o.yml"].replace("value: 1", "value: 1\n    control: 0.4")
    root = tmp_path_factory.mktemp("explained")
    shop(root, 12, policies_p_yml=policies, offers_o_yml=offers)
    (root / ".visavis").mkdir()
    (root / ".visavis/key").write_text("07" * 32 + "\n")
    build(root)
    run(root, "send", "--at", AT)
    run(root, "unsubscribe", "c4@example.invalid", "--at", "2024-03-01T11:00:00Z")
    run(root, "send", "--at", "2024-03-01T12:30:00Z")
    return root


def messages(root: Path, where: str) -> list[dict[str, Any]]:
    return run(
        root,
        "query",
        f"select message_id, person_id, address from messages where {where} order by 1",
    )


def why(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["why"]: row for row in told["why"]}


def test_a_message_that_was_sent(sent: Path) -> None:
    (gift,) = messages(sent, "campaign = 'gift'")
    told = run(sent, "explain", f"email:{gift['address']}", "--message", gift["message_id"])
    reasons = why(told)
    assert reasons["person"]["because"].startswith("eligible: revenue > 100")
    assert reasons["offer"]["because"] == "value 500 against 1 of the next of 1 others"
    assert "consent of 2024-01-01T00:00:00Z (consents)" in reasons["channel"]["because"]
    assert "last_order_at is 2024-02-02T10:00:00Z" in reasons["occasion"]["because"]
    assert reasons["moment"]["because"].startswith("waited for the end of quiet hours")
    assert reasons["moment"]["file"] == "policies/p.yml"
    assert all(row["file"] and row["line"] for row in told["why"])
    fallen = {c["offer"]: c["fell"] for c in told["candidates"]}
    assert fallen == {"gift": None, "hello": "outranked"}
    assert [e["event"] for e in told["events"]] == ["Decision Made", "Email Sent"]
    assert told["features"]["revenue"] == 500
    assert told["message"]["content"]["subject"] == "A gift"


def test_a_message_that_was_refused_when_it_should_leave(sent: Path) -> None:
    refused = messages(sent, "status = 'refused'")
    for row in refused:
        told = run(sent, "explain", row["person_id"], "--message", row["message_id"])
        assert told["message"]["reason"] in ("withdrawn", "consent withdrawn")
        assert "withdrawn of 2024-03-01T11:00:00Z" in why(told)["channel"]["because"]
        assert [e["event"] for e in told["events"]] == ["Decision Made", "Message Refused"]


def test_a_person_kept_out(sent: Path) -> None:
    kept = messages(sent, "status = 'control'")
    assert kept
    told = run(sent, "explain", kept[0]["person_id"], "--message", kept[0]["message_id"])
    assert "but control group" in why(told)["offer"]["because"]
    assert {c["fell"] for c in told["candidates"]} >= {"control group"}


def test_the_overview_has_decisions_and_messages(sent: Path) -> None:
    told = run(sent, "explain", "customer_id:c1")
    assert [m["campaign"] for m in told["messages"]] == ["gift"]
    assert told["decisions"][0]["chosen"] == "gift"
    assert {c["offer"] for c in told["decisions"][0]["candidates"]} == {"gift", "hello"}


def test_a_message_of_somebody_else(sent: Path) -> None:
    (gift,) = messages(sent, "campaign = 'gift'")
    told = run(sent, "explain", "customer_id:c2", "--message", gift["message_id"], fails=True)
    assert "unknown-message" in told
