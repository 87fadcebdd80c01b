"""Ids of identifiers, and the choice of the one that names a person."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from visavis.core.nouns import IdentifierKind
from visavis.unify.rules import ALWAYS, Seen, choose, pid, pid_maker

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


def test_a_unique_kind_beats_an_earlier_one() -> None:
    members = [Seen("email", "a@b.co", 1), Seen("customer_id", "7", 5), Seen("user_id", "u", 5)]
    assert choose(members, KINDS) == Seen("user_id", "u", 5)
    assert choose(members[:2], KINDS).kind == "customer_id"
    assert choose([Seen("email", "b", 3), Seen("email", "a", 3)], KINDS).value == "a"
    assert choose([Seen("email", "b", 3), Seen("email", "a", ALWAYS)], KINDS).value == "a"
