"""A fit of the matching that is kept: the same when read again, and learned anew by its rule."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("splink")
from tests.unify.people import Record, chinese, western

from visavis.store.warehouse import Warehouse, connect
from visavis.unify.matching.columns import describe, make_clean
from visavis.unify.matching.kept import Kept, from_text, outdated
from visavis.unify.matching.match import Matched, match

NAMES = ["vorname", "nachname", "geboren", "strasse", "plz", "ort", "mail"]


@pytest.fixture
def wh() -> Iterator[Warehouse]:
    with connect() as opened:
        yield opened


def table_of(records: list[Record]) -> pa.Table:
    rows = [{"_row": i, "_file": 0, **record} for i, record in enumerate(records)]
    return pa.Table.from_pylist(rows)


def matched(
    wh: Warehouse, records: list[Record], names: list[str] = NAMES, kept: Kept | None = None
) -> Matched:
    wh.register("records", table_of(records))
    return match(wh, "records", names, kept=kept)


@pytest.mark.parametrize("script", ["latin", "han"])
def test_a_kept_fit_gives_the_same_groups_and_weights(wh: Warehouse, script: str) -> None:
    records = western(150, 1) if script == "latin" else chinese(150, 1)
    names = NAMES if script == "latin" else ["姓名", "出生日期", "电话", "地址"]
    first = matched(wh, records, names)
    assert first.kept is not None
    assert first.learnt == "there was none"
    read = from_text(first.kept.text)
    assert read.id == first.kept.id
    again = matched(wh, records, names, read)
    assert again.learnt is None
    assert again.kept is read
    assert again.groups.tolist() == first.groups.tolist()
    assert np.array_equal(again.weight, first.weight)
    anew = matched(wh, records, names).kept
    assert anew is not None
    assert anew.text == first.kept.text


def test_it_is_learned_anew_by_its_rule(wh: Warehouse) -> None:
    records = western(200, 2)
    kept = matched(wh, records).kept
    assert kept is not None

    def why(changed: list[Record], names: list[str] = NAMES) -> str | None:
        wh.register("changed", table_of(changed))
        make_clean(wh, "changed", names, "changed_clean")
        return outdated(kept, names, describe(wh, "changed_clean", names))

    assert why(records) is None
    assert why(records[: len(records) * 9 // 10]) is None
    assert why(records + western(40, 3)) is None
    assert (
        why(records + western(80, 3)) == f"{len(records) + len(western(80, 3))} records "
        f"instead of {len(records)}"
    )
    assert why(records[: len(records) // 2]) is not None
    assert why(records, NAMES[1:]) == "the settings are others"
    gaps = [{**r, "mail": None} if i % 3 else r for i, r in enumerate(records)]
    assert str(why(gaps)).startswith("mail is filled to")
    assert why([{**r, "ort": "北京市海淀区"[: 2 + i % 3]} for i, r in enumerate(records)]) == (
        "ort holds another kind of values"
    )
    one = [{**records[0], "vorname": "王芳"}, *records[1:]]
    assert why(one) == "vorname holds another script"


def test_nothing_to_go_by_is_not_kept(wh: Warehouse) -> None:
    found = matched(wh, western(1, 1, most=1))
    assert found.kept is None
    assert outdated(None, NAMES, found.proposal.columns) == "there was none"
