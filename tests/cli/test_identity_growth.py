"""The growth alarm: what one build may join at once is stated, shown and asked for."""

from __future__ import annotations

from pathlib import Path

from visits import Visits, visit

FOUR = [visit(day, mail=f"{name}@x.co") for day, name in enumerate("abcd", start=1)]
FAMILY = [visit(10, mail=f"{name}@x.co", phone="+4930111111") for name in "abc"]
LIMIT = "kinds: {}\ngrowth: {joined: 0.5, largest: 100}\n"


def test_a_build_that_joins_too_many_asks_first(tmp_path: Path) -> None:
    shop = Visits.make(tmp_path, FOUR, identity_yml=LIMIT)
    first = shop("build")
    shop.add(2, FAMILY)
    told = shop("plan", day="2024-02-02")["joins"]
    assert (told["joined"], told["into"], told["share"]) == (3, 1, 0.75)
    assert (told["allowed"], told["over"]) == (0.5, True)
    assert told["largest"][0]["people"] == 3
    refused = shop("build", day="2024-02-02", code=1)
    assert "too-many-joins" in refused
    assert "3 people (75.0%) would become 1" in refused
    assert "--accept-joins" in refused
    # the build before stays, and asking again refuses again
    assert len(shop.people()) == 4
    assert shop("plan", day="2024-02-02")["people"]["before"] == first["people"]
    shop("build", day="2024-02-03", code=1)
    assert shop("build", "--accept-joins", day="2024-02-03")["people"] == 2
    assert not shop("plan", day="2024-02-04")["joins"]["joined"]
    assert shop("build", day="2024-02-04")["people"] == 2


def test_what_is_allowed_goes_through(tmp_path: Path) -> None:
    shop = Visits.make(tmp_path, FOUR, identity_yml=LIMIT)
    shop("build")
    shop.add(2, FAMILY[:2])
    told = shop("plan", day="2024-02-02")["joins"]
    assert (told["joined"], told["share"], told["over"]) == (2, 0.5, False)
    assert shop("build", day="2024-02-02")["people"] == 3


def test_taking_the_cause_away_needs_no_acceptance(tmp_path: Path) -> None:
    shop = Visits.make(tmp_path, FOUR, identity_yml=LIMIT)
    shop("build")
    before = shop.ids()
    shop.add(2, FAMILY)
    shop("build", day="2024-02-02", code=1)
    shop.write("identity.yml", 'kinds: {phone: {blocked: ["+4930111111"]}}\ngrowth: {joined: 0}\n')
    shop("build", day="2024-02-02")
    assert shop.ids() == before


def test_the_report_tells_the_growth_of_a_day(tmp_path: Path) -> None:
    shop = Visits.make(tmp_path, [*FOUR, *FAMILY])
    shop("build", "--as-of", "2024-01-10T12:00:00Z")
    (told,) = shop("report", "identity")["growth"]
    assert (told["people_before"], told["people"]) == (4, 2)
    assert (told["joined"], told["into"], told["came_apart"]) == (3, 1, 0)
    shop("build", "--as-of", "2024-01-12T12:00:00Z")
    (told,) = shop("report", "identity")["growth"]
    assert (told["people_before"], told["people"], told["joined"]) == (2, 2, 0)


def test_a_person_grows_to_the_stated_size(tmp_path: Path) -> None:
    rows = [visit(n, device="d", anon=f"a{n}") for n in range(1, 9)]
    shop = Visits.make(tmp_path, rows, identity_yml="growth: {largest: 5}\n")
    shop("build")
    assert max(len(person) for person in shop.people()) == 5
    refused = {case["guard"] for case in shop("identity", "review")["cases"]}
    assert refused == {"size"}


def test_a_share_that_is_none_is_told(tmp_path: Path) -> None:
    shop = Visits.make(tmp_path, FOUR, identity_yml="growth: {joined: 5, largest: 1, most: 2}\n")
    told = shop("build", code=1)
    assert "wrong-value" in told or "wrong-type" in told
    assert "'largest' must be at least 2" in told
    assert "unknown-key" in told
