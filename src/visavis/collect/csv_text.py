"""CSV files, by hand where the engine needs help: header, delimiter, lines, and broken rows."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

from visavis.collect.files import open_bytes
from visavis.store.engines.duckdb_names import text_literal

_DELIMITERS = (",", ";", "\t", "|")
LONGEST_LINE = 16 << 20
BLOT = "\x02"
"""What stands for a line that can't be split."""


def rejected(
    rejects: str,
    number: int,
    names: Sequence[str],
    delimiter: str,
    open_at: tuple[int, int] | None,
    skip_lines: int = 0,
) -> str:
    """A query for the rows of a CSV that could not be split, with what they hold."""
    reason = (
        "CASE WHEN any_value(error_type) = 'MISSING COLUMNS' THEN 'cut-row: the row has "
        "too few columns' "
        "WHEN any_value(error_type) = 'TOO MANY COLUMNS' THEN 'bad-row: the row has too "
        "many columns' "
        "ELSE 'bad-row: the row can''t be split into columns' END"
    )
    query = (
        f"SELECT line - {1 + skip_lines} AS _row, any_value(csv_line) AS line, {reason} AS reason "
        f"FROM {rejects} GROUP BY line"
    )
    if open_at:
        blotted = f"starts_with(r.line, {text_literal(BLOT)})"
        query = (
            f"SELECT r._row, CASE WHEN {blotted} THEN t.line ELSE r.line END AS line, "
            f"CASE WHEN {blotted} THEN 'cut-row: a quote is never closed' ELSE r.reason "
            "END AS reason "
            f"FROM ({query}) AS r LEFT JOIN collect_lines_{number} AS t "
            f"ON t._row = r._row - {open_at[1] - 1}"
        )
    held = cells("line", names, delimiter)
    return f"SELECT {number}::INTEGER AS _file, _row, {held} AS row, reason FROM ({query})"


def split_bytes(path: Path, position: int, head: Path, tail: Path) -> None:
    """Writes the bytes before and from a position to two files."""
    with open_bytes(path) as file, head.open("wb") as first, tail.open("wb") as second:
        left = position
        while left and (chunk := file.read(min(left, 1 << 20))):
            first.write(chunk)
            left -= len(chunk)
        shutil.copyfileobj(file, second)


def text_lines(path: Path) -> str:
    """A query for the lines of a text file with their numbers."""
    return (
        "SELECT line, row_number() OVER () AS _row FROM read_csv("
        f"{text_literal(str(path))}, auto_detect = false, columns = {{'line': 'VARCHAR'}}, "
        f"delim = '\x01', quote = '', escape = '', header = false, "
        f"max_line_size = {LONGEST_LINE}, null_padding = true, strict_mode = false)"
    )


def cells(line: str, names: Sequence[str], delimiter: str) -> str:
    """SQL: what a broken line holds, as JSON by column as far as it can be told, and the line."""
    parts = f"string_split({line}, {text_literal(delimiter)})"
    pairs = "".join(f", {text_literal(name)}, {parts}[{i}]" for i, name in enumerate(names, 1))
    return f"json_object('_line', {line}{pairs})"


def read_csv(
    path: Path,
    names: Sequence[str],
    delimiter: str,
    rejects: str | None = None,
    skip_lines: int = 0,
) -> str:
    """SQL of a table function that reads a CSV as text, `skip_lines` above its header."""
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in names)
    keep = (
        f", store_rejects = true, rejects_table = '{rejects}', rejects_scan = '{rejects}_scans', "
        "rejects_limit = 0"
        if rejects
        else ", ignore_errors = true"
    )
    return (
        f"read_csv({text_literal(str(path))}, auto_detect = false, columns = {{{columns}}}, "
        f"skip = {1 + skip_lines}, header = false, delim = {text_literal(delimiter)}, "
        "quote = '\"', escape = '\"', "
        f"max_line_size = {LONGEST_LINE}, nullstr = ''{keep})"
    )


def first_record(path: Path, skip_lines: int = 0) -> str:
    """The header: the first line, or more when a quoted name holds line ends."""
    with open_bytes(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", "replace", newline="") as text:
        for _ in range(skip_lines):
            text.readline(LONGEST_LINE)
        header = text.readline(LONGEST_LINE)
        while header.count('"') % 2 and (more := text.readline(LONGEST_LINE)):
            header += more
    return header


def guess_delimiter(header: str) -> str:
    """The sign that cuts the header into the most columns, commas first."""
    return max(
        _DELIMITERS, key=lambda d: len(next(csv.reader(io.StringIO(header), delimiter=d), []))
    )


def unique_names(names: Sequence[str]) -> list[str]:
    """Column names as the header has them; empty ones and repeats get a number."""
    result: list[str] = []
    taken: set[str] = set()
    for position, name in enumerate(names, 1):
        name = name.strip() or f"column{position}"
        # the engine's column names ignore case
        while name.lower() in taken:
            name += "_2"
        taken.add(name.lower())
        result.append(name)
    return result


def odd_quotes(path: Path) -> bool:
    """Whether the quotes of a file don't pair, so that one of them is never closed."""
    count = 0
    with open_bytes(path) as file:
        while chunk := file.read(1 << 20):
            count += chunk.count(b'"')
    return count % 2 == 1
