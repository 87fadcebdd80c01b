"""Matches as evidence of a project: explained, frozen, and never across two unique ids."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from shopfolder import at, rows, run, shop

from visavis.flow.ask import count
from visavis.flow.explain import explain
from visavis.project.load import load
from visavis.store.builds import open_build

pytest.importorskip("splink")
from tests.unify.people import western

SOURCES = """\
sources:
  people:
    from: data/people*.csv
    kind: records
    map: {time: time}
    identifiers: {customer_id: customer, email: mail}
    fields:
      first_name: {column: vorname, type: text}
      last_name: {column: nachname, type: text}
      birthday: {column: geboren, type: date}
      city: {column: ort, type: text}
"""
IDENTITY = "matching:\n  people: {on: [first_name, last_name, birthday, city], threshold: 8}\n"


def folder(root: Path, identity: str = IDENTITY) -> tuple[Path, dict[str, str]]:
    """Every second record is a customer's, the others are leads with an e-mail of their own."""
    records = western(150, 7, most=3)
    truth = {}
    shop(root, (), identity_yml=identity)
    (root / "sources" / "people.yml").write_text(SOURCES)
    with (root / "data" / "people.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["customer", "mail", "vorname", "nachname", "geboren", "ort", "time"])
        for i, record in enumerate(records):
            ids = (f"c{i}", "") if i % 2 else ("", f"m{i}@x.co")
            truth["".join(ids)] = str(record["person"])
            said = [record[k] if len(str(record[k])) == 10 or k != "geboren" else ""
                    for k in ("vorname", "nachname", "geboren", "ort")]  # fmt: skip
            writer.writerow([*ids, *said, "2024-01-01"])
    return root, truth


def test_matches_join_what_no_identifier_does(tmp_path: Path) -> None:
    root, truth = folder(tmp_path)
    run(root)
    found = rows(root, "SELECT value_a, value_b, weight, joins, why FROM matches")
    right = [truth[a] == truth[b] for a, b, *_ in found]
    assert len(found) > 60
    assert sum(right) >= 0.97 * len(right)
    assert all(weight >= 8 for _, _, weight, _, _ in found)
    assert any("first_name: equal" in why for *_, why in found)
    joined = next((a, b) for a, b, _, joins, _ in found if joins)
    told = explain(root, f"{'email' if '@' in joined[0] else 'customer_id'}:{joined[0]}")
    assert any(e["rule"] == "match" and e["source"] == "people" for e in told["evidence"])
    # two customers are never one, however alike
    customers = "SELECT person_id FROM identifiers WHERE kind = 'customer_id'"
    assert rows(root, f"{customers} GROUP BY 1 HAVING count(*) > 1") == []
    assert any(not joins for *_, joins, _ in found)
    assert rows(root, "SELECT count(*) FROM evidence WHERE rule = 'match refused'")[0][0] > 0


def test_without_the_rule_everybody_is_alone_again(tmp_path: Path) -> None:
    root, _ = folder(tmp_path)
    run(root)
    alone = rows(root, "SELECT count(*) FROM identifiers")
    assert rows(root, "SELECT count(*) FROM people") < alone
    (root / "identity.yml").write_text("kinds: {}\n")
    run(root)
    assert rows(root, "SELECT count(*) FROM people") == alone
    assert rows(root, "SELECT * FROM matches") == []


def told_of(root: Path, made: dict[str, Any]) -> dict[str, Any]:
    """What the manifest of a build says of the rule's fit."""
    manifest = open_build(root / ".visavis", made["build_id"]).manifest
    return dict(manifest["matching"]["people"])


def test_the_fit_is_kept_in_the_build_and_used_again(tmp_path: Path) -> None:
    root, _ = folder(tmp_path)

    def fit(made: dict[str, Any]) -> str:
        return (root / ".visavis" / "builds" / made["build_id"] / "matching.json").read_text()

    def add(count: int) -> dict[str, Any]:
        with (root / "data" / "people2.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["customer", "mail", "vorname", "nachname", "geboren", "ort", "time"])
            for i in range(count):
                name = (f"Ann{i}", f"Other{i}", "1980-01-02", "springfield")
                writer.writerow([f"x{i}", "", *name, "2024-01-02"])
        return run(root)

    first = run(root)
    told = told_of(root, first)
    assert (told["because"], told["learned_in"]) == ("there was none", first["build_id"])
    second = add(2)
    assert told_of(root, second) == told
    assert fit(second) == fit(first)
    third = add(150)
    assert "records instead of" in told_of(root, third)["because"]
    assert told_of(root, third)["learned_in"] == third["build_id"]
    assert told_of(root, third)["fit"] != told["fit"]


def test_a_build_of_an_earlier_moment_learns_its_own(tmp_path: Path) -> None:
    root, _ = folder(tmp_path)
    first = run(root)
    made = run(root, "2024-02-01T00:00:00Z")
    assert told_of(root, made)["learned_in"] == made["build_id"]
    assert told_of(root, made)["fit"] == told_of(root, first)["fit"]  # of the same records


def test_another_moment_is_answered_with_the_fit_of_the_build(tmp_path: Path) -> None:
    root, _ = folder(tmp_path)
    run(root)
    everybody = rows(root, "SELECT count(*) FROM people")[0][0]
    assert count(root, "orders >= 0", at("2024-02-01T00:00:00Z")) == everybody


def test_a_rule_about_what_nobody_gives_is_told(tmp_path: Path) -> None:
    shop(tmp_path, identity_yml="matching:\n  a: {on: [first_name, birthdy]}\n")
    (problem,) = load(tmp_path)[1]
    assert (problem.code, problem.hint) == ("unknown-name", "Did you mean 'birthday'?")
