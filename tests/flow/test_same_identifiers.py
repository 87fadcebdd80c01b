"""Identifiers written differently are one; unconfirmed handles join nobody."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from shopfolder import at, rows, run, shop

from visavis.flow.explain import explain

CONTACTS = """\
sources:
  contacts:
    from: data/contacts*.csv
    kind: events
    event: Signed Up
    map: {time: time}
    identifiers: {customer_id: customer, email: mail, phone: phone}
  visits:
    from: data/visits*.csv
    kind: events
    event: {event}
    map: {time: time}
    identifiers: {customer_id: customer, social_id: handle, email: mail}
"""
IDENTITY = "kinds:\n  phone: {country: DE}\n"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def folder(root: Path, contacts: str, visits: str = "", event: str = "Page Viewed") -> Path:
    sources = CONTACTS.replace("{event}", event, 1) if visits else CONTACTS.split("  visits")[0]
    shop(root, (), identity_yml=IDENTITY)
    (root / "sources" / "contacts.yml").write_text(sources)
    (root / "data" / "contacts1.csv").write_text(f"customer,mail,phone,time\n{contacts}")
    if visits:
        (root / "data" / "visits1.csv").write_text(f"customer,handle,mail,time\n{visits}")
    return root


def people(root: Path) -> list[list[str]]:
    found = rows(root, "SELECT list(value ORDER BY value) FROM identifiers GROUP BY person_id")
    return sorted([str(v) for v in values] for (values,) in found)


DAY = "2024-01-01T00:00:00"
JANE = sha("janedoe@gmail.com")


@pytest.mark.parametrize("turned", [False, True])
def test_one_email_however_it_is_written(tmp_path: Path, turned: bool) -> None:
    lines = [
        f"c1,Jane.Doe+shop@gmail.com,,{DAY}\n",
        f",janedoe@googlemail.com,030 123456,{DAY}\n",
        f",{JANE.upper()},,{DAY}\n",
        f",,{sha('4930123456')},{DAY}\n",
        f",,+49 30 12 34 56,{DAY}\n",
        f"c2,jane.doe@shop.example,,{DAY}\n",
        f",janedoe@shop.example,,{DAY}\n",
    ]
    root = folder(tmp_path, "".join(reversed(lines) if turned else lines))
    run(root)
    assert len(people(root)) == 3
    (one,) = [p for p in people(root) if "c1" in p]
    assert one == sorted(
        ["c1", "jane.doe+shop@gmail.com", "janedoe@googlemail.com", JANE, "030 123456",
         "+49 30 12 34 56", sha("4930123456")]
    )  # fmt: skip
    rules = {rule for (rule,) in rows(root, "SELECT DISTINCT rule FROM evidence")}
    assert rules == {"same row", "same value", "hash of"}
    told = explain(root, "email:J.A.N.E.Doe@googlemail.com", None, None)
    assert told["person_id"] == explain(root, "phone:(030) 12-34-56", None, None)["person_id"]


def test_a_hash_is_nobody_else_before_its_plain_side_came(tmp_path: Path) -> None:
    root = folder(tmp_path, f"c1,{JANE},,{DAY}\n")
    run(root)
    before = rows(root, "SELECT person_id FROM people")
    (root / "data" / "contacts2.csv").write_text(
        f"customer,mail,phone,time\n,JaneDoe@gmail.com,,{DAY}\n"
    )
    run(root)
    assert rows(root, "SELECT person_id FROM people") == before
    assert people(root) == [sorted(["c1", JANE, "janedoe@gmail.com"])]


@pytest.mark.parametrize(("event", "count"), [("Page Viewed", 3), ("Social Account Linked", 1)])
def test_handles_join_nobody_until_they_are_confirmed(
    tmp_path: Path, event: str, count: int
) -> None:
    root = folder(
        tmp_path,
        f"c9,,,{DAY}\n",
        f"c1,@Jane,,{DAY}\n,jane,j@x.co,{DAY}\n",
        event,
    )
    run(root)
    found = [p for p in people(root) if "c9" not in p]
    assert len(found) == count
    assert at(DAY + "Z") > 0


def test_a_country_that_is_none_is_told(tmp_path: Path) -> None:
    from visavis.project.load import load

    root = shop(tmp_path, identity_yml="kinds:\n  phone: {country: Deutschland}\n")
    problems = load(root)[1]
    assert [(p.code, p.message) for p in problems] == [
        ("wrong-value", "'Deutschland' is no country.")
    ]
