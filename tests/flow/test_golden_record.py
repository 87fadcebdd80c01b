"""One record of many: conflict rules with losing values in sight, completeness, freshness."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from shopfolder import rows, run, shop

from visavis.flow.explain import explain
from visavis.flow.report import report
from visavis.project.load import load

SOURCES = """\
sources:
  crm:
    from: data/crm.csv
    kind: records
    map: {time: at}
    identifiers: {customer_id: customer}
    fields: {first_name: {column: name, type: text, kind: psychographic}}
    trust: 90
  web:
    from: data/web.csv
    kind: records
    map: {time: at}
    identifiers: {customer_id: customer}
    fields: {first_name: {column: name, type: text, kind: psychographic}}
    trust: 10
"""
RULES = ("latest", "trusted", "frequent", "longest", "first")
TRAITS = "traits:\n" + "".join(
    f"  name_{rule}: {{given: first_name, resolve: {rule}, kind: psychographic}}\n"
    for rule in RULES
) + "  orders: {event: Order Completed, value: count(), kind: response}\n"  # fmt: skip
CRM = """\
customer,name,at
ann,Annabelle,2024-01-02
bob,Bo,2024-01-02
bob,,2024-01-09
cat,Cat,2024-01-01
"""
WEB = (
    "customer,name,at\nann,Annie,2024-01-01\nann,Ann,2024-01-03\nann,Ann,2024-01-04\n"
    "ann,Anne,2024-01-05\nbob,Bobby,2024-01-03\nbob,Rob,2024-01-10\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    plain = "segments: {all: orders >= 0}\n"
    folder = shop(tmp_path, traits_traits_yml=TRAITS, segments_segments_yml=plain, tags_tags_yml="")
    (folder / "tags" / "tags.yml").unlink()
    (folder / "sources" / "people.yml").write_text(SOURCES)
    (folder / "data" / "crm.csv").write_text(CRM)
    (folder / "data" / "web.csv").write_text(WEB)
    run(folder)
    return folder


def names(root: Path, customer: str) -> tuple[str | None, ...]:
    columns = ", ".join(f"name_{rule}" for rule in RULES)
    (found,) = rows(
        root,
        f"SELECT {columns} FROM people JOIN identifiers USING (person_id) "
        f"WHERE kind = 'customer_id' AND value = '{customer}'",
    )
    return found


def test_each_rule_chooses_its_value(root: Path) -> None:
    assert names(root, "ann") == ("Anne", "Annabelle", "Ann", "Annabelle", "Annie")
    # a null took back what was said of bob before it
    assert names(root, "bob") == ("Rob", "Rob", "Rob", "Rob", "Rob")
    assert names(root, "cat") == ("Cat",) * 5


def test_values_as_of_a_moment_of_the_past(root: Path) -> None:
    run(root, as_of="2024-01-03T12:00:00Z")
    assert names(root, "ann") == ("Ann", "Annabelle", "Ann", "Annabelle", "Annie")
    assert names(root, "bob") == ("Bobby", "Bo", "Bobby", "Bobby", "Bo")


def test_losing_values_stay_in_sight_and_both_readers_agree(root: Path) -> None:
    for customer in ("ann", "bob", "cat"):
        for rule, value in zip(RULES, names(root, customer), strict=True):
            (trait,) = explain(root, f"customer_id:{customer}", f"name_{rule}", None)["traits"]
            assert trait["value"] == value
            counted = [given for given in trait["given"] if given["counts"]]
            assert [given["value"] for given in counted] == [value]
    (trait,) = explain(root, "customer_id:ann", "name_trusted", None)["traits"]
    assert [(g["value"], g["source"]) for g in trait["given"]] == [
        ("Anne", "web"), ("Ann", "web"), ("Ann", "web"), ("Annabelle", "crm"), ("Annie", "web")
    ]  # fmt: skip
    assert trait["updated_at"] == datetime(2024, 1, 2, tzinfo=UTC)
    assert trait["definition"] == "given as first_name, trusted"


def test_completeness_and_freshness(root: Path) -> None:
    found = rows(
        root,
        "SELECT c.kind, filled, traits, score FROM completeness AS c JOIN identifiers AS i "
        "USING (person_id) WHERE i.value = 'ann' ORDER BY 1",
    )
    assert found == [
        ("all", 6, 6, Decimal(1)), ("behaviour", 0, 0, None), ("engagement", 0, 0, None),
        ("psychographic", 5, 5, Decimal(1)), ("response", 1, 1, Decimal(1)),
    ]  # fmt: skip
    told = explain(root, "customer_id:ann")["completeness"]
    assert sorted((c["kind"], c["filled"], c["traits"], c["score"]) for c in told) == found
    fresh = rows(
        root,
        "SELECT trait, strftime(updated_at, '%Y-%m-%d %H') FROM freshness JOIN identifiers "
        "USING (person_id) WHERE kind = 'customer_id' AND value = 'ann' ORDER BY 1",
    )
    assert fresh == [(f"name_{rule}", "2024-01-05 00") for rule in sorted(RULES)] + [
        ("orders", "2024-03-01 10")
    ]


@pytest.mark.parametrize(
    ("trait", "code"),
    [("{given: age, type: integer, resolve: longest}", "wrong-type"),
     ("{event: Order Completed, value: count(), resolve: first}", "conflicting-keys"),
     ("{given: age, type: integer, resolve: best}", "wrong-value")],
)  # fmt: skip
def test_rules_that_make_no_sense_are_told(tmp_path: Path, trait: str, code: str) -> None:
    folder = shop(tmp_path, traits_traits_yml=f"traits:\n  a: {trait}\n")
    (folder / "segments" / "segments.yml").unlink()
    (folder / "tags" / "tags.yml").unlink()
    assert code in [problem.code for problem in load(folder)[1]]


def test_report_profiles(root: Path) -> None:
    made = report(root, "profiles")
    rows_of = {str(row["kind"]): row for row in made.tables["completeness"]}
    assert rows_of["psychographic"]["people_with_all"] == 3  # ann, bob and cat of four
    assert rows_of["response"]["average_score"] == Decimal(1)
    assert list(rows_of)[-1] == "all"
    fresh = {str(row["trait"]): row for row in made.tables["freshness"]}
    assert fresh["name_first"]["people"] == 3
    assert fresh["name_first"]["stale"] == 1  # cat
