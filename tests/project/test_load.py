"""A folder becomes a Project: names, types, order, settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.core.lang.form import Aggregate, Literal, walk
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.core.problems import Problem
from visavis.project.check import check
from visavis.project.load import load
from visavis.project.templates import template_files, template_names

CONTRACT = {
    Type.INTEGER: (
        "orders items_bought distinct_products days_since_last_order "
        "rfm_recency rfm_frequency rfm_monetary"
    ),
    Type.DECIMAL: (
        "revenue refunds net_revenue average_order_value mean_days_between_orders promotion_rate"
    ),
    Type.TIME: "first_order_at last_order_at",
    Type.TEXT: "favourite_category favourite_channel payment_method place lifecycle value_tier",
}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"visavis.yml": "name: Test\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def good(root: Path, files: dict[str, str]) -> Project:
    project, problems = load(write(root, files))
    assert problems == []
    assert project is not None
    return project


def bad(root: Path, files: dict[str, str]) -> list[Problem]:
    project, problems = load(write(root, files))
    assert project is None
    return problems


def test_the_starter_has_the_traits_of_the_contract(tmp_path: Path) -> None:
    project = good(tmp_path, template_files("starter"))
    types = {name: trait.type for name, trait in project.traits.items()}
    promised = {name: kind for kind, names in CONTRACT.items() for name in names.split()}
    assert {name: types[name] for name in promised} == promised
    assert types.keys() - promised.keys() == {"visits", "visitor_status"}
    assert check(tmp_path) == []
    assert "starter" in template_names()


def test_traits_come_after_those_they_name(tmp_path: Path) -> None:
    project = good(
        tmp_path,
        {
            "traits/a.yml": "traits:\n  top: in_segment('rich')\n  half: all / 2\n",
            "traits/b/c.yaml": "traits:\n  all: {event: Order Completed, value: sum(revenue)}\n",
            "segments/s.yml": "segments:\n  rich: {condition: half > 100}\n",
        },
    )
    assert list(project.traits) == ["all", "half", "top"]
    assert project.traits["top"].type is Type.BOOLEAN


def test_a_computed_trait_may_be_called_like_its_property(tmp_path: Path) -> None:
    files = {"traits/a.yml": "traits:\n  revenue: {event: Order Completed, value: sum(revenue)}\n"}
    assert good(tmp_path, files).traits["revenue"].kind == "computed"


def test_settings_become_their_values(tmp_path: Path) -> None:
    main = "name: T\nsettings: {few: 3, share: 0.5, word: gold, yes_no: true}\n"
    value = "orders > few and share < 1 and word = 'gold' and yes_no and orders < active_days"
    orders = "  orders: {event: Order Completed, value: count()}\n"
    files = {"visavis.yml": main, "traits/t.yml": f"traits:\n{orders}  a:\n    value: {value}\n"}
    project = good(tmp_path, files)
    form = project.traits["a"].value
    assert form is not None
    literals = {n.value for n in walk(form) if isinstance(n, Literal)}
    assert literals == {3, 500_000, True, "gold", 90}
    assert project.settings["few"] == 3


def test_settings_reach_into_aggregates(tmp_path: Path) -> None:
    main = "name: T\nsettings: {dear: 100}\n"
    trait = "  a: {event: Order Completed, value: count() filter (where revenue > dear)}\n"
    project = good(tmp_path, {"visavis.yml": main, "traits/t.yml": f"traits:\n{trait}"})
    value = project.traits["a"].value
    assert isinstance(value, Aggregate)
    assert value.filter is not None
    assert any(isinstance(n, Literal) and n.value == 100 for n in walk(value.filter))


def test_given_traits_take_the_type_of_what_gives_them(tmp_path: Path) -> None:
    source = """
sources:
  people:
    kind: records
    from: people.csv
    identifiers: {customer_id: id}
    fields:
      age: {column: age, type: text}
      kids: {column: kids, type: integer, purpose: offers, kind: engagement}
"""
    traits = "traits:\n  age: {given: age}\n  kids: {given: kids}\n  born: {given: birthday}\n"
    traits += "  shoe: {given: shoe, type: decimal}\n"
    project = good(tmp_path, {"sources/s.yml": source, "traits/t.yml": traits})
    types = [project.traits[name].type for name in ("age", "kids", "born", "shoe")]
    assert types == [Type.TEXT, Type.INTEGER, Type.DATE, Type.DECIMAL]
    assert project.properties["identify"]["shoe"] is Type.DECIMAL
    assert project.sources["people"].fields[1].kind == "engagement"


def test_sources_say_what_the_design_wants(tmp_path: Path) -> None:
    source = """
sources:
  tills:
    from: [a.csv, "b/*.parquet"]
    map: {customer: c, order: o, time: t, amount: a, discount: [d, e], email: m, status: s}
    identifiers: {loyalty_id: card}
    statuses: {cancelled: [void, X], test: demo}
    rules: {positive: amount >= 0}
    threshold: 60
    delimiter: tab
