"""The first rows of a table of any kind, as columns of text, for the guess."""

from __future__ import annotations

import csv
import io
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from visavis.collect.encodings import detect_encoding
from visavis.collect.files import open_bytes
from visavis.collect.guess import Column
from visavis.core.problems import Place, Problem, ProblemsError
from visavis.project import json_rows
from visavis.project.headers import DELIMITERS, Unreadable, columns, refuse_binary

ROWS = 10_000
_TITLES = 20
_DAY_MONTH = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-]\d{2}")
_LINES = re.compile(r"(?i)line|item|product|artic|position|good|ware|商品|明细")
_UNNAMED = re.compile(r"column\d+(_2)*")
_SHEETS = (".xlsx", ".xls", ".ods", ".numbers")


@dataclass(frozen=True, slots=True)
class Sample:
    """A file's columns with their first values, and how it is written.

    `encoding` and `delimiter` are None where a reader finds them by itself; `skip_lines` stand
    above the header.
    """

    path: Path
    columns: tuple[Column, ...]
    encoding: str | None = None
    delimiter: str | None = None
    skip_lines: int = 0
    array: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(c.name for c in self.columns)


def read_sample(path: Path, rows: int = ROWS) -> Sample:
    """The first rows of a CSV, Parquet or JSON file; else ProblemsError."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(_SHEETS):
        raise _problem("unknown-format", path, "is a spreadsheet", "Save it as CSV and take that.")
    try:
        if name.endswith((".parquet", ".pq")):
            return _parquet(path, rows)
        if name.endswith((".json", ".jsonl", ".ndjson")):
            return _json(path, rows)
        return _csv(path, rows)
    except (Unreadable, OSError, EOFError, zlib.error) as error:
        what = f"can't be read: {str(error).rstrip('.')}"
        raise _problem("unreadable-file", path, what, "") from error


def _problem(code: str, path: Path, what: str, hint: str) -> ProblemsError:
    return ProblemsError([Problem(code, f"'{path.name}' {what}.", Place(str(path)), hint)])


def _parquet(path: Path, rows: int) -> Sample:
    from pyarrow import parquet

    columns(path)  # says readably what is no Parquet
    with parquet.ParquetFile(path) as file:
        batch = next(file.iter_batches(batch_size=rows), None)
        names = file.schema_arrow.names
    if batch is None:
        raise _empty(path)
    if any(str(kind).startswith(("struct", "list", "large_list")) for kind in batch.schema.types):
        return _of_rows(path, batch.to_pylist())
    return Sample(path, tuple(Column(n, batch.column(i).to_pylist()) for i, n in enumerate(names)))


def _json(path: Path, rows: int) -> Sample:
    with _text(path, detect_encoding(path)[0]) as file:
        found = list(islice(json_rows.json_rows(file), rows))
    if not found:
        raise _empty(path)
    return _of_rows(path, found)


def _of_rows(path: Path, found: Sequence[Mapping[str, Any]]) -> Sample:
    """Rows with nested values, by their names, one for each of an order's lines."""
    array = _lines_of(found)
    flat = [part for row in found for part in json_rows.flat(row, array)]
    names = dict.fromkeys(name for row in flat for name in row)
    read = tuple(Column(name, [row.get(name) for row in flat]) for name in names)
    return Sample(path, read, array=array)


