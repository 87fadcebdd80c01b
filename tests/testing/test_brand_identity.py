"""Who is who in the invented brand: tablets, kiosks, the till's address and bots included."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from visavis.core.progress import SILENT
from visavis.flow import ask
from visavis.flow.build import build
from visavis.flow.simulate import END, simulate
from visavis.testing.brand_people import Brand
from visavis.testing.brand_score import Name, Score, naive, score


def asked(root: Path, sql: str) -> list[tuple[str, ...]]:
    with ask.query(root, sql) as reader:
        return [tuple(row.values()) for row in reader.read_all().to_pylist()]


def test_people_are_told_apart(tmp_path: Path) -> None:
    root = tmp_path / "fashion"
    simulate(root, Brand(people=6000, days=60, seed=11, end=END, stream_days=0))
    build(root, END, END, SILENT)
    truth: dict[Name, str | None] = {
        (row["kind"], row["value"]): row["person"]
        for row in pq.read_table(root / "truth/identifiers.parquet").to_pylist()
    }
    rows = asked(root, "SELECT kind_a, value_a, kind_b, value_b FROM evidence")
    links = [((a, b), (c, d)) for a, b, c, d in rows]
    found = {(k, v): p for k, v, p in asked(root, "SELECT kind, value, person_id FROM identifiers")}
    guarded = score(found, truth, links)
    assert guarded.precision >= 0.999
    assert guarded.recall >= 0.95
    union = score(naive(links), truth, links)
    assert union.precision < 0.9 < union.recall


def test_score_counts_pairs() -> None:
    a, b, c, d = (("email", x) for x in "abcd")
    truth = {a: "p", b: "p", c: "p", d: None}
    links = [(a, b), (b, d)]
    assert score({a: 1, b: 1, c: 2}, truth, links) == Score(1.0, 1.0, 0, 0, 1)
    assert score({a: 1, b: 2, c: 3}, truth, links) == Score(1.0, 0.0, 0, 1, 0)
    assert score(naive(links), truth, links) == Score(1 / 3, 1.0, 2, 0, 3)
