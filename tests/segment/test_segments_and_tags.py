"""Segments and tags as tables: members, changes, lineage, weight, expiry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from visavis.core.clock import zone
from visavis.core.lang.form import Literal, Node, TraitRef
from visavis.core.lang.types import DAY_MS, Type
from visavis.core.nouns import Tag
from visavis.core.problems import Place
from visavis.segment import batch as segments
from visavis.store.warehouse import Warehouse, connect
from visavis.understand import tags as labels

DAY_ONE = datetime(2020, 1, 1)
NOW = 1_577_836_800_000 + 10 * DAY_MS
PLACE = Place("tags/a.yml")
TRUE = Literal(Type.BOOLEAN, True)


@pytest.fixture
def wh() -> Iterator[Warehouse]:
    with connect() as warehouse:
        warehouse.register("persons", pa.table({"person": [1, 2], "person_id": ["a", "b"]}))
        warehouse.register("people_traits", pa.table({"person": [1, 2], "since": [5, 7]}))
        yield warehouse


def since(wh: Warehouse, rows: list[tuple[str, int, datetime | None]]) -> None:
    names, persons, times = zip(*rows, strict=True) if rows else ((), (), ())
    table = {
        "name": pa.array(names, pa.string()),
        "person": pa.array(persons, pa.int64()),
        "since": pa.array(times, pa.timestamp("us")),
    }
    wh.register("since", pa.table(table))


def test_members_and_who_came_and_went(wh: Warehouse, tmp_path: Path) -> None:
    old, new, changes = (tmp_path / f"{name}.parquet" for name in ("old", "new", "changes"))
    since(wh, [("segment vip", 1, DAY_ONE), ("segment late", 1, None), ("tag vip", 2, DAY_ONE)])
    assert segments.write_members(wh, old) == {"vip": 1, "late": 1}
    assert segments.write_changes(wh, changes, None, [], "TIMESTAMP '2020-01-02'") == 0
    since(wh, [("segment vip", 2, DAY_ONE), ("segment young", 2, DAY_ONE)])
    assert segments.write_members(wh, new) == {"vip": 1, "young": 1}
    assert segments.write_changes(wh, changes, old, ["vip"], "TIMESTAMP '2020-01-02'") == 2
    rows = wh.rows(f"SELECT * FROM read_parquet('{changes}')")
    at = datetime(2020, 1, 2)
    assert rows == [("vip", "a", "exited", at), ("vip", "b", "entered", at)]


def test_tags_reach_up_and_expire(wh: Warehouse, tmp_path: Path) -> None:
    target = tmp_path / "tags.parquet"
    tags = {
        "taste/wine/red": Tag("taste/wine/red", TRUE, TraitRef(Type.DECIMAL, "since"), PLACE),
        "taste/wine": Tag("taste/wine", TRUE, None, PLACE),
        "fresh": Tag("fresh", TRUE, None, PLACE, lasts_ms=10 * DAY_MS),
        "fresher": Tag("fresher", TRUE, None, PLACE, lasts_ms=10 * DAY_MS + 1),
    }
    since(wh, [
        ("tag taste/wine/red", 1, datetime(2020, 1, 5)),
        ("tag taste/wine", 1, datetime(2020, 1, 3)),
        ("tag taste/wine", 2, None),
        ("tag fresh", 1, DAY_ONE), ("tag fresh", 2, None),
        ("tag fresher", 1, DAY_ONE),
    ])  # fmt: skip

    def column(node: Node) -> str:
        assert isinstance(node, TraitRef)
        return f'"{node.name}"'

    labels.write_tags(wh, target, tags, NOW, column)
    rows = wh.rows(f"SELECT * FROM read_parquet('{target}')")
    assert rows == [
        ("a", "fresher", Decimal(1), DAY_ONE),
        ("a", "taste", Decimal(5), datetime(2020, 1, 3)),
        ("a", "taste/wine", Decimal(5), datetime(2020, 1, 3)),
        ("a", "taste/wine/red", Decimal(5), datetime(2020, 1, 5)),
        ("b", "fresh", Decimal(1), None),
        ("b", "taste", Decimal(1), None),
        ("b", "taste/wine", Decimal(1), None),
    ]
    assert labels.write_tags(wh, target, {}, NOW, column) == 0


def test_lineage_of_what_one_person_holds() -> None:
    held = labels.with_lineage([("a/b", 2, 10), ("a", 1, 5), ("c", None, None)])
    assert held == {"a/b": (2, 10), "a": (2, 5), "c": (None, None)}


def test_a_retired_tag_is_not_in_force() -> None:
    berlin = zone("Europe/Berlin")
    day = berlin.date_of(NOW)
    tags = {
        "old": Tag("old", TRUE, None, PLACE, expires_on=day),
        "new": Tag("new", TRUE, None, PLACE, expires_on=day + 1),
    }
    assert list(labels.in_force(tags, NOW, berlin)) == ["new"]
    assert labels.expires_at(Tag("t", TRUE, None, PLACE, lasts_ms=5), 10) == 15
    assert labels.expires_at(Tag("t", TRUE, None, PLACE, lasts_ms=5), None) is None
    assert labels.expires_at(tags["new"], 10) is None
