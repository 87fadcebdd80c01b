"""explain: identity, traits and segments down to the file, the line and the events behind."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shopfolder import SECOND, orders, rows, run, shop

from visavis.core.problems import ProblemsError
from visavis.flow.explain import explain
from visavis.store.key import project_key
from visavis.unify.rules import pid


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = shop(tmp_path_factory.mktemp("built"))
    orders(root, 2, SECOND)
    run(root)
    return root


def trait(answer: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [t for t in answer["traits"] if t["name"] == name]
    return dict(found)


def test_every_value_is_that_of_the_build_and_says_why(built: Path) -> None:
    answer = explain(built, "customer_id:ann")
    ((batch,),) = rows(
        built, f"select people from people where person_id = '{answer['person_id']}'"
    )
    live = {t["name"]: t["value"] for t in answer["traits"]}
    assert live == {n: v.replace(tzinfo=live[n].tzinfo) if hasattr(v, "tzinfo") else v
                    for n, v in batch.items() if n != "person_id"}  # fmt: skip
    revenue = trait(answer, "revenue")
    assert (revenue["file"], revenue["line"]) == ("traits/traits.yml", 3)
    assert revenue["definition"] == "sum(revenue)"
    assert [(e["message_id"], e["values"]) for e in revenue["events"]] == [
        ("shop:1", {"revenue": Decimal("15.5")}),
        ("shop:4", {"revenue": Decimal("7.25")}),
    ]
    favourite = trait(answer, "favourite")
    assert [(e["line"], e["values"]) for e in favourite["events"]] == [
        (0, {"category": "coffee"}),
        (1, {"category": "tea"}),
        (0, {"category": "tea"}),
    ]
    assert [t["tag"] for t in answer["tags"]] == ["taste", "taste/tea"]
    assert [(s["segment"], s["file"]) for s in answer["segments"]] == [
        ("regulars", "segments/segments.yml")
    ]


def test_identity_is_told_by_the_evidence_that_joins(built: Path) -> None:
    answer = explain(built, "email:ANN@x.co ")
    assert {(i["kind"], i["value"]) for i in answer["identifiers"]} == {
        ("customer_id", "ann"), ("email", "ann@x.co"),
    }  # fmt: skip
    assert [(e["value_a"], e["value_b"], e["joins"]) for e in answer["evidence"]] == [
        ("ann", "ann@x.co", True),
    ]
    key = project_key(built / ".visavis")
    for kind, value in (("email", "ann@x.co"), ("customer_id", "ann")):
        assert explain(built, pid(key, kind, value))["person_id"] == answer["person_id"]


def test_an_address_of_two_customers_joins_neither(built: Path) -> None:
    cat, dan = (explain(built, f"customer_id:{name}") for name in ("cat", "dan"))
    assert cat["person_id"] != dan["person_id"]
    assert [(e["value_a"], e["value_b"], e["joins"]) for e in cat["evidence"]] == [
        ("cat", "cat@x.co", False),
    ]
    with pytest.raises(ProblemsError, match="nobody"):
        explain(built, "email:cat@x.co")


def test_a_segment_is_told_part_by_part(built: Path) -> None:
    (away,) = explain(built, "customer_id:bob", segment="away")["segments"]
    assert away["member"] is False
    assert [(p["condition"], p["value"]) for p in away["parts"]][1:] == [
        ("days_away > 90", False),
        ("orders > 0", True),
    ]
    assert (away["file"], away["line"]) == ("segments/segments.yml", 4)
    # 91 days after the last order the condition can change
    assert str(away["valid_until"]).startswith("2024-06-19")


def test_one_trait_shows_every_event(built: Path) -> None:
    (orders_trait,) = explain(built, "customer_id:bob", trait="orders")["traits"]
    assert [e["message_id"] for e in orders_trait["events"]] == ["shop:2", "shop:5"]


@pytest.mark.parametrize(
    ("person", "options", "code"),
    [
        ("customer_id:nobody", {}, "nobody"),
        ("nothing:ann", {}, "nobody"),
        ("f" * 32, {}, "nobody"),
        ("customer_id:ann", {"trait": "ordrs"}, "unknown-name"),
        ("customer_id:ann", {"segment": "regular"}, "unknown-name"),
    ],
)
def test_what_is_not_there(built: Path, person: str, options: dict[str, str], code: str) -> None:
    with pytest.raises(ProblemsError) as refused:
        explain(built, person, **options)
    assert refused.value.problems[0].code == code
