"""The live tail: request bodies appended to files, durable before anybody is told so.

A frame is one request body with its number, its moment and a short head. Frames are appended to
segments (`tail/NUMBER.frames`, named by their first frame) and made durable in groups by one
fdatasync. What a crash left half written fails its checksum and is cut off at the next opening.
Segments go only once a published build covers all their frames.

A frame on disk, little-endian: crc32 of the rest (4 bytes), lengths of head (4) and body (4),
number (8), received_at in ms (8), head, body.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from visavis.store import crash
from visavis.store.disk import sync

SEGMENT_BYTES = 64 * 1024**2
"""A segment that has grown past this is closed and a new one begun."""
_FRAME = struct.Struct("<IIIQq")
_REST = struct.Struct("<IIQq")
_LARGEST = 64 * 1024**2
_LOCKED = 5 * 1024
_CRC_BYTES = 4
_ENDING = ".frames"


NOWHERE = -1


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One request body as it came in; `head` says by which door (see collect.payloads).

    `segment` and `begins` say where the body lies on disk (see Bodies).
    """

    number: int
    received_ms: int
    head: bytes
    body: bytes
    segment: int = NOWHERE
    begins: int = 0


class Tail:
    """The tail open for appending. One process at a time; not for use by two threads at once."""

    def __init__(self, state: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.path = _folder(state)
        self.path.mkdir(parents=True, exist_ok=True)
        self.segment_bytes = segment_bytes
        # never closed before the process ends: the lock goes with the descriptor
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise
        self._file = -1
        self._end = 0
        self._segment = NOWHERE
        self.next_number = self._recover()

    def append(self, frames: Sequence[tuple[int, bytes, bytes]]) -> list[Frame]:
        """Appends (received_ms, head, body) and makes them durable; the frames as they lie there.

        Raises OSError when the disk does not take them; then none of them is in the tail.
        """
        if self._file < 0:
            self._begin()
        number, end = self.next_number, self._end
        parts: list[bytes] = []
        made = []
        for received_ms, head, body in frames:
            start = _REST.pack(len(head), len(body), number, received_ms) + head
            crc = _sum(body, zlib.crc32(start))
            parts += (crc.to_bytes(4, "little"), start, body)
            begins = end + _CRC_BYTES + len(start)
            made.append(Frame(number, received_ms, head, body, self._segment, begins))
            end = begins + len(body)
            number += 1
        self._write(b"".join(parts))
        self.next_number = number
        if self._end >= self.segment_bytes:
            self.rotate()
        return made

    def _write(self, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._file, view) :]
            crash.point("tail-written")
            os.fdatasync(self._file)
        except OSError:
            self._give_up()
            raise
        crash.point("tail-durable")
        self._end += len(data)

    def _give_up(self) -> None:
        """Cuts off what may be half there; the next frames begin a segment of their own.

        After a failed fdatasync nobody knows what the disk holds, so the file is not trusted again.
        """
        file, self._file = self._file, -1
        try:
            os.ftruncate(file, self._end)
        except OSError:
            pass
        finally:
            os.close(file)

    def _begin(self) -> None:
        path = _path(self.path, self.next_number)
        # a segment of this name holds nothing that was ever acknowledged
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._end, self._segment = 0, self.next_number
        try:
            sync(self.path)
        except OSError:
            self._give_up()
            raise

    def rotate(self) -> None:
        """Closes the segment being written, so that it can go once it is covered."""
        if self._file >= 0 and self._end:
            os.close(self._file)
            self._file = -1

    def renew(self) -> None:
        """Begins a new, empty segment, so that all others can go; raises OSError."""
        self.rotate()
        if self._file < 0:
            self._begin()

    def _recover(self) -> int:
        """Cuts off a torn end and gives the number of the next frame."""
        found = segments(self.path)
        if not found:
            return 1
        last = found[-1]
        number, end = _number(last), 0
        for frame, end in _scan(last):  # noqa: B007 - the last end is wanted
            number = frame.number + 1
        if end < last.stat().st_size:
            with last.open("r+b") as file:
                file.truncate(end)
                os.fsync(file.fileno())
        return number

    def close(self) -> None:
        """Gives the tail back; what was appended is durable already."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _sum(body: bytes, crc: int) -> int:
    """The crc32 of a body, in pieces for which zlib keeps Python's lock: beside a busy event loop
    it takes longer to get that back than to sum a whole batch up."""
    if len(body) <= _LOCKED:
        return zlib.crc32(body, crc)
    view = memoryview(body)
    for at in range(0, len(view), _LOCKED):
        crc = zlib.crc32(view[at : at + _LOCKED], crc)
    return crc


class Bodies:
    """Reads parts of bodies on disk. Segments that it was told of are held open, so that what a
    build covers meanwhile can still be read until this is closed."""

    def __init__(self, state: Path) -> None:
        self._folder = _folder(state)
        self._files: dict[int, int] = {}
        for path in segments(self._folder):
            self.hold(_number(path))

    def hold(self, segment: int) -> bool:
        """Holds a segment open; False where there is no such file any more."""
        if segment not in self._files:
            try:
                self._files[segment] = os.open(_path(self._folder, segment), os.O_RDONLY)
            except FileNotFoundError:
                return False
        return True

    def read(self, segment: int, begins: int, length: int) -> bytes:
        """Bytes of a segment; raises KeyError for one that is not held."""
        return os.pread(self._files[segment], length, begins)

    def close(self) -> None:
        """Lets go of all segments."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()


