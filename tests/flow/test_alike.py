"""One record against everybody: whom given values match, from the files that a build wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from shopfolder import rows, run
from test_matches import folder

from visavis.cli.main import cli
from visavis.core.problems import ProblemsError
from visavis.flow.alike import alike

pytest.importorskip("splink")


def test_values_find_the_people_that_a_build_would_match(tmp_path: Path) -> None:
    root, _ = folder(tmp_path)
    run(root)
    found = rows(
        root,
        "SELECT value_a, value_b, weight, kind_a, kind_b FROM matches ORDER BY weight DESC LIMIT 5",
    )
    said = {
        "".join(row[:2]): row[2:]
        for row in (line.split(",") for line in (root / "data/people.csv").read_text().splitlines())
    }
    for one, other, weight, _, kind in found:
        first, last, birthday, city, _ = said[one]
        given = {"first_name": first, "last_name": last, "birthday": birthday, "city": city}
        told = CliRunner().invoke(
            cli, ["-p", str(root), "--json", "identity", "match", "--limit", "1000"]
            + [f"{name}={value}" for name, value in given.items()],
        )  # fmt: skip
        people = json.loads(told.output)["people"]
        hits = {hit["identifier"]: hit for hit in alike(root, given, 1000)["people"]}
        assert people[0]["weight"] == max(hit["weight"] for hit in hits.values())
        assert people == sorted(people, key=lambda hit: -hit["weight"])
        # both are one person: whichever of the two is likelier stands for it
        names = {f"{kind}:{other}"} | {n for n in hits if n.endswith(f":{one}")}
        best = max((hits[n] for n in names & hits.keys()), key=lambda hit: hit["weight"])
        assert best["weight"] >= weight - 1e-6
        assert best["threshold"] == 8
        assert "first_name: " in best["why"]
        assert best["person_id"]
    assert alike(root, {"first_name": "nobody at all"}, 10)["people"] == []


def test_what_no_rule_compares_is_told(tmp_path: Path) -> None:
    root, _ = folder(tmp_path)
    run(root)
    with pytest.raises(ProblemsError) as raised:
        alike(root, {"first_nam": "ann"}, 10)
    (problem,) = raised.value.problems
    assert problem.hint == "Did you mean 'first_name'?"
    (root / "identity.yml").write_text("kinds: {}\n")
    run(root)
    with pytest.raises(ProblemsError) as raised:
        alike(root, {"first_name": "ann"}, 10)
    assert "no match rule" in raised.value.problems[0].message
