"""Traits of everybody: 40 over 20 M events of 500 k people, from the lake to people.parquet.

Beside it, each in a process of its own over the same files: SQL by hand for DuckDB, polars
streaming, pandas. Lake and people are made before, by `visavis build`. The files of all sides are
compared first.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import duckdb
import harness
import invented
import shop
from harness import Run, middle

EVENTS, PEOPLE = int(20_000_000 * harness.SCALE), int(500_000 * harness.SCALE)
MEMORY = "4GiB"
ROUNDED = ("average_order_value", "mean_days_between_orders", "discount_share")
"""Divisions: exact at six places with us, in floats on the other sides."""
OWN_QUANTILES = ("usual_order", "upper_price")
"""polars and pandas have other quantiles."""


def main() -> None:
    """Prints a line for each peer."""
    root = prepared()
    targets = {
        name: root / f"{name}.parquet" for name in ("ours", "by_hand", "by_polars", "by_pandas")
    }
    sides: dict[str, Callable[[], Run]] = {
        name: partial(harness.side, name, root, persons(root), target, shop.AS_OF, MEMORY)
        for name, target in targets.items()
    }
    checked = {name: same(sides, targets, name) for name in targets if name != "ours"}
    runs = harness.alternate(sides)
    for line in lines(runs, checked):
        harness.emit(line)


def prepared() -> Path:
    """The project over the invented events, built once."""
    events = harness.WORK / f"events-{EVENTS}"
    root = harness.WORK / f"build-{EVENTS}"
    if not (root / ".visavis" / "current").exists():
        shutil.rmtree(root, ignore_errors=True)
        harness.say(f"makes {EVENTS:,} events of {PEOPLE:,} people and their lake")
        invented.make(events, EVENTS, PEOPLE)
        shop.write(root, events)
        harness.visavis("-p", root, "build", "--as-of", shop.AS_OF, "--quiet", "--json")
    return root


def persons(root: Path) -> Path:
    """The published build's table of who is who."""
    name = (root / ".visavis" / "current").read_text(encoding="utf-8").strip()
    return root / ".visavis" / "builds" / name / "persons.parquet"


def same(sides: dict[str, Callable[[], Run]], targets: dict[str, Path], peer: str) -> list[str]:
    """Raises AssertionError unless ours and the peer's file say the same; the traits compared."""
    for name in ("ours", peer):
        if not targets[name].exists() or name == peer:
            sides[name]()
    with duckdb.connect() as db:
        ours, theirs = (
            db.execute(f"describe select * from '{targets[name]}'").fetchall()
            for name in ("ours", peer)
        )
        kinds, there = {row[0]: row[1] for row in ours}, {row[0] for row in theirs}
        names = [n for n in kinds if n in there and n != "person_id"]
        if peer != "by_hand":
            names = [n for n in names if n not in OWN_QUANTILES]
        tests = ", ".join(f"count_if({_differs(n, kinds[n], peer)})" for n in names)
        found = db.execute(
            f"select count(*), {tests} from '{targets['ours']}' o full join '{targets[peer]}' p "
            "using (person_id)"
        ).fetchall()[0]
    wrong = {n: count for n, count in zip(names, found[1:], strict=True) if count}
    if wrong or found[0] != db_rows(targets["ours"]):
        raise AssertionError(f"ours and {peer} differ: {json.dumps(wrong)} of {found[0]}")
    return names


def db_rows(path: Path) -> int:
    """The rows of a Parquet file."""
    with duckdb.connect() as db:
        return int(db.execute(f"select count(*) from '{path}'").fetchall()[0][0])


def _differs(name: str, kind: str, peer: str) -> str:
    floats = kind.startswith("DECIMAL") and (peer == "by_pandas" or name in ROUNDED)
    if not floats:
        return f"o.{name} is distinct from p.{name}"
    return (
        f"(o.{name} is null) <> (p.{name} is null) or "
        f"abs(cast(o.{name} as double) - cast(p.{name} as double)) > 0.000002"
    )


def lines(runs: dict[str, list[Run]], checked: dict[str, list[str]]) -> list[dict[str, object]]:
    """The lines of the contract."""
    peers = {
        "by_hand": ("SQL by hand", f"duckdb {version('duckdb')}", "<= 1.2", 1.2, None),
        "by_polars": ("polars streaming", f"polars {version('polars')}", "<= 1", 1.0, None),
        "by_pandas": (
            "pandas", f"pandas {version('pandas')}", "<= 0.5 at <= 1/3 of the memory", 0.5, 1 / 3,
        ),
    }  # fmt: skip
    return [_line(runs, name, *words, len(checked[name])) for name, words in peers.items()]


def _line(
    runs: dict[str, list[Run]],
    name: str,
    peer: str,
    peer_version: str,
    target: str,
    most: float,
    most_memory: float | None,
    compared: int,
) -> dict[str, object]:
    ours, theirs = runs["ours"], runs[name]
    ratio = middle(ours) / middle(theirs)
    memory = middle(ours, "mib") / middle(theirs, "mib")
    return harness.result(
        f"build: 40 traits of {PEOPLE:,} people against {peer}",
        middle(ours),
        middle(theirs),
        peer_version=peer_version,
        target=target,
        met=ratio <= most and (most_memory is None or memory <= most_memory),
        spread=_seconds(ours),
        repeats=len(ours),
        unit="s",
        peer_spread=[round(min(_seconds(theirs)), 3), round(max(_seconds(theirs)), 3)],
        cpu_ratio=round(middle(ours, "cpu") / middle(theirs, "cpu"), 3),
        mib=round(middle(ours, "mib")),
        peer_mib=round(middle(theirs, "mib")),
        memory_ratio=round(memory, 3),
        traits_compared=compared,
    )


def _seconds(runs: Sequence[Run]) -> list[float]:
    return [run.seconds for run in runs]


if __name__ == "__main__":
    main()
