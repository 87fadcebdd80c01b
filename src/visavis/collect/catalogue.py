"""Catalogue files as tables of items: product_id and the declared fields, read like any source."""

from __future__ import annotations

from pathlib import Path

from visavis.collect.files import ByteCounter, find
from visavis.collect.reading import Reader
from visavis.collect.staging import Stage, check_columns, columns_of
from visavis.core.clock import zone
from visavis.core.lang.types import Type
from visavis.core.nouns import Catalogue, Project, Source
from visavis.core.problems import Problem, ProblemsError
from visavis.store.engines.duckdb_names import identifier
from visavis.store.state import FileMark
from visavis.store.warehouse import Warehouse

_KEY = identifier("role.product")


def read_catalogue(
    wh: Warehouse, project: Project, catalogue: Catalogue, target: str, work: Path
) -> tuple[int, int]:
    """Makes the table `target`: product_id, `c_<field>` and `n`, the order of the rows.

    Returns the rows left out because they name no item, and those of which a value can't be read
    (it is null then). Raises ProblemsError for files or columns that are missing.
    """
    source = _as_source(catalogue)
    found = find(project.root, catalogue.origin)
    if not found:
        message = f"the catalogue '{catalogue.name}' finds no file '{catalogue.origin}'"
        raise ProblemsError([Problem("missing-file", message, catalogue.place)])
    marks = [FileMark(file.name, file.size, file.mtime_ns, "") for file in found]
    paths = {file.name: file.path for file in found}
    raw = Reader(wh, work, ByteCounter()).open(source, marks, paths)
    columns = columns_of(source, {"product": "no-product: the row names no item"})
    check_columns(source, raw, columns)
    stage = Stage(wh, source, zone(project.time_zone), 0, columns)
    rows = raw.select(stage.raw_names(), numbered=True)
    stage.decide(rows, raw.columns, {})
    query = stage.query(rows, raw.columns, ["_row"])
    fields = "".join(_field(field.name, field.type) for field in catalogue.fields)
    wh.execute(
        f"CREATE OR REPLACE TEMP TABLE {identifier(target)} AS SELECT {_KEY} AS product_id, "
        f"row_number() OVER (ORDER BY _file, _row) AS n, _reason{fields} FROM ({query})"
    )
    nameless, unread = wh.rows(
        "SELECT count_if(product_id IS NULL), count_if(product_id IS NOT NULL AND _reason IS NOT "
        f"NULL) FROM {identifier(target)}"
    )[0]
    wh.execute(f"DELETE FROM {identifier(target)} WHERE product_id IS NULL")
    return int(nameless), int(unread)


def _as_source(catalogue: Catalogue) -> Source:
    """The catalogue in the shape that the reading of sources takes."""
    return Source(
        catalogue.name,
        "records",
        catalogue.origin,
        catalogue.place,
        roles={"product": catalogue.key},
        fields=catalogue.fields,
        encoding=catalogue.encoding,
        delimiter=catalogue.delimiter,
    )


def _field(name: str, kind: Type) -> str:
    cell = identifier(f"field.{name}")
    value = f"make_timestamp({cell} * 1000)" if kind is Type.TIME else cell
    return f", {value} AS {identifier(f'c_{name}')}"
