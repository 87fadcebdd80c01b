"""Look-ups: columns of another file joined to each row of a source, set-wise."""

from __future__ import annotations

from pathlib import Path

from visavis.collect.context import Context
from visavis.collect.files import find
from visavis.collect.reading import Reader
from visavis.collect.rows import Base, Joined, Rows
from visavis.core.nouns import Lookup, Source
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.store.engines.duckdb_names import identifier
from visavis.store.state import FileMark


def with_lookups(context: Context, source: Source, raw: Base, work: Path) -> Rows:
    """The rows of a source with the columns of its look-ups."""
    joins: list[Joined] = []
    columns = dict(raw.columns)
    for number, lookup in enumerate(source.lookups):
        if lookup.on not in columns:
            raise ProblemsError(
                [_no_key(source, lookup, lookup.on, raw.tables[0][0], list(columns))]
            )
        join = _joined(context, source, lookup, work, set(columns), number)
        joins.append(join)
        columns |= join.columns
    joined = {name: kind for join in joins for name, kind in join.columns.items()}
    tables = [(name, {**there, **joined}) for name, there in raw.tables]
    return Rows(columns, tables, raw, raw.rejects, raw.costly, raw.faulty, joins)


def _joined(
    context: Context, source: Source, lookup: Lookup, work: Path, taken: set[str], number: int
) -> Joined:
    found = find(context.project.root, lookup.path)
    if not found:
        message = f"There is no file '{lookup.path}' for the look-up of '{source.name}'."
        raise ProblemsError([Problem("missing-file", message, lookup.place)])
    marks = [FileMark(f.name, f.size, f.mtime_ns, "") for f in found]
    folder = work / f"lookup-{number}"
    folder.mkdir()
    reader = Reader(context.wh, folder, context.counter)
    raw = reader.open(source, marks, {f.name: f.path for f in found}, 900_000 + 1000 * number)
    if lookup.on not in raw.columns:
        raise ProblemsError([_no_key(source, lookup, lookup.on, lookup.path, list(raw.columns))])
    names = [name for name in raw.columns if name != lookup.on and name not in taken]
    table = f"collect_lookup_{number}"
    key = f"trim(CAST({identifier(lookup.on)} AS VARCHAR))"
    # where the file has a key twice, the row of the last file and then the largest row stands
    picked = "".join(f", {identifier(n)}" for n in names)
    context.wh.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {key} AS _on{picked} FROM "
        f"({raw.select([lookup.on, *names])}) WHERE {key} <> '' QUALIFY row_number() OVER "
        f"(PARTITION BY {key} ORDER BY _file "
        f"DESC{''.join(f', {identifier(n)} DESC' for n in names)}) = 1"
    )
    kinds = {name: raw.columns[name] for name in names}
    return Joined(lookup.on, kinds, f"SELECT * FROM {table}")


def _no_key(source: Source, lookup: Lookup, key: str, file: str, there: list[str]) -> Problem:
    return Problem(
        "missing-column",
        f"{file} has no column '{key}', by which the source '{source.name}' looks up "
        f"'{lookup.path}'.",
        lookup.place,
        nearest(key, there),
    )
