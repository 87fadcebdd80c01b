"""`evaluate matching`: the whole matching on files of the user's, scored against a truth column."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis.core.problems import Problem, ProblemsError, first_line, nearest
from visavis.core.progress import SILENT, Progress
from visavis.flow.extras import need_splink
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.warehouse import Warehouse, connect

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from visavis.unify.matching.match import Matched
    from visavis.unify.matching.scores import Scores

_CURVE = (-10.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 10.0, 15.0, 20.0)
_JSON = (".json", ".jsonl", ".ndjson")


def evaluate(
    files: Sequence[Path], truth: str, ignore: Sequence[str], progress: Progress = SILENT
) -> dict[str, Any]:
    """Matches the records of all files, which are pooled, and scores the groups.

    Records with equal values of `truth` are one person; a record without one is nobody else. The
    settings come from the other columns alone. Raises ProblemsError for files or columns that
    can't be read.
    """
    from visavis.unify.matching.match import match
    from visavis.unify.matching.scores import pairs_of, score

    need_splink()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as work, connect() as wh:
        with progress.step("read"):
            names = _pool(wh, files, truth, ignore, Path(work))
            persons = _truth(wh, truth)
        with progress.step("match"):
            found = match(wh, "records", names)
        seconds = time.perf_counter() - start
        curve = _curve(wh, found, persons)
    got = score(found.groups, persons)
    return {
        "records": found.proposal.rows,
        "true_pairs": pairs_of(persons),
        **_scores(got),
        "b_cubed_f1": round(got.b_cubed_f1, 6),
        "threshold": round(found.threshold, 4),
        "curve": curve,
        "seconds": round(seconds, 3),
        "relatives": found.fit.relatives is not None,
        "proposed": list(found.proposal.notes),
        "rules": [rule.label for rule in found.proposal.rules],
    }


def _scores(got: Scores) -> dict[str, float]:
    names = ("precision", "recall", "f1")
    return {name: round(getattr(got, name), 6) for name in names}


def _curve(wh: Warehouse, found: Matched, persons: npt.NDArray[np.int64]) -> list[dict[str, float]]:
    """What other thresholds would reach with the same weights."""
    from visavis.unify.matching.match import group
    from visavis.unify.matching.scores import score

    curve = []
    for threshold in sorted({*_CURVE, found.threshold}):
        groups = group(wh, found.proposal, found.fit, found.pairs, found.weight, threshold)
        curve.append({"threshold": round(threshold, 4), **_scores(score(groups, persons))})
    return curve


def _pool(
    wh: Warehouse, files: Sequence[Path], truth: str, ignore: Sequence[str], work: Path
) -> list[str]:
    """Makes `records`: `_row`, `_file` and every column as text; gives the columns to compare."""
    problems: list[Problem] = []
    readings = [_one_file(wh, n, file, truth, work, problems) for n, file in enumerate(files)]
    if problems:
        raise ProblemsError(problems)
    pooled = " UNION ALL BY NAME ".join(readings)
    wh.execute(
        "CREATE TEMP TABLE records AS SELECT CAST(row_number() OVER () - 1 AS BIGINT) AS _row, * "
        f"FROM ({pooled})"
    )
    if not wh.value(f"SELECT count({_label(truth)}) FROM records"):
        raise ProblemsError([_no_truth(truth)])
    names = [c for c in wh.columns("records") if c not in ("_row", "_file")]
    problems = [_no_column(files[0], name, names) for name in ignore if name not in names]
    if problems:
        raise ProblemsError(problems)
    return [name for name in names if name != truth and name not in ignore]


def _one_file(
    wh: Warehouse, number: int, file: Path, truth: str, work: Path, problems: list[Problem]
) -> str:
    """Reads a file into a table; gives a query of its columns as texts."""
    table = f"file_{number}"
    try:
        reading, header = _reading(file, work / str(number))
        wh.execute(f"CREATE TEMP TABLE {table} AS {reading}")
        columns = list(wh.columns(table))
        twice = _twice(wh, header) if header else []
    except Exception as error:  # noqa: BLE001 - whatever the engine says of the user's file
        problems.append(_unreadable(file, first_line(error)))
        return ""
    problems += [_named_twice(file, name) for name in twice]
    if truth not in columns:
        problems.append(_no_column(file, truth, columns))
    elif not wh.value(f"SELECT count(*) FROM {table}"):
        problems.append(_no_records(file))
    texts = ", ".join(f"CAST({identifier(c)} AS VARCHAR) AS {identifier(c)}" for c in columns)
    return f"SELECT {number} AS _file, {texts} FROM {table}"


def _reading(file: Path, work: Path) -> tuple[str, str | None]:
    """SQL that reads a file of any of the forms, and of a CSV its first line."""
    from visavis.collect.encodings import detect_encoding
    from visavis.collect.files import transcode

    if not file.is_file():
        raise OSError("there is no such file")
    if not file.stat().st_size:
        raise OSError("it is empty")
    kinds = [suffix.lower() for suffix in file.suffixes]
    if ".parquet" in kinds:
        return f"FROM read_parquet({text_literal(str(file))})", None
    encoding, _ = detect_encoding(file)
    text = file
    if encoding not in ("utf-8", "utf-8-sig") or file.suffix == ".gz":
        text = work.with_suffix(kinds[0] if kinds else ".csv")
        transcode(file, encoding, text)
    path = text_literal(str(text))
    if any(kind in _JSON for kind in kinds):
        return f"FROM read_json({path}, convert_strings_to_integers = false)", None
    csv = f"FROM read_csv({path}, all_varchar = true, header ="
    return f"{csv} true)", f"{csv} false) LIMIT 1"


def _twice(wh: Warehouse, header: str) -> list[str]:
    """The columns that a CSV names more than once; the engine would number them."""
    names = [str(name) for name in wh.rows(header)[0] if name is not None]
    return sorted({name for name in names if names.count(name) > 1})


def _unreadable(file: Path, why: str) -> Problem:
    return Problem(
        "unreadable-file",
        f"{file.name} can't be read: {why}",
        None,
        "Give a CSV, Parquet or JSON lines file.",
    )


def _named_twice(file: Path, name: str) -> Problem:
    message = f"{file.name} has two columns '{name}'."
    return Problem("repeated-column", message, None, "Give each column a name of its own.")


def _no_records(file: Path) -> Problem:
    message = f"{file.name} has columns but no records."
    return Problem("empty-file", message, None, "Give a file with one line per record.")


def _no_truth(truth: str) -> Problem:
    message = f"'{truth}' is empty in every record: there is nothing to score against."
    hint = "Name the column that is equal for the records of one person."
    return Problem("empty-column", message, None, hint)


def _label(truth: str) -> str:
    return f"nullif(trim({identifier(truth)}), '')"


def _no_column(file: Path, name: str, columns: Sequence[str]) -> Problem:
    return Problem(
        "missing-column", f"{file.name} has no column '{name}'.", None, nearest(name, columns)
    )


def _truth(wh: Warehouse, truth: str) -> npt.NDArray[np.int64]:
    """A number per record, equal for equal values; records without a value are alone."""
    person = f"coalesce('v' || {_label(truth)}, 'r' || _row)"
    table = wh.arrow(
        f"SELECT dense_rank() OVER (ORDER BY {person}) AS person FROM records ORDER BY _row"
    )
    persons: npt.NDArray[np.int64] = table["person"].to_numpy().astype("int64")
    return persons
