"""Kill -9 of the real process at every named point: the last build answers, the next is whole."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import visavis

sys.path.insert(0, str(Path(__file__).parent.parent / "flow"))

from shopfolder import SECOND, everything, orders, rows, run, shop

SOURCE = Path(visavis.__file__).parent
FIRST_NOW, NOW = "2024-03-02T00:00:00Z", "2024-04-05T00:00:00Z"
LOAD_FILES = ("events", "lines", "nodes", "links", "sightings", "overlay")
# the second load is of one source, so each point is passed once or more
POINTS = (
    "build-locked",
    "load-staged",
    *(f"load-{name}" for name in LOAD_FILES),
    "load-made",
    "load-written",
    "load-renamed",
    "load-committed",
    "build-collected",
    "build-unified",
    "build-traits",
    "build-segments",
    "build-written",
    "build-renamed",
    "build-before-switch",
    "build-switched",
    "build-recorded",
)
TAIL_POINTS = ("tail-written", "tail-durable")
"""Tried by test_tail.py, with a serving process."""
AFTER_SWITCH = ("build-switched", "build-recorded")


def visavis_build(root: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`visavis build` as a process of its own."""
    command = [sys.executable, "-c", "from visavis.cli.main import main; main()"]
    env = os.environ | {"PYTHONPATH": str(SOURCE.parent), "VISAVIS_NOW": NOW} | environment
    return subprocess.run(
        [*command, "-p", str(root), "--quiet", "build"],
        env=env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with one build, and more orders waiting."""
    root = shop(tmp_path_factory.mktemp("before"))
    run(root, now=FIRST_NOW)
    orders(root, 2, SECOND)
    return root


@pytest.fixture(scope="module")
def old(before: Path) -> dict[str, Any]:
    """What the build says that is there."""
    return everything(before)


@pytest.fixture(scope="module")
def untouched(before: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the next build says when nothing interrupts it, and what it recorded."""
    root = copy(before, tmp_path_factory.mktemp("untouched") / "shop")
    run(root, now=NOW)
    return everything(root) | recorded(root)


def copy(before: Path, target: Path) -> Path:
    shutil.copytree(before, target)
    return target


def recorded(root: Path) -> dict[str, Any]:
    """The entries recorded, as a build a day later sees them."""
    run(root, now="2024-04-06T00:00:00Z")
    sql = "select event, timestamp, person_id from events where source = 'visavis' order by all"
    return {"entries": rows(root, sql)}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_loses_nothing(
    before: Path, old: dict[str, Any], untouched: dict[str, Any], tmp_path: Path, point: str
) -> None:
    root = copy(before, tmp_path / "shop")
    killed = visavis_build(root, VISAVIS_CRASH_AT=point)
    assert killed.returncode == -signal.SIGKILL, f"{point} was not passed: {killed.stderr}"
    left = everything(root)
    if point in AFTER_SWITCH:
        assert left == {name: untouched[name] for name in left}
    else:
        assert left == old
    run(root, now=NOW)
    assert everything(root) | recorded(root) == untouched
    leftovers = {p.name for p in (root / ".visavis" / "tmp").iterdir() if any(p.iterdir())}
    assert leftovers <= {"spill"}


def test_every_named_point_is_tried() -> None:
    named = set()
    for path in SOURCE.rglob("*.py"):
        named |= set(
            re.findall(r"crash\.point\(f?\"([^\"]+)\"\)", path.read_text(encoding="utf-8"))
        )
    # those of sending are tried in test_send_crash
    named = {name for name in named if name.startswith(("load-", "build-"))}
    patterns = {name for name in named if "{" in name}
    assert patterns <= {"load-{name}"}
    assert named - patterns <= {*POINTS, *TAIL_POINTS}


def test_the_first_build_can_be_killed_too(tmp_path: Path) -> None:
    root = shop(tmp_path)
    for point in ("load-renamed", "build-renamed"):
        assert visavis_build(root, VISAVIS_CRASH_AT=point).returncode == -signal.SIGKILL
    assert visavis_build(root).returncode == 0
    assert rows(root, "select sum(orders) from people") == [(3,)]
