"""People and companies: accounts with members and roles, account traits and segments."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from shopfolder import rows, run, shop

from visavis.flow.explain import explain
from visavis.project.load import load

SOURCES = """\
sources:
  calls:
    from: data/calls.csv
    kind: events
    event: group
    map: {time: time}
    identifiers: {customer_id: customer, account_id: company}
    fields: {role: {type: text}, plan: {type: text}}
  register:
    from: data/companies.csv
    kind: records
    map: {time: time}
    identifiers: {account_id: company}
    fields: {industry: {type: text}, staff: {type: integer}}
  visits:
    from: data/visits.csv
    kind: events
    event: Page Viewed
    map: {time: time}
    identifiers: {email: mail, account_id: company}
"""
ACCOUNTS = """\
account_traits:
  plan: {given: plan}
  industry: {given: industry}
  staff: {given: staff}
  revenue: {event: Order Completed, value: sum(revenue)}
  visits: {event: Page Viewed, value: count()}
  revenue_per_head: revenue / staff
account_segments:
  big: revenue > 20
  software: {condition: industry = 'software' and plan = 'pro'}
"""
CALLS = """\
customer,company,role,plan,time
ann,acme,buyer,free,2024-01-01
ann,acme,head of buying,,2024-02-01
bob,acme,user,pro,2024-01-02
bob,umbrella,owner,,2024-01-03
"""
COMPANIES = (
    "company,industry,staff,time\nacme,software,4,2024-01-01\nzeta,retail,,2024-01-01\n"
    "undefined,retail,1,2024-01-01\n"
)
VISITS = "mail,company,time\nx@acme.co,acme,2024-03-01\ny@acme.co,acme,2024-03-02\n"


def folder(tmp_path: Path) -> Path:
    root = shop(tmp_path)
    for name, text in {
        "sources/b2b.yml": SOURCES, "accounts/accounts.yml": ACCOUNTS, "data/calls.csv": CALLS,
        "data/companies.csv": COMPANIES, "data/visits.csv": VISITS,
    }.items():  # fmt: skip
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return root


def test_accounts_have_members_and_never_join_people(tmp_path: Path) -> None:
    root = folder(tmp_path)
    run(root)
    assert rows(root, "SELECT DISTINCT kind FROM identifiers ORDER BY 1") == [
        ("customer_id",), ("email",)
    ]  # fmt: skip
    people = rows(root, "SELECT count(*) FROM people")
    assert people == [(4,)]  # ann with her e-mail, bob, and two visitors of one company
    found = rows(
        root,
        "SELECT account_id, value, role FROM account_members JOIN identifiers USING (person_id) "
        "WHERE value <> 'ann@x.co' ORDER BY 1, 2",
    )
    assert found == [
        ("acme", "ann", "head of buying"), ("acme", "bob", "user"), ("acme", "x@acme.co", None),
        ("acme", "y@acme.co", None), ("umbrella", "bob", "owner"),
    ]  # fmt: skip


def test_account_traits_and_segments(tmp_path: Path) -> None:
    root = folder(tmp_path)
    run(root)
    found = rows(root, "SELECT * FROM accounts ORDER BY 1")
    # ann ordered for 15.50 and 7.25, bob for 20; what bob does counts for both his companies
    assert found == [
        ("acme", "pro", "software", 4, Decimal("42.75"), 2, Decimal("10.6875")),
        ("umbrella", None, None, None, Decimal(20), 0, None),
        ("zeta", None, "retail", None, Decimal(0), 0, None),
    ]
    assert rows(root, "SELECT * FROM account_segments ORDER BY ALL") == [
        ("big", "acme"), ("software", "acme")
    ]  # fmt: skip
    told = explain(root, "customer_id:bob")["accounts"]
    assert [(a["account_id"], a["role"]) for a in told] == [("acme", "user"), ("umbrella", "owner")]
    json.dumps(told, default=str)


def test_accounts_as_of_a_moment_of_the_past(tmp_path: Path) -> None:
    root = folder(tmp_path)
    run(root, as_of="2024-01-02T12:00:00Z")
    assert rows(root, "SELECT account_id, plan, revenue FROM accounts ORDER BY 1") == [
        ("acme", "pro", Decimal("15.5")), ("zeta", None, Decimal(0))
    ]  # fmt: skip
    assert rows(root, "SELECT role FROM account_members ORDER BY 1") == [("buyer",), ("user",)]


def test_a_project_without_accounts_has_empty_tables(tmp_path: Path) -> None:
    root = shop(tmp_path)
    run(root)
    for table in ("accounts", "account_members", "account_segments"):
        assert rows(root, f"SELECT * FROM {table}") == []


def test_mistakes_of_account_traits_are_told_where_they_are(tmp_path: Path) -> None:
    root = folder(tmp_path)
    (root / "accounts" / "accounts.yml").write_text("account_traits:\n  a: days_since(nothing)\n")
    (problem,) = load(root)[1]
    assert problem.code == "unknown-name"
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == ("accounts/accounts.yml", 2)