def _lines_of(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """The array of objects that are the order's lines: by its name, else the one in most rows."""
    counts = Counter(key for row in rows for key in json_rows.arrays(row))
    if not counts:
        return None
    return max(sorted(counts), key=lambda key: (bool(_LINES.search(key)), counts[key]))


def _csv(path: Path, rows: int) -> Sample:
    with open_bytes(path) as raw:
        refuse_binary(raw)
    encoding, _ = detect_encoding(path)
    with _text(path, encoding) as file:
        head = [line for line in islice(file, 50) if line.strip()]
    if not head:
        raise _empty(path)
    delimiter = _delimiter(head)
    above = _lines_above(path, encoding, delimiter)
    names = columns(path, encoding, delimiter, above)[0]
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with _text(path, encoding) as file:
        reader = csv.reader(islice(file, above, None), delimiter=delimiter)
        next(reader, None)
        found = [row for row in islice(_sound(reader), rows) if len(row) == len(names)]
    _check_header(path, names, found)
    read = tuple(Column(name, [row[i] for row in found]) for i, name in enumerate(names))
    told = encoding if encoding not in ("utf-8", "utf-8-sig") else None
    return Sample(path, read, told, delimiter if delimiter != "," else None, above)


def _lines_above(path: Path, encoding: str, delimiter: str) -> int:
    """How many lines stand above the header: titles, which fill at most half of its columns."""
    with _text(path, encoding) as file:
        lines = list(islice(file, _TITLES + 30))
    cells = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    filled = [sum(bool(cell.strip()) for cell in row) for row in cells]
    widths = Counter(len(row) for row, full in zip(cells, filled, strict=True) if full > 1)
    if not widths:
        return 0
    width = widths.most_common(1)[0][0]
    first = next(i for i, row in enumerate(cells) if len(row) == width and 2 * filled[i] > width)
    titles = width >= 3 and 0 < first <= _TITLES and 2 * max(filled[:first]) <= width
    return first if titles and widths[width] >= 2 else 0


def _sound(reader: Any) -> Iterator[list[str]]:
    """Rows until the first that can't be split; what is behind is for the quarantine."""
    try:
        yield from reader
    except csv.Error:
        return


def day_first(samples: Sequence[Sample], column: str) -> bool | None:
    """Whether days come before months in a column of dates, looked up in all rows; None: open."""
    for sample in samples:
        if not sample.path.name.lower().removesuffix(".gz").endswith((".parquet", ".pq")):
            for text in _values(sample, column):
                if found := _DAY_MONTH.match(text.strip()):
                    first, second = int(found[1]), int(found[2])
                    if max(first, second) > 12 >= min(first, second):
                        return first > 12
    return None


def _values(sample: Sample, column: str) -> Iterator[str]:
    with _text(sample.path, sample.encoding or detect_encoding(sample.path)[0]) as file:
        if sample.path.name.lower().removesuffix(".gz").endswith((".json", ".jsonl", ".ndjson")):
            for whole in json_rows.json_rows(file):
                yield from (str(part.get(column)) for part in json_rows.flat(whole, sample.array))
            return
        position = sample.names.index(column)
        lines = islice(file, sample.skip_lines, None)
        for row in _sound(csv.reader(lines, delimiter=sample.delimiter or ",")):
            if len(row) == len(sample.names):
                yield row[position]


def _delimiter(head: Sequence[str]) -> str:
    """The sign that cuts the header into the most columns, and the rows into as many."""

    def score(mark: str) -> tuple[int, int]:
        cut = [
            len(row) for row in csv.reader(io.StringIO("".join(head), newline=""), delimiter=mark)
        ]
        return (sum(n == cut[0] for n in cut) if cut[0] > 1 else 0) * cut[0], cut[0]

    return max(DELIMITERS, key=score)


def _check_header(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        raise _empty(path)
    if sum(bool(_UNNAMED.fullmatch(name)) for name in names) > max(1, 0.5 * len(names)):
        hint = "Delete the lines above the one with the names of the columns."
        raise _problem("missing-header", path, "has no names of columns in its first line", hint)
    header = [Column(name, [name]) for name in names]
    figures = sum(c.numeric or c.dates is not None for c in header)
    if figures >= 2 and figures >= 0.5 * len(names):
        hint = "Write the names of the columns into a line above the first row."
        raise _problem("missing-header", path, "has no header: its first line is a row", hint)


def _empty(path: Path) -> ProblemsError:
    return _problem("empty-file", path, "has no rows", "Export it again, or take another file.")


def _text(path: Path, encoding: str) -> IO[str]:
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, errors="replace", newline="")
