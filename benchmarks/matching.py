"""Matching of invented people (about 50,000 records) beside Splink with settings by hand, and
beside Splink with the settings that we propose.

All sides run on DuckDB from the same Parquet file to a group per record: training included, on
ours the proposal of the settings too. The share of pairs found right (F1) stands beside the times.
"""

from __future__ import annotations

import random
import time
from datetime import date, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import harness
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import middle

PEOPLE = max(int(20_000 * harness.SCALE), 60)
TARGET = 1.2
EVERYBODY = max(int(400_000 * harness.SCALE), 60)
"""About 1 M records for one new record to be matched against, under the fit of the small file."""
ASKED = 1_000
TARGET_MS = 10.0
_SOUNDS = [a + b for a in "bdfgklmnprstvw" for b in ("a", "e", "i", "o", "u", "ai", "or", "en")]


def main() -> None:
    """Prints a line for one new record, and one for the batch beside each peer."""
    live()
    file = prepared(PEOPLE)
    sides = {
        name: partial(harness.side, f"matching_{name}", file, harness.WORK / f"{name}.npy")
        for name in ("ours", "splink", "same")
    }
    for run in sides.values():
        run()
    truth = pq.read_table(file, columns=["person"])["person"].to_numpy()
    f1 = {name: quality(np.load(harness.WORK / f"{name}.npy"), truth) for name in sides}
    runs = harness.alternate(sides)
    ours = middle(runs["ours"])
    for line, name in (("matching", "splink"), ("matching_same_settings", "same")):
        peer = middle(runs[name])
        cpu = {who: round(middle(runs[who], "cpu"), 3) for who in ("ours", name)}
        harness.emit(
            harness.result(
                line, ours, peer, peer_version=f"splink {version('splink')}",
                target=f"<= {TARGET} of the peer's time", met=ours <= TARGET * peer,
                spread=[run.seconds for run in runs["ours"]], repeats=len(runs["ours"]),
                records=len(truth), f1=f1["ours"], peer_f1=f1[name],
                cpu=cpu["ours"], peer_cpu=cpu[name],
            )
        )  # fmt: skip


def live() -> None:
    """Prints the line of one record against a million."""
    from visavis.store.warehouse import connect
    from visavis.unify.matching.columns import make_clean
    from visavis.unify.matching.live import Index
    from visavis.unify.matching.match import match
    from visavis.unify.matching.propose import prepare

    big = prepared(EVERYBODY)
    with connect() as wh:
        _table(wh, prepared(PEOPLE), "sampled")
        names = [n for n in wh.columns("sampled") if n[0] != "_" and n != "person"]
        found = match(wh, "sampled", names)
        _table(wh, big, "everybody")
        make_clean(wh, "everybody", names, "everybody_clean")
        prepare(wh, "everybody_clean", found.proposal.items)
        index = Index.of(wh, found)
        records = wh.arrow(
            f"SELECT * FROM everybody ORDER BY hash(_row), _row LIMIT {ASKED}"
        ).to_pylist()
    times, cpu, hits = [], [], 0
    for record in records:
        start, busy = time.perf_counter(), time.thread_time()
        told = index.find(record)
        times.append((time.perf_counter() - start) * 1000)
        cpu.append((time.thread_time() - busy) * 1000)
        hits += any(hit.row == record["_row"] for hit in told)
    p50, p99 = np.percentile(times, [50, 99])
    harness.emit(
        harness.result(
            "matching_one_record", float(p99), None, peer_version="-",
            target=f"p99 <= {TARGET_MS} ms", met=bool(p99 <= TARGET_MS), spread=times,
            repeats=len(times), records=pq.read_metadata(big).num_rows, p50=round(float(p50), 3),
            cpu_p99=round(float(np.percentile(cpu, 99)), 3),
            found_itself=round(hits / len(records), 4),
        )
    )  # fmt: skip


def _table(wh: Any, file: Path, name: str) -> None:
    wh.execute(
        f"CREATE TEMP TABLE {name} AS SELECT row_number() OVER () - 1 AS _row, 0 AS _file, * "
        f"FROM read_parquet('{file}')"
    )


def quality(groups: np.ndarray, truth: np.ndarray) -> float:
    """F1 over the pairs of records that are in one group."""
    from visavis.unify.matching.scores import score

    return round(score(groups, truth).f1, 6)


def prepared(people: int) -> Path:
    """The records, made once: 1 to 4 of a person, with typing errors and gaps."""
    file = harness.WORK / f"people-{people}.parquet"
    if not file.exists():
        harness.WORK.mkdir(parents=True, exist_ok=True)
        draw = random.Random(1)
        names = ["".join(draw.choices(_SOUNDS, k=draw.randint(2, 3))) for _ in range(4_000)]
        rows = [row for i in range(people) for row in records(draw, names, i)]
        draw.shuffle(rows)
        pq.write_table(pa.Table.from_pylist(rows), file)
    return file


def records(draw: random.Random, names: list[str], person: int) -> list[dict[str, object]]:
    """Those of one person."""
    first, last = names[min(int(draw.expovariate(1 / 300)), 3999)], draw.choice(names)
    clean = {
        "first_name": first,
        "surname": last,
        "dob": str(date(1940, 1, 1) + timedelta(draw.randrange(24_000))),
        "city": names[int(draw.expovariate(1 / 60)) % 400] + "ton",
        "email": f"{first}.{last}{draw.randrange(1000)}@example.org",
    }
    made = []
    for copy in range(draw.randint(1, 4)):
        row: dict[str, object] = {"person": person}
        for name, value in clean.items():
            text = wrong(draw, value) if copy and draw.random() < 0.12 else value
            row[name] = None if draw.random() < 0.08 else text
        made.append(row)
    return made


def wrong(draw: random.Random, text: str) -> str:
    """One character lost, changed or turned with its neighbour."""
    at = draw.randrange(len(text))
    new = str(draw.randrange(10)) if text[at].isdigit() else draw.choice("aeioulnrst")
    return draw.choice(
        [text[:at] + text[at + 1 :], text[:at] + new + text[at + 1 :],
         text[:at] + text[at : at + 2][::-1] + text[at + 2 :]]
    )  # fmt: skip
