"""The columns of a data file, from its header or schema alone."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from visavis.project import json_rows

DELIMITERS = (",", ";", "\t", "|")
_JSON = (".jsonl", ".ndjson", ".json")
_PARQUET = (".parquet", ".pq")
_PICTURES = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"%PDF",
    b"\xd0\xcf\x11\xe0",
    b"\x7fELF",
    b"PAR1",
)
_SAMPLE_ROWS = 1000
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)

_CHINESE = re.compile(rb"(?:[\x00-\x7f]|[\xa1-\xa3\xb0-\xd7][\xa1-\xfe])*")
"""ASCII and the common characters of GB 2312: western letters seldom come in such pairs."""


class Unreadable(Exception):
    """A data file that can't be read at all; the text says why."""


def columns(
    path: Path, encoding: str | None = None, delimiter: str | None = None, skip_lines: int = 0
) -> tuple[list[str], bool]:
    """The names of a file's columns (none: the file is empty), and whether these are all.

    `skip_lines` is how many lines of a CSV stand above its header.

    They are not for JSON lines of which only the first were looked at. Unreadable if there is no
    way to tell.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    try:
        if suffixes and suffixes[-1] in _PARQUET:
            return _parquet(path), True
        with _open(path, suffixes) as file:
            refuse_binary(file)
            if any(suffix in _JSON for suffix in suffixes[-2:]):
                return _json(file, encoding)
            return _csv(file, encoding, delimiter, skip_lines), True
    except (OSError, EOFError) as error:
        raise Unreadable(str(getattr(error, "strerror", None) or error)) from error
    except LookupError as error:
        raise Unreadable(f"there is no encoding '{encoding}'") from error
    except (UnicodeError, csv.Error) as error:
        raise Unreadable(str(error)) from error


def _open(path: Path, suffixes: list[str]) -> IO[bytes]:
    if suffixes and suffixes[-1] == ".gz":
        return io.BufferedReader(gzip.open(path, "rb"))
    return path.open("rb")


def refuse_binary(file: IO[bytes]) -> None:
    """Unreadable for what is no text: archives, pictures, programs."""
    head = file.read(4096)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        raise Unreadable("it is a zip archive; unpack it, or save a spreadsheet as CSV")
    if any(head.startswith(mark) for mark in _PICTURES):
        raise Unreadable("it is no table of text")
    zeros = head[::2].count(0), head[1::2].count(0)
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")) and 10 * min(zeros) > max(zeros) > 0:
        raise Unreadable("it is no table of text")  # of UTF-16 one side alone holds zeros


def _parquet(path: Path) -> list[str]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return list(_nested(parquet.read_schema(path), "", 1))
    except pa.ArrowInvalid as error:
        raise Unreadable(str(error)) from error


def _nested(fields: Any, before: str, depth: int) -> Iterator[str]:
    """The names of columns, and of the values in nested ones as in JSON: customer.id."""
    from pyarrow import types

    for part in fields:
        yield f"{before}{part.name}"
        listed = types.is_list(part.type) or types.is_large_list(part.type)
        inner = part.type.value_type if listed and depth == 1 else part.type
        if types.is_struct(inner) and depth < json_rows.DEEPEST:
            yield from _nested(inner, f"{before}{part.name}.", depth + 1)


def _json(file: IO[bytes], encoding: str | None) -> tuple[list[str], bool]:
    found: dict[str, None] = {}
    with io.TextIOWrapper(file, encoding=_told(file, encoding), errors="replace") as text:
        rows = json_rows.json_rows(text)
        for row in islice(rows, _SAMPLE_ROWS):
            found.update(dict.fromkeys(json_rows.names(row)))
        return list(found), next(rows, None) is None


def _csv(file: IO[bytes], encoding: str | None, delimiter: str | None, skip: int) -> list[str]:
    header = _first_record(file, encoding, skip)
    mark = delimiter or max(DELIMITERS, key=lambda d: len(_split(header, d)))
    return _numbered(_split(header, mark))


def _told(file: IO[bytes], encoding: str | None, lines: int = 1) -> str:
    """The encoding given, or else that the first lines show."""
    start = file.read(4)
    file.seek(0)
    told = encoding or next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if told is None:
        told = _encoding(b"".join(file.readline() for _ in range(lines)))
        file.seek(0)
    return told


def _first_record(file: IO[bytes], encoding: str | None, skip: int) -> str:
    told = _told(file, encoding, skip + 1)
    # rows further down may show another encoding than the header
    errors = "strict" if encoding else "replace"
    with io.TextIOWrapper(file, encoding=told, errors=errors, newline="") as text:
        for _ in range(skip):
            text.readline()
        header = text.readline()
        while header.count('"') % 2 and (more := text.readline()):
            header += more  # a quoted name over several lines
    return header.removeprefix("\ufeff")


def _encoding(raw: bytes) -> str:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030" if _CHINESE.fullmatch(raw) else "cp1252"
    return "utf-8"


def _split(header: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(header), delimiter=delimiter), [])


def _numbered(names: list[str]) -> list[str]:
    """Empty names get their number, repeated ones a `_2`, as when the rows are read."""
    result: list[str] = []
    for position, name in enumerate(names, 1):
        name = name.strip() or f"column{position}"
        while name.lower() in {other.lower() for other in result}:
            name += "_2"
        result.append(name)
    return result
