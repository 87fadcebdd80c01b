"""Report `campaigns`: what became of the messages of each, and what their readers did."""

from __future__ import annotations

from visavis.measure.report import Report, Row
from visavis.measure.shares import ratio
from visavis.store.engines.duckdb_names import time_literal
from visavis.store.warehouse import Warehouse

WAITING = ("planned", "sending")
STATUSES = ("sent", "uncertain", "refused", "failed", "expired", "cancelled")
KEPT_OUT = ("held out", "control")
REACTIONS = ("delivered", "bounced", "opened", "clicked", "replied", "unsubscribed", "spam")
"""What is told of a message by an event; each counts once a message."""

_COLUMNS = ("campaign", "people", "waiting", *STATUSES, "held_out", "control")

_COUNTS = f"""
select campaign, count(distinct person_id) filter (where status in ('sent', 'uncertain')) people,
       count_if(status in {WAITING}) waiting,
       {", ".join(f"count_if(status = '{s}') {s}" for s in STATUSES)},
       {", ".join(f"count_if(status = '{s}') {s.replace(' ', '_')}" for s in KEPT_OUT)}
from sends group by 1 order by 1
"""
# A reaction names its message; one that names only the campaign is the person's last message of it
# before, and one that names neither nobody's.
_REACTIONS = """
with named as (
    select r.what, coalesce(s.message_id, r.message) message_id, s.campaign
    from reactions r join sends s on s.message_id = r.message
    union all
    select r.what, arg_max(s.message_id, s.sent_at), s.campaign
    from reactions r join sends s on s.campaign = r.campaign and s.person_id = r.person_id
    where (r.message is null or r.message not in (select message_id from sends))
      and s.sent_at <= r.moment and s.status in ('sent', 'uncertain', 'failed')
    group by r.what, r.id, s.campaign
)
select campaign, what, count(distinct message_id) n from named group by 1, 2
"""
_AFTER = """
with bought as (
    select distinct s.campaign, o.message_id, o.person_id, o.revenue
    from sends s join orders o using (person_id)
    where s.status in ('sent', 'uncertain') and o.ts > s.sent_at
      and o.ts <= s.sent_at + to_days({days}) and o.ts <= {now} and o.revenue <> 0
)
select campaign, count(*), count(distinct person_id), sum(revenue) from bought group by 1
"""
_LEFT_OUT = """
select campaign, reason, count(*) people from left_out group by 1, 2 order by 1, 3 desc, 2
"""


def campaigns(wh: Warehouse, as_of_ms: int, days: int) -> Report:
    """Counts of messages by what became of them, reactions, and orders within `days` after one.

    Reads `sends(message_id, campaign, person_id, status, sent_at)`, `reactions(id, what, message,
    campaign, person_id, moment)`, `left_out(campaign, reason)` (one row a person and campaign) and
    `orders(message_id, person_id, ts, revenue)`.
    """
    reacted: dict[str, dict[str, int]] = {}
    for campaign, what, n in wh.rows(_REACTIONS):
        reacted.setdefault(str(campaign), {})[str(what)] = int(n)
    after = {
        name: (orders, buyers, revenue)
        for name, orders, buyers, revenue in wh.rows(
            _AFTER.format(days=days, now=time_literal(as_of_ms))
        )
    }
    rows = [
        _row(dict(zip(_COLUMNS, row, strict=True)), reacted.get(row[0], {}), after.get(row[0]))
        for row in wh.rows(_COUNTS)
    ]
    left_out: list[Row] = [
        {"campaign": name, "reason": reason, "people": n} for name, reason, n in wh.rows(_LEFT_OUT)
    ]
    tables = {"campaigns": rows, "left_out": left_out}
    title = "What became of the messages"
    return Report("campaigns", title, as_of_ms, tables, {"days": days}, _notes(rows, days))


def _row(counts: dict[str, object], reacted: dict[str, int], after: object) -> Row:
    orders, buyers, revenue = after if isinstance(after, tuple) else (0, 0, 0)
    told = {what: reacted.get(what, 0) for what in REACTIONS}
    sent = int(str(counts["sent"])) + int(str(counts["uncertain"]))
    if not told["delivered"]:
        # servers seldom tell: what they took and didn't send back counts as delivered
        failed = int(str(counts["failed"]))
        told["delivered"] = max(0, int(str(counts["sent"])) - max(0, told["bounced"] - failed))
    delivered = told["delivered"]
    return {
        **counts,
        **told,
        "bounced_rate": ratio(told["bounced"], sent + int(str(counts["failed"]))),
        "opened_rate": ratio(told["opened"], delivered),
        "clicked_rate": ratio(told["clicked"], delivered),
        "unsubscribed_rate": ratio(told["unsubscribed"], delivered),
        "orders_after": orders,
        "buyers_after": buyers,
        "revenue_after": revenue,
    }


def _notes(rows: list[Row], days: int) -> tuple[str, ...]:
    if not rows:
        return ("No message was planned yet: `visavis plan`, then `visavis send`.",)
    return (
        f"Orders after: within {days} days of a message, counted for each campaign that wrote; "
        "they prove nothing (see report lift).",
        "Opened: also by mail programs that load pictures by themselves.",
    )
