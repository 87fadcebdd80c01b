"""Tables of SQL databases, by URL: read in chunks, never written to, handed on as Parquet.

With a cursor column an append source asks only for rows beyond the largest value seen; without
one the whole table is read, and equal content is no news.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis.core.nouns import Source
from visavis.core.problems import Problem, ProblemsError, first_line

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Connection, CursorResult

CHUNK = 50_000


def is_database(source: Source) -> bool:
    """Whether the source is a table of a SQL database."""
    return "://" in source.origin and "\n" not in source.origin


def fetch(source: Source, root: Path, after: Any, target: Path) -> tuple[int, Any, str]:
    """Writes the rows as Parquet files into the directory `target`.

    Returns how many, the largest cursor value, and a digest of the content.

    `after`: only rows whose cursor is larger. Raises ProblemsError `missing-extra` without
    SQLAlchemy or a driver, `no-connection` where the database can't be reached or asked.
    """
    last = after
    rows = 0
    digest = sha256()
    with _connected(source, root) as connection:
        result = _asked(source, connection, after)
        writer = _Writer(target, list(result.keys()))
        for part in result.partitions(CHUNK):
            columns: list[tuple[Any, ...]] = list(zip(*part, strict=True))
            rows += len(part)
            digest.update(repr(columns).encode())
            if source.cursor is not None:
                last = _largest(last, columns[writer.names.index(source.cursor)])
            writer.write(columns)
        writer.close()
    return rows, _plain(last), digest.hexdigest()


def _largest(last: Any, column: tuple[Any, ...]) -> Any:
    values = [_plain(v) for v in column if v is not None]
    best = max(values, default=None)
    return best if last is None or (best is not None and best > last) else last


def _plain(value: Any) -> Any:
    """A cursor value as it can stand in the state: numbers as they are, all else as text."""
    return value if value is None or isinstance(value, (int, float)) else str(value)


@contextmanager
def _connected(source: Source, root: Path) -> Iterator[Connection]:
    try:
        import sqlalchemy
        from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError
    except ImportError as error:
        raise ProblemsError([_extra(source, str(error))]) from error
    try:
        engine = sqlalchemy.create_engine(_url(source.origin, root))
    except (ImportError, NoSuchModuleError) as error:
        raise ProblemsError([_extra(source, str(error))]) from error
    except SQLAlchemyError as error:
        raise ProblemsError([_failed(source, error)]) from error
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            yield connection.execution_options(stream_results=True, yield_per=CHUNK)
    except SQLAlchemyError as error:
        raise ProblemsError([_failed(source, error)]) from error
    finally:
        engine.dispose()


def _url(origin: str, root: Path) -> Any:
    """The URL; PostgreSQL by psycopg, SQLite files relative to the project."""
    from sqlalchemy.engine import make_url

    url = make_url(origin)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername.startswith("sqlite") and url.database:
        # opened for reading only, so that a missing file isn't made
        path = (root / url.database).resolve()
        url = url.set(database=f"file:{path}").update_query_dict({"mode": "ro", "uri": "true"})
    return url


def _asked(source: Source, connection: Connection, after: Any) -> CursorResult[Any]:
    """The rows of the table or query; the cursor's value is bound, its name quoted."""
    import sqlalchemy

    table = source.table or ""
    quote = connection.dialect.identifier_preparer.quote
    if table.lstrip().lower().startswith(("select", "with")):
        origin = f"({table.strip().rstrip(';')}) AS asked"
    else:
        origin = ".".join(quote(part) for part in table.split("."))
    query = f"SELECT * FROM {origin}"
    if source.cursor is None or after is None:
        return connection.execute(sqlalchemy.text(query.replace(":", "\\:")))
    bound = query.replace(":", "\\:") + f" WHERE {quote(source.cursor)} > :after"
    return connection.execute(sqlalchemy.text(bound), {"after": after})


class _Writer:
    """Parquet of chunks whose types the first chunk shows; texts where a column has several."""

    def __init__(self, target: Path, names: list[str]) -> None:
        self.target = target
        self.names = names
        self.count = 0

    def write(self, columns: list[tuple[Any, ...]]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        arrays = [_array(values) for values in columns]
        table = pa.table(dict(zip(self.names, arrays, strict=True)))
        pq.write_table(table, self._part(self.count))
        self.count += 1

    def close(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self.count:
            empty = pa.table({name: pa.array([], pa.string()) for name in self.names})
            pq.write_table(empty, self._part(0))

    def _part(self, number: int) -> Path:
        return self.target / f"part-{number:06d}.parquet"


def _array(values: tuple[Any, ...]) -> pa.Array[Any]:
    """A column of Python values as Arrow; what Arrow can't hold, or mixes, as text."""
    import pyarrow as pa

    try:
        array: pa.Array[Any] = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        array = pa.array([None if v is None else str(v) for v in values], pa.string())
    simple = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    dated = (pa.types.is_timestamp, pa.types.is_date, pa.types.is_string)
    if any(test(array.type) for test in (*simple, *dated)):
        return array
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def _extra(source: Source, why: str) -> Problem:
    return Problem(
        "missing-extra",
        f"The source '{source.name}' needs a driver for its database: {why.rstrip('.')}.",
        source.places.get("database", source.place),
        "Install visavis[sql], or the driver that the URL names.",
    )


def _failed(source: Source, error: Exception) -> Problem:
    why = first_line(getattr(error, "orig", None) or error)
    return Problem(
        "no-connection",
        f"The database of the source '{source.name}' can't be read: {why}.",
        source.places.get("database", source.place),
        "Check the URL, the table's name and the rights of its user; reading is all that is asked.",
    )


def marks_fact(source: Source) -> str:
    """Name of the state's fact that holds the cursor of a source."""
    return f"cursor:{source.name}"
