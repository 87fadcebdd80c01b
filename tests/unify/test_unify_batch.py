"""Law 3: the same evidence in any order gives the same people and ids; less of it splits again."""

from __future__ import annotations

import random
import time

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from visavis.core.nouns import IdentifierKind
from visavis.unify.batch import NOBODY, Identifiers, Links, who_is_who
from visavis.unify.component import edges_of, resolve
from visavis.unify.rules import Seen, choose, pid

KEY = b"k" * 32
KINDS = {
    "customer_id": IdentifierKind("customer_id", unique=True, priority=90),
    "user_id": IdentifierKind("user_id", unique=True, priority=80),
    "email": IdentifierKind("email", priority=70, shared_after=1, limit=3),
    "phone": IdentifierKind("phone", priority=60, shared_after=1),
}
identifier = st.builds(
    Seen,
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["1", "2", "3", "é", "10"]),
    st.sampled_from([-(2**63), 0, 5, 9]),
)
evidence = st.lists(identifier, min_size=1, max_size=14, unique_by=lambda s: (s.kind, s.value))
pairs = st.lists(st.tuples(st.integers(0, 13), st.integers(0, 13)), max_size=12)


def ids(
    seen: list[Seen], links: list[tuple[int, int]], shift: int = 0
) -> dict[tuple[str, str], str]:
    """Through the door: identifiers numbered as listed, the person_id of each."""
    nodes = np.arange(len(seen), dtype=np.int64) * 3 + shift
    first = [None if s.first_seen < 0 else s.first_seen for s in seen]
    table = pa.table(
        {
            "node": nodes,
            "kind": [s.kind for s in seen],
            "value": [s.value for s in seen],
            "first_seen": pa.array(first, pa.int64()),
        }
    )
    known = Identifiers.from_table(table)
    ends = np.array(links, dtype=np.int64).reshape(-1, 2) * 3 + shift
    people = who_is_who(known, linked(ends[:, 0], ends[:, 1]), KINDS)
    names = {int(node): (s.kind, s.value) for node, s in zip(nodes, seen, strict=True)}
    told = zip(people.node.tolist(), people.person.tolist(), strict=True)
    return {names[n]: pid(KEY, *names[person]) for n, person in told if person != NOBODY}


def linked(a: np.ndarray, b: np.ndarray) -> Links:
    """Evidence of one rule, at one moment."""
    zeros = np.zeros(len(a), dtype=np.int64)
    return Links(np.asarray(a), np.asarray(b), ["same row"], zeros, zeros)


def by_the_rules(seen: list[Seen], links: list[tuple[int, int]]) -> dict[tuple[str, str], str]:
    """The same by the pure rules; a shared identifier is nobody's."""
    name = [(s.kind, s.value) for s in seen]
    rows = [(name[a], name[b], "same row", 0) for a, b in links]
    solution = resolve(name, edges_of(rows, KINDS), KINDS)
    found = {}
    for members in solution.groups().values():
        best = choose([s for s in seen if (s.kind, s.value) in members], KINDS)
        for member in members:
            found[member] = pid(KEY, best.kind, best.value)
    return {n: i for n, i in found.items() if n not in solution.shared}


@given(evidence, pairs)
def test_everybody_at_once_is_what_the_rules_say(
    seen: list[Seen], links: list[tuple[int, int]]
) -> None:
    links = [(a, b) for a, b in links if a < len(seen) and b < len(seen)]
    assert ids(seen, links) == by_the_rules(seen, links)


@given(evidence, pairs, st.randoms(use_true_random=False))
def test_no_order_of_arrival_changes_people_or_ids(
    seen: list[Seen], links: list[tuple[int, int]], chance: random.Random
) -> None:
    links = [(a, b) for a, b in links if a < len(seen) and b < len(seen)]
    before = ids(seen, links)
    order = list(range(len(seen)))
    chance.shuffle(order)
    place = {old: new for new, old in enumerate(order)}
    turned = [(place[b], place[a]) for a, b in links]
    chance.shuffle(turned)
    assert ids([seen[i] for i in order], turned, shift=chance.randrange(100)) == before


@given(evidence, pairs, st.integers(0, 11))
def test_taking_a_link_away_gives_each_part_its_former_id(
    seen: list[Seen], links: list[tuple[int, int]], which: int
) -> None:
    links = [(a, b) for a, b in links if a < len(seen) and b < len(seen)]
    former = ids(seen, links)
    more = [*links, (which % len(seen), 0)]
    ids(seen, more)
    assert ids(seen, more[:-1]) == former


def test_links_to_an_identifier_nobody_sees_yet_join_nothing() -> None:
    seen = [Seen("email", "a", 1), Seen("email", "b", 1)]
    assert ids(seen, [(0, 7), (7, 1)]) == ids(seen, [])
    assert ids([Seen("email", "a", 1)], []) == {("email", "a"): pid(KEY, "email", "a")}


def test_a_hundred_thousand_people_take_seconds() -> None:
    count = 100_000
    table = pa.table(
        {
            "node": np.arange(count),
            "kind": ["email"] * count,
            "value": [f"{i}@b.co" for i in range(count)],
            "first_seen": np.arange(count),
        }
    )
    start = time.monotonic()
    seen = Identifiers.from_table(table)
    people = who_is_who(seen, linked(np.arange(0, count, 2), np.arange(1, count, 2)), KINDS)
    assert len(np.unique(people.person)) == count // 2
    assert time.monotonic() - start < 10
