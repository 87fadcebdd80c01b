"""Report `economics`: what a first order brings against what winning the customer cost."""

from __future__ import annotations

from visavis.measure.report import Report, Row
from visavis.measure.shares import ratio
from visavis.store.warehouse import Warehouse

# One row a customer: the first order, the cost of winning them, when margins had paid it back.
_CUSTOMERS = """
create or replace temp table customers as
with numbered as (
    select *, row_number() over (partition by person_id order by ts, message_id) n,
           sum(margin) over (partition by person_id order by ts, message_id) earned
    from orders where person_id is not null
), firsts as (
    select person_id, local_day first_day, coalesce(channel, '') channel, revenue, margin
    from numbered where n = 1
), back as (
    select o.person_id, min(o.local_day) filter (where o.earned >= a.cost) paid_day,
           sum(o.margin) earned
    from numbered o join acquisition a using (person_id) group by 1
)
select f.*, strftime(f.first_day, '%Y-%m') cohort, a.cost, f.margin - a.cost result,
       b.paid_day - f.first_day payback_days, b.earned
from firsts f left join acquisition a using (person_id) left join back b using (person_id)
"""

_SUMMARY = """
select {by} as "group", count(*) customers, count(cost) with_cost, count(result) with_result,
       sum(revenue) revenue, sum(margin) margin, sum(cost) cost, sum(result) result,
       count(*) filter (where result < 0) at_a_loss, count(payback_days) paid_back,
       quantile_disc(payback_days, 0.5) payback_days, sum(earned) earned
from customers group by 1 order by 1
"""


def economics(wh: Warehouse, as_of_ms: int) -> Report:
    """Result of a first order = its margin - the acquisition cost of its customer.

    Reads `orders(person_id, message_id, ts, local_day, revenue, margin, channel)` and
    `acquisition(person_id, cost)`; margin and cost are null where no cost table tells them.
    Payback days run from the first order to the order whose margin, added up, covers the cost.
    """
    wh.execute(_CUSTOMERS)
    tables = {
        "channels": _summary(wh, "channel"),
        "cohorts": _summary(wh, "cohort"),
    }
    total = _summary(wh, "'all'")
    notes = tuple(_notes(total))
    totals = {k: v for k, v in (total[0] if total else {}).items() if k != "group"}
    return Report(
        "economics", "What a new customer costs and brings", as_of_ms, tables, totals, notes
    )


def _summary(wh: Warehouse, by: str) -> list[Row]:
    return [_row(values) for values in wh.rows(_SUMMARY.format(by=by))]


def _row(values: tuple[object, ...]) -> Row:
    (
        name,
        customers,
        with_cost,
        with_result,
        revenue,
        margin,
        cost,
        result,
        loss,
        paid,
        days,
        earned,
    ) = values
    return {
        "group": name,
        "customers": customers,
        "first_order_revenue": revenue,
        "first_order_margin": margin,
        "acquisition_cost": cost,
        "first_order_result": result,
        "result_per_customer": ratio(result, with_result),  # type: ignore[arg-type]
        "cost_per_customer": ratio(cost, with_cost),  # type: ignore[arg-type]
        "at_a_loss": loss,
        "paid_back": paid,
        "payback_rate": ratio(paid, with_cost),  # type: ignore[arg-type]
        "payback_days": days,
        "margin_to_date": earned,
    }


def _notes(total: list[Row]) -> list[str]:
    row = total[0] if total else {}
    notes = []
    if row.get("first_order_margin") is None:
        notes.append("No margins: add a source of kind margins, or map the cost of a line.")
    if row.get("acquisition_cost") is None:
        notes.append("No acquisition costs: add a source of kind acquisition_costs.")
    return notes
