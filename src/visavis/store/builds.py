"""Builds on disk: immutable, published by one atomic switch, never pruned under a reader.

A build is a directory under `builds/`; the file `current` names the published one. Whoever reads
a build holds a shared lock on it for as long.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visavis.core.lang.form import Value
from visavis.core.problems import ProblemsError
from visavis.store import crash
from visavis.store.disk import sync, sync_tree
from visavis.store.formats import BUILD_FORMAT, too_new

MANIFEST = "manifest.json"
_IN_USE = "in_use"
_CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Build:
    """A finished build: where it is and what its manifest says."""

    path: Path
    manifest: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.manifest["build_id"])

    @property
    def as_of(self) -> int:
        """The moment it answers for, UTC ms."""
        return int(self.manifest["as_of_ms"])

    def table(self, name: str) -> Path:
        return self.path / f"{name}.parquet"

    def fits(self) -> dict[str, tuple[Value, ...]]:
        """The cut points frozen in the build, by the name of their fit."""
        held = json.loads((self.path / "fits.json").read_text(encoding="utf-8"))
        return {name: tuple(cuts) for name, cuts in held.items()}


def published(state: Path) -> Build | None:
    """The published build, None before the first."""
    name = published_id(state)
    return open_build(state, name) if name is not None else None


def published_id(state: Path) -> str | None:
    """The id of the published build."""
    try:
        return (state / _CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def open_build(state: Path, build_id: str) -> Build:
    """A build by its id; raises FileNotFoundError when it was pruned, ProblemsError `too-new`."""
    path = state / "builds" / build_id
    manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    number = int(manifest.get("format", 0))
    if number > BUILD_FORMAT:
        raise ProblemsError([too_new("build", number, BUILD_FORMAT)])
    return Build(path, manifest)


def listed(state: Path) -> list[str]:
    """Ids of the finished builds, oldest first."""
    folder = state / "builds"
    return sorted(p.parent.name for p in folder.glob(f"*/{MANIFEST}"))


@contextmanager
def reading(state: Path) -> Iterator[Build | None]:
    """Pins the published build: it stays whole and on disk until the block ends."""
    while True:
        build = published(state)
        if build is None:
            yield None
            return
        with _pin(build) as pinned:
            if pinned:
                yield build
                return


@contextmanager
def _pin(build: Build) -> Iterator[bool]:
    """False when the build went away between finding it and locking it."""
    try:
        file = (build.path / _IN_USE).open("rb")
    except FileNotFoundError:
        yield False
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield (build.path / MANIFEST).exists()


def start(state: Path, build_id: str) -> Path:
    """An empty directory to write the build into; leftovers of a killed build are removed."""
    folder = state / "tmp" / "build"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _IN_USE).touch()
    (folder / "id").write_text(build_id, encoding="utf-8")
    return folder


def publish(state: Path, folder: Path, manifest: Mapping[str, Any]) -> Build:
    """Makes what was written into `folder` durable and then, in one step, the published build."""
    manifest = {"format": BUILD_FORMAT, **manifest}
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
    (folder / "id").unlink(missing_ok=True)
    crash.point("build-written")
    sync_tree(folder)
    builds = state / "builds"
    builds.mkdir(exist_ok=True)
    target = builds / str(manifest["build_id"])
    folder.rename(target)
    sync(builds)
    crash.point("build-renamed")
    switch(state, target.name)
    return Build(target, manifest)


def switch(state: Path, build_id: str) -> None:
    """Makes a finished build the published one, also to go back to an older one."""
    new = state / f"{_CURRENT}.new"
    with new.open("w", encoding="utf-8") as file:
        file.write(f"{build_id}\n")
        file.flush()
        os.fsync(file.fileno())
    crash.point("build-before-switch")
    os.replace(new, state / _CURRENT)
    sync(state)
    crash.point("build-switched")


def prune(state: Path, keep: int) -> list[str]:
    """Removes all but the newest `keep` builds; the published one and any being read stay."""
    current = published(state)
    names = [name for name in _newest_last(state) if current is None or name != current.id]
    spare = names[: max(0, len(names) - max(keep - 1, 0))]
    return [name for name in spare if _remove(state / "builds" / name)]


def remove(state: Path, names: Iterable[str]) -> list[str]:
    """Removes these builds; those that are being read, or are published, are left and named."""
    current = published(state)
    left = []
    for name in names:
        folder = state / "builds" / name
        kept = current is not None and current.id == name
        if kept or (folder.is_dir() and not _remove(folder)):
            left.append(name)
    return left


def _newest_last(state: Path) -> list[str]:
    folder = state / "builds"
    if not folder.is_dir():
        return []
    return sorted(p.name for p in folder.iterdir() if p.is_dir())


def _remove(folder: Path) -> bool:
    with (folder / _IN_USE).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # the manifest first: without it nobody takes the directory for a build any more
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)
    return True
