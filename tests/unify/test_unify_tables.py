"""Who is who as of a moment, over tables like the lake's."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from visavis.core.nouns import IdentifierKind
from visavis.store.warehouse import Warehouse, connect
from visavis.unify.rules import pid
from visavis.unify.tables import EVIDENCE, IDENTIFIERS, identify_people

KEY = b"k" * 32
KINDS = {
    "customer_id": IdentifierKind("customer_id", unique=True),
    "email": IdentifierKind("email"),
}
TIME = pa.timestamp("us")


def day(number: int | None) -> datetime | None:
    return None if number is None else datetime(2020, 1, number)


def ms(number: int) -> int:
    return 1_577_836_800_000 + (number - 1) * 86_400_000


def lake() -> Warehouse:
    """Customer 7 is seen on days 1 to 9, with an e-mail on days 4 and 9; 8 has a record."""
    wh = connect()
    tables = {
        "lake_nodes": pa.table(
            {"node": [0, 1, 2], "kind": ["customer_id", "email", "customer_id"],
             "value": ["7", "a@b.co", "8"]}
        ),
        "lake_sightings": pa.table(
            {"node": [0, 1, 2], "first_seen": pa.array([day(1), day(4), None], TIME),
             "last_seen": pa.array([day(9), day(9), None], TIME)}
        ),
        "lake_links": pa.table(
            {"node_a": [0], "node_b": [1], "rule": ["same row"], "source": ["shop"],
             "first_seen": pa.array([day(4)], TIME), "last_seen": pa.array([day(9)], TIME)}
        ),
        "lake_events": pa.table(
            {"node": [0, 0, 0, 2], "nodes": [None, [0, 1], [0, 1], None],
             "source": ["shop"] * 4,
             "ts": pa.array([day(1), day(4), day(9), datetime(1, 1, 1)], TIME)}
        ),
    }  # fmt: skip
    for name, table in tables.items():
        wh.register(name, table)
    return wh


def test_links_count_from_when_they_were_seen() -> None:
    with lake() as wh:
        assert not identify_people(wh, KINDS, KEY, ms(3))
        assert wh.value("SELECT count(*) FROM persons") == 2
        assert wh.rows(EVIDENCE) == []
        assert identify_people(wh, KINDS, KEY, ms(4))
        seven, eight = pid(KEY, "customer_id", "7"), pid(KEY, "customer_id", "8")
        assert set(wh.rows("SELECT person_id FROM persons")) == {(seven,), (eight,)}
        rows = wh.rows(EVIDENCE)
        assert rows == [("customer_id", "7", "email", "a@b.co", "same row", "shop", day(4), day(4))]
        assert set(wh.rows(IDENTIFIERS)) == {
            (seven, "customer_id", "7", day(1), day(4)),
            (seven, "email", "a@b.co", day(4), day(4)),
            (eight, "customer_id", "8", None, None),
        }


def test_known_ids_are_not_hashed_again() -> None:
    with lake() as wh:
        known = pa.table({"person": [2], "person_id": ["kept"]})
        identify_people(wh, KINDS, KEY, ms(30), known)
        assert ("kept",) in wh.rows("SELECT person_id FROM persons")
        rows = wh.rows("SELECT last_seen FROM seen_links")
        assert rows == [(day(9),)]
