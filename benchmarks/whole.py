"""`visavis build` whole: 50 M events of 1 M people from Parquet files, and 1 % more on top of them.

The line "from nothing" has no peer, only a limit. For the other the peer is ourselves: the same
files as of the same moment into an empty state, in turns with the second load.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import harness
import invented
import shop
from harness import Run, middle

EVENTS, PEOPLE = int(50_000_000 * harness.SCALE), int(1_000_000 * harness.SCALE)
MORE = EVENTS // 100
NEXT_DAY = "2025-01-02T00:00:00Z"
MOST_SECONDS, MOST_MIB, FASTER = 60, 4096, 5
REPEATS = min(2, harness.REPEATS)
"""A round takes minutes, and a benchmark at most fifteen of them."""


def main() -> None:
    """Prints both lines."""
    events, root = harness.WORK / f"whole-events-{EVENTS}", harness.WORK / f"whole-{EVENTS}"
    shutil.rmtree(root, ignore_errors=True)
    for path in events.glob("*_more.parquet"):
        path.unlink()
    harness.say(f"makes {EVENTS:,} events of {PEOPLE:,} people")
    invented.make(events, EVENTS, PEOPLE)
    shop.write(root, events)
    first = build(root, shop.AS_OF)
    harness.emit(from_nothing(first))
    invented.add(events, MORE, PEOPLE, EVENTS)
    shop.write(root.with_name(f"{root.name}-anew"), events)
    sides = rounds(root, root.with_name(f"{root.name}-anew"))
    harness.emit(second_load(sides))


def build(root: Path, as_of: str) -> Run:
    """One build by the command line."""
    run = harness.visavis("-p", root, "build", "--as-of", as_of, "--quiet", "--json")
    harness.say(f"{root.name} as of {as_of}: {run.seconds:.1f} s, {run.mib:.0f} MiB")
    return run


def rounds(root: Path, anew: Path) -> dict[str, list[Run]]:
    """The second load on top of the first, and everything from nothing, in turns."""
    sides: dict[str, list[Run]] = {"ours": [], "anew": []}
    state, kept = root / ".visavis", root / "first"
    state.rename(kept)
    for _ in range(REPEATS):
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(kept, state)
        sides["ours"].append(build(root, NEXT_DAY))
        shutil.rmtree(anew / ".visavis", ignore_errors=True)
        sides["anew"].append(build(anew, NEXT_DAY))
    return sides


def from_nothing(run: Run) -> dict[str, object]:
    """The line of the whole."""
    return harness.result(
        f"build: {EVENTS:,} events of {PEOPLE:,} people from files to published build",
        run.seconds,
        None,
        peer_version="none",
        target=f"<= {MOST_SECONDS} s under {MOST_MIB} MiB",
        met=run.seconds <= MOST_SECONDS and run.mib < MOST_MIB,
        spread=[run.seconds],
        repeats=1,
        unit="s",
        mib=round(run.mib),
        cpu_seconds=round(run.cpu, 1),
    )


def second_load(sides: dict[str, list[Run]]) -> dict[str, object]:
    """The line of the second load; `ratio` is how many times faster it is."""
    ours, anew = middle(sides["ours"]), middle(sides["anew"])
    return harness.result(
        f"build: {MORE:,} events more, the next day, against from nothing",
        ours,
        anew,
        peer_version="ourselves",
        target=f">= {FASTER} times faster",
        met=anew / ours >= FASTER,
        ratio=anew / ours,
        spread=[run.seconds for run in sides["ours"]],
        repeats=REPEATS,
        unit="s",
        mib=round(middle(sides["ours"], "mib")),
        cpu_ratio=round(middle(sides["anew"], "cpu") / middle(sides["ours"], "cpu"), 3),
    )


if __name__ == "__main__":
    main()
