"""Law 2 for decisions: deciding for everybody and for one person give the same, and so does replay.

A shop of people with every sort of gap is asked through both doors: the columns of DuckDB and
the Python reader over the history.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.engage.sendingshop import AS_OF, AT, FILES, shop

from visavis.core.clock import parse_time, zone
from visavis.core.decisions import Due
from visavis.core.progress import SILENT
from visavis.flow.base import base_of
from visavis.flow.build import build
from visavis.flow.decide import decide
from visavis.flow.due import due
from visavis.flow.fresh_words import FreshWords
from visavis.flow.histories import write_history
from visavis.flow.live_decide import Decider
from visavis.flow.planned import write_plan
from visavis.flow.profiles import Profiles
from visavis.flow.published import published
from visavis.flow.send import send
from visavis.flow.unsubscribe import unsubscribe
from visavis.store.key import project_key
from visavis.store.outbox import Outbox

pytestmark = pytest.mark.xdist_group("decisions")  # one brand, which the last of them changes
PEOPLE = 40
OFFERS = """\
offers:
  hello:
    eligible: orders > 0 and (language is null or language <> 'fr')
    channel: email
    placements: [till]
    content: hello
    value: orders
    control: 0.2
  gift:
    eligible: revenue > 60 and first_name is not null and in_segment('rich')
    channel: email
    content: gift
    value: revenue / 100
    occasion: last_order_at
    every: 30 days
  nameless:
    eligible: first_name is null
    channel: email
    content: named
    value: 1000
  news:
    eligible: days_since(last_order_at) <= 20
    channel: email
    content: hello
    occasion: month(today())
  over:
    eligible: orders >= 0
    ends: 2024-02-01
    channel: email
    content: hello
    value: 10000
