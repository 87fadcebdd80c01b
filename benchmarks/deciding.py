"""Deciding: what everybody is due at a moment, decided and written for each of 100,000 people.

The clock runs over the whole of `visavis plan`: the offers' eligibility for everybody, consent,
caps, quiet hours and arms, and each message rendered as text and HTML. The peer renders the same
two templates as often with python-liquid alone, and decides nothing.
"""

from __future__ import annotations

import json
import shutil
import sqlite3

import harness
import sending
from harness import SCALE, WORK, emit, middle, result, say

COUNT = max(100, int(100_000 * SCALE))
TARGET = 60.0


def main() -> None:
    """One line: seconds for everybody."""
    WORK.mkdir(parents=True, exist_ok=True)
    root = WORK / "deciding"
    shutil.rmtree(root, ignore_errors=True)
    say(f"deciding: a shop of {COUNT} people")
    sending.shop(root, 25, COUNT)
    runs = harness.alternate(
        {
            "ours": lambda: harness.visavis("-p", root, "--quiet", "plan", "--at", sending.AT),
            "liquid": lambda: harness.side("by_liquid", COUNT),
        }
    )
    with sqlite3.connect(root / ".visavis" / "state.db") as db:
        (plan,) = db.execute("SELECT plan FROM shown").fetchone()
    assert json.loads(plan)["messages"] == {"hello": COUNT}, "not everybody got a message"
    ours = runs["ours"]
    emit(
        result(
            "plan: everybody decided and written to",
            middle(ours),
            middle(runs["liquid"]),
            peer_version="python-liquid, the two templates rendered and nothing decided",
            target=f"<= {TARGET:.0f} s",
            met=middle(ours) <= TARGET,
            repeats=len(ours),
            spread=[run.seconds for run in ours],
            cpu_seconds=round(middle(ours, "cpu"), 1),
            mib=round(middle(ours, "mib")),
            people=COUNT,
        )
    )
    shutil.rmtree(root, ignore_errors=True)
