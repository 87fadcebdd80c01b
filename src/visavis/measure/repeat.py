"""Report `repeat`: one-time against repeat buyers, and who comes back by cohort."""

from __future__ import annotations

from decimal import Decimal

from visavis.measure.report import Report, Row
from visavis.measure.shares import percentages, ratio
from visavis.store.warehouse import Warehouse

WINDOWS = (30, 90, 180, 365)
"""Days after the first order within which a second one counts as a return."""

_BUYERS = """
select case when orders = 1 then 'one_time' else 'repeat' end buyer, count(*), sum(revenue),
       sum(orders)
from people where orders > 0 group by 1
"""

# A cohort has a rate within a window once the whole window has passed for everybody in it.
_COHORTS = """
with numbered as (
    select person_id, local_day,
           row_number() over (partition by person_id order by ts, message_id) n
    from orders where person_id is not null
), pairs as (
    select a.person_id, a.local_day first_day, b.local_day - a.local_day gap
    from numbered a left join numbered b on b.person_id = a.person_id and b.n = 2
    where a.n = 1
)
select strftime(first_day, '%Y-%m') cohort, count(*) people, count(gap) returned,
       {windows}
from pairs group by 1 order by 1
"""


def repeat(wh: Warehouse, as_of_ms: int, today: int) -> Report:
    """Spend ratio = revenue per repeat buyer / revenue per one-time buyer.

    Reads `people(orders, revenue)` and `orders(person_id, message_id, ts, local_day DATE)`;
    `today` is the local date of the report's moment in days since 1970.
    """
    found = {name: values for name, *values in wh.rows(_BUYERS)}
    kinds = ("one_time", "repeat")
    counts = [found.get(kind, [0, Decimal(0), 0]) for kind in kinds]
    people_shares = percentages([c[0] for c in counts])
    revenue_shares = percentages([c[1] for c in counts])
    buyers: list[Row] = [
        {
            "buyers": kind,
            "people": people,
            "people_share": people_share,
            "revenue": revenue,
            "revenue_share": revenue_share,
            "orders": orders,
            "revenue_per_person": ratio(revenue, people),
        }
        for kind, (people, revenue, orders), people_share, revenue_share in zip(
            kinds, counts, people_shares, revenue_shares, strict=True
        )
    ]
    each = [Decimal(str(row["revenue_per_person"] or 0)) for row in buyers]
    totals = {"spend_ratio": ratio(each[1], each[0])}
    tables = {"buyers": buyers, "cohorts": _cohorts(wh, today)}
    return Report("repeat", "Who comes back", as_of_ms, tables, totals)


def _cohorts(wh: Warehouse, today: int) -> list[Row]:
    day = f"(date '1970-01-01' + {today:d})"
    columns = ",\n       ".join(
        f"count(*) filter (where first_day + {w} <= {day}) seen_{w}, "
        f"count(*) filter (where gap <= {w} and first_day + {w} <= {day}) back_{w}"
        for w in WINDOWS
    )
    return [_cohort(row) for row in wh.rows(_COHORTS.format(windows=columns))]


def _cohort(row: tuple[object, ...]) -> Row:
    cohort, people, returned, *rest = row
    rates = {
        f"returned_{window}d": _rate(rest[2 * i + 1], people) if rest[2 * i] == people else None
        for i, window in enumerate(WINDOWS)
    }
    return {
        "cohort": cohort,
        "people": people,
        "returned": returned,
        "return_rate": _rate(returned, people),
        **rates,
    }


def _rate(part: object, whole: object) -> Decimal | None:
    return ratio(Decimal(str(part)), Decimal(str(whole)))