class Follower:
    """Reads the frames after a number, in order; asked again it goes on with those that came
    since, also while another process appends."""

    def __init__(self, state: Path, number: int) -> None:
        self._folder, self._last = _folder(state), number
        self._path: Path | None = None
        self._end = 0

    def frames(self) -> Iterator[Frame]:
        """What there is now of frames that were not given yet."""
        found = segments(self._folder)
        for i, path in enumerate(found):
            following = _number(found[i + 1]) if i + 1 < len(found) else None
            if following is not None and following <= self._last + 1:
                continue
            begins = self._end if path == self._path else 0
            for frame, end in _scan(path, self._last, begins):
                self._path, self._end, self._last = path, end, frame.number
                yield frame


def frames_after(state: Path, number: int) -> Iterator[Frame]:
    """The frames with a greater number, in order; also while another process appends."""
    return Follower(state, number).frames()


def frame_of(state: Path, number: int) -> Frame | None:
    """The frame of a number; None where the tail has none."""
    found = next(frames_after(state, number - 1), None)
    return found if found is not None and found.number == number else None


def forget(state: Path, through: int) -> list[str]:
    """Removes segments whose frames all have numbers up to `through`; the newest always stays.

    Its name keeps numbers from being used twice.
    """
    found = segments(_folder(state))
    gone = [a for a, b in pairwise(found) if _number(b) <= through + 1]
    for path in gone:
        path.unlink()
    return [path.name for path in gone]


def size(state: Path) -> int:
    """Bytes that the tail takes on disk."""
    return sum(path.stat().st_size for path in segments(_folder(state)))


def segments(folder: Path) -> list[Path]:
    """The files of frames in a tail's folder, oldest first."""
    return sorted(folder.glob(f"*{_ENDING}"))


def _folder(state: Path) -> Path:
    return state / "tail"


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:016d}{_ENDING}"


def _number(path: Path) -> int:
    return int(path.stem)


def _scan(path: Path, after: int = 0, end: int = 0) -> Iterator[tuple[Frame, int]]:
    """The whole frames of a segment with a greater number, each with the place where it ends; the
    first begins at `end`."""
    try:
        file = path.open("rb")
    except FileNotFoundError:  # covered and removed in between
        return
    with file:
        file.seek(end)
        while len(start := file.read(_FRAME.size)) == _FRAME.size:
            crc, head_size, body_size, number, received_ms = _FRAME.unpack(start)
            if head_size + body_size > _LARGEST:
                return
            if number <= after:
                end += len(start) + head_size + body_size
                file.seek(end)
                continue
            rest = file.read(head_size + body_size)
            if len(rest) < head_size + body_size or zlib.crc32(rest, zlib.crc32(start[4:])) != crc:
                return
            begins = end + len(start) + head_size
            end += len(start) + len(rest)
            head, body = rest[:head_size], rest[head_size:]
            yield Frame(number, received_ms, head, body, _number(path), begins), end
