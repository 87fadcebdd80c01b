"""Identifiers as the world sends them: none of these joins two people or breaks a command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from visits import Visits, visit

from visavis.collect.payloads import BATCH, head
from visavis.store.tail import Tail

NOBODYS = [
    "null", " NULL ", "undefined", "UnDefined", "None", "0", " 0", "-1", "anonymous", "guest",
    "00000000-0000-0000-0000-000000000000", "n / a", "x" * 1_000_000, "é" * 1025,
]  # fmt: skip
EMOJI = ("👩‍👩‍👧", "👩‍👩‍👦", "🦊", "é", "Ω≈ç√", "李雷", "‮abc", "a\u200bb")


def live(root: Path, calls: Sequence[dict[str, Any]]) -> None:
    """Events as the service keeps them once they are acknowledged."""
    body = json.dumps({"batch": list(calls)}).encode()
    tail = Tail(root / ".visavis")
    tail.append([(1_706_000_000_000, head(BATCH, "", "k"), body)])


def alias(number: int, new: str, old: str) -> dict[str, Any]:
    moment = f"2024-01-0{number}T00:00:00Z"
    return {"type": "alias", "userId": new, "previousId": old, "messageId": f"a{number}",
            "timestamp": moment}  # fmt: skip


def seen(number: int, user: str, **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Page Viewed", "userId": user, "messageId": f"s{number}",
            "timestamp": "2024-01-01T00:00:00Z", **more}  # fmt: skip


@pytest.mark.parametrize("kind", ["customer", "user", "card", "mail", "phone", "device", "anon"])
def test_values_that_are_nobodys_join_nobody(tmp_path: Path, kind: str) -> None:
    partner = "mail" if kind == "user" else "user"
    rows = [
        visit(1 + n % 28, **{partner: f"real{n}{side}", kind: value})
        for n, value in enumerate(NOBODYS)
        for side in "ab"
    ]
    shop = Visits.make(tmp_path, rows)
    made = shop("build")
    assert (made["people"], made["quarantined"]) == (2 * len(NOBODYS), 0)
    assert {len(person) for person in shop.people()} == {1}
    assert shop("report", "identity")["totals"]["refused_evidence"] == 0


def test_the_same_from_the_service(tmp_path: Path) -> None:
    shop = Visits.make(tmp_path, [visit(1, user="u")])
    shop("build")
    calls = []
    for n, value in enumerate((*NOBODYS[:-2], "x" * 20_000, "", None, 0, {}, [], True)):
        calls += [seen(2 * n + i, f"real{n}{i}", anonymousId=value) for i in (0, 1)]
    live(tmp_path, calls)
    shop("build", day="2024-02-02")
    assert {len(person) for person in shop.people()} == {1}
    assert len(shop.people()) == 1 + len(calls)


def test_any_text_is_an_identifier(tmp_path: Path) -> None:
    rows = [visit(1 + n, user=text, mail=f"m{n}@x.co") for n, text in enumerate(EMOJI)]
    shop = Visits.make(tmp_path, rows)
    assert shop("build")["people"] == len(EMOJI)
    for text in EMOJI:
        told = shop("explain", f"user_id:{text}")
        assert {i["kind"] for i in told["identifiers"]} == {"user_id", "email"}
        out = tmp_path / "g.svg"
        assert shop("identity", "graph", f"user_id:{text}", "--out", str(out))["identifiers"] == 2
    shop("identity", "join", f"user_id:{EMOJI[0]}", f"user_id:{EMOJI[1]}", "--by", "李")
    assert shop("build", day="2024-02-02")["people"] == len(EMOJI) - 1


def test_one_value_under_two_kinds(tmp_path: Path) -> None:
    rows = [
        visit(1, user="77", mail="u@x.co"), visit(2, customer="77", mail="c@x.co"),
        visit(3, card="77", mail="l@x.co"), visit(4, device="77"), visit(5, anon="77"),
        visit(6, mail="u@x.co", device="77x"), visit(7, user="77", card="u@x.co"),
    ]  # fmt: skip
    shop = Visits.make(tmp_path, rows)
    shop("build")
    assert shop.people() == {
        frozenset({"user_id:77", "email:u@x.co", "device_id:77x", "loyalty_id:u@x.co"}),
        frozenset({"customer_id:77", "email:c@x.co"}),
        frozenset({"loyalty_id:77", "email:l@x.co"}),
        frozenset({"device_id:77"}), frozenset({"anonymous_id:77"}),
    }  # fmt: skip
    ids = shop.ids()
    assert len({ids[f"{kind}:77"] for kind in ("user_id", "customer_id", "loyalty_id")}) == 3


def test_an_alias_of_itself_and_in_circles(tmp_path: Path) -> None:
    shop = Visits.make(tmp_path, [visit(1, device="d")])
    users = ["a", "b", "c", "me"]
    circle = [("a", "b"), ("b", "c"), ("c", "a"), ("me", "me")]
    live(
        tmp_path,
        [
            *(seen(n, user) for n, user in enumerate(users)),
            *(alias(n, new, old) for n, (new, old) in enumerate(circle, start=1)),
        ],
    )
    shop("build")
    people = {frozenset(n for n in p if n.startswith("user_id")) for p in shop.people()}
    assert people - {frozenset()} == {
        frozenset({"user_id:a", "user_id:b", "user_id:c"}),
        frozenset({"user_id:me"}),
    }
    (views,) = shop.query(
        "SELECT views FROM people JOIN identifiers USING (person_id) "
        "WHERE kind = 'user_id' AND value = 'b'"
    )
    assert views == (3,)
    # a circle of words: the latest holds, and the split that came after wins over both joins
    for words in (
        ("split", "user_id:a", "user_id:c"), ("join", "user_id:a", "user_id:me"),
        ("join", "user_id:me", "user_id:c"), ("split", "user_id:a", "user_id:c"),
    ):  # fmt: skip
        shop("identity", *words, day="2024-02-02")
    shop("build", day="2024-02-03")
    ids = shop.ids()
    assert ids["user_id:a"] != ids["user_id:c"]
    assert "overruled by a later word" in {
        w["state"] for w in shop("identity", "words", day="2024-02-08")
    }


def test_words_that_contradict_each_other(tmp_path: Path) -> None:
    shop = Visits.make(tmp_path, [visit(n, mail=f"{n}@x.co") for n in (1, 2, 3)])
    shop("build")
    before = shop.ids()
    one, two, three = (f"email:{n}@x.co" for n in (1, 2, 3))
    said = [
        shop("identity", *words, day=f"2024-02-0{day}")
        for day, words in enumerate(
            [("join", one, two), ("join", two, three), ("split", one, three), ("join", one, two),
             ("split", three, two)], start=1,
        )
    ]  # fmt: skip
    shop("build", day="2024-02-08")
    ids = shop.ids()
    assert ids[one] == ids[two] != ids[three]
    told = {w["word"]: w["state"] for w in shop("identity", "words", day="2024-02-08")}
    assert [told[n] for n in (1, 2, 3, 4, 5)] == [
        "holds", "overruled by a later word", "holds", "holds", "holds"
    ]  # fmt: skip
    for word in said:
        shop("identity", "undo", str(word["word"]), day="2024-02-09")
    shop("build", day="2024-02-10")
    assert shop.ids() == before
    assert "unknown-name" in shop("identity", "undo", "1", code=1)
    for words in (("join", one, one), ("split", "email:", two), ("join", "nokind", two)):
        assert "error[" in shop("identity", *words, code=1)
