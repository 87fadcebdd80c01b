"""`send` from the command line: a local mailbox, a real mail server, servers that behave badly."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path

import pytest
from tests.engage.mailserver import free_port, odd_server, server
from tests.engage.sendingshop import AS_OF, AT, FILES, build, live, process, run, shop

ORDERED = "c{}@example.invalid"


def mailbox(root: Path) -> list:
    folder = root / ".visavis" / "mailbox" / "email" / "new"
    return [message_from_bytes(p.read_bytes()) for p in sorted(folder.glob("*"))]


def statuses(root: Path) -> dict[str, int]:
    rows = run(root, "query", "select status, count(*) n from messages group by 1 order by 1")
    return {row["status"]: row["n"] for row in rows}


def test_a_new_project_only_writes_to_the_local_mailbox(tmp_path: Path) -> None:
    root = shop(
        tmp_path, policies_p_yml="channels:\n  email: {kind: smtp, host: nowhere.invalid}\n"
    )
    build(root)
    told = run(root, "send", "--at", AT)
    assert (told["planned"], told["sent"], told["uncertain"]) == (4, 4, 0)
    mails = {mail["To"]: mail for mail in mailbox(root)}
    assert set(mails) == {ORDERED.format(n) for n in (1, 2, 4, 5)}
    assert mails[ORDERED.format(2)]["Subject"] == "Hallo"
    assert mails[ORDERED.format(1)]["Subject"] == "A gift"
    hello = mails[ORDERED.format(4)]
    assert hello["Subject"] == "Hello Name4"
    assert [part.get_content_type() for part in hello.walk()][1:] == ["text/plain", "text/html"]
    assert hello["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = hello["List-Unsubscribe"].strip("<>")
    text = hello.get_payload(0).get_payload(decode=True).decode()
    assert link in text
    assert "€500.00" in mails[ORDERED.format(1)].get_payload(decode=True).decode()


def test_plan_shows_what_send_does(tmp_path: Path) -> None:
    root = shop(tmp_path)
    build(root)
    shown = run(root, "plan", "--at", AT)
    dry = run(root, "send", "--at", AT, "--dry-run")
    sent = run(root, "send", "--at", AT)
    for told in (dry, sent):
        assert {n: c["messages"] for n, c in shown["campaigns"].items() if c["messages"]} == (
            told["campaigns"]
        )
        assert {n: c["left_out"] for n, c in shown["campaigns"].items()} == told["left_out"]
    assert dry["sent"] == 0
    assert sent["sent"] == sent["planned"]
    for campaign in shown["campaigns"].values():
        assert campaign["messages"] + sum(campaign["left_out"].values()) == sent["people"]


def test_sending_again_sends_nothing(tmp_path: Path) -> None:
    root = shop(tmp_path)
    build(root)
    run(root, "send", "--at", AT)
    for at in (AT, "2024-03-01T11:00:00Z", "2024-02-29T10:00:00Z"):
        again = run(root, "send", "--at", at)
        assert (again["planned"], again["sent"]) == (0, 0), at
    assert len(mailbox(root)) == 4


def test_a_no_after_the_build_is_heard(tmp_path: Path) -> None:
    root = shop(tmp_path)
    build(root)
    run(root, "unsubscribe", "C4@Example.invalid", "--at", "2024-03-01T09:00:00Z")
    run(root, "unsubscribe", "nobody@example.invalid", "--at", "2024-03-01T09:00:00Z")
    told = run(root, "send", "--at", AT)
    assert told["left_out"]["hello"]["consent withdrawn"] == 1
    assert ORDERED.format(4) not in {mail["To"] for mail in mailbox(root)}
    run(root, "build", "--as-of", "2024-03-02T00:00:00Z")
    events = run(root, "query", "select event, count(*) n, count(person_id) p from events "
                 "where source = 'visavis' group by 1 order by 1")  # fmt: skip
    found = {row["event"]: (row["n"], row["p"]) for row in events}
    assert found["Email Unsubscribed"] == (2, 2)
    assert found["Email Sent"] == (3, 3)


def test_the_signed_link_unsubscribes_and_others_do_not(tmp_path: Path) -> None:
    root = shop(tmp_path)
    build(root)
    run(root, "send", "--at", AT)
    mail = next(m for m in mailbox(root) if m["To"] == ORDERED.format(5))
    token = mail["List-Unsubscribe"].strip("<>").rsplit("/", 1)[1]
    forged = ("A" if token[0] != "A" else "B") + token[1:]
    assert "bad-token" in run(root, "unsubscribe", forged, fails=True)
    assert run(root, "unsubscribe", token)["channel"] == "email"


def test_between_planning_and_leaving_a_no_is_heard(tmp_path: Path) -> None:
    quiet = "quiet_hours:\n  night: {from: '09:00', to: '12:00'}\n"
    root = shop(tmp_path, policies_p_yml=quiet)
    build(root)
    held = run(root, "send", "--at", AT)
    assert (held["planned"], held["sent"], held["waiting"]) == (4, 0, 4)
    run(root, "unsubscribe", "c4@example.invalid", "--at", "2024-03-01T11:00:00Z")
    later = run(root, "send", "--at", "2024-03-01T12:00:00Z")
    assert (later["sent"], later["refused"]) == (3, 1)
    assert statuses(root) == {"refused": 1, "sent": 3}


def test_what_waits_too_long_expires(tmp_path: Path) -> None:
    quiet = "quiet_hours:\n  night: {from: '09:00', to: '12:00'}\n"
    offers = FILES["offers/o.yml"].replace("value: 1", "value: 1\n    expires: 1 hour")
    root = shop(tmp_path, policies_p_yml=quiet, offers_o_yml=offers)
    build(root)
    run(root, "send", "--at", AT)
    later = run(root, "send", "--at", "2024-03-01T12:00:00Z")
    assert later["expired"] >= 3
    assert statuses(root)["sent"] == 1


def test_limit_only_to_pause_and_cancel(tmp_path: Path) -> None:
    root = shop(tmp_path)
    build(root)
    assert run(root, "send", "--at", AT, "--limit", "1")["sent"] == 1
    run(root, "outbox", "pause", "hello")
    assert run(root, "send", "--at", AT)["waiting"] >= 2
    run(root, "outbox", "resume", "hello")
    one = run(root, "send", "--at", AT, "--only-to", "c5@example.invalid")
    assert one["sent"] <= 1
    run(root, "outbox", "cancel", "hello")
    assert statuses(root).get("planned", 0) == 0
    assert run(root, "send", "--at", AT)["sent"] == 0


def test_a_real_server_takes_each_once(tmp_path: Path) -> None:
    with server() as (port, received):
        root = shop(tmp_path, count=120, policies_p_yml=live(port))
        build(root)
        run(root, "plan", "--at", AT)
        told = run(root, "send", "--at", AT)
        run(root, "send", "--at", AT)
        assert told["sent"] == 80 == len(received.mails) == len(set(received.ids()))
        assert {to for to, _ in received.mails} == {
            ORDERED.format(n) for n in range(1, 121) if n % 3
        }


def test_refusals_for_good_and_for_now(tmp_path: Path) -> None:
    answers = {ORDERED.format(1): "550 no such user", ORDERED.format(2): "451 later please"}
    with server(answers) as (port, received):
        root = shop(tmp_path, policies_p_yml=live(port))
        build(root)
        run(root, "plan", "--at", AT)
        told = run(root, "send", "--at", AT)
        assert (told["sent"], told["failed"], told["retried"]) == (2, 1, 1)
        received.answers.clear()
        again = run(root, "send", "--at", "2024-03-01T10:30:00Z")
        assert again["sent"] == 1
        assert statuses(root) == {"failed": 1, "sent": 3}
        # a hard bounce suppresses the address from now on
        told = run(root, "decide", "--person", "customer_id:c1", "--placement", "email",
                   "--at", "2024-03-05T10:00:00Z", "--explain")  # fmt: skip
        assert "address suppressed" in {c["fell"] for c in told["candidates"]}


@pytest.mark.parametrize("stage", ["connect", "rcpt"])
@pytest.mark.parametrize("how", ["drop", "hang"])
def test_before_the_body_it_may_be_tried_again(tmp_path: Path, how: str, stage: str) -> None:
    more = ", connections: 1"
    with odd_server(f"{how}-{stage}") as (port, bodies):
        policy = live(port, more).replace("2 seconds", "1 second")
        root = shop(tmp_path, count=1, policies_p_yml=policy)
        build(root)
        run(root, "plan", "--at", AT)
        told = run(root, "send", "--at", AT)
        assert (told["sent"], told["retried"], told["uncertain"]) == (0, 1, 0)
        assert bodies == []
    with server() as (port, received):
        (root / "policies/p.yml").write_text(live(port))
        build(root)
        run(root, "plan", "--at", "2024-03-01T11:00:00Z")
        assert run(root, "send", "--at", "2024-03-01T11:00:00Z")["sent"] == 1
        assert len(received.mails) == 1


@pytest.mark.parametrize("how", ["drop", "hang"])
def test_after_the_body_nobody_knows_and_nothing_is_resent(tmp_path: Path, how: str) -> None:
    with odd_server(f"{how}-data") as (port, bodies):
        policy = live(port, ", connections: 1").replace("2 seconds", "1 second")
        root = shop(tmp_path, count=1, policies_p_yml=policy)
        build(root)
        run(root, "plan", "--at", AT)
        told = run(root, "send", "--at", AT)
        assert (told["sent"], told["uncertain"]) == (0, 1)
        for _ in range(2):
            run(root, "plan", "--at", "2024-03-01T12:00:00Z")
            run(root, "send", "--at", "2024-03-01T12:00:00Z")
        assert len(bodies) == 1
    (row,) = run(root, "outbox", "uncertain")
    run(root, "outbox", "settle", row["message_id"], "--sent")
    assert statuses(root) == {"sent": 1}


def test_the_test_address_gets_everything(tmp_path: Path) -> None:
    with server() as (port, received):
        policy = live(port, ", test_address: me@shop.example").replace("live: true, ", "")
        root = shop(tmp_path, policies_p_yml=policy)
        build(root)
        assert run(root, "send", "--at", AT)["sent"] == 4
        assert {to for to, _ in received.mails} == {"me@shop.example"}


def test_one_person_in_many_whose_template_fails(tmp_path: Path) -> None:
    content = FILES["content/c.yml"].replace(
        "Dear {{ first_name }},\n", "Dear {{ first_name }}, {{ 1 | divided_by: orders_left }}\n", 1
    )
    traits = FILES["traits/t.yml"] + "  orders_left: {value: revenue - 10}\n"
    offers = FILES["offers/o.yml"]
    root = shop(tmp_path, content_c_yml=content, traits_t_yml=traits, offers_o_yml=offers)
    (root / "data/orders.csv").write_text(
        (root / "data/orders.csv").read_text().replace(",10\n", ",11\n", 1)
    )
    build(root)
    told = run(root, "send", "--at", AT)
    reasons = told["left_out"]["hello"]
    assert reasons["template failed"] >= 1
    assert told["sent"] >= 1


def test_two_sends_at_once_leave_each_once(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with server() as (port, received):
        root = shop(tmp_path, count=60, policies_p_yml=live(port))
        build(root)
        run(root, "plan", "--at", AT)
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lambda _: process(root, "send", "--at", AT), range(2)))
        assert all(d.returncode == 0 or "[locked]" in d.stderr for d in done)
        run(root, "send", "--at", AT)
        assert sorted(received.ids()) == sorted(set(received.ids()))
        assert len(received.ids()) == 40


def test_held_out_people_get_nothing_and_stay_held_out(tmp_path: Path) -> None:
    root = shop(tmp_path, count=90, visavis_yml="name: Shop\nholdout: 0.5\n")
    build(root)
    told = run(root, "send", "--at", AT)
    held = told["left_out"]["hello"]["held out"]
    assert 15 <= held <= 45
    first = {m["To"] for m in mailbox(root)}
    (root / "visavis.yml").write_text("name: Shop\nholdout: 0.01\n")
    run(root, "build", "--as-of", AS_OF)
    again = run(root, "send", "--at", "2024-03-01T11:00:00Z")
    assert again["sent"] == 0
    assert {m["To"] for m in mailbox(root)} == first


def test_a_server_that_is_down_costs_no_message_its_attempts(tmp_path: Path) -> None:
    root = shop(tmp_path, count=90, policies_p_yml=live(free_port()))
    build(root)
    run(root, "plan", "--at", AT)
    for hour in range(10, 18):
        told = run(root, "send", "--at", f"2024-03-01T{hour}:00:00Z")
        assert (told["sent"], told.get("failed", 0), told["waiting"]) == (0, 0, 60)
    assert statuses(root) == {"planned": 60}
