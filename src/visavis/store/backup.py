"""Backups: one tar file that holds the state of one moment, made while everything goes on.

In it: the database as its own backup call gives it, the loads that it names, the tail, the
published build, keys, and the project's definitions. Last comes `backup.json` with the size and
the SHA-256 of every file: without it, or with one byte changed, nothing is restored.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from visavis.store import builds, crash, tail
from visavis.store.disk import sync
from visavis.store.formats import check_format
from visavis.store.history_file import FILE as HISTORY

LIST = "backup.json"
FORMAT = 1
"""The number of the file's layout; a greater one is refused."""
STATE, PROJECT = "state", "project"
_DERIVED = frozenset({"in_use", HISTORY})
_TRIES = 20
_CHUNK = 1 << 20


class Unusable(Exception):
    """The file is no backup, is not whole, or is of a later visavis; the text says which."""


class Moving(Exception):
    """The state changed at every try."""


def write(
    state: Path, definitions: Mapping[str, Path], target: Path, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes a backup of the state and of the definition files; what stands in its list.

    Raises FileExistsError when `target` is there, OSError when the disk does not take it.
    """
    if target.exists():
        raise FileExistsError(target)
    new = target.with_name(f"{target.name}.new")
    new.unlink(missing_ok=True)  # what a killed run left
    with _held_still(state) as (folder, build_id):
        files = {f"{STATE}/{p.relative_to(folder).as_posix()}": p for p in _below(folder)}
        files |= {f"{PROJECT}/{name}": path for name, path in definitions.items()}
        try:
            made = _pack(new, files, {**about, "format": FORMAT, "build_id": build_id})
            os.link(new, target)  # unlike a rename it never takes another file's place
        finally:
            new.unlink(missing_ok=True)
    sync(target.resolve().parent)
    return made


@contextmanager
def _held_still(state: Path) -> Iterator[tuple[Path, str | None]]:
    """A folder of links and one database that together are the state of one moment."""
    folder = state / "tmp" / f"backup-{os.getpid()}"
    try:
        for _ in range(_TRIES):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with builds.reading(state) as build:
                if _take(state, folder, build):
                    yield folder, build.id if build else None
                    return
        raise Moving
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _take(state: Path, folder: Path, build: builds.Build | None) -> bool:
    """Links everything; False when something went away in between, and it must be tried again.

    First the database, then the tail: a frame that the database does not count in the lake yet
    is then in the tail, unless it was covered and removed since, which its numbers tell.
    """
    through = _database(state, folder)
    if build is not None:
        through = min(through, int(build.manifest.get("through_frame") or 0))
    try:
        first = _tail(state, folder)
        if first is not None and first > through + 1:
            return False
        _loads(state, folder)
        if build is not None:
            _link_tree(build.path, folder / "builds" / build.id)
            (folder / "builds" / build.id / "in_use").touch()
            (folder / "current").write_text(f"{build.id}\n", encoding="utf-8")
        for path in state.iterdir():
            if path.is_file() and not _is_passing(path.name):
                os.link(path, folder / path.name)
    except FileNotFoundError:
        return False
    return True


def _is_passing(name: str) -> bool:
    return (
        name.startswith(("state.db", "current"))
        or name in ("lock", "send.lock")
        or name.endswith((".new", ".lock"))
    )


def _database(state: Path, folder: Path) -> int:
    """Copies the database as of one moment; the last frame that its loads hold."""
    path = state / "state.db"
    if not path.exists():
        return 0
    with (
        closing(sqlite3.connect(path, timeout=60)) as source,
        closing(sqlite3.connect(folder / "state.db")) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        row = copy.execute("SELECT value FROM facts WHERE name = 'tail'").fetchone()
    crash.point("backup-database")
    return int(json.loads(row[0])) if row else 0


def _tail(state: Path, folder: Path) -> int | None:
    """Links the tail; the number of its first frame."""
    found = tail.segments(state / "tail")
    (folder / "tail").mkdir()
    for path in found:
        os.link(path, folder / "tail" / path.name)
    return int(found[0].stem) if found else None


def _loads(state: Path, folder: Path) -> None:
    path = folder / "state.db"
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as db:
        loads = [row[0] for row in db.execute("SELECT load_id FROM loads")]
    for load in loads:
        if (state / "lake" / load).is_dir():
            _link_tree(state / "lake" / load, folder / "lake" / load)


def _link_tree(source: Path, target: Path) -> None:
    for path in _below(source):
        if path.name not in _DERIVED and not path.name.endswith(".new"):
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _pack(target: Path, files: Mapping[str, Path], about: Mapping[str, Any]) -> dict[str, Any]:
    listed: dict[str, dict[str, Any]] = {}
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            for name, path in sorted(files.items()):
                listed[name] = _add(tar, name, path)
            made = {**about, "files": listed}
            text = json.dumps(made, ensure_ascii=False, indent=1).encode()
            crash.point("backup-packed")
            tar.addfile(_entry(LIST, len(text)), io.BytesIO(text))
        out.flush()
        os.fsync(out.fileno())
    crash.point("backup-written")
    return made


class _Digesting:
    """Reads a file of a size that is settled: one that still grows is cut at it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        reader = _Digesting(file)
        tar.addfile(_entry(name, size), cast("IO[bytes]", reader))
    return {"size": size, "sha256": reader.digest.hexdigest()}


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def read(file: Path, folder: Path) -> dict[str, Any]:
    """Unpacks a backup into an empty folder, checked; its list. Raises Unusable."""
    found: dict[str, dict[str, Any]] = {}
    told: dict[str, Any] | None = None
    try:
        with tarfile.open(file, mode="r:") as tar:
            for entry in tar:
                source = tar.extractfile(entry) if entry.isreg() else None
                if source is None:
                    raise Unusable("it holds something else than files")
                if entry.name == LIST:
                    told = json.loads(source.read())
                else:
                    found[entry.name] = _unpack(source, folder, entry.name)
    except (tarfile.TarError, ValueError) as error:
        raise Unusable("it is no backup of visavis, or was cut off") from error
    if not isinstance(told, dict) or "files" not in told:
        raise Unusable("it was cut off, or is no backup of visavis")
    if int(told.get("format", 0)) > FORMAT:
        raise Unusable("it was made by a later visavis; install that one first")
    for name in sorted({*found, *told["files"]}):
        if found.get(name) != told["files"].get(name):
            raise Unusable(f"{name} in it is not as it was written")
    return told


def _unpack(source: IO[bytes], folder: Path, name: str) -> dict[str, Any]:
    place = PurePosixPath(name)
    if place.is_absolute() or ".." in place.parts or place.parts[0] not in (STATE, PROJECT):
        raise Unusable("it names a file outside the project")
    path = folder.joinpath(*place.parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    reader, size = _Digesting(source), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        while data := reader.read(_CHUNK):
            out.write(data)
            size += len(data)
        out.flush()
        os.fsync(out.fileno())
    return {"size": size, "sha256": reader.digest.hexdigest()}


def settle(folder: Path, state: Path) -> None:
    """Makes an unpacked state the state, in one step; raises Unusable, FileExistsError."""
    source = folder / STATE
    source.mkdir(exist_ok=True)
    try:
        check_format(source)
    except ValueError as error:
        raise Unusable(str(error)) from error
    if state.exists():
        if any(state.iterdir()):
            raise FileExistsError(state)
        state.rmdir()
    state.parent.mkdir(parents=True, exist_ok=True)
    for path in _below(source):
        sync(path.parent)
    crash.point("restore-unpacked")
    source.rename(state)
    sync(state.parent)
