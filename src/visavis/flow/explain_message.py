"""Why somebody got a message, or didn't: this person, this offer, this channel, this moment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from visavis.core.clock import format_time, to_datetime
from visavis.core.consent import Verdict, verdict
from visavis.core.lang.to_sql import to_sql
from visavis.core.nouns import Project
from visavis.core.offers import Offer
from visavis.core.problems import Place, Problem, ProblemsError, nearest
from visavis.flow.consents import words_of
from visavis.flow.fresh_words import FreshWords
from visavis.flow.persons import PersonFound
from visavis.flow.published import Published
from visavis.store.engines.duckdb_names import text_literal
from visavis.store.outbox import KEPT_OUT, LEFT, Message, Outbox
from visavis.store.warehouse import Warehouse

Row = dict[str, Any]


def told_of(wh: Warehouse, at: Published, project: Project, person: PersonFound) -> dict[str, Any]:
    """All decisions about a person, and their messages, the newest last."""
    names = _names(wh, person)
    with Outbox(at.state) as outbox:
        made = [d for kind, value in names for d in _decided(outbox, kind, value)]
        sent = _messages(outbox, names)
    return {
        "decisions": sorted(made, key=lambda d: (d["at"], d["decision_id"])),
        "messages": [_shown(project, message) for message in sent],
    }


def message_told(
    wh: Warehouse, at: Published, project: Project, person: PersonFound, message_id: str
) -> dict[str, Any]:
    """One message of a person with every reason; raises ProblemsError `unknown-message`."""
    names = _names(wh, person)
    with Outbox(at.state) as outbox:
        known = {message.message_id: message for message in _messages(outbox, names)}
        message = known.get(message_id)
        if message is None:
            text = f"this person has no message '{message_id}'"
            hint = nearest(message_id, known) or "`visavis query` lists all in table messages."
            raise ProblemsError([Problem("unknown-message", text, hint=hint)])
        made = outbox.decisions("decision_id = ?", (message.decision_id,))
        told = _consent(wh, at, project, person, outbox, message)
        events = [*_in_lake(wh, message), *_in_journal(outbox, message)]
    decision = made[0] if made else {"candidates": [], "features": {}}
    return {
        "message": _shown(project, message) | {"content": dict(message.parts)},
        "why": list(_why(project, message, decision, told)),
        "candidates": decision["candidates"],
        "features": decision["features"],
        "events": sorted(events, key=lambda e: (e["timestamp"], e["event"])),
    }


def _names(wh: Warehouse, person: PersonFound) -> list[tuple[str, str]]:
    listed = ", ".join(map(str, person.nodes))
    return [
        (str(kind), str(value))
        for kind, value in wh.rows(
            f"SELECT kind, value FROM lake_nodes WHERE node IN ({listed}) ORDER BY 1, 2"
        )
    ]


def _decided(outbox: Outbox, kind: str, value: str) -> Iterable[Row]:
    for decision in outbox.decisions("kind = ? AND value = ?", (kind, value)):
        chosen = [choice["offer"] for choice in decision["choices"]]
        yield {
            "decision_id": decision["decision_id"],
            "placement": decision["placement"],
            "at": to_datetime(decision["at"]),
            "chosen": chosen[0] if chosen else None,
            "held_out": bool(decision["held_out"]),
            "build_id": decision["build_id"],
            "candidates": decision["candidates"],
        }


def _messages(outbox: Outbox, names: Sequence[tuple[str, str]]) -> list[Message]:
    """Messages to an address of the person, and those the person was kept out of."""
    found = [
        message
        for kind, value in names
        for message in (
            *outbox.messages("address_kind = ? AND address = ?", (kind, value)),
            *outbox.messages(
                "kind = ? AND value = ? AND status IN (?, ?)", (kind, value, *KEPT_OUT)
            ),
        )
    ]
    return sorted(found, key=lambda m: (m.planned_at, m.message_id))


def _shown(project: Project, message: Message) -> Row:
    offer = project.offers.get(message.campaign)
    return {
        "message_id": message.message_id,
        "campaign": message.campaign,
        "occasion": message.occasion,
        "channel": message.channel,
        "purpose": message.purpose or None,
        "address": None if message.status in KEPT_OUT else message.address,
        "status": message.status,
        "reason": message.reason or None,
        "planned_at": to_datetime(message.planned_at),
        "due_at": to_datetime(message.due_at),
        "changed_at": to_datetime(message.changed_at),
        "decision_id": message.decision_id,
        **_place(offer.place if offer else None),
    }


def _place(place: Place | None) -> Row:
    return {"file": place.file if place else None, "line": place.line if place else None}


def _consent(
    wh: Warehouse,
    at: Published,
    project: Project,
    person: PersonFound,
    outbox: Outbox,
    message: Message,
) -> Verdict | None:
    """What the person had said about the address when the message was last touched."""
    if message.status in KEPT_OUT:
        return None
    (whole,) = wh.rows(f"SELECT person FROM node_persons WHERE node = {person.nodes[0]}")[0]
    wh.execute(f"CREATE OR REPLACE TEMP TABLE written_to AS SELECT {whole}::BIGINT AS person")
    fresh = FreshWords(at.state, at.build, project, outbox).news()
    words = words_of(wh, project, "written_to", fresh).get(int(whole), [])
    address = (message.address_kind, message.address)
    # what the message itself led to, like a bounce, came later
    moment = message.changed_at - (message.status not in ("refused", "planned"))
    return verdict(words, address, message.channel, message.purpose, moment)


def _why(project: Project, message: Message, decision: Row, told: Verdict | None) -> Iterable[Row]:
    offer = project.offers.get(message.campaign)
    if offer is None:
        return
    yield _answer("person", f"eligible: {to_sql(offer.eligible)}", offer.at("eligible"))
    yield _answer("offer", _ranked(message, decision), offer.at("value"))
    channel = f"{message.channel} for {message.purpose or offer.purpose}"
    yield _answer("channel", f"{channel}: {_said(message, told)}", offer.at("channel"))
    yield _answer("occasion", _occasion(offer, message), offer.at("occasion"))
    yield from _moment(project, message, offer)


def _answer(what: str, text: str, place: Place | None) -> Row:
    return {"why": what, "because": text, **_place(place)}


def _ranked(message: Message, decision: Row) -> str:
    """Where the offer stood among the candidates."""
    mine = next((c for c in decision["candidates"] if c["offer"] == message.campaign), None)
    if mine is None:
        return "the decision is no longer kept"
    others = [c for c in decision["candidates"] if c is not mine]
    open_to = [c for c in others if c["fell"] == "outranked"]
    if mine["fell"]:
        return f"value {mine['score']:g}, but {mine['fell']}"
    if open_to:
        next_best = max(c["score"] for c in open_to)
        return f"value {mine['score']:g} against {next_best:g} of the next of {len(open_to)} others"
    return f"value {mine['score']:g}; all {len(others)} others fell" if others else "the only offer"


def _said(message: Message, told: Verdict | None) -> str:
    if told is None:
        return f"not sent, {message.reason or message.status}"
    if told.word is None:
        return told.reason
    moment = told.word.at_ms
    when = format_time(moment) if moment > 0 else "always"
    return f"{told.reason} of {when} ({told.word.source or 'given'})"


def _occasion(offer: Offer, message: Message) -> str:
    if offer.occasion is None:
        return "once ever"
    return f"{to_sql(offer.occasion)} is {message.occasion}: each once"


def _moment(project: Project, message: Message, offer: Offer) -> Iterable[Row]:
    if message.status in KEPT_OUT:
        return
    due, done = format_time(message.due_at), format_time(message.changed_at)
    what = f"{message.status} at {done}" if message.status in LEFT else message.status
    waited = message.due_at > message.planned_at
    quiet = next(iter(project.quiet_hours.values()), None) if waited else None
    text = f"waited for the end of quiet hours, due {due}" if quiet else f"due {due}"
    yield _answer("moment", f"{text}; {what}", quiet.place if quiet else offer.place)
    for name, cap in project.caps.items():
        if cap.holds_for(message.channel, message.purpose):
            state = "reached" if message.reason.endswith("cap") else "had room"
            yield _answer("cap", f"{name}: {state}", cap.place)


def _in_lake(wh: Warehouse, message: Message) -> Iterable[Row]:
    mid, decision = text_literal(message.message_id), text_literal(message.decision_id)
    rows = wh.rows(
        "SELECT event, ts, message_id, p_reason FROM lake_events WHERE void IS NOT TRUE AND "
        f"(p_message = {mid} OR (event = 'Decision Made' AND p_decision_id = {decision}))"
    )
    for event, moment, mid, reason in rows:
        yield {"event": event, "timestamp": moment, "message_id": mid, "reason": reason}


def _in_journal(outbox: Outbox, message: Message) -> Iterable[Row]:
    """What the next build will take into the lake."""
    rows = outbox.db.execute(
        "SELECT event, ts, message_id, properties FROM journal WHERE "
        "json_extract(properties, '$.message') = ?1 OR message_id = ?2",
        (message.message_id, f"visavis:{message.decision_id}"),
    )
    for event, ts, mid, properties in rows:
        moment = to_datetime(ts).replace(tzinfo=None)
        reason = json.loads(properties).get("reason")
        yield {"event": event, "timestamp": moment, "message_id": mid, "reason": reason}
