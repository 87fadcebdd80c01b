"""Report `profiles`: how complete profiles are by kind of data, and how fresh each trait is."""

from __future__ import annotations

from datetime import datetime

from visavis.core.clock import to_datetime
from visavis.measure.report import Report, Row
from visavis.store.warehouse import Warehouse


def profiles(wh: Warehouse, as_of_ms: int) -> Report:
    """Reads `completeness` and `freshness`. A score is the share of a kind's traits with a value;
    stale is what was last fed more than 90 days before the build's moment."""
    moment = to_datetime(as_of_ms).replace(tzinfo=None)
    return Report(
        "profiles",
        "How complete and how fresh profiles are",
        as_of_ms,
        {"completeness": _completeness(wh), "freshness": _freshness(wh, moment)},
        {"people": wh.value("select count(*) from people")},
    )


def _completeness(wh: Warehouse) -> list[Row]:
    names = ("kind", "traits", "average_score", "people_with_none", "people_with_all")
    rows = wh.rows(
        "select kind, any_value(traits), cast(round(sum(score) / count(*), 6) as decimal(18,6)), "
        "count(*) filter (filled = 0), count(*) filter (filled = traits) from completeness "
        "where traits > 0 group by kind order by kind = 'all', kind"
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def _freshness(wh: Warehouse, moment: datetime) -> list[Row]:
    names = ("trait", "people", "oldest", "median", "newest", "stale")
    rows = wh.rows(
        "select trait, count(*), min(updated_at), quantile_disc(updated_at, 0.5), max(updated_at), "
        "count(*) filter (updated_at < $1::timestamp - interval 90 day) from freshness "
        "group by trait order by trait",
        [moment],
    )
    return [dict(zip(names, row, strict=True)) for row in rows]
