"""Who is who: 10 M identifiers and 13 M pieces of evidence, from Parquet to Parquet.

Ours applies the default guards (one user_id a person, shared tablets and kiosks, limits, blocked
values); the peers join whatever hangs together: label propagation in SQL on DuckDB, and igraph. All
read the same file of (kind, value) pairs and write each identifier with the number of its person.
Then one new piece of evidence, or one taken away, at a time, in memory, at 1 M people.

A build solves who is who by the same code. Around it, which is not timed here, it numbers
identifiers once, when they are loaded; finds those that are one written differently (e-mails by
provider, phones, hashes); gives people their ids; and writes what it found sorted.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import harness
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from harness import Run, middle

PEOPLE = max(100, int(3_100_000 * harness.SCALE))
LIVE = max(100, int(1_000_000 * harness.SCALE))
CHANGES = 20_000
IGRAPH = "1.0.0"
MOST_SECONDS, MOST_MIB, MOST_MS = 30, 4096, 0.2
FASTER = {"label propagation": 3, "igraph": 2}


def main() -> None:
    """Prints a line for each peer and one for a change at a time."""
    harness.WORK.mkdir(parents=True, exist_ok=True)
    file = harness.WORK / f"evidence-{PEOPLE}.parquet"
    if not file.exists():
        harness.say(f"makes the evidence about {PEOPLE:,} people")
        evidence(file, PEOPLE, seed=7)
    target = harness.WORK / "identity.parquet"
    sides: dict[str, Callable[[], Run]] = {
        "ours": partial(harness.side, "identity_ours", file, target),
        "label propagation": partial(harness.side, "identity_labels", file, target),
    }
    python = igraph()
    if python is not None:
        script = str(harness.SIDES / "identity_igraph.py")
        words = [str(python), script, str(file), str(target)]
        sides["igraph"] = lambda: harness.measured(words, prints_seconds=True)
    runs = harness.alternate(sides)
    links = pq.read_metadata(file).num_rows
    for name in sides.keys() - {"ours"}:
        harness.emit(line(name, runs, links))
    harness.emit(a_change_at_a_time(LIVE))


def line(name: str, runs: dict[str, list[Run]], links: int) -> dict[str, object]:
    """Ours beside one peer."""
    ours, peer = runs["ours"], runs[name]
    seconds, mib = middle(ours), middle(ours, "mib")
    faster = middle(peer) / seconds
    return harness.result(
        f"identity: {links:,} pieces of evidence against {name}",
        seconds,
        middle(peer),
        peer_version=f"igraph {IGRAPH}" if name == "igraph" else "duckdb, in SQL",
        target=f">= {FASTER[name]} times faster, <= {MOST_SECONDS} s, < {MOST_MIB} MiB",
        met=faster >= FASTER[name] and seconds <= MOST_SECONDS and mib < MOST_MIB,
        repeats=len(ours),
        spread=[run.seconds for run in ours],
        times_faster=round(faster, 2),
        cpu_ratio=round(middle(ours, "cpu") / middle(peer, "cpu"), 3),
        mib=round(mib),
        peer_mib=round(middle(peer, "mib")),
    )


def igraph() -> Path | None:
    """The Python of an environment that has igraph, made there once; None where it can't be."""
    folder = harness.WORK / "igraph"
    python = folder / "bin" / "python"
    if python.exists():
        return python
    if harness.SCALE < 0.01:  # a run that proves nothing fetches nothing
        return None
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False)
    words = ["-m", "pip", "install", "--quiet", f"igraph=={IGRAPH}", "pyarrow", "numpy"]
    if subprocess.run([str(python), *words], check=False).returncode:
        harness.say("igraph can't be had; left out")
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return python


