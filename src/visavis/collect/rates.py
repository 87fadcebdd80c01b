"""Foreign currencies: converted by the latest rate at or before the order's date."""

from __future__ import annotations

from visavis.collect.orders import MONEY, Shape
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.warehouse import Warehouse

_DECIMAL = "DECIMAL(18,6)"


def make_rates(wh: Warehouse, files: list[str], currency: str) -> None:
    """Makes `collect_rates` (currency, valid_from, rate): a unit's worth in the project's."""
    query = (
        "SELECT NULL::VARCHAR AS currency, NULL::DATE AS valid_from, NULL::DECIMAL(18,6) AS "
        "rate WHERE false"
    )
    if files:
        listed = ", ".join(text_literal(f) for f in files)
        here = text_literal(currency)
        query = (
            "SELECT currency, coalesce(valid_from, DATE '0001-01-01') AS valid_from, "
            "max(rate) AS rate "
            f"FROM read_parquet([{listed}], union_by_name = true) WHERE kind = 'rates' "
            f"AND coalesce(to_currency, {here}) = {here} GROUP BY ALL"
        )
    wh.execute(f"CREATE OR REPLACE TEMP TABLE collect_rates AS {query}")


def rates_of(wh: Warehouse) -> list[tuple[str, int, int]]:
    """The rows of `collect_rates` as live events use them (see live_values.Rates)."""
    query = (
        "SELECT currency, datediff('day', DATE '1970-01-01', valid_from), "
        "CAST(rate * 1000000 AS BIGINT) FROM collect_rates WHERE rate IS NOT NULL ORDER BY ALL"
    )
    return [(str(c), int(day), int(rate)) for c, day, rate in wh.rows(query)]


def convert_lines(wh: Warehouse, shape: Shape, currency: str) -> int:
    """Converts `collect_lines`; orders without a rate leave it and are named in `collect_norate`.

    What was converted keeps what was given in `given_...` columns. Returns how many orders left.
    """
    here = text_literal(currency)
    wh.execute("CREATE OR REPLACE TEMP TABLE collect_norate(order_id VARCHAR)")
    foreign = wh.value(f"SELECT count(*) FROM collect_lines WHERE p_currency <> {here}")
    if not foreign:
        return 0
    _rate_orders(wh, here)
    money = [f"l_{name}" for name in MONEY if f"l_{name}" in shape.line]
    _set_aside(wh, money)
    _convert(wh, money)
    return int(wh.value("SELECT count(*) FROM collect_norate"))


def _converted(column: str) -> str:
    return f"TRY_CAST({identifier(column)} * rate AS {_DECIMAL})"


def _rate_orders(wh: Warehouse, here: str) -> None:
    """Makes `collect_rated` (order_id, p_currency, rate): each foreign order's rate of its day."""
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_dated AS SELECT order_id, "
        "visavis_date(make_timestamp(min(ms) * 1000)) AS day FROM collect_lines WHERE order_id IN "
        f"(SELECT order_id FROM collect_lines WHERE p_currency <> {here}) GROUP BY order_id"
    )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_rated AS SELECT d.order_id, d.p_currency, "
        "r.rate FROM "
        "(SELECT DISTINCT order_id, day, p_currency FROM collect_lines JOIN collect_dated "
        "USING (order_id) "
        f"WHERE p_currency <> {here}) AS d ASOF LEFT JOIN collect_rates AS r "
        "ON r.currency = d.p_currency AND d.day >= r.valid_from"
    )


def _set_aside(wh: Warehouse, money: list[str]) -> None:
    """Orders without a rate, or whose money does not fit any more, go to `collect_norate`."""
    fits = " OR ".join(f"({identifier(c)} IS NOT NULL AND {_converted(c)} IS NULL)" for c in money)
    wh.execute(
        "INSERT INTO collect_norate SELECT DISTINCT order_id FROM collect_lines JOIN collect_rated "
        f"USING (order_id, p_currency) WHERE rate IS NULL OR {fits}"
    )


def _convert(wh: Warehouse, money: list[str]) -> None:
    changed = ", ".join(
        f"CASE WHEN rate IS NULL THEN {identifier(c)} ELSE {_converted(c)} END AS {identifier(c)}"
        for c in money
    )
    given = ", ".join(
        f"CASE WHEN rate IS NOT NULL THEN {identifier(c)} END AS {identifier(f'given_{c[2:]}')}"
        for c in money
    )
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE collect_lines AS SELECT * EXCLUDE (rate) REPLACE "
        f"({changed}), {given} "
        "FROM (collect_lines LEFT JOIN collect_rated USING (order_id, p_currency)) "
        "ANTI JOIN collect_norate USING (order_id)"
    )
