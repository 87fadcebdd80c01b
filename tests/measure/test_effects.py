"""`report campaigns` and `report lift` from the command line, on a shop whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.engage.sendingshop import AT, FILES, build, run, shop

COUNT = 600
LATER = "2024-04-15T00:00:00Z"
REACTIONS = """\
sources:
  opens:
    from: data/opens.csv
    kind: events
    event: Email Opened
    map: {time: at, id: id}
    identifiers: {email: mail}
    fields:
      message: {column: message, type: text}
      campaign_id: {column: campaign, type: text}
  bounces:
    from: data/bounces.csv
    kind: events
    event: Email Bounced
    map: {time: at}
    identifiers: {email: mail}
    fields:
      message: {column: message, type: text}
      reason: {column: why, type: text}
"""


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third of the shop held out; of those written to most buy again, of the others few."""
    root = tmp_path_factory.mktemp("effects")
    offers = FILES["offers/o.yml"].replace("value: 1", "value: 1\n    control: 0.5")
    shop(root, COUNT, visavis_yml="name: Shop\nholdout: 0.34\n", offers_o_yml=offers)
    (root / ".visavis").mkdir()
    (root / ".visavis/key").write_text("07" * 32 + "\n")
    build(root)
    run(root, "send", "--at", AT)
    messages = run(root, "query", "select message_id, address, status from messages")
    _react(root, [m for m in messages if m["status"] == "sent"])
    run(root, "build", "--as-of", LATER)
    return root


def _react(root: Path, mails: list[dict[str, Any]]) -> None:
    """Half of those written to buy and open, one bounces, one opens twice."""
    (root / "sources/reactions.yml").write_text(REACTIONS)
    orders, opens = [], ["id,mail,at,message,campaign"]
    for n, mail in enumerate(mails):
        customer = mail["address"].split("@")[0]
        if n % 2:
            orders.append(f"x{n},{customer},{mail['address']},2024-03-05T10:00:00Z,20")
            opens.append(f"o{n},{mail['address']},2024-03-02T10:00:00Z,{mail['message_id']},")
    opens.append(f"again,{mails[1]['address']},2024-03-03T10:00:00Z,{mails[1]['message_id']},")
    # one names only the campaign, one is of nobody's message
    opens.append(f"by name,{mails[0]['address']},2024-03-03T10:00:00Z,,hello")
    opens.append(f"stray,{mails[2]['address']},2024-03-03T10:00:00Z,unheard-of,")
    with (root / "data/orders.csv").open("a") as file:
        file.write("\n".join(orders) + "\n")
    (root / "data/opens.csv").write_text("\n".join(opens) + "\n")
    bounce = f"{mails[4]['address']},2024-03-01T10:05:00Z,{mails[4]['message_id']},hard: no mailbox"
    (root / "data/bounces.csv").write_text(f"mail,at,message,why\n{bounce}\n")


def rows(root: Path, name: str, *words: str) -> dict[str, dict[str, Any]]:
    return {row["campaign"]: row for row in run(root, "report", name, *words)["rows"]}


def test_campaigns(sent: Path) -> None:
    found = rows(sent, "campaigns")
    hello = found["hello"]
    statuses = {
        row["status"]: row["n"]
        for row in run(
            sent,
            "query",
            "select status, count(*) n from messages where campaign = 'hello' group by 1",
        )
    }
    assert {s: hello[s.replace(" ", "_")] for s in statuses} == statuses
    assert hello["people"] == hello["sent"] > 80
    mails = sum(row["sent"] for row in found.values())
    assert sum(row["opened"] for row in found.values()) == mails // 2 + 1
    assert hello["bounced"] == 1
    assert hello["delivered"] == hello["sent"] - 1
    assert sum(row["orders_after"] for row in found.values()) == mails // 2
    assert sum(row["revenue_after"] for row in found.values()) == 20 * (mails // 2)
    assert rows(sent, "campaigns", "--days", "2")["hello"]["orders_after"] == 0


def test_everybody_left_out_has_a_reason(sent: Path) -> None:
    told = run(sent, "report", "campaigns")
    reasons = {r["reason"]: r["people"] for r in told["left_out"] if r["campaign"] == "hello"}
    assert reasons["no consent"] == COUNT // 3
    hello = next(row for row in told["rows"] if row["campaign"] == "hello")
    assert reasons["held out"] == hello["held_out"]
    assert reasons["control group"] == hello["control"]
    assert sum(reasons.values()) + hello["sent"] == COUNT


def test_lift(sent: Path) -> None:
    found = rows(sent, "lift")
    everything, hello = found["(everything)"], found["hello"]
    assert everything["against"] == "held out"
    assert everything["treated"] + everything["kept_out"] == COUNT
    assert everything["expected_kept_out"] == pytest.approx(0.34 * COUNT)
    assert everything["kept_out_converted"] == 0
    campaigns = rows(sent, "campaigns")
    assert hello["against"] == "control"
    assert hello["treated"] == campaigns["hello"]["sent"]
    assert hello["kept_out"] == campaigns["hello"]["control"]
    assert hello["treated_rate"] == pytest.approx(0.5, abs=0.02)
    assert hello["conversion_lift_low"] > 0.3
    assert hello["per_head_lift"] == pytest.approx(20 * hello["treated_rate"], abs=1e-4)
    assert (hello["verdict"], hello["why"]) in (
        ("better", None),
        ("too early", f"{hello['kept_out']} people in the smaller group, 100 are needed"),
    )


def test_lift_of_a_window_that_is_not_over(sent: Path) -> None:
    hello = rows(sent, "lift", "--days", "60")["hello"]
    assert (hello["treated"], hello["kept_out"], hello["verdict"]) == (0, 0, "too early")
    assert hello["waiting"] > 100


def test_a_hard_bounce_suppresses(sent: Path) -> None:
    sql = (
        "select address from messages m join events e "
        "on e.properties->>'message' = m.message_id where e.event = 'Email Bounced'"
    )
    person = f"email:{run(sent, 'query', sql)[0]['address']}"
    at = "2024-04-15T10:00:00Z"
    told = run(sent, "decide", "--person", person, "--placement", "email", "--at", at, "--explain")
    assert {"address suppressed", "already sent"} & {c["fell"] for c in told["candidates"]}


def test_charts(sent: Path, tmp_path: Path) -> None:
    for name in ("lift", "campaigns"):
        target = tmp_path / f"{name}.svg"
        run(sent, "report", name, "--chart", str(target))
        assert target.read_bytes().startswith(b"<svg")


def test_nothing_sent_yet(tmp_path: Path) -> None:
    root = shop(tmp_path)
    build(root)
    target = tmp_path / "lift.svg"
    run(root, "report", "lift", "--chart", str(target))
    assert "Nothing to draw yet" in target.read_text()
    for name in ("lift", "campaigns"):
        told = run(root, "report", name)
        assert told["rows"] == []
        assert len(told["notes"]) == 1
