"""Decisions over HTTP: 200 offers, 1,000 a second while 2,000 events a second arrive.

An open loop, after half a minute of the same. One decision in ten is asked for as soon as the 200
of an event of that person is in, and must choose the offer that the event makes eligible;
`fresh_ms` is how long after the 200.
"""

from __future__ import annotations

from typing import Any

import live
from harness import REPEATS, SCALE, WORK, emit, median, result, say

RATE, EVENTS, P50_MS, P99_MS, FRESH_MS = 1_000, 2_000, 1.0, 5.0, 10.0
SECONDS = max(3.0, 10.0 * min(1.0, SCALE))


def _streams(process: live.Process, turn: int = 0) -> list[dict[str, Any]]:
    """Decisions, and events of those who are about."""
    same = {"port": process.port, "people": live.PEOPLE, "connections": 32}
    first = turn * 10**7
    return [
        {**same, "kind": "decisions", "rate": RATE, "first": first},
        {**same, "kind": "singles", "rate": EVENTS, "first": 10**9 + first},
    ]


def _run(process: live.Process, turn: int) -> dict[str, Any]:
    before = process.cpu
    told = live.load(SECONDS, *_streams(process, turn), seed=300 + turn)
    wrong = {k: v for k, v in told.items() if k != "cpu" and (v["bad"] or v["unseen"])}
    if wrong:
        raise RuntimeError(f"answers that were not good or did not show the event: {wrong}")
    plain, fresh = told["decision"], told["fresh decision"]
    return {
        "rate": (plain["count"] + fresh["count"]) / SECONDS,
        "events": told["event"]["count"] / SECONDS, "p50": plain["p50"], "p99": plain["p99"],
        "fresh_p50": fresh["p50"], "fresh_p99": fresh["p99"], "fresh_ms": fresh["most"],
        "event_p99": told["event"]["p99"], "busy": (process.cpu - before) / SECONDS,
        "generator": told["cpu"] / SECONDS,
    }  # fmt: skip


def main() -> None:
    """Two lines: latency, and how soon an event is seen."""
    WORK.mkdir(parents=True, exist_ok=True)
    root = live.people_project()
    runs = []
    with live.served(root) as process:
        live.warmed(*_streams(process))
        for turn in range(REPEATS):
            runs.append(_run(process, turn))
            say(str(runs[-1]))
        mib = process.mib
    middle = {k: round(median([run[k] for run in runs]), 3) for k in runs[0]}
    met = middle["p50"] <= P50_MS and max(middle["p99"], middle["fresh_p99"]) <= P99_MS
    met &= middle["rate"] >= RATE * 0.97 and middle["events"] >= EVENTS * 0.97
    emit(
        result(
            f"decide among {live.OFFERS} offers at {RATE}/s, p99 ms", middle["p99"], None,
            peer_version="none", target=f"p50 <= {P50_MS}, p99 <= {P99_MS} ms", met=met,
            spread=[run["p99"] for run in runs], mib=round(mib),
            **{k: v for k, v in middle.items() if k != "p99"},
        )
    )  # fmt: skip
    fresh = [run["fresh_p99"] for run in runs]
    emit(
        result(
            "decide after an event: p99 ms from its 200 to a decision that saw it",
            median(fresh), None, peer_version="none", target=f"<= {FRESH_MS} ms",
            met=median(fresh) <= FRESH_MS, spread=fresh, longest=middle["fresh_ms"],
        )
    )  # fmt: skip
