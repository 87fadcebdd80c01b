"""The lake on disk: one directory of Parquet files a load, written aside and renamed when whole."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from visavis.core.problems import Problem, ProblemsError
from visavis.store import crash
from visavis.store.disk import sync, sync_tree
from visavis.store.state import Load, State


class Lake:
    """The directory of loads under a project's state directory."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.path = state / "lake"

    def folder(self, load_id: str) -> Path:
        """Where the files of a load are."""
        return self.path / load_id

    def files(self, name: str, loads: Iterable[Load]) -> list[Path]:
        """The files called `name` that these loads have, in the order of the loads."""
        paths = (self.folder(load.load_id) / f"{name}.parquet" for load in loads)
        return [path for path in paths if path.exists()]

    def draft(self) -> Path:
        """An empty directory to write a load into; leftovers of a killed run are removed."""
        folder = self.state / "tmp" / "load"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def publish(self, draft: Path, load_id: str, commit: Callable[[], None]) -> None:
        """Makes a written load durable and then, by `commit`, part of the lake."""
        crash.point("load-written")
        sync_tree(draft)
        self.path.mkdir(exist_ok=True)
        target = self.folder(load_id)
        # what a killed run left under this number never counted
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
        sync(self.path)
        crash.point("load-renamed")
        commit()
        crash.point("load-committed")

    def sweep(self, state: State) -> list[str]:
        """Removes directories that no load names: what a killed run left."""
        known = {load.load_id for load in state.loads(active_only=False)}
        if not self.path.is_dir():
            return []
        strays = [p for p in self.path.iterdir() if p.is_dir() and p.name not in known]
        for path in strays:
            shutil.rmtree(path)
        return sorted(path.name for path in strays)


@contextmanager
def room_on_disk(what: str) -> Iterator[None]:
    """Turns a full disk inside the block into the Problem `disk-full`."""
    import duckdb

    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise ProblemsError([disk_full(what)]) from error
    except duckdb.Error as error:
        # the engine tells the system's error by its words alone
        if not any(os.strerror(code) in str(error) for code in (errno.ENOSPC, errno.EDQUOT)):
            raise
        raise ProblemsError([disk_full(what)]) from error


def disk_full(what: str) -> Problem:
    """The Problem of a disk without room."""
    return Problem(
        "disk-full",
        f"The disk is full: {what} could not be written; everything is as it was before.",
        hint="Free some space, or set `state` in visavis.yml to a folder on a larger disk.",
    )
