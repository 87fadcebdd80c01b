"""`simulate`: writes the invented brand as a project: files, streams of requests, and the truth."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa
from pyarrow import csv, parquet

from visavis.core.clock import to_datetime
from visavis.core.problems import Place, Problem, ProblemsError
from visavis.flow.setup_text import main_text
from visavis.project.templates import template_files
from visavis.testing import brand as made
from visavis.testing.brand_people import Brand
from visavis.testing.brand_requests import requests

REQUESTS = "streams/requests.jsonl"
END = 1_793_491_200_000
"""2026-11-01T00:00:00Z, where the invented history ends unless told otherwise."""
_LINES = msgspec.json.Encoder(decimal_format="number")
_NEEDED = csv.WriteOptions(quoting_style="needed")


class _Sink(Protocol):
    def write(self, rows: pa.Table) -> None: ...
    def close(self) -> None: ...


def simulate(directory: Path, brand: Brand) -> dict[str, Any]:
    """Writes the brand's project into an empty folder; returns how many rows each file has."""
    if directory.exists() and any(directory.iterdir()):
        message, hint = f"{directory} is not empty.", "Choose an empty or a new folder."
        raise ProblemsError([Problem("file-exists", message, Place(str(directory)), hint)])
    rows: Counter[str] = Counter()
    streamed: dict[str, list[pa.Table]] = {made.CLICKS: [], made.ORDERS: []}
    sinks: dict[str, _Sink] = {}
    try:
        for name, table in made.tables(brand):
            if name in streamed:
                streamed[name].append(table)
                continue
            rows[name] += len(table)
            if not rows[name] and name.endswith(".jsonl"):
                continue  # an empty file would have no columns
            if name not in sinks:
                sinks[name] = _sink(directory / name, table.schema)
            sinks[name].write(table)
    finally:
        for sink in sinks.values():
            sink.close()
    rows[REQUESTS] = _write_requests(directory / REQUESTS, streamed)
    _definitions(directory)
    summary = _summary(brand, rows)
    text = json.dumps(summary, indent=1) + "\n"
    (directory / "truth/summary.json").write_text(text, encoding="utf-8")
    return summary


def _definitions(directory: Path) -> None:
    texts = {**template_files("starter"), **made.project_files()}
    del texts["tests/starter.yml"]  # tests of a shop that this is not
    texts["visavis.yml"] = main_text(texts["visavis.yml"], "Fashion", "Europe/Berlin", "EUR")
    texts["README.md"] = _README
    for name, text in sorted(texts.items()):
        if name.startswith("sources/"):
            text = _with_data(text, directory)
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    (directory / ".gitignore").write_text(".visavis/\n", encoding="utf-8")


def _with_data(text: str, directory: Path) -> str:
    """The sources whose files were written: of few people over few days some have no row."""
    head, *sources = re.split(r"(?m)^(?=  \w+:$)", text)
    there = [s for s in sources if (directory / _FROM.findall(s)[0]).exists()]
    return head + "".join(there) if there else "sources: {}\n"


_FROM = re.compile(r"(?m)^    from: (\S+)$")
_README = """# An invented fashion brand

Written by `visavis simulate`; nobody here exists, and no address leads anywhere.

- `data/`: what its systems export. `sources/` says how they are read.
- `streams/requests.jsonl`: the last days of web and app as requests of real client libraries, in
  the order of time: `{method, path, headers, body}`. Their write key is `wk_fashion`. They are not
  in `data/`.
- `truth/`: who is who, what people truly did, the effect of each mailing on each person, and which
  events are of bots. visavis doesn't read it; compare with it.
"""


def _sink(path: Path, schema: pa.Schema) -> _Sink:
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix:
        case ".csv":
            return csv.CSVWriter(path, schema, write_options=_NEEDED)
        case ".parquet":
            return parquet.ParquetWriter(path, schema, compression="zstd")
        case _:
            return _JsonLines(path)


class _JsonLines:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, rows: pa.Table) -> None:
        for batch in rows.to_batches(max_chunksize=10_000):
            self._file.write(_LINES.encode_lines(batch.to_pylist()))

    def close(self) -> None:
        self._file.close()


def _write_requests(path: Path, streamed: Mapping[str, list[pa.Table]]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    clicks, orders = (pa.concat_tables(tables) if tables else None for tables in streamed.values())
    count = 0
    with path.open("wb") as file:
        for request in requests(clicks, orders):
            file.write(_LINES.encode(request) + b"\n")
            count += 1
    return count


def _summary(brand: Brand, rows: Mapping[str, int]) -> dict[str, Any]:
    return {
        "people": brand.people,
        "days": brand.days,
        "seed": brand.seed,
        "from": _time(brand.start),
        "streams_from": _time(brand.cut),
        "to": _time(brand.end),
        "rows": dict(sorted(rows.items())),
    }


def _time(moment: int) -> str:
    return to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