"""
    project = good(tmp_path, {"sources/s.yml": source})
    tills = project.sources["tills"]
    assert tills.origin == "a.csv\nb/*.parquet"
    assert tills.roles["discount"] == "d\ne"
    assert tills.identifiers == {"customer_id": "c", "email": "m", "loyalty_id": "card"}
    assert tills.statuses == {"cancelled": ("void", "X"), "test": ("demo",)}
    assert (tills.rules[0].name, tills.rules[0].action) == ("positive", "quarantine")
    assert (tills.namespace, tills.threshold, tills.delimiter) == ("tills", 60, "\t")
    assert tills.places["map.time"].line == 5


def test_catalogue_fields_are_read_by_line(tmp_path: Path) -> None:
    files = {
        "catalogue/p.yml": "catalogue:\n  p: {from: p.csv, key: id, fields: {dept: department}}\n",
        "traits/t.yml": "traits:\n  a:\n    event: Order Completed\n"
        "    each: products\n    value: min(dept)\n",
    }
    project = good(tmp_path, files)
    assert project.catalogues["p"].fields[0].column == "department"


def test_declared_events_are_known(tmp_path: Path) -> None:
    files = {
        "events/e.yml": "events:\n  Quiz Taken: {properties: {score: {type: integer}}}\n",
        "traits/t.yml": "traits:\n  best: {event: Quiz Taken, value: max(score)}\n",
    }
    assert good(tmp_path, files).traits["best"].type is Type.INTEGER


def test_sequences_and_windows(tmp_path: Path) -> None:
    trait = """
traits:
  bought_after_mail:
    event: Email Clicked
    within: 30 days
    then: {event: Order Completed, where: revenue > 10, within: 1 day}
    without: Order Refunded
    value: count()
"""
    found = good(tmp_path, {"traits/t.yml": trait}).traits["bought_after_mail"]
    assert found.within_ms == 30 * 86_400_000
    assert found.then is not None
    assert found.without is not None
    assert (found.then.within_ms, found.without.event) == (86_400_000, "Order Refunded")


def test_tags_expire_by_date_or_by_person(tmp_path: Path) -> None:
    tags = "tags:\n  a/b: {condition: true, expires: 2018-01-02}\n"
    tags += "  c: {condition: true, expires: 2 days}\n"
    found = good(tmp_path, {"tags/t.yml": tags}).tags
    assert (found["a/b"].expires_on, found["a/b"].lasts_ms) == (17_533, None)
    assert (found["c"].expires_on, found["c"].lasts_ms) == (None, 2 * 86_400_000)


def test_user_tests_hold_reader_values(tmp_path: Path) -> None:
    text = """
tests:
  one:
    now: 2018-01-02T00:00:00Z
    events:
      - {event: Order Completed, timestamp: 2018-01-01, revenue: 1.5, products: [{price: 2}]}
      - {timestamp: 2018-01-01, traits: {city: ~, age: 7}}
    expect:
      traits: {revenue: 1.5, last_order_at: 2018-01-01, favourite_category: null}
      tags: [value]
"""
    project = good(tmp_path, {**template_files("starter"), "tests/t.yml": text})
    test = project.tests["one"]
    assert test.now_ms == 1_514_851_200_000
    assert test.events[0]["properties"] == {"revenue": 1_500_000}
    assert test.events[0]["products"] == [{"price": 2_000_000}]
    assert test.events[1]["cleared"] == ["city"]
    assert test.events[1]["type"] == "identify"
    assert test.traits["favourite_category"] is None
    assert (test.segments, test.tags) == (None, ("value",))


def test_identity_changes_the_defaults(tmp_path: Path) -> None:
    project = good(
        tmp_path, {"identity.yml": "kinds:\n  email: {limit: 2, blocked: [A@B.co]}\n  card: {}\n"}
    )
    email = project.kinds["email"]
    assert (email.limit, email.shared_after, email.blocked[-1]) == (2, 1, "a@b.co")
    assert "card" in project.kinds
    assert project.kinds["customer_id"].unique


def test_the_hash_follows_every_text(tmp_path: Path) -> None:
    first = good(tmp_path, {"segments/s.yml": "segments: {}\n"}).definition_hash
    assert good(tmp_path, {"segments/s.yml": "segments: {}\n"}).definition_hash == first
    assert good(tmp_path, {"segments/s.yml": "segments: {} # x\n"}).definition_hash != first
    assert good(tmp_path, {"segments/s.yml": "segments: {}\n", "journeys/o.yml": "x"}) is not None


def test_one_mistake_is_told_once(tmp_path: Path) -> None:
    traits = """
traits:
  broken: {event: Order Completed, value: sum(revenu)}
  on_it: {value: broken + 1}
  on_that: {value: on_it > 5 and broken = 'x'}
"""
    segments = "segments:\n  s: {condition: on_that}\n  t: {condition: in_segment('s')}\n"
    problems = bad(tmp_path, {"traits/t.yml": traits, "segments/s.yml": segments})
    assert [p.code for p in problems] == ["unknown-name"]


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    assert load(tmp_path)[1][0].code == "not-a-project"
    assert load(tmp_path / "nowhere")[1][0].message == "There is no such folder."


@pytest.mark.parametrize("name", ["traits", "segments", "tags", "tests", "sources"])
def test_empty_files_are_fine(tmp_path: Path, name: str) -> None:
    good(tmp_path, {f"{name}/a.yml": "", f"{name}/b.yml": f"{name}:\n"})
