"""Files as one raw relation: every column as it stands, the file and row it came from.

Rows that can't be split into columns (cut in the middle, too long, no JSON) come out as rejects.
"""

from __future__ import annotations

import csv
import gzip
import io
import shutil
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from visavis.collect.clean import text
from visavis.collect.csv_text import (
    BLOT,
    first_record,
    guess_delimiter,
    odd_quotes,
    read_csv,
    rejected,
    split_bytes,
    text_lines,
    unique_names,
)
from visavis.collect.encodings import detect_encoding
from visavis.collect.files import ByteCounter, transcode
from visavis.collect.json_text import JsonTable
from visavis.core.nouns import Source
from visavis.core.problems import Problem, ProblemsError
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.state import FileMark
from visavis.store.warehouse import Warehouse

_REJECTS = "collect_rejects"


@dataclass(frozen=True, slots=True)
class RawFile:
    """One file ready to be scanned. `columns` maps its column names to engine types.

    `scan` selects its columns, `numbered` the same with the row's number as `_row`.
    """

    mark: FileMark
    number: int
    columns: Mapping[str, str]
    scan: str
    numbered: str
    faulty_bytes: bool = False

    def select(self, columns: Iterable[str], numbered: bool = False) -> str:
        """A query for some columns, `_file` and, if asked for, `_row`."""
        names = [
            identifier(c) if c in self.columns else f"NULL AS {identifier(c)}" for c in columns
        ]
        row = ["_row"] if numbered else []
        picked = ", ".join([*names, f"{self.number}::INTEGER AS _file", *row])
        return f"SELECT {picked} FROM ({self.numbered if numbered else self.scan})"


@dataclass
class Raw:
    """The files of a load. `rejects` are rows that could not be split into columns."""

    files: list[RawFile] = field(default_factory=list)
    rejects: str | None = None

    @property
    def tables(self) -> list[tuple[str, Mapping[str, str]]]:
        """Name and columns of each file."""
        return [(file.mark.path, file.columns) for file in self.files]

    @property
    def faulty(self) -> tuple[int, ...]:
        """Numbers of the files with bytes that their encoding lacks."""
        return tuple(file.number for file in self.files if file.faulty_bytes)

    @property
    def costly(self) -> bool:
        """Whether reading the rows again means parsing text again."""
        return not all(file.mark.path.endswith((".parquet", ".pq")) for file in self.files)

    @property
    def columns(self) -> dict[str, str]:
        """Column -> engine type over all files; VARCHAR where the files differ."""
        result: dict[str, str] = {}
        for file in self.files:
            for name, kind in file.columns.items():
                result[name] = kind if result.get(name, kind) == kind else "VARCHAR"
        return result

    def select(self, columns: Sequence[str], numbered: bool = False) -> str:
        """A query for some columns of all files, with `_file` and, if asked for, `_row`."""
        kinds = self.columns
        if self._alike():
            return _together(self.files, columns, numbered)
        parts = []
        for file in self.files:
            cast = [c for c in columns if c in file.columns and file.columns[c] != kinds[c]]
            replaced = ", ".join(
                f"{text(identifier(c), file.columns[c])} AS {identifier(c)}" for c in cast
            )
            star = f"* REPLACE ({replaced})" if cast else "*"
            parts.append(f"SELECT {star} FROM ({file.select(columns, numbered)})")
        return " UNION ALL ".join(parts)

    def _alike(self) -> bool:
        """Whether all files are Parquet with the same columns, so that one scan reads them."""
        first = self.files[0]
        return len(self.files) > 1 and all(
            f.mark.path.endswith(".parquet") and f.columns == first.columns for f in self.files
        )


def _together(files: Sequence[RawFile], columns: Sequence[str], numbered: bool) -> str:
    # the file's number is looked up by name; the name is constant within a scanned chunk
    names = [f.scan.split("read_parquet(", 1)[1].split(", file_row", 1)[0] for f in files]
    first = files[0].number
    listed = ", ".join(names)
    row = ", file_row_number + 1 AS _row" if numbered else ""
    picked = "".join(f"{identifier(c)}, " for c in columns)
    return (
        f"SELECT {picked}CAST(list_position([{listed}], _path) + {first - 1} AS "
        "INTEGER) AS _file"
        f"{row} FROM read_parquet([{listed}], file_row_number = true, filename = '_path')"
    )


