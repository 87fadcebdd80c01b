"""Law 3: who is who is a pure function of the evidence, whole or one change at a time.

Small random graphs with unique kinds, limits, shared devices, aliases, same values, joins and
splits by hand, and every kind of change, among few identifiers so that guards bite often.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from visavis.core import parts
from visavis.core.nouns import IdentifierKind
from visavis.unify.batch import NOBODY, Identifiers, Links, who_is_who
from visavis.unify.component import JOINED, SAME, Refused, edges_of, resolve
from visavis.unify.live import Who
from visavis.unify.looking import Looker
from visavis.unify.rules import Name, Seen, choose

KINDS = {
    kind.name: kind
    for kind in (
        IdentifierKind("customer_id", unique=True, priority=1, limit=1),
        IdentifierKind("user_id", unique=True, priority=2, limit=1),
        IdentifierKind("email", priority=10, limit=2, shared_after=1, strong=True),
        IdentifierKind("email_sha256", priority=11, limit=2, shared_after=1),
        IdentifierKind("loyalty_id", priority=5, limit=1, strong=True),
        IdentifierKind("device_id", priority=60, limit=3, shared_after=1),
        IdentifierKind("anonymous_id", priority=70, limit=3, shared_after=2),
    )
}
NAMES: list[Name] = [
    *(("customer_id", v) for v in "12"),
    *(("user_id", v) for v in "123"),
    *(("email", v) for v in "abc"),
    ("email_sha256", "a"),
    *(("loyalty_id", v) for v in "12"),
    *(("device_id", v) for v in "xy"),
    *(("anonymous_id", v) for v in "mn"),
]
RULES = ("same row",) * 6 + ("alias", "match", "hash of", "same value", "joined by hand")
MOST = 7
GRAPHS = 20_000
Evidence = tuple[Name, Name, str, int, str]


@dataclass
class Case:
    """What is known: sightings (name, source) -> ms, evidence -> ms, splits."""

    seen: dict[tuple[Name, str], int] = field(default_factory=dict)
    links: dict[tuple[Name, Name, str, str], int] = field(default_factory=dict)
    splits: set[tuple[Name, Name]] = field(default_factory=set)

    def change(self, rng: random.Random, who: Who | None = None) -> None:
        """One change at random, told to `who` as well."""
        what = rng.random()
        a, b = rng.sample(NAMES, 2)
        source, ms = rng.choice("st"), rng.randrange(4)
        if what < 0.25 or len(self.seen) < 4:
            for name in (a, b):
                self.seen[name, source] = min(self.seen.get((name, source), ms), ms)
                if who:
                    who.see(name, ms, source)
        elif what < 0.33:
            self.seen.pop((a, source), None)
            if who:
                who.unsee(a, source)
        elif what < 0.75:
            rule = rng.choice(RULES)
            key = (min(a, b), max(a, b), rule, source)
            self.links[key] = min(self.links.get(key, ms), ms)
            if who:
                who.add(a, b, rule, ms, source)
        elif what < 0.9 and self.links:
            a, b, rule, source = rng.choice(list(self.links))
            del self.links[a, b, rule, source]
            if who:
                who.withdraw(b, a, rule, source)
        elif what < 0.95:
            self.splits.add((min(a, b), max(a, b)))
            if who:
                who.split(a, b)
        elif self.splits:
            pair = rng.choice(sorted(self.splits))
            self.splits.discard(pair)
            if who:
                who.unsplit(*pair)

    def first_seen(self) -> dict[Name, int]:
        first: dict[Name, int] = {}
        for (name, _), ms in self.seen.items():
            first[name] = min(first.get(name, ms), ms)
        return first

    def rows(self) -> list[tuple[Name, Name, str, int]]:
        return [(a, b, rule, ms) for (a, b, rule, _), ms in self.links.items()]


def from_scratch(case: Case, rng: random.Random) -> tuple[dict[Name, Name | None], set[Refused]]:
    """Everybody at once, with the evidence in any order."""
    first = case.first_seen()
    names, rows, splits = list(first), case.rows(), list(case.splits)
    for found in (names, rows, splits):
        rng.shuffle(found)
    solved = resolve(names, edges_of(rows, KINDS), KINDS, splits, MOST)
    person: dict[Name, Name | None] = dict.fromkeys(solved.shared)
    for members in solved.groups().values():
        held = [n for n in members if n not in solved.shared]
        if held:
            best = choose([Seen(*n, first[n]) for n in held], KINDS)
            person |= dict.fromkeys(held, (best.kind, best.value))
    return person, set(solved.refused)


def in_batch(
    cases: Iterable[Case],
) -> tuple[list[dict[Name, Name | None]], list[set[Refused]]]:
    """Many cases side by side in one call: the values of each have its number before them.

    The person of every identifier, and what was refused.
    """
    names: list[tuple[int, Name]] = []
    first: list[int] = []
    ends: list[tuple[tuple[int, Name], tuple[int, Name], str, int]] = []
    splits = []
    for n, case in enumerate(cases):
        told = case.first_seen()
        names += [(n, name) for name in told]
        first += told.values()
        ends += [((n, a), (n, b), rule, ms) for a, b, rule, ms in case.rows()]
        splits += [tuple((k, f"{n:06d} {v}") for k, v in pair) for pair in case.splits]
    node = {name: i for i, name in enumerate(names)}
    lost = len(names)
    table = pa.table(
        {
            "node": pa.array(range(len(names)), pa.int64()),
            "kind": [kind for _, (kind, _) in names],
            "value": [f"{n:06d} {value}" for n, (_, value) in names],
            "first_seen": pa.array(first, pa.int64()),
        }
    )
    rules = sorted(set(RULES))
    links = Links(
        np.array([node.get(a, lost) for a, *_ in ends], dtype=np.int64),
        np.array([node.get(b, lost) for _, b, *_ in ends], dtype=np.int64),
        rules,
        np.array([rules.index(rule) for *_, rule, _ in ends], dtype=np.int64),
        np.array([ms for *_, ms in ends], dtype=np.int64),
    )
    people = who_is_who(Identifiers.from_table(table), links, KINDS, splits, MOST)
    found: list[dict[Name, Name | None]] = [{} for _ in range(1 + max(n for n, _ in names))]
    for (n, name), person in zip(names, people.person.tolist(), strict=True):
        found[n][name] = None if person == NOBODY else names[person][1]
    refused: list[set[Refused]] = [set() for _ in found]
    for told in people.refused:
        edge = told.edge
        n = int(edge.a[1][:6])
        (a, b) = ((kind, value[7:]) for kind, value in (edge.a, edge.b))
        known = edges_of([(a, b, edge.rule, edge.first_seen)], KINDS)[0]
        refused[n].add(Refused(known, told.guard, told.detail))
    passed: list[list[tuple[Name, Name, str, int]]] = [[] for _ in found]
    for row in people.passed.tolist():
        (n, a), (_, b), rule, ms = ends[row]
        passed[n].append((a, b, rule, ms))
    for n, rows in enumerate(passed):
        for known in edges_of(rows, KINDS):
            named = known.a if found[n][known.a] is None else known.b
            refused[n].add(Refused(known, "shared", named[0]))
    return found, refused


class Known:
    """A case as the evidence that a Looker asks for."""

    def __init__(self, case: Case) -> None:
        self.first = case.first_seen()
        self.held: dict[Name, dict[tuple[Name, str], int]] = {}
        for a, b, rule, ms in case.rows():
            for one, other in ((a, b), (b, a)):
                ties = self.held.setdefault(one, {})
                ties[other, rule] = min(ties.get((other, rule), ms), ms)

    def first_seen(self, name: Name) -> int | None:
        return self.first.get(name)

    def ties(self, name: Name) -> list[tuple[Name, str, int]]:
        found = [(o, r, ms) for (o, r), ms in self.held.get(name, {}).items() if o in self.first]
        return sorted(found, key=lambda tie: tie[1] != JOINED)

    def same(self, name: Name) -> list[tuple[Name, str, int]]:
        return [tie for tie in self.ties(name) if tie[1] in SAME]


def looked_up(case: Case) -> dict[Name, Name | None]:
    """One person at a time, each from the evidence around them alone."""
    apart: dict[Name, set[Name]] = {}
    for a, b in case.splits:
        apart.setdefault(a, set()).add(b)
        apart.setdefault(b, set()).add(a)
    found: dict[Name, Name | None] = {}
    for name in case.first_seen():
        group = Looker(Known(case), KINDS, apart, MOST).find(name)
        found[name] = group.name if group else None
        assert group is None or name in group.members
    return found


def invented(number: int) -> tuple[Case, Who]:
    rng = random.Random(number)
    case, who = Case(), Who(KINDS, MOST)
    for name in rng.sample(NAMES, rng.randrange(2, len(NAMES))):
        case.seen[name, "s"] = ms = rng.randrange(4)
        who.see(name, ms, "s")
    for _ in range(rng.randrange(4, 22)):
        case.change(rng, who)
    return case, who


@pytest.mark.parametrize("part", range(4))
def test_whole_batch_and_one_by_one_agree(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 graphs in `make test`: the three forms give every identifier the same person."""
    monkeypatch.setattr(parts, "PART", 4_999)  # columns are worked on in parts, side by side
    size = GRAPHS // 4
    cases = [invented(part * size + n) for n in range(size)]
    batch = zip(*in_batch([case for case, _ in cases]), strict=True)
    for number, ((case, who), (many, kept_out)) in enumerate(zip(cases, batch, strict=True)):
        expected, refused = from_scratch(case, random.Random(number))
        live = {name: who.person_of(name) for name in expected}
        assert live == expected, (part * size + number, case)
        assert many == expected, (part * size + number, case)
        assert kept_out == refused, (part * size + number, case)
        if number % 4 == 0:
            assert looked_up(case) == expected, (part * size + number, case)
        told = {r for name in expected for r in who.refused_of(name)} if number % 10 == 0 else None
        assert told is None or told == refused, (part * size + number, case)


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=10**9))
def test_after_every_change_and_back(number: int) -> None:
    """Any interleaving; and what is taken away again leaves no trace."""
    rng = random.Random(number)
    case, who = Case(), Who(KINDS, MOST)
    for _ in range(40):
        case.change(rng, who)
        expected, _ = from_scratch(case, rng)
        assert {n: who.person_of(n) for n in NAMES} == {n: expected.get(n) for n in NAMES}
    before = {name: who.person_of(name) for name in NAMES}
    extra = Case({}, dict(case.links), set())
    added = []
    for _ in range(10):
        a, b = rng.sample(NAMES, 2)
        rule, ms = rng.choice(RULES), rng.randrange(4)
        who.add(a, b, rule, ms, "later")
        added.append((a, b, rule))
    rng.shuffle(added)
    for a, b, rule in added:
        who.withdraw(a, b, rule, "later")
    assert {name: who.person_of(name) for name in NAMES} == before
    assert extra.links == case.links


@seed(1)
@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0), st.integers(min_value=1, max_value=10))
def test_seen_again_later_changes_nothing(number: int, later: int) -> None:
    """The order of guards depends on the first sighting, never on arrival or the last."""
    case, who = invented(number)
    before = {name: who.person_of(name) for name in NAMES}
    for (a, b, rule, source), ms in case.links.items():
        who.add(a, b, rule, ms + later, source)
        who.add(b, a, rule, ms + later, source)
    for (name, source), ms in case.seen.items():
        who.see(name, ms + later, source)
    assert {name: who.person_of(name) for name in NAMES} == before
