"""Which files of a source are new, told without opening those that are not.

Files are told apart by (path, size, mtime) first and by their SHA-256 only when that changed.
"""

from __future__ import annotations

import codecs
import glob
import gzip
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from visavis.store.state import FileMark, Load

_CHUNK = 1 << 20
_WILD = ("*", "?", "[")


class ByteCounter:
    """Counts the bytes of source files that were read; tests and summaries look at it."""

    def __init__(self) -> None:
        self.bytes = 0

    def add(self, amount: int) -> None:
        self.bytes += amount


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it stands on disk now."""

    path: Path
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class News:
    """What changed: files to take in, and known files whose marks alone changed."""

    fresh: tuple[FileMark, ...]
    touched: tuple[FileMark, ...]
    paths: Mapping[str, Path]


def find(root: Path, origin: str) -> list[Found]:
    """The files that an origin (paths or globs, one a line) names, in the order of their names."""
    found: dict[str, Found] = {}
    for pattern in origin.splitlines():
        for path in _expand(root, pattern.strip()):
            info = path.stat()
            name = _relative(root, path)
            found[name] = Found(path, name, info.st_size, info.st_mtime_ns)
    return [found[name] for name in sorted(found)]


def _expand(root: Path, pattern: str) -> list[Path]:
    full = str(root / pattern)
    if any(sign in pattern for sign in _WILD):
        return sorted(Path(p) for p in glob.glob(full, recursive=True) if os.path.isfile(p))
    return [Path(full)] if pattern and os.path.isfile(full) else []


def _relative(root: Path, path: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


def latest_marks(loads: Iterable[Load]) -> dict[str, FileMark]:
    """For each path the mark of the last load that took it in."""
    return {mark.path: mark for load in loads for mark in load.files}


def news(found: Iterable[Found], known: Mapping[str, FileMark], counter: ByteCounter) -> News:
    """Compares what is there with what was taken in; equal content under any name is no news."""
    fresh: list[FileMark] = []
    touched: list[FileMark] = []
    paths: dict[str, Path] = {}
    contents = {mark.sha256 for mark in known.values()}
    for file in found:
        old = known.get(file.name)
        if old and (old.size, old.mtime_ns) == (file.size, file.mtime_ns):
            continue
        digest = sha256(file.path, counter)
        mark = FileMark(file.name, file.size, file.mtime_ns, digest)
        same = digest == old.sha256 if old else digest in contents
        (touched if same else fresh).append(mark)
        contents.add(digest)
        paths[file.name] = file.path
    return News(tuple(fresh), tuple(touched), paths)


def sha256(path: Path, counter: ByteCounter) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for chunk in chunks(file):
            counter.add(len(chunk))
            digest.update(chunk)
    return digest.hexdigest()


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """A file's bytes, a piece at a time."""
    while chunk := file.read(_CHUNK):
        yield chunk


def open_bytes(path: Path) -> IO[bytes]:
    """The file's content, unpacked when its name ends in .gz."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def transcode(path: Path, encoding: str, target: Path) -> bool:
    """Writes the file as UTF-8; bytes that don't fit become U+FFFD. Whether there were any."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    faults = False
    with open_bytes(path) as file, target.open("w", encoding="utf-8", newline="") as out:
        for chunk in chunks(file):
            text = decoder.decode(chunk)
            faults = faults or "\ufffd" in text
            out.write(text)
        tail = decoder.decode(b"", final=True)
        out.write(tail)
    return faults or "\ufffd" in tail
