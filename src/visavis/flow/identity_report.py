"""`report identity`: who is who in numbers, what guards refused, and who is suspiciously large."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from visavis.core.clock import DAY_MS, to_datetime
from visavis.flow.published import Published, open_warehouse, who_as_of
from visavis.measure.report import Report, Row
from visavis.measure.shares import ratio
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.warehouse import Warehouse
from visavis.unify.growth import growth

_LARGEST = 10

_SIZES = """
select least(n, 10) identifiers, count(*) people from
(select count(*) n from identifiers group by person_id) group by 1 order by 1
"""
_KINDS = """
select kind, count(*) identifiers, count(distinct person_id) people,
       max(n) most_of_one from (select *, count(*) over (partition by person_id, kind) n
from identifiers) group by 1 order by 1
"""
_LARGE = """
select person_id, count(*) identifiers, count(distinct kind) kinds, min(first_seen) first_seen,
       max(last_seen) last_seen from identifiers group by 1 order by 2 desc, 1 limit {limit}
"""
_REFUSED = "select guard, about kind, count(*) evidence from review group by all order by all"
_SHARED = """
select kind_s kind, value_s as value, count(*) evidence, min(first_seen) first_seen from (
  select r.first_seen, case when a.person_id is null then kind_a else kind_b end kind_s,
         case when a.person_id is null then value_a else value_b end value_s
  from review r left join identifiers a on a.kind = kind_a and a.value = value_a
  where guard = 'shared')
group by all order by 3 desc, 1, 2 limit {limit}
"""


def identity(wh: Warehouse, at: Published) -> Report:
    """Reads `identifiers` and the build's review queue. Growth is that of the last 24 hours, by the
    same evidence as of both moments."""
    review = at.build.table("review")
    source = (
        f"read_parquet({text_literal(str(review))})"
        if review.exists()
        else "(SELECT '' AS guard, '' AS about, '' AS kind_a, '' AS value_a, '' AS kind_b, "
        "'' AS value_b, '' AS rule, NULL::TIMESTAMP AS first_seen WHERE false)"
    )
    wh.execute(f"CREATE OR REPLACE TEMP VIEW review AS SELECT * FROM {source}")
    tables = {
        "identifiers_per_person": _rows(wh, _SIZES),
        "kinds": _rows(wh, _KINDS),
        "refused": _rows(wh, _REFUSED),
        "shared": _rows(wh, _SHARED.format(limit=_LARGEST)),
        "growth": [_grown(wh, at)],
        "largest": _rows(wh, _LARGE.format(limit=_LARGEST)),
    }
    day = time_literal(at.build.as_of - DAY_MS)
    people, identifiers, fresh = wh.rows(
        "SELECT count(DISTINCT person_id), count(*), "
        f"count(*) FILTER (WHERE first_seen > {day}) FROM identifiers"
    )[0]
    totals = {
        "people": people,
        "identifiers": identifiers,
        "identifiers_per_person": ratio(Decimal(identifiers), Decimal(people)),
        "new_identifiers_last_day": fresh,
        "refused_evidence": wh.value("SELECT count(*) FROM review"),
    }
    note = "`visavis identity review` shows what was refused, case by case."
    notes = (note,) if totals["refused_evidence"] else ()
    return Report("identity", "Who is who", at.build.as_of, tables, totals, notes)


def _grown(wh: Warehouse, at: Published) -> Row:
    """What the last day did to who is who."""
    project, day = at.project(), at.build.as_of - DAY_MS
    with open_warehouse(project) as earlier:
        who_as_of(earlier, at, project, day)
        wh.register("persons_a_day_ago", earlier.arrow("SELECT * FROM node_persons"))
    told = growth(wh, "SELECT * FROM persons_a_day_ago", "SELECT * FROM node_persons")
    before = wh.value("SELECT count(DISTINCT person) FROM persons_a_day_ago")
    now = wh.value("SELECT count(DISTINCT person) FROM node_persons")
    return {
        "since": to_datetime(day),
        "people_before": before,
        "people": now,
        "joined": told["joined"],
        "into": told["into"],
        "came_apart": told["apart"],
        "joined_share": told["share"],
    }


def _rows(wh: Warehouse, sql: str) -> Sequence[Row]:
    return list(wh.arrow(sql).to_pylist())
