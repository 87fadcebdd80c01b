"""Ids of identifiers, and the choice of the one that names a person."""

from __future__ import annotations

import hashlib
import hmac

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.core.nouns import IdentifierKind
from visavis.store.warehouse import connect
from visavis.unify.rules import ALWAYS, Seen, choose, pid, pid_blocks, pid_maker, pid_sql

KINDS = {
    "customer_id": IdentifierKind("customer_id", unique=True, priority=20),
    "user_id": IdentifierKind("user_id", unique=True, priority=10),
    "email": IdentifierKind("email", priority=70),
}


@given(st.binary(min_size=1, max_size=100), st.text(max_size=20), st.text(max_size=50))
def test_pid_is_the_hmac_of_kind_and_value(key: bytes, kind: str, value: str) -> None:
    kind, value = (t.encode("utf-8", "ignore").decode() for t in (kind, value))
    expected = hmac.new(key, f"{kind}\x1f{value}".encode(), hashlib.sha256).hexdigest()[:32]
    assert pid(key, kind, value) == expected
    assert pid_maker(key)(kind, value) == expected


@settings(max_examples=30, deadline=None)
@given(
    st.binary(min_size=1, max_size=100),
    st.lists(st.tuples(st.text(max_size=9), st.text(max_size=200)), min_size=1, max_size=20),
)
def test_the_warehouse_makes_the_same_pids(key: bytes, names: list[tuple[str, str]]) -> None:
    clean = [tuple(t.encode("utf-8", "ignore").decode() for t in name) for name in names]
    with connect() as wh:
        wh.register("n", pa.table({"k": [k for k, _ in clean], "v": [v for _, v in clean]}))
        found = wh.rows(f"SELECT {pid_sql('k', 'v')} FROM n", pid_blocks(key))
    assert [row for (row,) in found] == [pid(key, kind, value) for kind, value in clean]


def test_a_unique_kind_beats_an_earlier_one() -> None:
    members = [Seen("email", "a@b.co", 1), Seen("customer_id", "7", 5), Seen("user_id", "u", 5)]
    assert choose(members, KINDS) == Seen("user_id", "u", 5)
    assert choose(members[:2], KINDS).kind == "customer_id"
    assert choose([Seen("email", "b", 3), Seen("email", "a", 3)], KINDS).value == "a"
    assert choose([Seen("email", "b", 3), Seen("email", "a", ALWAYS)], KINDS).value == "a"