def evidence(file: Path, people: int, seed: int) -> None:
    """Invented evidence: about 3.8 identifiers and 5 links a person.

    Each person has a user_id (every second one), e-mails, a phone, devices and anonymous ids seen
    together; one device in 200 is a tablet of two to six people, and there are kiosks of thousands.
    """
    rng = np.random.default_rng(seed)
    person = np.arange(people)
    members = rng.random(people) < 0.6
    own = np.where(members, 0, 1)  # who has no user_id is known by the e-mail
    parts: list[tuple[str, np.ndarray, str, np.ndarray]] = []

    def link(kind: str, mine: np.ndarray, holder: np.ndarray) -> None:
        for code, name in enumerate(("user_id", "email")):
            chosen = own[holder] == code
            parts.append((name, holder[chosen], kind, mine[chosen]))

    both = person[members & (rng.random(people) < 0.9)]
    parts.append(("user_id", both, "email", both))
    phones = person[rng.random(people) < 0.3]
    link("phone", phones, phones)
    count = rng.poisson(1.8, people)
    holder = np.repeat(person, count)
    device = np.arange(len(holder))
    link("anonymous_id", device, holder)
    again = rng.random(len(holder)) < 0.75  # seen a second time, by the e-mail's click
    parts.append(("email", holder[again], "anonymous_id", device[again]))
    tablets = rng.choice(len(holder), len(holder) // 200, replace=False)
    guests = np.repeat(tablets, rng.integers(1, 6, len(tablets)))
    link("anonymous_id", guests, rng.integers(0, people, len(guests)))
    kiosks = len(holder) + np.repeat(np.arange(5), max(1, people // 50))
    link("device_id", kiosks, rng.integers(0, people, len(kiosks)))
    write(file, parts, rng)


def write(
    file: Path,
    parts: list[tuple[str, np.ndarray, str, np.ndarray]],
    rng: np.random.Generator,
) -> None:
    """The links in any order, the values as texts."""
    tables = []
    for kind_a, a, kind_b, b in parts:
        columns = {
            "kind_a": pa.array([kind_a]).take(pa.array(np.zeros(len(a), dtype=np.int64))),
            "value_a": texts(kind_a, a),
            "kind_b": pa.array([kind_b]).take(pa.array(np.zeros(len(b), dtype=np.int64))),
            "value_b": texts(kind_b, b),
            "first_ms": pa.array(rng.integers(1_600_000_000_000, 1_700_000_000_000, len(a))),
        }
        tables.append(pa.table(columns))
    table = pa.concat_tables(tables)
    pq.write_table(table.take(pa.array(rng.permutation(len(table)))), file, compression="zstd")


def texts(kind: str, numbers: np.ndarray) -> pa.Array:
    """The values of identifiers by their numbers."""
    import pyarrow.compute as pc

    form = {"email": ("c", "@shop.example"), "phone": ("+4930", ""), "user_id": ("u-", "")}
    before, after = form.get(kind, (f"{kind[:4]}-5e1f-4c2a-", "-b7"))
    return pc.binary_join_element_wise(before, pc.cast(pa.array(numbers), pa.string()), after, "")


def a_change_at_a_time(people: int) -> dict[str, object]:
    """Milliseconds of one piece of evidence, of which every third is taken away again."""
    from visavis.project.identity import DEFAULTS
    from visavis.unify.live import Who

    rng = random.Random(7)
    who = Who(DEFAULTS)

    def told(a: tuple[str, str], b: tuple[str, str], moment: int, source: str) -> None:
        for name in (a, b):
            who.see(name, moment, source)
        who.add(a, b, "same row", moment, source)

    for n in range(people):
        for k in range(2):
            told(("user_id", f"u{n}"), ("anonymous_id", f"a{n}-{k}"), n, "web")
    crowded = range(0, people, max(1, people // 1000))
    more = [("email", 4), ("phone", 4), ("anonymous_id", 42), ("device_id", 47)]
    for n in crowded:  # components of 100
        for kind, count in more:
            for k in range(count):
                told(("user_id", f"u{n}"), (kind, f"c{n}-{k}"), n, "web")
    times = []
    for i in range(max(100, int(CHANGES * harness.SCALE))):
        n = rng.choice(crowded) if i % 4 == 0 else rng.randrange(people)
        pair = (("user_id", f"u{n}"), ("anonymous_id", f"new{i}" if i % 2 else f"a{n}-1"))
        times.append(timed(told, *pair, people + i, "app"))
        if i % 3 == 0:
            times.append(timed(who.withdraw, *pair, "same row", "app"))
    times.sort()
    p99 = times[int(len(times) * 0.99)]
    return harness.result(
        "identity: one piece of evidence more or less, p99 in ms",
        p99,
        None,
        peer_version="none",
        target=f"< {MOST_MS} ms",
        met=p99 < MOST_MS,
        repeats=len(times),
        spread=[times[0], times[-1]],
        p50=round(times[len(times) // 2], 4),
        people=people,
    )


def timed(change: Callable[..., object], *words: object) -> float:
    """Milliseconds of one call."""
    start = time.perf_counter()
    change(*words)
    return (time.perf_counter() - start) * 1000
