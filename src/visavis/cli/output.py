"""Results on standard output or in a file: table, CSV, JSON, Parquet, batch by batch."""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import rich_click as click

from visavis.cli.context import settings

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("table", "csv", "json", "parquet")
_TABLE_ROWS = 1000


def choose_format(given: str | None, as_json: bool, out: Path | None) -> str:
    """--format, else JSON with --json, else by the file's ending, else a table (CSV in a file)."""
    if given:
        return given
    if as_json:
        return "json"
    if out is None:
        return "table"
    ending = out.suffix.lower().lstrip(".")
    return ending if ending in FORMATS else "csv"


def write_batches(batches: pa.RecordBatchReader, form: str, out: Path | None) -> None:
    """Writes a result in the chosen form, a batch at a time; a file appears whole or not."""
    if form == "table":
        with _text_target(out) as stream:
            _write_table(batches, stream, wide=out is not None)
        return
    if form == "parquet" and out is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for the terminal: add --out FILE.")
    writers: dict[str, Callable[[pa.RecordBatchReader, IO[bytes]], None]] = {
        "csv": _write_csv,
        "json": _write_json,
        "parquet": _write_parquet,
    }
    with target(out) as stream:
        writers[form](batches, stream)


def write_rows(rows: Sequence[Mapping[str, Any]], form: str, out: Path | None = None) -> None:
    """The same for a few plain rows that all have the keys of the first."""
    from visavis.cli.spell import dump, plain

    if form == "parquet":
        import pyarrow as pa

        table = pa.Table.from_pylist([dict(r) for r in rows])
        write_batches(table.to_reader(), form, out)
        return
    with _text_target(out) as stream:
        if form == "json":
            stream.write(dump(list(rows)) + "\n")
            return
        header = list(rows[0]) if rows else []
        cells = [[plain(row.get(name)) for name in header] for row in rows]
        if form == "csv":
            csv.writer(stream, lineterminator="\n").writerows([header, *cells] if header else [])
        else:
            numbers = {n for n in header if rows and all(_is_number(r.get(n)) for r in rows)}
            _draw(header, numbers, cells, stream, wide=out is not None)


def show_rows(rows: Sequence[Mapping[str, Any]], none: str) -> None:
    """A command's list: a table (or the words `none`), with --json a line of JSON."""
    if settings().json:
        write_json(rows)
    elif rows:
        write_rows(rows, "table")
    else:
        click.echo(none)


def write_json(value: Any) -> None:
    """One compact line."""
    from visavis.cli.spell import dump

    click.echo(dump(value))


@contextmanager
def target(out: Path | None) -> Iterator[IO[bytes]]:
    """Standard output, or a file that takes its name only once it is written and on disk."""
    if out is None:
        stream = sys.stdout.buffer
        yield stream
        stream.flush()
        return
    if not out.parent.is_dir():
        raise click.UsageError(f"--out: there is no folder {out.parent}.")
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def _text_target(out: Path | None) -> Iterator[IO[str]]:
    with target(out) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        yield text
        text.flush()
        text.detach()


def _is_number(value: Any) -> bool:
    from decimal import Decimal

    return value is None or (
        isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    )


def _write_csv(batches: pa.RecordBatchReader, stream: IO[bytes]) -> None:
    from visavis.cli.spell import csv_cells

    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(batches.schema.names)
    stream.write(header.getvalue().encode())
    alone = len(batches.schema.names) == 1
    for batch in batches:
        cells = [csv_cells(column) for column in batch.columns]
        if alone:  # an empty line would be no row
            cells = [_or_quotes(cells[0])]
        _write_lines(cells, ",", "\n", stream)


def _or_quotes(cells: Any) -> Any:
    from visavis.cli.spell import pc

    return pc.if_else(pc.equal(cells, ""), '""', cells)


def _write_json(batches: pa.RecordBatchReader, stream: IO[bytes]) -> None:
    from visavis.cli.spell import dump, json_cells

    keys = [f"{dump(name)}:" for name in batches.schema.names]
    first = True
    stream.write(b"[")
    for batch in batches:
        if not batch.num_rows:
            continue
        parts: list[Any] = []
        for key, column in zip(keys, batch.columns, strict=True):
            parts += [("," if parts else "{") + key, json_cells(column)]
        lines = io.BytesIO()
        _write_lines([*parts, "}"], "", ",", lines)
        text = lines.getbuffer()[:-1]
        stream.write(b"" if first else b",")
        stream.write(text)
        first = False
    stream.write(b"]\n")


def _write_lines(cells: Sequence[Any], between: str, end: str, stream: IO[bytes]) -> None:
    """Joins the columns to lines and writes arrow's own buffer: no Python object per row."""
    import pyarrow as pa

    from visavis.cli.spell import pc

    def scalar(text: str) -> Any:
        return pa.scalar(text, pa.large_string())

    parts = [scalar(c) if isinstance(c, str) else c for c in cells]
    lines = pc.binary_join_element_wise(*parts, scalar(between))
    lines = pc.binary_join_element_wise(lines, scalar(end), scalar(""))
    _, offsets, data = lines.buffers()
    if len(lines) and data is not None and offsets is not None:
        bounds = memoryview(offsets).cast("q")
        stream.write(memoryview(data)[bounds[lines.offset] : bounds[lines.offset + len(lines)]])


def _write_parquet(batches: pa.RecordBatchReader, stream: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.PythonFile(cast(io.IOBase, stream), mode="w")
    with pq.ParquetWriter(sink, batches.schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_table(batches: pa.RecordBatchReader, stream: IO[str], wide: bool) -> None:
    from visavis.cli.spell import is_number, text_cells

    numbers = {f.name for f in batches.schema if is_number(f.type)}
    rows = (
        row
        for batch in batches
        for row in zip(*(text_cells(c) for c in batch.columns), strict=True)
    )
    shown = list(islice(rows, _TABLE_ROWS))
    _draw(batches.schema.names, numbers, shown, stream, wide)
    if next(rows, None) is not None:
        click.echo(f"The first {_TABLE_ROWS} rows; --format csv gives all.", err=True)


def _draw(
    header: Sequence[str],
    numbers: set[str],
    rows: Iterable[Sequence[str]],
    stream: IO[str],
    wide: bool,
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in header:
        right = name in numbers
        table.add_column(
            Text(name), justify="right" if right else "left", no_wrap=right, overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    screen = not wide and sys.stdout.isatty()
    # what is piped or filed is never folded to a screen that isn't there
    Console(file=stream, width=None if screen else 20_000, no_color=not screen).print(table)
