"""Evidence as it should not be, at the size at which it hurts: what is shared, long or circular
stays harmless and cheap. Times are this process's CPU seconds, bounded several times over."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from visavis.project.identity import DEFAULTS
from visavis.store.warehouse import connect
from visavis.unify.batch import NOBODY, Identifiers, Links, People, who_is_who
from visavis.unify.component import edges_of, resolve
from visavis.unify.live import Who
from visavis.unify.rules import Name
from visavis.unify.tables import ATTRIBUTED, REVIEW, identify_people

KEY = b"k" * 32
TIME = pa.timestamp("us")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def numbered(before: str, count: int) -> pa.Array:
    return pc.binary_join_element_wise(before, pc.cast(pa.array(range(count)), pa.string()), "")


def star(hub: str, spokes: str, count: int) -> People:
    """One identifier of a kind seen with `count` of another, each a little later."""
    table = pa.table(
        {
            "node": np.arange(count + 1),
            "kind": pa.array([hub, spokes]).take(pa.array(np.minimum(np.arange(count + 1), 1))),
            "value": pa.concat_arrays([pa.array(["hub"]), numbered("s", count)]),
            "first_seen": np.arange(count + 1),
        }
    )
    ends = np.zeros(count, dtype=np.int64), np.arange(1, count + 1)
    links = Links(*ends, ["same row"], np.zeros(count, dtype=np.int64), np.arange(count))
    return who_is_who(Identifiers.from_table(table), links, DEFAULTS)


@pytest.mark.parametrize("kind", ["device_id", "email", "anonymous_id"])
def test_a_million_people_who_share_one_identifier_stay_a_million(kind: str) -> None:
    with within(15):
        people = star(kind, "user_id", 1_000_000)
    assert people.person[0] == NOBODY
    assert np.array_equal(people.person[1:], people.node[1:])


def test_more_devices_than_a_person_has_are_refused_one_by_one() -> None:
    """A bot with one account: fifty devices are its own, the earliest, the rest are themselves."""
    with within(10):
        people = star("user_id", "device_id", 20_000)
    assert (people.person == 0).sum() == 51
    assert np.array_equal(people.person[51:], people.node[51:])
    assert {r.guard for r in people.refused} == {"limit"}
    assert len(people.refused) == 20_000 - 50


def lake(count: int) -> dict[str, pa.Table]:
    """A tablet on which `count` people log in, one an hour, each followed by an event of no one."""
    nodes = np.arange(count + 1)
    hours = [datetime(2000, 1, 1) + timedelta(hours=i) for i in range(count)]
    logins = [[i + 1, 0] for i in range(count)]
    return {
        "lake_nodes": pa.table(
            {
                "node": nodes,
                "kind": ["device_id"] + ["user_id"] * count,
                "value": ["tablet", *(f"u{i}" for i in range(count))],
            }
        ),
        "lake_sightings": pa.table(
            {
                "node": nodes,
                "first_seen": pa.array([hours[0], *hours], TIME),
                "last_seen": pa.array([hours[-1], *hours], TIME),
            }
        ),
        "lake_links": pa.table(
            {
                "node_a": nodes[1:],
                "node_b": np.zeros(count, dtype=np.int64),
                "rule": ["same row"] * count,
                "source": ["app"] * count,
                "first_seen": pa.array(hours, TIME),
                "last_seen": pa.array(hours, TIME),
            }
        ),
        "lake_events": pa.table(
            {
                "seq": np.arange(2 * count),
                "node": [n for i in range(count) for n in (i + 1, 0)],
                "nodes": pa.array([n for pair in logins for n in (pair, None)]),
                "source": ["app"] * (2 * count),
                "event": ["Page Viewed"] * (2 * count),
                "ts": pa.array([at for at in hours for _ in "12"], TIME),
            }
        ),
    }


@pytest.mark.parametrize("count", [30_000, pytest.param(1_000_000, marks=pytest.mark.long)])
def test_events_of_one_shared_device_follow_the_login_before(count: int) -> None:
    with connect() as wh:
        for name, table in lake(count).items():
            wh.register(name, table)
        with within(2 + count / 25_000):
            identify_people(wh, DEFAULTS, KEY, 10**13)
        assert wh.value("SELECT count(*) FROM persons") == count
        told = wh.arrow(ATTRIBUTED)
        assert told["seq"].to_numpy().tolist() == list(range(1, 2 * count, 2))
        assert told["node"].to_numpy().tolist() == list(range(1, count + 1))
        review = wh.rows(f"SELECT guard, about, count(*) FROM ({REVIEW}) GROUP BY ALL")
        assert review == [("shared", "device_id", count)]


def test_a_tills_address_of_five_thousand_customers_one_at_a_time() -> None:
    """Nobody's from the second customer on, for each change the work of a few; and all the way
    back the address is the last one's again."""
    who, till = Who(DEFAULTS), ("email", "till@shop.example")
    customers: list[Name] = [("customer_id", f"c{i}") for i in range(5_000)]
    with within(10):
        for i, customer in enumerate(customers):
            who.see(customer, i)
            who.see(till, i)
            who.add(customer, till, "same row", i, "till")
    assert who.person_of(till) is None
    assert all(who.person_of(c) == c for c in customers)
    assert len(who.refused_of(till)) == 5_000
    with within(10):
        for customer in customers[1:]:
            who.withdraw(customer, till, "same row", "till")
    assert who.person_of(till) == customers[0]


