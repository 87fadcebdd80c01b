"""The seam to the query engine: read Parquet, run SQL to Arrow, write Parquet. DuckDB today.

Nobody outside `store` names the engine; another one would stand behind the same few verbs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visavis.core.clock import Zone

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from visavis.store.engines.duckdb import DuckDB

Row = tuple[Any, ...]


class Warehouse:
    """One connection to the engine. Not for use by two threads at a time."""

    def __init__(self, engine: DuckDB) -> None:
        self._engine = engine

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The engine's own connection, for store code that needs more than the seam."""
        return self._engine.connection

    def execute(self, sql: str, params: Sequence[object] = ()) -> None:
        """Run a statement whose result nobody reads."""
        self._engine.run(sql, params)

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """All rows of a query as tuples."""
        return self._engine.rows(sql, params)

    def value(self, sql: str, params: Sequence[object] = ()) -> Any:
        """The single value of a query that has exactly one."""
        ((value,),) = self.rows(sql, params)
        return value

    def runs(self, sql: str) -> bool:
        """Whether a query reads all its data without finding any that can't be read."""
        return self._engine.runs(sql)

    def arrow(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """The result of a query as an Arrow table."""
        return self._engine.arrow(sql, params)

    def batches(self, sql: str, params: Sequence[object] = ()) -> Iterator[pa.RecordBatch]:
        """The result of a query as Arrow batches in any order, of which few are held at a time.

        Read it to its end before the next query.
        """
        return self._engine.batches(sql, params)

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under a name for as long as this connection lives."""
        self._engine.register(name, table)

    def write_parquet(self, sql: str, path: Path | str, params: Sequence[object] = ()) -> int:
        """Write the result of a query to one Parquet file and return the number of rows."""
        return self._engine.write_parquet(sql, str(path), params)

    def columns(self, relation: str) -> dict[str, str]:
        """Names and engine types of a relation's columns, in order."""
        return self._engine.columns(relation)

    def use_zone(self, zone: Zone) -> None:
        """Set the zone whose calendar the definitions' dates are read in."""
        self._engine.use_zone(zone)

    def close(self) -> None:
        """Give everything back; the connection is of no use afterwards."""
        self._engine.close()

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    memory_limit: str | None = None,
    temp_directory: Path | str | None = None,
    threads: int | None = None,
    database: Path | str | None = None,
) -> Warehouse:
    """A fresh warehouse in memory (or in the file `database`).

    `memory_limit` is a size like '4GB' (default 60 % of what the machine has), `temp_directory`
    where it may spill to disk (default: it may not).
    """
    from visavis.store.engines.duckdb import DuckDB

    return Warehouse(DuckDB(memory_limit, temp_directory, threads, database))
