"""Frames of every size are read back as they were appended."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.store import tail
from visavis.store.tail import Tail, frames_after

SIZES = [0, 1, 5119, 5120, 5121, 10_240, 10_241, 300_000]


def test_frames_of_every_size_come_back(tmp_path: Path) -> None:
    bodies = [bytes(range(256)) * (size // 256) + b"x" * (size % 256) for size in SIZES]
    opened = Tail(tmp_path)
    made = opened.append([(7 + i, b"head", body) for i, body in enumerate(bodies)])
    opened.close()
    assert [frame.body for frame in made] == bodies
    assert list(frames_after(tmp_path, 0)) == made
    again = Tail(tmp_path)
    assert again.next_number == len(SIZES) + 1
    again.close()


@pytest.mark.parametrize("size", SIZES)
def test_a_torn_or_changed_frame_is_cut_off(tmp_path: Path, size: int) -> None:
    opened = Tail(tmp_path)
    (kept,) = opened.append([(1, b"head", b"whole")])
    (gone,) = opened.append([(2, b"head", b"\0" * size)])
    opened.close()
    (path,) = tail.segments(tmp_path / "tail")
    text = bytearray(path.read_bytes())
    text[-1] ^= 1  # of an empty body the head's last byte
    path.write_bytes(text)
    assert list(frames_after(tmp_path, 0)) == [kept]
    again = Tail(tmp_path)
    assert again.next_number == gone.number
    again.close()


@given(st.binary(max_size=300), st.integers(0, 40_000), st.integers(0, 2**32 - 1))
def test_a_sum_in_pieces_is_the_sum(text: bytes, times: int, start: int) -> None:
    body = text * (times // (len(text) + 1) + 1)
    assert tail._sum(body, start) == zlib.crc32(body, start)