class Reader:
    """Opens the files of a source. `work` is a directory for transcoded copies."""

    def __init__(self, wh: Warehouse, work: Path, counter: ByteCounter) -> None:
        self.wh = wh
        self.work = work
        self.counter = counter
        self._rejects: list[str] = []

    def open(
        self, source: Source, marks: Sequence[FileMark], paths: Mapping[str, Path], first: int = 1
    ) -> Raw:
        """The raw relation of these files, numbered from `first` in their order.

        ProblemsError for archives that can't be unpacked.
        """
        files, problems = [], []
        for number, mark in enumerate(marks, first):
            try:
                files.append(self._file(source, mark, paths[mark.path], number))
            except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                message = f"{mark.path} can't be unpacked: {str(error).rstrip('.')}."
                place = source.places.get("from", source.place)
                hint = "Export it again; what was taken in before stays."
                problems.append(Problem("unreadable-file", message, place, hint))
        if problems:
            raise ProblemsError(problems)
        return Raw(files, _union(self._rejects))

    def _file(self, source: Source, mark: FileMark, path: Path, number: int) -> RawFile:
        self.counter.add(mark.size)
        name = path.name.removesuffix(".gz").lower()
        if name.endswith((".parquet", ".pq")):
            return self._parquet(source, mark, path, number)
        encoding, whole = (source.encoding, False) if source.encoding else detect_encoding(path)
        faulty = False
        if encoding not in ("utf-8", "utf-8-sig") or not whole:
            target = self.work / f"utf8-{number}.txt"
            faulty = transcode(path, encoding, target)
            path = target
        if name.endswith((".json", ".jsonl", ".ndjson")):
            return self._json(source, mark, path, number, faulty)
        return self._csv(source, mark, path, number, faulty)

    def _parquet(self, source: Source, mark: FileMark, path: Path, number: int) -> RawFile:
        scan = f"FROM read_parquet({text_literal(str(path))}, file_row_number = true)"
        described = self.wh.rows(f"DESCRIBE SELECT * EXCLUDE (file_row_number) {scan}")
        columns = {row[0]: row[1] for row in described}
        if _names_nested(source, columns):
            target = self.work / f"nested-{number}.jsonl"
            star = f"SELECT * EXCLUDE (file_row_number) {scan} ORDER BY file_row_number"
            self._in_order(f"COPY ({star}) TO {text_literal(str(target))} (FORMAT json)")
            return self._json(source, mark, target, number, False)
        numbered = f"SELECT *, file_row_number + 1 AS _row {scan}"
        return RawFile(mark, number, columns, f"SELECT * {scan}", numbered)

    def _json(
        self, source: Source, mark: FileMark, path: Path, number: int, faulty: bool
    ) -> RawFile:
        self._drop(f"collect_json_{number}")
        json = JsonTable(self.wh, f"collect_json_{number}")
        self._in_order(json.making(path))
        columns = json.columns(source.named_columns)
        self._in_order(json.splitting(columns))
        self._rejects.append(json.rejects(number))
        scan = json.scan(columns)
        return RawFile(mark, number, dict.fromkeys(columns, "VARCHAR"), scan, scan, faulty)

    def _csv(
        self, source: Source, mark: FileMark, path: Path, number: int, faulty: bool
    ) -> RawFile:
        above = source.skip_lines
        header = first_record(path, above)
        delimiter = source.delimiter or guess_delimiter(header)
        names = unique_names(next(csv.reader(io.StringIO(header), delimiter=delimiter), []))
        open_at = self._open_quote(path, names, delimiter, above)
        if open_at:
            path = self._mend(path, number, open_at, delimiter if len(names) == 1 else "")
        rejects = f"{_REJECTS}_{number}"
        self._drop(rejects)
        scan = f"SELECT * FROM {read_csv(path, names, delimiter, rejects, above)}"
        rows = read_csv(path, names, delimiter, skip_lines=above)
        numbered = f"SELECT *, row_number() OVER () AS _row FROM {rows}"
        self._rejects.append(rejected(rejects, number, names, delimiter, open_at, above))
        return RawFile(mark, number, dict.fromkeys(names, "VARCHAR"), scan, numbered, faulty)

    def _open_quote(
        self, path: Path, names: Sequence[str], delimiter: str, above: int
    ) -> tuple[int, int] | None:
        """Byte and row of a quote that is never closed: the rest of the file would be one value."""
        if not odd_quotes(path):
            return None
        table = f"{_REJECTS}_probe"
        self._drop(table)
        rows = read_csv(path, names, delimiter, table, above)
        self.wh.rows(f"SELECT count(COLUMNS(*)) FROM {rows}")
        found = self.wh.rows(
            f"SELECT line_byte_position, line - {1 + above} FROM {table} WHERE error_type NOT IN "
            "('MISSING COLUMNS', 'TOO MANY COLUMNS') ORDER BY 1 LIMIT 1"
        )
        self._drop(table)
        return (int(found[0][0]), int(found[0][1])) if found else None

    def _in_order(self, sql: str) -> None:
        """Runs what numbers or sorts the lines of a file."""
        self.wh.execute("SET preserve_insertion_order = true")
        self.wh.execute(sql)
        self.wh.execute("SET preserve_insertion_order = false")

    def _drop(self, table: str) -> None:
        self.wh.execute(f"DROP TABLE IF EXISTS {table}")
        self.wh.execute(f"DROP TABLE IF EXISTS {table}_scans")

    def _mend(self, path: Path, number: int, open_at: tuple[int, int], spare: str) -> Path:
        """A copy in which, from the open quote on, lines with a lone quote are blotted out.

        What stands in their place has too few columns (or, by `spare`, too many) and is rejected.
        """
        position = open_at[0] - 1
        table, mended = f"collect_lines_{number}", self.work / f"mended-{number}.csv"
        tail, kept = self.work / f"tail-{number}.csv", self.work / f"kept-{number}.csv"
        split_bytes(path, position, mended, tail)
        odd = "(length(line) - length(replace(line, '\"', ''))) % 2 = 1"
        blot = text_literal(f"{BLOT}{spare}")
        self._in_order(f"CREATE OR REPLACE TEMP TABLE {table} AS {text_lines(tail)}")
        self._in_order(
            f"COPY (SELECT CASE WHEN {odd} THEN {blot} ELSE line END FROM {table} ORDER BY "
            "_row) TO "
            f"{text_literal(str(kept))} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', "
            "DELIMITER '')"
        )
        with mended.open("ab") as out, kept.open("rb") as rest:
            shutil.copyfileobj(rest, out)
        return mended


def _names_nested(source: Source, columns: Mapping[str, str]) -> bool:
    """Whether a source reads values inside a Parquet column, as `customer.id` or `lines.sku`."""
    inside = [n for n in source.named_columns if n not in columns and "." in n]
    return any(n.startswith(f"{c}.") for n in inside for c, k in columns.items() if "STRUCT" in k)


def _union(parts: Sequence[str]) -> str | None:
    return " UNION ALL ".join(parts) if parts else None
