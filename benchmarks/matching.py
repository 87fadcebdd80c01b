"""Matching of invented people (about 50,000 records) beside Splink with settings by hand.

Both sides run on DuckDB from the same Parquet file to a group per record: training included, on
ours the proposal of the settings too. The share of pairs found right (F1) stands beside the times.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

import harness
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import middle

PEOPLE = max(int(20_000 * harness.SCALE), 60)
TARGET = 1.2
_SOUNDS = [a + b for a in "bdfgklmnprstvw" for b in ("a", "e", "i", "o", "u", "ai", "or", "en")]


def main() -> None:
    """Prints one line."""
    file = prepared()
    sides = {
        name: partial(harness.side, f"matching_{name}", file, harness.WORK / f"{name}.npy")
        for name in ("ours", "splink")
    }
    for run in sides.values():
        run()
    truth = pq.read_table(file, columns=["person"])["person"].to_numpy()
    f1 = {name: quality(np.load(harness.WORK / f"{name}.npy"), truth) for name in sides}
    runs = harness.alternate(sides)
    ours, peer = middle(runs["ours"]), middle(runs["splink"])
    harness.emit(
        harness.result(
            "matching", ours, peer, peer_version=f"splink {version('splink')}",
            target=f"<= {TARGET} of the peer's time", met=ours <= TARGET * peer,
            spread=[run.seconds for run in runs["ours"]],
            records=len(truth), f1=f1["ours"], peer_f1=f1["splink"],
        )
    )  # fmt: skip


def quality(groups: np.ndarray, truth: np.ndarray) -> float:
    """F1 over the pairs of records that are in one group."""
    from visavis.unify.matching.scores import score

    return round(score(groups, truth).f1, 6)


def prepared() -> Path:
    """The records, made once: 1 to 4 of a person, with typing errors and gaps."""
    file = harness.WORK / f"people-{PEOPLE}.parquet"
    if not file.exists():
        harness.WORK.mkdir(parents=True, exist_ok=True)
        draw = random.Random(1)
        names = ["".join(draw.choices(_SOUNDS, k=draw.randint(2, 3))) for _ in range(4_000)]
        rows = [row for i in range(PEOPLE) for row in records(draw, names, i)]
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
