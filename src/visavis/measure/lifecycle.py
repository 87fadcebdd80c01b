"""Report `lifecycle`: people and revenue by class, their shares, and who moved between classes."""

from __future__ import annotations

from decimal import Decimal

from visavis.core.clock import format_time
from visavis.measure.report import Report, Row
from visavis.measure.shares import percentages
from visavis.store.warehouse import Warehouse

ORDER = ("first_time", "active", "defecting", "inactive")
PROSPECT = "prospect"


def lifecycle(wh: Warehouse, as_of_ms: int, before_ms: int | None) -> Report:
    """Shares are of customers (people with an order) and of their revenue, and sum to 100.

    Reads `people(person_id, lifecycle, orders, revenue)`, `guest_orders(revenue)` and, for the
    movement, `people_before(person_id, lifecycle)` as of `before_ms`.
    """
    classes = _classes(wh)
    tables: dict[str, list[Row]] = {"classes": classes}
    if before_ms is not None:
        tables["movement"] = _movement(wh)
    guests = wh.rows("select count(*), coalesce(sum(revenue), 0) from guest_orders")[0]
    totals = {
        "people": sum(int(str(row["people"])) for row in classes),
        "revenue": sum((Decimal(str(row["revenue"])) for row in classes), Decimal(0)),
        "guest_orders": guests[0],
        "guest_revenue": guests[1],
    }
    return Report(
        "lifecycle",
        "Who buys, who is leaving, who has left",
        as_of_ms,
        tables,
        totals,
        () if before_ms is None else (f"Movement is since {format_time(before_ms)}.",),
    )


def _classes(wh: Warehouse) -> list[Row]:
    found = {
        name: (people, revenue)
        for name, people, revenue in wh.rows(
            "select lifecycle, count(*), coalesce(sum(revenue), 0) from people group by lifecycle"
        )
    }
    buyers = [*ORDER, *sorted(n for n in found if n not in (*ORDER, PROSPECT, None))]
    counts = [found.get(name, (0, Decimal(0))) for name in buyers]
    people_shares = percentages([c[0] for c in counts])
    revenue_shares = percentages([c[1] for c in counts])
    rows: list[Row] = [
        _row(name, people, revenue, people_share, revenue_share)
        for name, (people, revenue), people_share, revenue_share in zip(
            buyers, counts, people_shares, revenue_shares, strict=True
        )
    ]
    people, revenue = found.get(PROSPECT, (0, Decimal(0)))
    return [*rows, _row(PROSPECT, people, revenue, None, None)]


def _row(
    name: str, people: int, revenue: Decimal, people_share: object, revenue_share: object
) -> Row:
    return {
        "lifecycle": name,
        "people": people,
        "people_share": people_share,
        "revenue": revenue,
        "revenue_share": revenue_share,
    }


def _movement(wh: Warehouse) -> list[Row]:
    """People by class then and now; who did not exist then counts as `new`."""
    rows = wh.rows(
        "select coalesce(b.lifecycle, 'new') was, p.lifecycle is_now, count(*) people "
        "from people p left join people_before b using (person_id) group by 1, 2 order by 1, 2"
    )
    return [{"was": was, "now": now, "people": people} for was, now, people in rows]
