"""Who is who from the command line: guards, the review queue, words by hand, un-merging."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from shopfolder import at, rows, run, shop

from visavis.cli.main import cli as main
from visavis.core.problems import ProblemsError
from visavis.flow.chains import against
from visavis.flow.identity import review, say, undo, words
from visavis.flow.persons import find_person, open_lake
from visavis.flow.published import open_warehouse, published

VISITS = """\
sources:
  visits:
    from: data/visits*.csv
    kind: events
    event: Page Viewed
    map: {time: time}
    identifiers: {user_id: user, email: mail, phone: phone, device_id: device, anonymous_id: anon}
"""
TRAITS = """\
traits:
  views: {event: Page Viewed, value: count()}
"""
HEAD = "user,mail,phone,device,anon,time"
DAY = "2024-01-0{}T00:00:00"


def folder(root: Path, lines: list[str], identity: str = "kinds: {}\n") -> Path:
    shop(
        root, (), identity_yml=identity, traits_traits_yml=TRAITS,
        segments_segments_yml="segments: {seen: views >= 1}\n", tags_tags_yml="tags: {}\n",
    )  # fmt: skip
    (root / "sources" / "visits.yml").write_text(VISITS)
    visits(root, 1, lines)
    return root


def visits(root: Path, number: int, lines: list[str]) -> None:
    text = "\n".join([HEAD, *lines]) + "\n"
    (root / "data" / f"visits{number}.csv").write_text(text)


def people(root: Path) -> set[frozenset[str]]:
    found = rows(root, "SELECT list(kind || ':' || value) FROM identifiers GROUP BY person_id")
    return {frozenset(str(v) for v in values) for (values,) in found}


def ids(root: Path) -> dict[str, str]:
    return dict(rows(root, "SELECT kind || ':' || value, person_id FROM identifiers"))


def cli(root: Path, *args: str, now: str = "2024-04-02T00:00:00Z") -> Any:
    env = {"VISAVIS_NOW": now, "VISAVIS_USER": "ada"}
    done = CliRunner().invoke(main, ["-p", str(root), "--json", *args], env=env)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


TWO = [
    f"u1,a@x.co,,,,{DAY.format(1)}",
    f"u2,b@x.co,,,,{DAY.format(2)}",
    f",a@x.co,+4930111111,,,{DAY.format(3)}",
]


def test_words_join_split_forget_and_come_back(tmp_path: Path) -> None:
    """From the command line: each word changes who is who, and undo gives the former ids back."""
    root = folder(tmp_path, TWO)
    cli(root, "build")
    before, before_ids = people(root), ids(root)
    said = cli(root, "identity", "split", "email:a@x.co", "phone:+4930111111", "--note", "wife's")
    cli(root, "build", now="2024-04-03T00:00:00Z")
    assert frozenset({"phone:+4930111111"}) in people(root)
    (case,) = cli(root, "identity", "review")["cases"]
    assert (case["guard"], case["evidence"]) == ("split", 1)
    cli(root, "identity", "undo", str(said["word"]), now="2024-04-04T00:00:00Z")
    cli(root, "build", now="2024-04-04T00:00:00Z")
    assert people(root) == before
    assert ids(root) == before_ids
    forgot = cli(root, "identity", "forget-evidence", "email:a@x.co", "phone:+4930111111")
    cli(root, "build", now="2024-04-05T00:00:00Z")
    assert frozenset({"phone:+4930111111"}) in people(root)
    cli(root, "identity", "undo", str(forgot["word"]))
    join = cli(root, "identity", "join", "user_id:u1", "user_id:u2", "--by", "bo")
    assert join["who"] == "bo"
    cli(root, "build", now="2024-04-06T00:00:00Z")
    assert len(people(root)) == 1
    for name, former in before_ids.items():
        assert cli(root, "explain", former)["person_id"] == ids(root)[name]
    cli(root, "identity", "undo", str(join["word"]))
    cli(root, "build", now="2024-04-07T00:00:00Z")
    assert ids(root) == before_ids
    states = [w["state"] for w in cli(root, "identity", "words")]
    assert states == ["undone by ada"] * 3


def test_a_join_across_unique_ids_waits_for_a_decision(tmp_path: Path) -> None:
    root = folder(tmp_path, TWO)
    run(root)
    say(root, "join", "email:a@x.co", "email:b@x.co", "ada", at("2024-04-01T00:00:00Z"))
    run(root, now="2024-04-02T00:00:00Z")
    assert len(people(root)) == 2
    (case,) = review(root, 9)["cases"]
    assert (case["guard"], case["about"]) == ("unique", "user_id")
    with published(root) as build, open_warehouse(build.project()) as wh:
        open_lake(wh, build)
        told = against(wh, build, "user_id:u1", "user_id:u2")
    assert [row["guard"] for row in told["chain"]] == ["unique"]
    assert "unique" in told["verdict"]


@pytest.mark.parametrize("turned", [False, True])
def test_the_latest_word_holds(tmp_path: Path, turned: bool) -> None:
    root = folder(tmp_path, TWO)
    run(root)
    pair = ("user_id:u2", "user_id:u1") if turned else ("user_id:u1", "user_id:u2")
    first = say(root, "join", *pair, "ada", at("2024-04-01T01:00:00Z"))
    second = say(root, "split", *pair[::-1], "bo", at("2024-04-01T02:00:00Z"))
    assert second["overrules"] == [first["word"]]
    run(root, now="2024-04-02T00:00:00Z")
    assert len(people(root)) == 2
    # the moment before the second word has the first alone
    run(root, "2024-04-01T01:30:00Z", now="2024-04-02T00:00:00Z")
    assert len(people(root)) == 1
    undo(root, second["word"], "ada", at("2024-04-02T01:00:00Z"))
    run(root, now="2024-04-03T00:00:00Z")
    assert len(people(root)) == 1
    assert [w["state"] for w in words(root, at("2024-04-03T00:00:00Z"))] == [
        "holds",
        "undone by ada",
    ]


def test_mistakes_are_told(tmp_path: Path) -> None:
    root = folder(tmp_path, TWO)
    run(root)
    now = at("2024-04-02T00:00:00Z")
    for args in (
        ("join", "email:nobody@x.co", "user_id:u1"),
        ("join", "u1", "user_id:u1"),
        ("split", "user_id:u1", "user_id:u1"),
        ("forget", "user_id:u1", "user_id:u2"),
    ):
        with pytest.raises(ProblemsError):
            say(root, *args, "ada", now)
    with pytest.raises(ProblemsError, match="no word 7"):
        undo(root, 7, "ada", now)


def test_a_value_blocked_later_lets_people_come_apart(tmp_path: Path) -> None:
    lines = [
        f",shop@x.co,,d1,,{DAY.format(1)}",
        f",shop@x.co,,d2,,{DAY.format(2)}",
        f",,,d2,,{DAY.format(3)}",
    ]
    root = folder(tmp_path, lines)
    run(root)
    assert len(people(root)) == 1
    (root / "identity.yml").write_text("kinds:\n  email: {blocked: [Shop@X.co]}\n")
    run(root, now="2024-04-02T00:00:00Z")
    assert people(root) == {frozenset({"device_id:d1"}), frozenset({"device_id:d2"})}
    views = rows(root, "SELECT views FROM people ORDER BY 1")
    assert views == [(1,), (2,)]


def test_graph_and_former_ids(tmp_path: Path) -> None:
    root = folder(tmp_path, [*TWO, f"u2,,,t1,,{DAY.format(4)}", f"u1,,,t1,,{DAY.format(5)}"])
    run(root)
    out = tmp_path / "graph.svg"
    made = cli(root, "identity", "graph", "user_id:u1", "--out", str(out))
    assert (made["identifiers"], made["refused"]) == (3, 1)
    text = out.read_text()
    assert text.startswith("<svg")
    assert all(x in text for x in ("a@x.co", "same row", "t1", "stroke-dasharray"))
    with published(root) as build, open_warehouse(build.project()) as wh:
        open_lake(wh, build)
        assert find_person(wh, build, "user_id:u1").person_id == made["person_id"]


def test_report_and_anonymous_events_of_a_shared_tablet(tmp_path: Path) -> None:
    """Kevin and Nora: what the tablet saw before any login is nobody's, then the last login's."""
    lines = [
        f",,,t,,{DAY.format(1)}",
        f"kevin,,,t,,{DAY.format(2)}",
        f",,,t,,{DAY.format(3)}",
        f"nora,,,t,,{DAY.format(4)}",
        f",,,t,,{DAY.format(5)}",
        f",,,t,,{DAY.format(6)}",
        f"kevin,,,t,,{DAY.format(7)}",
    ]
    root = folder(tmp_path, lines)
    run(root)
    views = dict(rows(root, "SELECT value, views FROM people JOIN identifiers USING (person_id)"))
    assert views == {"kevin": 3, "nora": 3}
    told = rows(root, "SELECT count(*) FROM events WHERE person_id IS NULL")
    assert told == [(1,)]
    made = cli(root, "report", "identity")
    assert made["refused"] == [{"guard": "shared", "kind": "device_id", "evidence": 2}]
    assert [(s["kind"], s["value"]) for s in made["shared"]] == [("device_id", "t")]
    assert made["totals"]["people"] == 2
    nora = cli(root, "explain", "user_id:nora", "--trait", "views")
    assert nora["traits"][0]["events_total"] == 3


def test_chain_and_why_not(tmp_path: Path) -> None:
    root = folder(tmp_path, [*TWO, f"u2,,,t1,,{DAY.format(4)}", f"u1,,,t1,,{DAY.format(5)}"])
    run(root)
    steps = cli(root, "explain", "user_id:u1", "--identifier", "phone:+4930111111")["chain"]
    assert [(s["value_a"], s["value_b"]) for s in steps] == [
        ("u1", "a@x.co"), ("a@x.co", "+4930111111"),
    ]  # fmt: skip
    told = cli(root, "explain", "user_id:u1", "--against", "user_id:u2")
    assert [s["guard"] for s in told["chain"]] == ["shared", "shared"]
    assert not told["same_person"]
    for name, hint in (
        ("device_id:t1", "It is shared"), ("email:NULL", "is blocked"), ("email:c@x.co", "KIND:"),
        ("nobody", "Kinds here: device_id"),
    ):  # fmt: skip
        with published(root) as at_build, open_warehouse(at_build.project()) as wh:
            open_lake(wh, at_build)
            with pytest.raises(ProblemsError) as raised:
                find_person(wh, at_build, name)
        assert hint in str(raised.value.problems[0].hint)
