"""`visavis build` whole: 50 M events of 1 M people, and 1 % more on top of them.

The limit is one of the build over a lake that is loaded, and of its memory; the line tells beside
it what the first build took, which read the source files. For the second load the peer is
ourselves: the same files as of the same moment into an empty state, in turns with it.
"""

from __future__ import annotations

import os
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
OF_THE_LAKE = min(2, harness.REPEATS)


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
    harness.emit(of_the_lake(first, [over_the_lake(root) for _ in range(OF_THE_LAKE)]))
    invented.add(events, MORE, PEOPLE, EVENTS)
    anew = root.with_name(f"{root.name}-anew")
    shop.write(anew, events)
    harness.emit(second_load(rounds(root, anew, first.seconds)))


def build(root: Path, as_of: str) -> Run:
    """One build by the command line."""
    run = harness.visavis("-p", root, "build", "--as-of", as_of, "--quiet", "--json")
    harness.say(
        f"{root.name} as of {as_of}: {run.seconds:.1f} s, CPU {run.cpu:.1f} s, {run.mib:.0f} MiB"
    )
    return run


def over_the_lake(root: Path) -> Run:
    """A build from the lake alone: no file is new, and no earlier build is at hand."""
    shutil.rmtree(root / ".visavis" / "builds")
    (root / ".visavis" / "current").unlink()
    return build(root, shop.AS_OF)


def rounds(root: Path, anew: Path, seconds: float) -> dict[str, list[Run]]:
    """The second load on top of the first, and everything from nothing, in turns.

    The latter as often as there is time for; `seconds` is about what it takes.
    """
    sides: dict[str, list[Run]] = {"ours": [], "anew": []}
    state, kept = root / ".visavis", root / "first"
    state.rename(kept)
    for turn in range(harness.REPEATS):
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(kept, state, copy_function=_copy)
        sides["ours"].append(build(root, NEXT_DAY))
        if not turn or harness.time_for(1.2 * seconds):
            shutil.rmtree(anew / ".visavis", ignore_errors=True)
            sides["anew"].append(build(anew, NEXT_DAY))
    return sides


def _copy(source: str, target: str) -> None:
    """Parquet files never change, so they are linked."""
    if source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def of_the_lake(first: Run, runs: list[Run]) -> dict[str, object]:
    """The line of the whole; its memory is the most that any of the builds took."""
    mib = max(run.mib for run in [first, *runs])
    return harness.result(
        f"build: {EVENTS:,} events of {PEOPLE:,} people from the lake to the published build",
        middle(runs),
        None,
        peer_version="none",
        target=f"<= {MOST_SECONDS} s under {MOST_MIB} MiB",
        met=middle(runs) <= MOST_SECONDS and mib < MOST_MIB,
        spread=[run.seconds for run in runs],
        repeats=len(runs),
        unit="s",
        mib=round(mib),
        cpu_seconds=round(middle(runs, "cpu"), 1),
        from_files=round(first.seconds, 1),
        from_files_cpu_seconds=round(first.cpu, 1),
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
        repeats=len(sides["ours"]),
        peer_repeats=len(sides["anew"]),
        unit="s",
        mib=round(middle(sides["ours"], "mib")),
        cpu_ratio=round(middle(sides["anew"], "cpu") / middle(sides["ours"], "cpu"), 3),
    )


if __name__ == "__main__":
    main()
