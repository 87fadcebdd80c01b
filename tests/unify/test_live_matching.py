"""One record now gives what the batch gives: similarities, levels, keys, weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("splink")
from hypothesis import given
from hypothesis import strategies as st
from tests.unify.people import Record, chinese, western

from visavis.store.warehouse import connect
from visavis.unify.matching.live import Index
from visavis.unify.matching.match import match
from visavis.unify.matching.one import prepared
from visavis.unify.matching.propose import PREPARED
from visavis.unify.matching.refine import weights
from visavis.unify.matching.similar import damerau, jaro, jaro_winkler
from visavis.unify.matching.train import compare

WH = connect()
TEXTS = st.text("abcd 12", max_size=12)


@given(TEXTS, TEXTS)
def test_similarities_are_the_engines(a: str, b: str) -> None:
    ((j, w, d),) = WH.rows(
        "SELECT jaro_similarity($1, $2), jaro_winkler_similarity($1, $2), "
        "damerau_levenshtein($1, $2)",
        [a, b],
    )
    assert jaro(a, b) == pytest.approx(j, abs=1e-12)
    assert jaro_winkler(a, b) == pytest.approx(w, abs=1e-12)
    assert damerau(a, b) == d


@pytest.mark.parametrize("invent", [western, chinese])
def test_one_record_is_compared_and_found_as_in_the_batch(
    invent: Callable[[int, int], list[Record]],
) -> None:
    records = invent(120, 9)
    table = pa.Table.from_pylist([{"_row": i, "_file": 0, **r} for i, r in enumerate(records)])
    names = [n for n in records[0] if n not in ("person", "nr")]
    with connect() as wh:
        wh.register("records", table)
        found = match(wh, "records", names)
        index = Index.of(wh, found)
        rows = np.arange(len(records), dtype=np.int64)
        for at in range(0, len(records), 7):
            new = {
                item.number: prepared(item, records[at][item.column.name])
                for item in found.proposal.items
            }
            ours = index.compare(new, rows)
            pairs = f"SELECT {at}::BIGINT AS a, _row::BIGINT AS b FROM records"
            theirs = compare(wh, PREPARED, found.proposal.comparisons, pairs)
            assert ours.levels.tolist() == theirs.levels.tolist()
            assert np.allclose(weights(found.fit, ours), weights(found.fit, theirs))
            told = {hit.row: hit.weight for hit in index.find(records[at])}
            strong = (found.pairs.a == at) | (found.pairs.b == at)
            for a, b, weight in zip(
                found.pairs.a[strong], found.pairs.b[strong], found.weight[strong], strict=True
            ):
                other = int(b if a == at else a)
                if weight >= max(found.threshold, 5):
                    assert told[other] == pytest.approx(float(weight), abs=1e-6)
