"""What came in live about consent is heard before any build has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.engage.sendingshop import AT, run, shop

from visavis.collect.payloads import BATCH, head
from visavis.core.clock import format_time, parse_time, zone
from visavis.flow.consent_words import MANY, NAMES, Said, latest
from visavis.flow.due import Known
from visavis.flow.fresh_words import FreshWords
from visavis.flow.gate import Gate
from visavis.flow.persons import open_lake
from visavis.flow.published import open_warehouse, published
from visavis.store.outbox import Outbox
from visavis.store.tail import Tail

TEN = parse_time(AT, zone("UTC"))
NINE = TEN - 3_600_000
QUIET = "quiet_hours:\n  night: {from: '09:00', to: '12:00'}\n"


def say(event: str, mail: str = "C4@Example.invalid", **properties: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "properties": {"email": mail, **properties}}


def tell(root: Path, body: Mapping[str, Any] | bytes, door: str = BATCH, at: int = NINE) -> None:
    """Puts a request body into the tail, as a service does before it says 200."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    tail = Tail(root / ".visavis")
    tail.append([(at, head(door, "", "k"), raw)])
    tail.close()


def built(tmp_path: Path, **changes: str) -> Path:
    root = shop(tmp_path, **changes)
    run(root, "build", "--as-of", "2024-03-01T00:00:00Z")
    return root


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (say("Consent Withdrawn"), "consent withdrawn"),
        (say("Consent Withdrawn", purpose="marketing"), "consent withdrawn"),
        (say("Consent Withdrawn", purpose="newsletter"), None),
        (say("Email Unsubscribed"), "consent withdrawn"),
        (say("User Suppressed"), "consent withdrawn"),
        (say("Email Bounced", reason="hard: no such box"), "address suppressed"),
        (say("Email Bounced", reason="full"), None),
        (say("Email Opened"), None),
    ],
)
def test_a_no_in_the_tail_is_heard(
    tmp_path: Path, said: dict[str, Any], reason: str | None
) -> None:
    root = built(tmp_path)
    tell(root, {"batch": [say("Product Viewed"), said]})
    left_out = run(root, "send", "--at", AT)["left_out"]["hello"]
    words = {word: n for word, n in left_out.items() if "consent" in word or "suppress" in word}
    assert words == {"no consent": 2} | ({reason: 1} if reason else {})


def test_a_no_is_heard_however_it_is_written(tmp_path: Path) -> None:
    root = built(tmp_path)
    escaped = json.dumps(say("Consent Withdrawn")).replace("Consent ", "Consent\\u0020")
    tell(root, escaped.encode(), "track")
    assert run(root, "send", "--at", AT)["left_out"]["hello"]["consent withdrawn"] == 1


def test_a_no_holds_from_when_it_came_in_also_in_a_build(tmp_path: Path) -> None:
    root = built(tmp_path)
    tell(root, say("Consent Withdrawn") | {"timestamp": "2024-03-01T20:00:00Z"}, "track")
    for _ in range(2):
        left_out = run(root, "send", "--at", AT, "--dry-run")["left_out"]["hello"]
        assert left_out["consent withdrawn"] == 1
        run(root, "build", "--as-of", AT)


def test_a_yes_in_the_tail_counts_and_a_later_no_wins(tmp_path: Path) -> None:
    root = built(tmp_path)
    before = run(root, "send", "--at", AT, "--dry-run")["planned"]
    tell(root, say("Consent Given", "c3@example.invalid"), "track")
    assert run(root, "send", "--at", AT, "--dry-run")["planned"] == before + 1
    tell(root, say("Consent Withdrawn", "c3@example.invalid"), "track", NINE + 1)
    assert run(root, "send", "--at", AT, "--dry-run")["planned"] == before


def test_a_plan_hears_it_too(tmp_path: Path) -> None:
    root = built(tmp_path)
    before = planned(root)
    tell(root, say("Consent Withdrawn"), "track")
    assert planned(root) == before - 1


def planned(root: Path) -> int:
    campaigns = run(root, "plan", "--at", AT)["campaigns"].values()
    return sum(campaign["messages"] for campaign in campaigns)


def test_between_planning_and_leaving_a_no_is_heard(tmp_path: Path) -> None:
    root = built(tmp_path, policies_p_yml=QUIET)
    assert run(root, "send", "--at", AT)["waiting"] == 4
    tell(root, say("Consent Withdrawn"), "track", TEN + 1)
    later = run(root, "send", "--at", "2024-03-01T12:00:00Z")
    assert (later["sent"], later["refused"]) == (3, 1)


@pytest.mark.parametrize("looked_up", [False, True])
def test_a_no_while_messages_leave_is_heard(tmp_path: Path, looked_up: bool) -> None:
    root = built(tmp_path, policies_p_yml=QUIET)
    run(root, "send", "--at", AT)
    noon = TEN + 2 * 3_600_000
    with published(root) as at, Outbox(at.state) as outbox:
        project = at.project()
        gate = Gate(at, project, outbox, noon, FreshWords(at.state, at.build, project, outbox))
        if looked_up:
            gate.look_up()
        messages = outbox.lease("me", "email", noon, noon + 60_000, 50)
        (message,) = (m for m in messages if m.address.startswith("c4@"))
        tell(root, say("Consent Withdrawn"), "track", noon + 5_000)
        if not looked_up:
            outbox.settle([(m.message_id, "planned", "", noon) for m in messages], noon)
            gate.look_up()
        gate.news()
        stopped = gate.stopped(message)
    assert stopped is not None
    assert stopped[:2] == ("refused", "withdrawn")


def test_of_very_many_words_the_last_of_each_kind_are_kept() -> None:
    mail = ("email", "a@x.co")
    said = [
        Said(n, "no" if n % 2 else "yes", (mail,), None, "email", None, "live", f"m{n}")
        for n in range(MANY + 10)
    ]
    assert latest(said[:MANY]) == said[:MANY]
    assert latest(reversed(said)) == said[-2:]


@pytest.mark.parametrize("seed", range(3))
def test_the_tail_says_what_a_build_of_it_says(tmp_path: Path, seed: int) -> None:
    root, rng = built(tmp_path), Random(seed)
    for n in range(40):
        said = say(rng.choice(NAMES), f"c{rng.randint(1, 6)}@example.invalid")
        said["properties"] |= rng.choice([{}, {"purpose": "marketing"}, {"reason": "hard: gone"}])
        if rng.random() < 0.3:
            said["properties"]["address"] = f"c{rng.randint(1, 6)}@example.invalid"
        late = format_time(NINE + rng.randint(-20, 20) * 3_600_000)  # by the clock of a client
        tell(root, said | {"messageId": f"m{n}", "timestamp": late}, "track", NINE + n)
    before = words(root)
    run(root, "build", "--as-of", AT)
    assert words(root) == before


def words(root: Path) -> dict[str, set[Any]]:
    """Everything said about everybody, by person_id."""
    with published(root) as at, Outbox(at.state) as outbox, open_warehouse(at.project()) as wh:
        open_lake(wh, at)
        wh.execute("CREATE TEMP TABLE asked AS SELECT DISTINCT person FROM node_persons")
        project = at.project()
        fresh = FreshWords(at.state, at.build, project, outbox).news()
        known = Known.read(wh, at, project, outbox, fresh, "asked")
        return {known.names[person][0]: set(said) for person, said in known.words.items()}
