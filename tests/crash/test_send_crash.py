"""Kill -9 of the real process between any two steps of `send`: each message leaves once, or it is
listed as uncertain and never sent again by itself."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from tests.engage.mailserver import server
from tests.engage.sendingshop import AT, SOURCE, build, live, process, run, shop

LOCAL = ("send-decided", "send-planned", "send-leased", "mail-drafted", "mail-written", "send-sent",
         "send-settled")  # fmt: skip
MAIL = ("send-planned", "send-leased", "smtp-before-data", "smtp-after-data", "send-sent",
        "send-settled")  # fmt: skip
JOURNAL = ("journal-staged", "journal-loaded")
COUNT, WITH_CONSENT = 12, 8


@pytest.mark.parametrize("point", LOCAL)
def test_the_local_mailbox_has_each_once(tmp_path: Path, point: str) -> None:
    root = shop(tmp_path, count=COUNT)
    build(root)
    killed = process(root, "send", "--at", AT, VISAVIS_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL
    run(root, "send", "--at", AT)
    again = run(root, "send", "--at", AT)
    assert (again["sent"], again["waiting"], again["uncertain"]) == (0, 0, 0)
    names = [p.name for p in (root / ".visavis/mailbox/email/new").iterdir()]
    assert len(names) == len(set(names)) == WITH_CONSENT
    rows = run(root, "query", "select status, count(*) n from messages group by 1")
    assert rows == [{"status": "sent", "n": WITH_CONSENT}]


@pytest.mark.parametrize("point", MAIL)
def test_a_mail_server_gets_each_once_or_it_is_uncertain(tmp_path: Path, point: str) -> None:
    with server() as (port, received):
        root = shop(tmp_path, count=COUNT, policies_p_yml=live(port, ", connections: 1"))
        build(root)
        run(root, "plan", "--at", AT)
        killed = process(root, "send", "--at", AT, VISAVIS_CRASH_AT=point)
        assert killed.returncode == -signal.SIGKILL
        for _ in range(2):
            run(root, "send", "--at", AT)
        ids = received.ids()
        assert len(ids) == len(set(ids))
        uncertain = {row["message_id"] for row in run(root, "outbox", "uncertain")}
        sent = {row["message_id"] for row in run(root, "outbox", "list", "--status", "sent")}
        assert sent <= set(ids)
        assert set(ids) <= sent | uncertain
        assert len(sent | uncertain) == WITH_CONSENT


@pytest.mark.parametrize("point", JOURNAL)
def test_the_journal_reaches_the_lake_once(tmp_path: Path, point: str) -> None:
    root = shop(tmp_path, count=COUNT)
    build(root)
    run(root, "send", "--at", AT)
    later = ("build", "--as-of", "2024-03-02T00:00:00Z")
    assert process(root, *later, VISAVIS_CRASH_AT=point).returncode == -signal.SIGKILL
    run(root, *later)
    run(root, *later)
    count = "select count(*) n, count(distinct message_id) d from events where event = 'Email Sent'"
    assert run(root, "query", count) == [{"n": WITH_CONSENT, "d": WITH_CONSENT}]


def test_every_point_of_sending_is_tried() -> None:
    named: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r"crash\.point\(\"((?:send|mail|smtp|journal)-[^\"]+)\"\)", text))
    assert named == {*LOCAL, *MAIL, *JOURNAL}
