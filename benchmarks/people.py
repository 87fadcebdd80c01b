"""Who is who of 100,000 invented people with tablets, kiosks, bots and typos, against the truth.

The share of pairs of identifiers rightly put together, beside the naive union of everybody ever
seen together; the recall is of what evidence about one person alone reaches.
"""

from __future__ import annotations

import shutil
import time

import harness
import pyarrow.parquet as pq

PEOPLE = max(int(100_000 * harness.SCALE), 200)
DAYS = 60
TARGET, RECALL = 0.999, 0.95


def main() -> None:
    """Prints one line."""
    from visavis.core.progress import SILENT
    from visavis.flow import ask
    from visavis.flow.build import build
    from visavis.flow.simulate import END, simulate
    from visavis.testing.brand_people import Brand
    from visavis.testing.brand_score import naive, score

    root = harness.WORK / "people"
    shutil.rmtree(root, ignore_errors=True)
    began = time.perf_counter()
    simulate(root, Brand(PEOPLE, DAYS, seed=11, end=END, stream_days=0))
    made = time.perf_counter() - began
    build(root, END, END, SILENT)
    rows = pq.read_table(root / "truth/identifiers.parquet").to_pylist()
    truth = {(row["kind"], row["value"]): row["person"] for row in rows}
    with ask.query(root, "SELECT kind_a, value_a, kind_b, value_b FROM evidence") as reader:
        ends = [tuple(row.values()) for row in reader.read_all().to_pylist()]
    links = [((a, b), (c, d)) for a, b, c, d in ends]
    with ask.query(root, "SELECT kind, value, person_id FROM identifiers") as reader:
        found = {(r["kind"], r["value"]): r["person_id"] for r in reader.read_all().to_pylist()}
    ours, peer = score(found, truth, links), score(naive(links), truth, links)
    harness.emit(
        harness.result(
            "people", ours.precision, peer.precision, peer_version="naive union of all evidence",
            target=f"precision >= {TARGET}, recall >= {RECALL}",
            met=ours.precision >= TARGET and ours.recall >= RECALL,
            spread=[ours.precision], repeats=1, unit="precision",
            people=PEOPLE, identifiers=len(truth),
            pairs=ours.pairs, recall=ours.recall, peer_recall=peer.recall,
            simulate_seconds=round(made, 1),
        )
    )  # fmt: skip
    shutil.rmtree(root)
