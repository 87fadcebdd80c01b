"""Columns from headers alone, and what is missing of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from visavis.project.files import data_files
from visavis.project.headers import Unreadable, columns


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (b"a,b\n1,2\n", ["a", "b"]),
        (b'a;"b, c";d\n', ["a", "b, c", "d"]),
        (b"a\tb\n", ["a", "b"]),
        (b"\xef\xbb\xbfa|b\n", ["a", "b"]),
        ("größe,b\n".encode("cp1252"), ["größe", "b"]),
        ("订单,b\n".encode("gb18030"), ["订单", "b"]),
        ("a,é\n".encode("utf-16"), ["a", "é"]),
        (b'"a\nx",b\n1,2\n', ["a\nx", "b"]),
        ("a,b\n1,größe\n".encode("cp1252"), ["a", "b"]),
        (b"a,,A\n", ["a", "column2", "A_2"]),
        (b"", []),
    ],
)
def test_csv(tmp_path: Path, raw: bytes, names: list[str]) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(raw)
    assert columns(path) == (names, True)
    packed = tmp_path / "x.csv.gz"
    packed.write_bytes(gzip.compress(raw))
    assert columns(packed) == (names, True)


def test_parquet_and_json(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "x.parquet")
    assert columns(tmp_path / "x.parquet") == (["a", "b"], True)
    lines = tmp_path / "x.jsonl"
    lines.write_text('{"a": 1}\nno json\n\n[1]\n{"b": 2}\n')
    assert columns(lines) == (["a", "b"], True)
    lines.write_text('{"a": 1}\n' * 1000 + '{"b": 2}\n')
    assert columns(lines) == (["a"], False)


def test_what_can_not_be_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(b"no gzip")
    with pytest.raises(Unreadable, match="gzip"):
        columns(path)
    path = tmp_path / "x.csv"
    path.write_bytes(b"a,b\n")
    with pytest.raises(Unreadable, match="no encoding"):
        columns(path, encoding="klingon")


def test_files_of_an_origin_come_once_and_sorted(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "sub/c.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = data_files(tmp_path, "*.csv\na.csv\n**/c.csv")
    assert [path.name for path in found] == ["a.csv", "b.csv", "c.csv"]