def test_a_kiosk_of_many_accounts_costs_a_change_nothing() -> None:
    """The work of a login there does not grow with the logins that were."""
    who, kiosk = Who(DEFAULTS), ("device_id", "kiosk")
    who.see(kiosk, 0)
    spent = []
    for start in (0, 20_000):
        before = time.process_time()
        for i in range(start, start + 2_000):
            who.see(("user_id", f"u{i}"), i)
            who.add(("user_id", f"u{i}"), kiosk, "same row", i)
        spent.append(time.process_time() - before)
        for i in range(start + 2_000, start + 20_000):
            who.see(("user_id", f"u{i}"), i)
            who.add(("user_id", f"u{i}"), kiosk, "same row", i)
    assert who.person_of(kiosk) is None
    # half a second for what else the process cleans up meanwhile
    assert spent[1] < 5 * spent[0] + 0.5


def chain(names: Sequence[Name], rule: str, chance: random.Random) -> list[tuple]:
    rows = [(a, b, rule, i) for i, (a, b) in enumerate(pairwise(names))]
    chance.shuffle(rows)
    return rows


def batch(names: Sequence[Name], rows: Sequence[tuple]) -> dict[Name, Name | None]:
    """Everybody at once, all seen at the same moment."""
    node = {name: i for i, name in enumerate(names)}
    table = pa.table(
        {
            "node": np.arange(len(names)),
            "kind": [kind for kind, _ in names],
            "value": [value for _, value in names],
            "first_seen": np.zeros(len(names), dtype=np.int64),
        }
    )
    rules = sorted({rule for *_, rule, _ in rows})
    columns = [
        [node[a] for a, *_ in rows], [node[b] for _, b, *_ in rows],
        [rules.index(rule) for *_, rule, _ in rows], [ms for *_, ms in rows],
    ]  # fmt: skip
    a, b, rule, first = (np.array(column, dtype=np.int64) for column in columns)
    people = who_is_who(Identifiers.from_table(table), Links(a, b, rules, rule, first), DEFAULTS)
    told = people.person.tolist()
    return {name: None if at == NOBODY else names[at] for name, at in zip(names, told, strict=True)}


def test_a_chain_of_a_hundred_thousand_is_cut_at_the_largest_person() -> None:
    names = [("badge", f"b{i:06d}") for i in range(100_000)]
    with within(20):
        person = batch(names, chain(names, "same row", random.Random(1)))
    sizes: dict[Name | None, int] = {}
    for name in names:
        sizes[person[name]] = sizes.get(person[name], 0) + 1
    assert max(sizes.values()) == 1_000
    assert len(sizes) == 100


def test_a_long_chain_live_is_queued_and_answered_in_the_end() -> None:
    """Above a stated size the answer that was there stands, whatever the order."""
    names: list[Name] = [("badge", f"b{i:04d}") for i in range(2_000)]
    rows = chain(names, "same row", random.Random(2))
    who = Who(DEFAULTS, largest=300)
    with within(10):
        for name in names:
            who.see(name, 0)
        for a, b, rule, ms in rows:
            who.add(a, b, rule, ms)
    assert who.queued
    who.settle_queued()
    assert {name: who.person_of(name) for name in names} == batch(names, rows)


@pytest.mark.parametrize("count", [1, 2, 3, 2_000])
def test_a_circle_of_aliases_is_one_account(count: int) -> None:
    """Of one id, which is its own alias, up to thousands; also with an e-mail at each."""
    ids: list[Name] = [("user_id", f"u{i:04d}") for i in range(count)]
    mail: Name = ("email", "one@example.com")
    rows = [(a, b, "alias", 0) for a, b in zip(ids, [*ids[1:], ids[0]], strict=True)]
    rows += [(a, mail, "same row", 1) for a in ids]
    random.Random(3).shuffle(rows)
    with within(10):
        person = batch([*ids, mail], rows)
    assert {person[name] for name in ids} == {ids[0]}
    # an account is one however many ids it has; what else would grow beyond a person is refused
    assert person[mail] == (ids[0] if count < 1_000 else mail)
    known = resolve([*ids, mail], edges_of(rows, DEFAULTS), DEFAULTS)
    assert len(known.groups()) == len(set(person.values()))
    assert not known.shared


@pytest.mark.parametrize("count", [1, 2, 3, 60])
def test_a_circle_of_aliases_live(count: int) -> None:
    """Opened at one place it is still one account; opened at two, two."""
    ids: list[Name] = [("user_id", f"u{i:04d}") for i in range(count)]
    who = Who(DEFAULTS)
    ring = list(zip(ids, [*ids[1:], ids[0]], strict=True))
    for a, b in random.Random(4).sample(ring, len(ring)):
        who.see(a, 0)
        who.add(a, b, "alias", 0)
    assert {who.person_of(name) for name in ids} == {ids[0]}
    if count > 2:
        who.withdraw(*ring[-1], "alias")
        assert {who.person_of(name) for name in ids} == {ids[0]}
        who.withdraw(*ring[0], "alias")
        assert {who.person_of(name) for name in ids} == {ids[0], ids[1]}
