"""Published cases of other systems, each in several random orders, and what visavis chooses."""

from __future__ import annotations

import itertools
import random

import pytest

from visavis.project.identity import DEFAULTS
from visavis.unify.component import edges_of, resolve
from visavis.unify.live import Who
from visavis.unify.rules import Name

U1, U2 = ("user_id", "abc123"), ("user_id", "abc456")
Row = tuple[Name, Name, str, int]


def row(a: Name, b: Name, ms: int, rule: str = "same row") -> Row:
    return (a, b, rule, ms)


def people(rows: list[Row], order: int, also: tuple[Name, ...] = ()) -> set[frozenset[Name]]:
    """Who is who, by both forms, with the evidence in a random order; nobody's alone are left."""
    rng = random.Random(order)
    rows = rng.sample(rows, len(rows))
    names = list({n for a, b, *_ in rows for n in (a, b)} | set(also))
    rng.shuffle(names)
    solved = resolve(names, edges_of(rows, DEFAULTS), DEFAULTS)
    who = Who(DEFAULTS)
    for name in names:
        who.see(name, 0)
    for n, (a, b, rule, ms) in enumerate(rows):
        who.add(a, b, rule, ms, str(n))
    whole = {
        frozenset(m) for m in solved.groups().values() if not solved.shared & set(m)
    }  # fmt: skip
    one_by_one = {frozenset(who.identifiers_of(n)) for n in names} - {frozenset()}
    assert whole == one_by_one
    return whole


orders = pytest.mark.parametrize("order", range(5))


@orders
def test_segment_a_second_user_with_the_same_address(order: int) -> None:
    """Segment keeps the address with the first; here, an address of two is neither's."""
    jane = ("email", "jane@example1.com")
    found = people([row(U1, jane, 1), row(U2, jane, 2)], order)
    assert found == {frozenset({U1}), frozenset({U2})}


@orders
def test_adobe_kevin_and_nora_share_a_tablet(order: int) -> None:
    """Adobe gives the tablet to whom signed in last; here it joins nobody, and its anonymous events
    follow the login of the moment (see flow), so no later login takes what was Kevin's."""
    kevin, nora, tablet = ("customer_id", "kevin"), ("customer_id", "nora"), ("device_id", "t")
    alone = [row(kevin, tablet, 1)]
    assert people(alone, order) == {frozenset({kevin, tablet})}
    both = [*alone, row(nora, tablet, 2)]
    assert people(both, order) == {frozenset({kevin}), frozenset({nora})}
    again = [*both, row(kevin, tablet, 3)]
    assert people(again, order) == people(both, order)


@orders
def test_adobe_one_bad_address_on_everybody(order: int) -> None:
    bad = ("email", "test@test.com")
    users = [("user_id", str(n)) for n in range(50)]
    found = people([row(user, bad, n) for n, user in enumerate(users)], order)
    assert found == {frozenset({user}) for user in users}


@orders
def test_treasure_data_four_sites_are_one_person(order: int) -> None:
    """In the manner of their table: cookies of four sites, tied in pairs: one canonical id."""
    cookies = [("anonymous_id", f"{v}_{n}") for v in ("aaa", "xxx", "yyy", "zzz") for n in "12"]
    rows = [row(a, b, n) for n, (a, b) in enumerate(itertools.pairwise(cookies))]
    assert people(rows, order) == {frozenset(cookies)}


@orders
def test_aliases_make_one_account_before_limits_count(order: int) -> None:
    third, mail = ("user_id", "abc789"), ("email", "a@b.co")
    circle = [row(U1, U2, 5, "alias"), row(U2, third, 6, "alias"), row(third, U1, 7, "alias")]
    rows = [*circle, row(U1, mail, 1), row(U2, mail, 2)]
    assert people(rows, order) == {frozenset({U1, U2, third, mail})}


@orders
def test_one_value_under_two_kinds_and_an_alias_of_itself(order: int) -> None:
    same = ("email", "7"), ("phone", "7")
    assert people([row(U1, U1, 1, "alias")], order) == {frozenset({U1})}
    assert people([row(*same, 1)], order) == {frozenset(same)}


@orders
def test_a_sixth_address_waits(order: int) -> None:
    mails = [("email", f"{n}@x.co") for n in range(6)]
    found = people([row(U1, mail, n) for n, mail in enumerate(mails)], order)
    assert found == {frozenset({U1, *mails[:5]}), frozenset({mails[5]})}
