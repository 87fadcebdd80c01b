"""What joined people is taken away: they come apart as they were, and every id still resolves."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from visits import Visits, visit

NAMES = [f"p{n}" for n in range(14)]
BOTH = "+4930111111"
OFFERS = """\
offers:
  hello:
    eligible: views >= 1
    channel: email
    content: {subject: Hello, text: "Hello {{ unsubscribe_url }}"}
  again:
    eligible: views >= 1
    channel: email
    occasion: last_view
    content: {subject: Again, text: "Again {{ unsubscribe_url }}"}
"""
CONSENTS = """\
sources:
  consents:
    from: data/consents.csv
    kind: consents
    map: {email: mail, purpose: purpose, status: says, time: time, channel: channel}
"""
TRAITS = """\
traits:
  views: {event: Page Viewed, value: count()}
  last_view: {event: Page Viewed, value: max(timestamp)}
  first_name: {given: first_name}
"""
RECORDS = """\
sources:
  people:
    from: data/people.csv
    kind: records
    map: {time: at}
    identifiers: {email: mail}
    fields: {first_name: {type: text}}
"""
LINKED = """\
sources:
  crm:
    from: data/crm.csv
    kind: events
    event: Contact Seen
    map: {time: time}
    identifiers: {email: mail, phone: phone}
