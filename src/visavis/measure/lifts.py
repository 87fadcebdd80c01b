"""Report `lift`: what the whole programme and each campaign changed, against people kept out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from visavis.measure.lift import (
    CONFIDENCE,
    LEAST_EXPECTED,
    LEAST_PEOPLE,
    MISMATCH,
    Difference,
    Group,
    Lift,
    compare,
)
from visavis.measure.report import Report, Row
from visavis.measure.shares import SIX
from visavis.store.engines.duckdb_names import time_literal
from visavis.store.warehouse import Warehouse

EVERYTHING = "(everything)"
"""The comparison of all that is sent with the share of people nothing is sent to."""
LEAST_DAYS = 30
"""The whole programme is not judged before half of its people were in their arm for so long."""

# Somebody put together from both arms counts in neither. What counts of a person are the orders
# after they were drawn: of a campaign in its window, of the whole programme all until now.
_PEOPLE = """
create or replace temp table lift_people as
with people as (
    select comparison, person_id, min(since) since, arg_min(share, since) share,
           case when count(distinct arm) = 1 then any_value(arm) else 'both' end arm
    from drawn group by 1, 2
)
select p.*, comparison = '(everything)' or since + to_days({days}) <= {now} as closed,
       case when comparison = '(everything)' then {now} else since + to_days({days}) end as until
from people p
"""
_GROUPS = """
with bought as (
    select p.comparison, p.person_id, sum(o.revenue) revenue
    from lift_people p join orders o using (person_id)
    where p.closed and o.ts > p.since and o.ts <= p.until and o.revenue <> 0 group by 1, 2
)
select p.comparison, p.arm, count(*) people, count_if(closed) counted, count(b.person_id) converted,
       coalesce(sum(b.revenue) filter (where closed), 0) revenue,
       coalesce(sum(b.revenue::double ** 2), 0) squares,
       sum(share) filter (where closed) expected,
       quantile_disc(date_diff('day', since, {now}), 0.5) age
from lift_people p left join bought b using (comparison, person_id) group by 1, 2 order by 1, 2
"""


def lifts(wh: Warehouse, as_of_ms: int, days: int) -> Report:
    """Conversion (at least one order) and revenue per head of the treated less the kept out.

    Reads `drawn(comparison, against, person_id, arm, since, share)`, where `arm` is 'treated' or
    'kept out' and `share` the chance with which one was drawn out, and `orders(person_id, ts,
    revenue)`. A campaign counts people whose `days` since the draw are over, bought or not,
    reached or not: everybody who was drawn.
    """
    now = time_literal(as_of_ms)
    wh.execute(_PEOPLE.format(days=days, now=now))
    found: dict[str, dict[str, tuple[object, ...]]] = {}
    for comparison, arm, *numbers in wh.rows(_GROUPS.format(now=now)):
        found.setdefault(str(comparison), {})[str(arm)] = tuple(numbers)
    against = dict[str, str](wh.rows("select distinct comparison, against from drawn"))
    names = sorted(found, key=lambda name: (name != EVERYTHING, name))
    rows = [_row(name, against[name], found[name]) for name in names]
    title = "What messages changed: treated against kept out"
    return Report("lift", title, as_of_ms, {"lift": rows}, {"days": days}, _notes(rows, days))


_NOBODY = (0, 0, 0, Decimal(0), 0.0, None, None)


def _row(name: str, against: str, arms: Mapping[str, tuple[object, ...]]) -> Row:
    sizes = {arm: arms.get(arm, _NOBODY) for arm in ("treated", "kept out", "both")}
    treated, kept_out = (_group(sizes, arm) for arm in ("treated", "kept out"))
    found = compare(treated, kept_out, _still_early(name, sizes))
    waiting = sum(_int(sizes[a][0]) - _int(sizes[a][1]) for a in ("treated", "kept out"))
    return {
        "campaign": name,
        "against": against,
        "treated": treated.people,
        "kept_out": kept_out.people,
        "waiting": waiting,
        "in_both_arms": _int(sizes["both"][0]),
        "treated_converted": treated.converted,
        "kept_out_converted": kept_out.converted,
        "treated_rate": _six(treated.rate),
        "kept_out_rate": _six(kept_out.rate),
        **_limits("conversion_lift", found.conversion),
        "treated_revenue": sizes["treated"][3],
        "kept_out_revenue": sizes["kept out"][3],
        "treated_per_head": _six(treated.mean),
        "kept_out_per_head": _six(kept_out.mean),
        **_limits("per_head_lift", found.revenue),
        "expected_kept_out": None if kept_out.expected is None else _six(kept_out.expected),
        "sample_ratio_p": _six(found.sample_ratio_p),
        "verdict": found.verdict,
        "why": _why(found),
    }


def _group(sizes: Mapping[str, tuple[object, ...]], arm: str) -> Group:
    """An arm; each person was drawn out with a known chance, so many are expected here."""
    _, people, converted, revenue, squares, _, _ = sizes[arm]
    shares = [sizes[a][5] for a in ("treated", "kept out") if _int(sizes[a][1])]
    expected = None
    if shares and all(share is not None for share in shares):
        out = sum(float(str(share)) for share in shares)
        everybody = sum(_int(sizes[a][1]) for a in ("treated", "kept out"))
        expected = out if arm == "kept out" else everybody - out
    return Group(_int(people), _int(converted), float(str(revenue)), float(str(squares)), expected)


def _still_early(name: str, sizes: Mapping[str, tuple[object, ...]]) -> str:
    age = sizes["treated"][6]
    if name != EVERYTHING or age is None or _int(age) >= LEAST_DAYS:
        return ""
    return f"half of the people were drawn less than {LEAST_DAYS} days ago"


def _why(found: Lift) -> str | None:
    if found.verdict == "sample ratio mismatch":
        return "the groups' sizes don't fit the draw: something beside chance chose between them"
    return found.why or None


def _limits(name: str, found: Difference | None) -> Row:
    values = (None, None, None) if found is None else (found.value, found.low, found.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), map(_six, values), strict=True))


def _notes(rows: list[Row], days: int) -> tuple[str, ...]:
    if not rows:
        return ("Nobody was drawn yet: set `holdout` in visavis.yml or `control` in an offer.",)
    percent = round(CONFIDENCE * 100)
    return (
        f"Campaigns: orders in the {days} days after the draw; {EVERYTHING}: all since the draw.",
        f"Intervals of {percent} % for one look: shares by Newcombe (1998, method 10), revenue per "
        "head by Welch (1947).",
        f"Too early: under {LEAST_PEOPLE} people or {LEAST_EXPECTED} expected conversions in the "
        f"smaller group, or {EVERYTHING} under {LEAST_DAYS} days. Sample ratio: chi-square, "
        f"p < {MISMATCH}.",
    )


def _int(value: object) -> int:
    return int(str(value))


def _six(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value)).quantize(SIX)
