"""Which files of a source are new, told without opening those that are not; how text is encoded.

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
        for chunk in _chunks(file):
            counter.add(len(chunk))
            digest.update(chunk)
    return digest.hexdigest()


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def open_bytes(path: Path) -> IO[bytes]:
    """The file's content, unpacked when its name ends in .gz."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return path.open("rb")


def detect_encoding(path: Path) -> tuple[str, bool]:
    """The text encoding that the bytes show, and whether every byte fits it.

    A byte order mark decides, then valid UTF-8, then mostly valid UTF-8 (a few bytes are broken),
    then Chinese double bytes against western single bytes.
    """
    with open_bytes(path) as file:
        head = file.read(4)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, True
    bad, good, sample = _utf8_faults(path)
    if not bad:
        return "utf-8", True
    if good >= 4 * bad:
        return "utf-8", False
    if _looks_chinese(sample):
        return "gb18030", True
    return _eastern(sample) or _western(sample), True


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _utf8_faults(path: Path) -> tuple[int, int, bytes]:
    """Broken places, whole multi-byte characters, and bytes around the first broken place."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    bad = good = 0
    sample = b""
    with open_bytes(path) as file:
        for chunk in _chunks(file):
            text = decoder.decode(chunk)
            if text.isascii():
                continue
            faults = text.count("\ufffd")
            if faults and len(sample) < _CHUNK:
                sample += chunk
            bad += faults
            good += sum(1 for c in text if c > "\x7f") - faults if bad else 1
    tail = decoder.decode(b"", final=True)
    return bad + len(tail), good, sample


def _looks_chinese(sample: bytes) -> bool:
    """Whether high bytes come in pairs that are common Chinese characters."""
    pairs = common = lone = i = 0
    while i < len(sample) - 1:
        if sample[i] < 0x80:
            i += 1
        elif sample[i + 1] >= 0xA1 and sample[i] >= 0xA1:
            pairs += 1
            common += 0xA1 <= sample[i] <= 0xA3 or 0xB0 <= sample[i] <= 0xD7
            i += 2
        else:
            lone += 1
            i += 1
    return pairs > lone and common * 10 >= pairs * 7


_EASTERN = ("cp932", "euc_jp", "euc_kr", "cp1251", "koi8_r")
_RIVALS = (*_EASTERN, "gb18030", "cp1252", "cp1250")


def _eastern(sample: bytes) -> str | None:
    """A Japanese, Korean or Cyrillic encoding, where the bytes read best in it."""
    from charset_normalizer import from_bytes

    text = b"\n".join(line for line in sample[:_CHUNK].splitlines() if not line.isascii())
    best = from_bytes(text[:100_000], cp_isolation=list(_RIVALS)).best()
    return best.encoding if best and best.encoding in _EASTERN else None


def _western(sample: bytes) -> str:
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def transcode(path: Path, encoding: str, target: Path) -> bool:
    """Writes the file as UTF-8; bytes that don't fit become U+FFFD. Whether there were any."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    faults = False
    with open_bytes(path) as file, target.open("w", encoding="utf-8", newline="") as out:
        for chunk in _chunks(file):
            text = decoder.decode(chunk)
            faults = faults or "\ufffd" in text
            out.write(text)
        tail = decoder.decode(b"", final=True)
        out.write(tail)
    return faults or "\ufffd" in tail
