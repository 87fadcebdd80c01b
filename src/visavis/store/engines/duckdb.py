"""DuckDB behind the warehouse's seam: one connection, its settings and the emitter's macros."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from visavis.core.clock import Zone
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.engines.duckdb_zone import zone_statements

if TYPE_CHECKING:
    import pyarrow as pa

_DECIMAL = "DECIMAL(18,6)"
# as small as zstd over the encodings of version 1, and a third faster to write
_PARQUET = "COMPRESSION snappy, PARQUET_VERSION v2, ROW_GROUP_SIZE 122880"
_BATCH = 131_072
_MOST = "900000000000"
"""Well within the largest decimal, so that a rough test suffices."""


def _fits(name: str, quintillions: int) -> str:
    limit = quintillions * 10**18
    return f"{name} BETWEEN -{limit} AND {limit}"


MACROS = (
    "visavis_fraction(x) AS CAST(x - trunc(x) AS DECIMAL(6,6))",
    # a decimal as the whole number of its millionths: two halves in 64 bits, ten times as fast as
    # one division in 128; sums are wider than that
    "visavis_scaled(x) AS CAST(trunc(x) AS BIGINT) * 1000000"
    " + CAST(visavis_fraction(x) * CAST(1000000 AS DECIMAL(7,0)) AS BIGINT)",
    "visavis_wide_scaled(x) AS CAST(CAST(x AS DECIMAL(31,6))"
    " * CAST(1000000 AS DECIMAL(7,0)) AS HUGEINT)",
    # millionths (any whole number) back to a decimal, null when it does not fit
    f"visavis_unscaled(n) AS TRY_CAST(CAST(TRY_CAST(n AS BIGINT) AS DECIMAL(19,0))"
    f" * CAST(0.000001 AS DECIMAL(18,6)) AS {_DECIMAL})",
    # n / d in whole numbers, half away from zero, null for d = 0
    "visavis_half_away(n, d) AS CASE WHEN (n < 0) = (d < 0) THEN 1 ELSE -1 END"
    " * ((2 * abs(n) + abs(d)) // nullif(2 * abs(d), 0))",
    # of HUGEINTs; in 64 bits where they fit
    "visavis_wide_quotient(n, d) AS visavis_unscaled(visavis_half_away(n, d))",
    f"visavis_quotient(n, d) AS CASE WHEN {_fits('n', 4)} AND {_fits('d', 1)}"
    " THEN visavis_unscaled(visavis_half_away(TRY_CAST(n AS BIGINT), TRY_CAST(d AS BIGINT)))"
    " ELSE visavis_wide_quotient(n, d) END",
    f"visavis_mean(s, n) AS CASE WHEN abs(s) < {_MOST} THEN"
    f" visavis_unscaled(visavis_half_away(visavis_scaled(CAST(s AS {_DECIMAL})), n))"
    " ELSE visavis_wide_quotient(visavis_wide_scaled(s), CAST(n AS HUGEINT)) END",
    # products of decimals; a product of 64-bit decimals fails from a million on, so larger ones are
    # made of whole and broken parts, and only what is near the limit takes 128 bits
    f"visavis_wide_product(a, b) AS TRY_CAST(CAST(a AS DECIMAL(19,6)) * b AS {_DECIMAL})",
    "visavis_parts_product(a, b) AS CAST(CAST(trunc(a) AS DECIMAL(12,0)) * b"
    " + visavis_fraction(a) * CAST(trunc(b) AS DECIMAL(12,0))"
    f" + CAST(visavis_fraction(a) * visavis_fraction(b) AS {_DECIMAL}) AS {_DECIMAL})",
    "visavis_rough_product(a, b) AS abs(CAST(a AS DOUBLE) * CAST(b AS DOUBLE))",
    f"visavis_product(a, b) AS CASE WHEN visavis_rough_product(a, b) < 900000"
    f" THEN CAST(a * b AS {_DECIMAL}) WHEN visavis_rough_product(a, b) < {_MOST}"
    " THEN visavis_parts_product(a, b) ELSE visavis_wide_product(a, b) END",
    # floats never show infinities or not-a-number
    "visavis_finite(x) AS CASE WHEN isfinite(x) THEN x END",
    # left() and right() count a negative n from the other end and fail beyond 32 bits
    "visavis_chars(n) AS CASE WHEN n < 0 THEN 0 WHEN n > 1000000000 THEN 1000000000 ELSE n END",
    "visavis_first_chars(s, n) AS left(s, visavis_chars(n))",
    "visavis_last_chars(s, n) AS right(s, visavis_chars(n))",
    # calendar arithmetic over dates
    "visavis_month_day(d) AS month(d) * 100 + day(d)",
    "visavis_years(a, b) AS year(b) - year(a)"
    " - CAST(visavis_month_day(b) < visavis_month_day(a) AS BIGINT)",
    # the day of a month that lacks it runs over into the next: 29 February is 1 March
    "visavis_in_year(d, y) AS make_date(y, month(d), 1) + CAST(day(d) - 1 AS INTEGER)",
    "visavis_to_anniversary(a, b) AS CASE WHEN visavis_in_year(a, year(b)) >= b"
    " THEN visavis_in_year(a, year(b)) - b ELSE visavis_in_year(a, year(b) + 1) - b END",
)


class DuckDB:
    """One DuckDB connection, set up; the only place that speaks to its Python API."""

    def __init__(
        self,
        memory_limit: str | None = None,
        temp_directory: Path | str | None = None,
        threads: int | None = None,
        database: Path | str | None = None,
    ) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        config["temp_directory"] = str(temp_directory) if temp_directory else ""
        if memory_limit:
            config["memory_limit"] = memory_limit
        if threads:
            config["threads"] = str(threads)
        self.connection = duckdb.connect(str(database or ":memory:"), config=config)
        # visavis draws its own progress
        self.connection.execute("SET enable_progress_bar = false")
        self._zone: Zone | None = None
        for macro in MACROS:
            self.connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")

    def use_zone(self, zone: Zone) -> None:
        """Define the macros that read a moment's local clock in this zone."""
        if zone == self._zone:
            return
        for statement in zone_statements(zone):
            self.connection.execute(statement)
        self._zone = zone

    def run(self, sql: str, params: Sequence[object] = ()) -> None:
        """Run a statement to its end."""
        self.connection.execute(sql, params).fetchall()

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows; fetchall, because fetchone leaves the connection busy."""
        return self.connection.execute(sql, params).fetchall()

    def runs(self, sql: str) -> bool:
        """Whether a query runs to its end; that memory or disk run out is an error still."""
        import duckdb

        try:
            self.connection.execute(sql).fetchall()
        except (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError):
            return False
        return True

    def arrow(self, sql: str, params: Sequence[object] = ()) -> pa.Table:
        """The result as one Arrow table."""
        relation = self.connection.sql(sql, params=list(params))
        table: pa.Table = relation.to_arrow_table()
        return table

    def batches(self, sql: str, params: Sequence[object] = ()) -> Iterator[pa.RecordBatch]:
        """The result as Arrow batches, made while they are read; DuckDB 2.0 mixes up the rows of
        a slow query, even with preserve_insertion_order."""
        relation = self.connection.sql(sql, params=list(params))
        yield from relation.to_arrow_reader(_BATCH)

    def register(self, name: str, table: pa.Table) -> None:
        """Show an Arrow table as a view."""
        self.connection.register(name, table)

    def write_parquet(self, sql: str, path: str, params: Sequence[object] = ()) -> int:
        """COPY a query to a Parquet file; returns the rows written."""
        target = text_literal(path)
        copy = f"COPY ({sql}) TO {target} (FORMAT parquet, {_PARQUET})"
        ((count,),) = self.rows(copy, params)
        return int(count)

    def columns(self, relation: str) -> dict[str, str]:
        """Column names and types of a table or view."""
        described = self.rows(f"DESCRIBE SELECT * FROM {identifier(relation)}")
        return {row[0]: row[1] for row in described}

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
