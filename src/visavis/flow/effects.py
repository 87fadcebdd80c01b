"""The relations that `report campaigns` and `report lift` are worked out from."""

from __future__ import annotations

from visavis.decide.arms import CONTROL, HOLDOUT
from visavis.flow.published import Published
from visavis.measure.campaigns import campaigns
from visavis.measure.lifts import EVERYTHING, lifts
from visavis.measure.report import Report
from visavis.store.engines.duckdb_names import text_literal, time_literal
from visavis.store.sent import open_effects
from visavis.store.warehouse import Warehouse

_WHAT = {
    "Delivered": "delivered",
    "Bounced": "bounced",
    "Opened": "opened",
    "Clicked": "clicked",
    "Replied": "replied",
    "Unsubscribed": "unsubscribed",
    "Marked as Spam": "spam",
}
_CHANNELS = ("Email", "SMS", "Push Notification")
_NOT_LEFT_OUT = ("", "not eligible", "already sent")
"""Who is not asked, and who has it already, isn't left out."""


def campaigns_made(wh: Warehouse, at: Published, days: int) -> Report:
    """`report campaigns` as of the build or, if messages changed since, of the last such change."""
    open_effects(wh, at.state)
    last = wh.value("SELECT epoch_ms(max(changed_at)) FROM outbox_sends")
    moment = max(at.build.as_of, int(last or 0))
    now = time_literal(moment)
    _sends(wh, now)
    _reactions(wh, now)
    others = ", ".join(map(text_literal, _NOT_LEFT_OUT))
    wh.execute(
        "CREATE OR REPLACE TEMP VIEW left_out AS "
        f"SELECT campaign, reason FROM outbox_reasons WHERE reason NOT IN ({others}) UNION ALL "
        "SELECT campaign, coalesce(nullif(reason, ''), status) FROM outbox_sends "
        f"WHERE status IN ('refused', 'failed', 'expired', 'cancelled') AND changed_at <= {now}"
    )
    return campaigns(wh, moment, days)


def _sends(wh: Warehouse, now: str) -> None:
    """Messages of the outbox, and those that other systems sent for campaigns they name."""
    sent = ", ".join(text_literal(f"{channel} Sent") for channel in _CHANNELS)
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE sends AS "
        "SELECT message_id, campaign, person_id, status, changed_at AS sent_at FROM outbox_sends "
        f"WHERE changed_at <= {now} UNION ALL "
        "SELECT coalesce(e.p_message, e.message_id), e.p_campaign_id, n.person_id, 'sent', e.ts "
        "FROM lake_events AS e LEFT JOIN node_persons AS n ON n.node = e.node "
        f"WHERE e.event IN ({sent}) AND e.void IS NOT TRUE AND e.p_campaign_id IS NOT NULL "
        f"AND e.ts <= {now} AND coalesce(e.p_message, e.message_id) NOT IN "
        "(SELECT message_id FROM outbox_sends)"
    )


def _reactions(wh: Warehouse, now: str) -> None:
    names = {f"{channel} {what}": word for channel in _CHANNELS for what, word in _WHAT.items()}
    cases = " ".join(f"WHEN {text_literal(e)} THEN {text_literal(w)}" for e, w in names.items())
    listed = ", ".join(map(text_literal, names))
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE reactions AS "
        f"SELECT e.seq AS id, CASE e.event {cases} END AS what, e.p_message AS message, "
        "e.p_campaign_id AS campaign, n.person_id, e.ts AS moment FROM lake_events AS e "
        f"LEFT JOIN node_persons AS n ON n.node = e.node WHERE e.event IN ({listed}) "
        f"AND e.void IS NOT TRUE AND e.ts <= {now}"
    )


def lift_made(wh: Warehouse, at: Published, days: int) -> Report:
    """`report lift` as of the build: who was drawn for what, by the person who it is now."""
    open_effects(wh, at.state)
    now = time_literal(at.build.as_of)
    arm = "CASE arm WHEN 'treated' THEN 'treated' ELSE 'kept out' END"
    holdout, control = text_literal(HOLDOUT), text_literal(CONTROL)
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE drawn AS "
        f"SELECT CASE experiment WHEN {holdout} THEN {text_literal(EVERYTHING)} "
        f"ELSE substr(experiment, {len(CONTROL) + 1}) END AS comparison, "
        f"CASE experiment WHEN {holdout} THEN 'held out' ELSE 'control' END AS against, "
        f"person_id, {arm} AS arm, since, share FROM outbox_arms WHERE since <= {now} "
        f"AND (experiment = {holdout} OR starts_with(experiment, {control}))"
    )
    # a campaign without a control group of its own is compared with those held out of everything
    wh.execute(
        "INSERT INTO drawn SELECT s.campaign, 'held out', s.person_id, "
        "CASE s.status WHEN 'held out' THEN 'kept out' ELSE 'treated' END, s.planned_at, a.share "
        "FROM outbox_sends AS s JOIN (SELECT person_id, min(share) AS share FROM outbox_arms "
        f"WHERE experiment = {holdout} GROUP BY person_id) AS a USING (person_id) "
        f"WHERE s.planned_at <= {now} AND a.share > 0 AND s.status <> 'control' "
        "AND s.campaign NOT IN (SELECT comparison FROM drawn)"
    )
    wh.execute("DELETE FROM drawn WHERE share = 0")
    return lifts(wh, at.build.as_of, days)