"""
CONTENT = (
    FILES["content/c.yml"].replace(
        "  gift:\n", "    data: {banner: 'Hello {{ first_name }}'}\n  gift:\n"
    )
    + "  named: {subject: Hi, text: 'Dear {{ first_name }}'}\n"
)
SITE = FILES["visavis.yml"].replace("holdout: 0", "holdout: 0.2")


def ms(text: str) -> int:
    return parse_time(text, zone("UTC"))


@pytest.fixture(scope="module")
def brand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = shop(
        tmp_path_factory.mktemp("laws") / "shop", PEOPLE, visavis_yml=SITE, offers_o_yml=OFFERS,
        content_c_yml=CONTENT,
    )  # fmt: skip
    (root / "visavis.yml").write_text(SITE)
    rng = random.Random(7)
    people, orders = ["customer,first_name,time_zone,language"], ["order,customer,mail,time,amount"]
    for n in range(1, PEOPLE + 1):
        name = rng.choice(["", f"Name{n}", "美玲"])
        people.append(
            f"c{n},{name},{rng.choice(['', 'Asia/Tokyo'])},{rng.choice(['', 'de', 'fr'])}"
        )
        for k in range(rng.randrange(4)):
            day, amount = rng.randrange(1, 29), rng.choice([10, 55, 60, 61, 120])
            mail = "" if n % 7 == 0 else f"c{n}@example.invalid"
            orders.append(f"{n}-{k},c{n},{mail},2024-02-{day:02d}T10:00:00Z,{amount}")
    (root / "data/people.csv").write_text("\n".join(people) + "\n", encoding="utf-8")
    (root / "data/orders.csv").write_text("\n".join(orders) + "\n", encoding="utf-8")
    # arms come of the key: with this one some of those who might be written to are held out
    key = root / ".visavis" / "key"
    key.parent.mkdir(exist_ok=True)
    key.write_text("07" * 32 + "\n", encoding="ascii")
    key.chmod(0o600)
    build(root, ms(AS_OF), ms(AT), SILENT)
    return root


def everybody(root: Path, at: str) -> Due:
    with published(root) as build_, Outbox(build_.state) as outbox:
        project = build_.project()
        fresh = FreshWords(build_.state, build_.build, project, outbox)
        return due(build_, project, outbox, ms(at), fresh)


def batch_of(found: Due) -> dict[str, Any]:
    return {d.decision_id: d for d in found.decisions}


def test_everybody_and_one_person_get_the_same_decision(brand: Path) -> None:
    found = everybody(brand, AT)
    drafts = {d.decision.decision_id: d for d in found.drafts}
    assert len(found.decisions) > PEOPLE / 2
    assert {c.fell for d in found.decisions for c in d.candidates if c.fell} >= {
        "not eligible", "no consent", "held out", "missing field", "outranked", "ended",
    }  # fmt: skip
    for decision in found.decisions:
        one = decide(brand, ":".join(decision.identifier), "email", ms(AT), explain=True)
        assert one["decision_id"] == decision.decision_id
        assert one["candidates"] == [c.as_json() for c in decision.candidates]
        assert one["features"] == dict(decision.features)
        assert one["held_out"] == decision.held_out
        contents = [choice["content"] for choice in one["choices"]]
        assert contents == [dict(choice.content) for choice in decision.choices]
        if contents:
            assert drafts[decision.decision_id].parts == contents[0]


def test_everybody_is_counted_once_in_every_campaign(brand: Path) -> None:
    """Also where an offer is over or has no occasion: nobody is left out without a reason."""
    found = everybody(brand, AT)
    messages = found.messages()
    for name in ("hello", "gift", "nameless", "news", "over"):
        assert messages.get(name, 0) + sum(found.left_out[name].values()) == found.people, name


def test_who_is_not_eligible_is_told_which_part_is_false(brand: Path) -> None:
    found = everybody(brand, AT)
    fell = [c for d in found.decisions for c in d.candidates if c.fell == "not eligible"]
    where = {c.detail: f"{c.place.file}:{c.place.line}" for c in fell if c.detail}
    line = {n: OFFERS[: OFFERS.index(n)].count("\n") + 1 for n in ("language is null", "revenue >")}
    assert where["revenue > 60"] == f"offers/o.yml:{line['revenue >']}"
    assert where["(language is null) or (language <> 'fr')"] == (
        f"offers/o.yml:{line['language is null']}"
    )
    assert where["revenue > 100"] == "segments/s.yml:2"
    assert all(c.detail for c in fell)


def test_at_a_place_where_nothing_is_sent_no_consent_is_needed(brand: Path) -> None:
    found = everybody(brand, AT)
    silent = [
        d.identifier
        for d in found.decisions
        if not d.held_out and ("hello", "no consent") in {(c.offer, c.fell) for c in d.candidates}
    ]
    shown = [decide(brand, ":".join(name), "till", ms(AT), explain=True) for name in silent]
    fell = {c["fell"] for one in shown for c in one["candidates"]}
    assert any([c["offer"] for c in one["choices"]] == ["hello"] for one in shown)
    assert fell <= {None, "control group"}
    assert {part for one in shown for c in one["choices"] for part in c["content"]} == {"banner"}
    for name in silent:
        assert decide(brand, ":".join(name), "email", ms(AT))["choices"] == []


@pytest.mark.parametrize("sent", [False, True])
def test_a_serving_process_decides_as_a_batch_does(brand: Path, tmp_path: Path, sent: bool) -> None:
    """At the moment of the build, for everybody; also what a decision says without its reasons,
    and once messages are planned, or kept from those who are held out."""
    root = tmp_path / "shop"
    shutil.copytree(brand, root)
    moment = ms(AS_OF) + sent
    people = everybody(root, AS_OF)
    with published(root) as at, Outbox(at.state) as outbox:
        project, state = at.project(), at.state
        write_history(at, project)
        if sent:
            write_plan(people, outbox)
    profiles = Profiles(base_of(root, state, project), project_key(state))
    decider, fell = Decider(state, project_key(state)), set()
    for placement in ("email", "till"):
        menu = decider.offers(profiles, placement)
        assert menu is not None
        for name in (decision.identifier for decision in people.decisions):
            batch = decide(root, ":".join(name), placement, moment, explain=True)
            for explained in (True, False):
                live = decider.decide(profiles, name, placement, menu, moment, 1, False, explained)
                for key in ("person_id", "held_out", "choices", *(["candidates"] * explained)):
                    assert live[key] == batch[key]
            fell |= {candidate["fell"] for candidate in batch["candidates"]}
    decider.close()
    profiles.close()
    assert len(people.decisions) > PEOPLE / 2
    assert not sent or fell >= {"already sent", "held out"}


def test_a_sent_decision_is_replayed_whatever_has_changed_since(brand: Path) -> None:
    found = everybody(brand, AT)
    with published(brand) as at, Outbox(at.state) as outbox:
        write_plan(found, outbox)
    told = {
        d.decision_id: decide(brand, ":".join(d.identifier), "email", ms(AT), explain=True)
        for d in found.decisions
    }
    assert all(answer["replayed"] for answer in told.values())
    for decision in found.decisions:
        answer = told[decision.decision_id]
        assert answer["candidates"] == [c.as_json() for c in decision.candidates]
        assert [c["offer"] for c in answer["choices"]] == [c.offer for c in decision.choices]
        assert [c["content"] for c in answer["choices"]] == [
            dict(c.content) for c in decision.choices
        ]
    written = found.drafts[0]
    unsubscribe(brand, written.address[1], "email", None, ms(AT) - 1)
    (brand / "offers/o.yml").write_text(OFFERS.replace("value: orders", "value: 99999"))
    build(brand, ms(AS_OF), ms(AT) + 1, SILENT)
    for decision in found.decisions:
        name = ":".join(decision.identifier)
        again = decide(brand, name, "email", ms(AT), explain=True)
        assert again == told[decision.decision_id]
    later = decide(brand, ":".join(written.identifier), "email", ms(AT) + 1, explain=True)
    assert later["choices"] == []
    # the message that waits is not sent after the no
    done = send(brand, ms(AT) + 2, SILENT)
    assert done["refused"] >= 1


def test_two_people_with_one_address_hear_its_no_and_get_it_once(tmp_path: Path) -> None:
    root = shop(tmp_path / "two", 2)
    kinds = "kinds:\n  customer_id: {unique: true, priority: 1}\n  email: {priority: 2}\n"
    (root / "identity.yml").write_text(kinds)
    orders = "order,customer,mail,time,amount\n" + "".join(
        f"{n},c{n},same@example.invalid,2024-02-0{n}T10:00:00Z,10\n" for n in (1, 2)
    )
    (root / "data/orders.csv").write_text(orders)
    (root / "data/consents.csv").write_text(
        "mail,purpose,says,time,channel\nsame@example.invalid,marketing,yes,2024-01-01T00:00:00Z,email\n"
    )
    build(root, ms(AS_OF), ms(AT), SILENT)
    found = everybody(root, AT)
    assert len(found.drafts) <= 1
    left = sum(found.left_out.get("hello", {}).values())
    assert found.messages().get("hello", 0) + left == found.people
    unsubscribe(root, "same@example.invalid", "email", None, ms(AT) - 1)
    assert not everybody(root, AT).drafts
