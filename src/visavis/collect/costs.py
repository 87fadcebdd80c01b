"""Cost and rate tables: margins, what customers and campaigns cost, what currencies are worth.

They load to `costs.parquet`, one row a row of the table: kind, product, category, channel,
customer, campaign, margin (a share, .2 = 20 %), cost (a unit's), amount, rate, currency,
to_currency, valid_from, valid_to (dates, both inclusive, null = open). Money is in the project's
currency there; `rate` is what one unit of `currency` is worth in `to_currency` (by default the
project's) from `valid_from` on. When rates change, orders that waited for one are replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visavis.collect.making import Making
from visavis.collect.rates import make_rates
from visavis.store.engines.duckdb_names import identifier, text_literal

COST_KINDS = ("rates", "margins", "acquisition_costs", "campaign_costs")
_TEXTS = ("product", "category", "channel", "customer", "campaign")
_NUMBERS = ("margin", "cost", "amount", "rate")
_NEEDED = {
    "rates": ("currency", "rate"),
    "margins": (),
    "acquisition_costs": ("amount",),
    "campaign_costs": ("campaign", "amount"),
}


def load_costs(making: Making) -> Mapping[str, Any]:
    """Makes and commits the load; its summary."""
    kind = making.source.kind
    required = {role: f"missing-{role}: the row has no {role}" for role in _NEEDED[kind]}
    columns = making.stage(required, lambda sql: _checked(making, sql))
    there = {column.key for column in columns}
    making.counts["costs"] = making.write("costs", _query(making, there))
    making.wh.execute("DROP TABLE IF EXISTS collect_stage")
    making.quarantine()
    return making.commit()


def _has(making: Making, role: str) -> bool:
    return role in making.source.roles or role in making.source.constants


def _checked(making: Making, stage: str) -> str:
    """Money in another currency needs a rate at its date."""
    project, source = making.context.project, making.source
    files = [str(p) for p in making.context.lake.files("costs", making.prior)]
    make_rates(making.wh, files, project.currency)
    home = text_literal(project.currency)
    given = 'upper("role.currency")' if _has(making, "currency") else "NULL"
    currency = f"coalesce({given}, {text_literal(source.currency or project.currency)})"
    day = '"role.valid_from"' if _has(making, "valid_from") else "NULL"
    dated = f"coalesce({day}, DATE '9999-12-31')"
    if source.kind == "rates":
        return f"SELECT *, {currency} AS _currency, NULL::DECIMAL(18,6) AS _rate FROM ({stage})"
    reason = text_literal("no-rate: there is no rate for the currency of this row at its date")
    return (
        f"SELECT s.* REPLACE (CASE WHEN _reason IS NULL AND _currency <> {home} AND r.rate IS NULL "
        f"THEN {reason} ELSE _reason END AS _reason), r.rate AS _rate "
        f"FROM (SELECT *, {currency} AS _currency, {dated} AS _day FROM ({stage})) AS s "
        "ASOF LEFT JOIN collect_rates AS r ON r.currency = s._currency AND s._day >= r.valid_from"
    )


def _query(making: Making, there: set[str]) -> str:
    picked = [f"{text_literal(making.source.kind)} AS kind"]
    for role in _TEXTS:
        held = identifier(f"role.{role}") if f"role.{role}" in there else "NULL::VARCHAR"
        picked.append(f"{held} AS {role}")
    for role in _NUMBERS:
        held = identifier(f"role.{role}") if f"role.{role}" in there else "NULL::DECIMAL(18,6)"
        if role in ("cost", "amount") and making.source.kind != "rates":
            held = f"TRY_CAST({held} * coalesce(_rate, 1) AS DECIMAL(18,6))"
        picked.append(f"{held} AS {role}")
    to = 'upper("role.to")' if "role.to" in there else "NULL::VARCHAR"
    picked += ["_currency AS currency", f"{to} AS to_currency"]
    for role in ("valid_from", "valid_to"):
        held = identifier(f"role.{role}") if f"role.{role}" in there else "NULL::DATE"
        picked.append(f"{held} AS {role}")
    source = text_literal(making.source.name)
    return (
        f"SELECT {', '.join(picked)}, {source} AS source FROM collect_stage WHERE _reason IS NULL "
        "ORDER BY ALL"
    )