"""


@dataclass
class Case:
    """A shop that sends, and two of its people: one is held out, the other is not."""

    shop: Visits
    day: int = 1
    one: str = ""
    other: str = ""
    words: list[int] = field(default_factory=list)

    def build(self) -> dict[str, Any]:
        self.day += 1
        made: dict[str, Any] = self.shop("build", day=f"2024-03-{self.day:02d}")
        return made

    def send(self) -> dict[str, Any]:
        at = f"2024-03-{self.day:02d}T10:00:00Z"
        self.shop("plan", "--at", at)
        told: dict[str, Any] = self.shop("send", "--at", at)
        return told

    def link(self) -> None:
        """What joins the two: somebody wrote one phone number beside both addresses."""
        rows = [f"{mail},{BOTH},2024-01-2{n}" for n, mail in enumerate((self.one, self.other))]
        self.shop.write("data/crm.csv", "\n".join(["mail,phone,time", *rows]) + "\n")
        self.shop.write("sources/crm.yml", LINKED)

    def told(self) -> dict[str, Any]:
        """Everything that is known of everybody, and of each address what `explain` says."""
        found: dict[str, Any] = dict(self.shop.everything())
        columns = "person_id, message_id, campaign, status"
        found["messages"] = self.shop.query(f"SELECT {columns} FROM messages ORDER BY ALL")
        for name in (self.one, self.other):
            told = self.shop("explain", f"email:{name}")
            del told["as_of"]
            found[name] = told
        return found


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Case:
    rows = [
        visit(day, mail=f"{name}@x.example") for name in NAMES for day in (1, 2, 3)[: 1 + len(name)]
    ]
    shop = Visits.make(
        tmp_path_factory.mktemp("unmerge"), rows,
        visavis_yml="name: Shop\ntime_zone: UTC\ncurrency: EUR\nholdout: 0.5\n",
        traits_traits_yml=TRAITS,
    )  # fmt: skip
    shop.write("offers/o.yml", OFFERS)
    shop.write("sources/consents.yml", CONSENTS)
    shop.write("sources/people.yml", RECORDS)
    yes = [f"{n}@x.example,marketing,yes,2024-01-01T00:00:00Z,email" for n in NAMES]
    shop.write("data/consents.csv", "\n".join(["mail,purpose,says,time,channel", *yes]) + "\n")
    people = [f"{n}@x.example,Name {n},2024-01-01" for n in NAMES]
    shop.write("data/people.csv", "\n".join(["mail,first_name,at", *people]) + "\n")
    made = Case(shop)
    made.build()
    made.send()
    made.build()
    sql = "SELECT i.value, status FROM messages AS m JOIN identifiers AS i USING (person_id)"
    arms: dict[bool, str] = {status == "held out": value for value, status in shop.query(sql)}
    made.one, made.other = sorted(arms.values())
    return made


@pytest.fixture
def case(usual: Case, tmp_path: Path) -> Case:
    """A copy for each test."""
    shutil.copytree(usual.shop.root, tmp_path / "shop")
    return replace(usual, shop=Visits(tmp_path / "shop"), words=[])


def block(case: Case, on: bool) -> None:
    case.link()
    blocked = f'phone: {{blocked: ["{BOTH}"]}}' if on else ""
    case.shop.write("identity.yml", f"kinds: {{{blocked}}}\n")


def withdraw(case: Case, on: bool) -> None:
    if on:
        (case.shop.root / "sources" / "crm.yml").unlink(missing_ok=True)
    else:
        case.link()


def say(case: Case, on: bool, *words: str) -> None:
    if not case.words:
        case.link()
        case.build()
    if on:
        told = case.shop("identity", *words, day=f"2024-03-{case.day:02d}")
        case.words.append(told["word"])
    elif case.words:
        case.shop("identity", "undo", str(case.words[-1]), day=f"2024-03-{case.day:02d}")


def split(case: Case, on: bool) -> None:
    say(case, on, "split", f"email:{case.one}", f"email:{case.other}")


def forget(case: Case, on: bool) -> None:
    say(case, on, "forget-evidence", f"email:{case.one}", f"phone:{BOTH}")


WAYS = [withdraw, block, forget, split]
PARTS = {
    "consents": "SELECT person_id, message_id, event, timestamp, properties FROM events "
    "WHERE event LIKE 'Consent %' ORDER BY ALL",
    "arms": "SELECT person_id, message_id, timestamp, properties FROM events "
    "WHERE event = 'Holdout Assigned' ORDER BY ALL",
    "sends": "SELECT person_id, message_id, campaign, status, planned_at FROM messages "
    "ORDER BY ALL",
    "tags": "SELECT person_id, tag, weight, since FROM tags ORDER BY ALL",
    "ids": "SELECT person_id, value FROM identifiers WHERE kind = 'email' ORDER BY ALL",
}


Way = Callable[[Case, bool], None]
Parts = list[dict[str, list[tuple[Any, ...]]]]


def parts(case: Case) -> dict[str, list[tuple[Any, ...]]]:
    return {part: case.shop.query(sql) for part, sql in PARTS.items()}


@pytest.fixture(scope="module")
def come_apart(usual: Case, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parts]:
    """For each way of taking evidence away: the parts before, as one person and after."""
    root = tmp_path_factory.mktemp("joined") / "shop"
    shutil.copytree(usual.shop.root, root)
    joined = replace(usual, shop=Visits(root), words=[0])
    joined.link()
    joined.build()
    found = {}
    for way in WAYS:
        root = tmp_path_factory.mktemp("way") / "shop"
        shutil.copytree(joined.shop.root, root)
        case = replace(joined, shop=Visits(root), words=[0])
        way(case, True)
        case.build()
        found[way.__name__] = [parts(usual), parts(joined), parts(case)]
    return found


@pytest.mark.xdist_group("come apart")  # built once
@pytest.mark.parametrize("apart", WAYS)
@pytest.mark.parametrize("part", PARTS)
def test_each_part_by_itself(come_apart: dict[str, Parts], apart: Way, part: str) -> None:
    """Before, as one person, and apart again: what is filed of the two, one part at a time."""
    before, joined, after = (told[part] for told in come_apart[apart.__name__])
    assert before
    assert after == before
    assert joined != before


@pytest.mark.parametrize(
    "apart",
    [withdraw, *(pytest.param(way, marks=pytest.mark.long) for way in WAYS[1:])],
)  # fmt: skip
def test_apart_together_and_apart_again(case: Case, apart: Callable[[Case, bool], None]) -> None:
    apart(case, True)
    case.build()
    before, ids = case.told(), case.shop.ids()
    assert ids[f"email:{case.one}"] != ids[f"email:{case.other}"]

    apart(case, False)
    case.build()
    joined = case.shop.ids()
    assert joined[f"email:{case.one}"] == joined[f"email:{case.other}"]
    # a person of both arms gets nothing
    person = joined[f"email:{case.one}"]
    at = f"2024-03-{case.day:02d}T10:00:00Z"
    left_out = case.shop("plan", "--people", "--at", at)["left_out_people"]
    reasons = {x["reason"] for x in left_out if x["person_id"] == person}
    assert reasons == {"in both arms", "already sent"}
    told = case.shop("explain", f"email:{case.one}")
    views = next(t["value"] for t in told["traits"] if t["name"] == "views")
    assert views > max(
        next(t["value"] for t in before[name]["traits"] if t["name"] == "views")
        for name in (case.one, case.other)
    )
    by = next(
        f"email:{n}@x.example" for n in NAMES if f"{n}@x.example" not in (case.one, case.other)
    )
    three = (f"email:{case.one}", f"email:{case.other}", by)
    formers = {found[name] for found in (ids, joined) for name in three}
    for former in formers:
        assert case.shop("explain", former)["person_id"] in {joined[name] for name in three}

    apart(case, True)
    case.build()
    assert case.shop.ids() == ids
    after = case.told()
    for name, value in before.items():
        assert after[name] == value, name
    for former in formers:
        assert case.shop("explain", former)["person_id"] in {ids[name] for name in three}
    # the arms are what they were
    again = case.send()
    assert again is not None
    arms = dict(
        case.shop.query(
            "SELECT i.value, bool_or(status = 'held out') FROM messages AS m "
            "JOIN identifiers AS i USING (person_id) WHERE campaign = 'again' AND kind = 'email' "
            f"AND value IN ('{case.one}', '{case.other}') GROUP BY 1"
        )
    )
    assert sorted(arms.values()) == [False, True]
