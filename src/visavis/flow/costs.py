"""Costs joined to orders: the margin of each order and what its customer cost to win."""

from __future__ import annotations

from visavis.core.nouns import Project
from visavis.flow.published import Published
from visavis.store.relations import create_view, scan
from visavis.store.views import snapshot_of
from visavis.store.warehouse import Warehouse

_COSTS = {
    **dict.fromkeys(("kind", "product", "category", "channel", "customer"), "VARCHAR"),
    **dict.fromkeys(("margin", "cost", "amount"), "DECIMAL(18,6)"),
    **dict.fromkeys(("valid_from", "valid_to"), "DATE"),
}
_IN_FORCE = (
    "coalesce(c.valid_from <= {day}, c.valid_from IS NULL) "
    "AND coalesce(c.valid_to >= {day}, c.valid_to IS NULL)"
)

# Of the margins in force on the day the narrowest counts (product, category, all), then the latest.
_MARGINS = f"""
WITH lines AS (
    SELECT l.*, visavis_date(l.timestamp) AS day FROM order_lines AS l
), told AS (
    SELECT l.message_id, l.line,
           arg_max(struct_pack(margin := c.margin, cost := c.cost),
                   struct_pack(narrow := CASE WHEN c.product IS NOT NULL THEN 2
                                              WHEN c.category IS NOT NULL THEN 1 ELSE 0 END,
                               since := coalesce(c.valid_from, DATE '0001-01-01'))) AS m
    FROM lines AS l JOIN costs AS c ON c.kind = 'margins'
         AND (c.product IS NULL OR c.product = l.product_id)
         AND (c.category IS NULL OR c.category = l.category)
         AND {_IN_FORCE.format(day="l.day")}
    GROUP BY ALL
)
SELECT l.message_id, CASE WHEN count(*) = count(margin) THEN sum(margin) END AS margin
FROM (
    SELECT l.message_id, CAST(CASE
        WHEN l.cost IS NOT NULL THEN l.amount - l.cost * coalesce(l.quantity, 1)
        WHEN t.m.cost IS NOT NULL THEN l.amount - t.m.cost * coalesce(l.quantity, 1)
        ELSE l.amount * t.m.margin END AS DECIMAL(18,6)) AS margin
    FROM lines AS l LEFT JOIN told AS t ON t.message_id = l.message_id AND t.line = l.line
) AS l GROUP BY l.message_id
"""

# A customer's own cost beats the cost of the channel of the first order, that of any channel last.
_ACQUISITION = f"""
WITH firsts AS (
    SELECT person_id, arg_min(local_day, ts) AS day, arg_min(coalesce(channel, ''), ts) AS channel
    FROM orders WHERE person_id IS NOT NULL GROUP BY 1
), own AS (
    SELECT i.person_id, sum(c.amount) AS amount
    FROM costs AS c JOIN identifiers AS i ON i.kind = 'customer_id' AND i.value = c.customer
    WHERE c.kind = 'acquisition_costs' GROUP BY 1
), shared AS (
    SELECT f.person_id,
           arg_max(c.amount, struct_pack(narrow := c.channel IS NOT NULL,
                   since := coalesce(c.valid_from, DATE '0001-01-01'))) AS amount
    FROM firsts AS f JOIN costs AS c ON c.kind = 'acquisition_costs' AND c.customer IS NULL
         AND (c.channel IS NULL OR c.channel = f.channel) AND {_IN_FORCE.format(day="f.day")}
    GROUP BY 1
)
SELECT f.person_id, coalesce(o.amount, s.amount) AS cost
FROM firsts AS f LEFT JOIN own AS o USING (person_id) LEFT JOIN shared AS s USING (person_id)
"""


def join_costs(wh: Warehouse, at: Published, project: Project) -> None:
    """Gives `orders` its `margin` and makes `acquisition(person_id, cost)`.

    Margin of a line = its amount less its own or its product's cost times quantity, else its amount
    times the margin rate in force that day; an order's is null unless every line's is known. The
    amount of an acquisition cost is per new customer: of that customer, or of the channel.
    """
    create_view(wh, "costs", scan(wh, snapshot_of(at.build, at.lake.path).files("costs"), _COSTS))
    wh.execute(f"CREATE OR REPLACE TEMP TABLE margins AS {_with_columns(wh, project)}")
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE orders_known AS SELECT o.*, m.margin "
        "FROM orders AS o LEFT JOIN margins AS m USING (message_id)"
    )
    create_view(wh, "orders", "SELECT * FROM orders_known")
    wh.execute(f"CREATE OR REPLACE TEMP TABLE acquisition AS {_ACQUISITION}")


def _with_columns(wh: Warehouse, project: Project) -> str:
    """The margins query over `order_lines`, whose optional columns a project may lack."""
    there = wh.columns("order_lines")
    lacking = [c for c in ("cost", "category", "quantity", "product_id") if c not in there]
    kinds = {"cost": "DECIMAL(18,6)", "quantity": "DECIMAL(18,6)"}
    extra = "".join(f", NULL::{kinds.get(c, 'VARCHAR')} AS {c}" for c in lacking)
    return _MARGINS.replace(
        "FROM order_lines AS l", f"FROM (SELECT *{extra} FROM order_lines) AS l"
    )
