"""`decide`: one decision for one person and placement, by the Python reader, with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from visavis.core.clock import to_datetime, zone
from visavis.core.decisions import Choice, Decision, Due
from visavis.core.lang.form import Node, Value
from visavis.core.lang.reader import compile_program
from visavis.core.nouns import Project
from visavis.core.offers import Offer
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.decide.asking import asked_of, features_of, parts_of
from visavis.decide.batch import Batch
from visavis.decide.rules import Asked, before, consider
from visavis.flow.due import Known, Maker, decision_id, withheld_offers
from visavis.flow.fresh_words import FreshWords
from visavis.flow.persons import PersonFound, find_person, open_lake, read_catalogue, read_history
from visavis.flow.published import Published, open_warehouse, published
from visavis.store.outbox import Outbox
from visavis.store.warehouse import Warehouse


def decide(
    root: Path, person: str, placement: str, at_ms: int, count: int = 1, explain: bool = False
) -> dict[str, Any]:
    """The decision as `visavis decide` and `POST /v1/decide` give it.

    A decision that was recorded for the person, the placement and this very moment is replayed
    as it was made, whatever has changed since. Raises ProblemsError for nobody, unknown placements.
    """
    with published(root) as at, Outbox(at.state) as outbox:
        project = at.project()
        offers = offers_of(project, placement)
        with open_warehouse(project) as wh:
            open_lake(wh, at)
            found = find_person(wh, at, person)
            node = _node(wh, found)
            known = _known(wh, at, project, outbox, node)
            recorded = _recorded(outbox, known, node, placement, at_ms)
            if recorded is not None:
                return _replayed(outbox, recorded, known.names[node][0], explain)
            # what came later was not known then: the same answer at any time
            known.past[node] = before(known.past.get(node, ()), at_ms)
            asked, features = _ask(wh, at, project, offers, found, at_ms)
        made = _decide(at, project, known, node, asked, features, placement, at_ms, count)
    return told(made, known.names[node][0], explain)


def offers_of(project: Project, placement: str) -> list[Offer]:
    """The offers of a placement or channel; raises ProblemsError for one that nobody names."""
    offers = [o for o in project.offers.values() if placement in (*o.placements, o.channel)]
    names = {p for o in project.offers.values() for p in (*o.placements, o.channel) if p}
    if placement not in names | project.channels.keys():
        message = f"there is no placement '{placement}'"
        raise ProblemsError([Problem("unknown-name", message, hint=nearest(placement, names))])
    return offers


def _node(wh: Warehouse, found: PersonFound) -> int:
    listed = ", ".join(map(str, found.nodes))
    return int(wh.value(f"SELECT any_value(person) FROM node_persons WHERE node IN ({listed})"))


def _known(wh: Warehouse, at: Published, project: Project, outbox: Outbox, node: int) -> Known:
    wh.execute(f"CREATE OR REPLACE TEMP TABLE asked_one AS SELECT {node}::BIGINT AS person")
    fresh = FreshWords(at.state, at.build, project, outbox)
    return Known.read(wh, at, project, outbox, fresh.news(), "asked_one")


def _recorded(
    outbox: Outbox, known: Known, node: int, placement: str, at_ms: int
) -> Mapping[str, Any] | None:
    """The decision recorded for any of the person's identifiers at the moment."""
    ids = [decision_id(placement, name, at_ms) for name in known.identifiers[node]]
    marks = ", ".join("?" * len(ids))
    rows = outbox.decisions(f"decision_id IN ({marks})", ids)
    return rows[0] if rows else None


def _replayed(
    outbox: Outbox, recorded: Mapping[str, Any], person_id: str, explain: bool
) -> dict[str, Any]:
    """A recorded decision as it was told when it was made."""
    decision_id = recorded["decision_id"]
    messages = outbox.messages("decision_id = ? AND address_kind <> 'kept out'", (decision_id,))
    contents = {message.campaign: dict(message.parts) for message in messages}
    answer: dict[str, Any] = {
        "decision_id": decision_id,
        "person_id": person_id,
        "placement": recorded["placement"],
        "choices": [
            {
                "offer": choice["offer"],
                "content": contents.get(choice["offer"], {}),
                "score": choice["score"],
                "probability": choice["probability"],
            }
            for choice in recorded["choices"]
        ],
        "held_out": bool(recorded["held_out"]),
        "at": to_datetime(recorded["at"]),
    }
    if explain:
        answer |= {"candidates": recorded["candidates"], "features": recorded["features"]}
    return answer | {"replayed": True}


def _ask(
    wh: Warehouse,
    at: Published,
    project: Project,
    offers: Sequence[Offer],
    found: PersonFound,
    at_ms: int,
) -> tuple[list[Asked], dict[str, Value]]:
    """The offers asked of the person, as of the build or, for an earlier moment, as of then."""
    nodes: dict[str, Node] = {}
    for offer in offers:
        parts = (("value", offer.value), ("occasion", offer.occasion))
        nodes |= {f"{part} {offer.name}": node for part, node in parts if node is not None}
        nodes |= {f"part {j} {offer.name}": n for j, n in enumerate(parts_of(offer.eligible))}
    local, moment = zone(project.time_zone), min(at_ms, at.build.as_of)
    history = read_history(wh, project, found.nodes)
    program = compile_program(project.traits, nodes, local)
    values = program.run(history, moment, at.fits(), read_catalogue(wh, at, history)).values
    asked = [
        asked_of(
            o, _unmet(o, values), values.get(f"value {o.name}"), values.get(f"occasion {o.name}")
        )
        for o in offers
    ]  # fmt: skip
    return asked, {name: values.get(name) for name in features_of(project, offers)}


def _unmet(offer: Offer, values: Mapping[str, Value]) -> int | None:
    count = len(parts_of(offer.eligible))
    return next((j for j in range(count) if values.get(f"part {j} {offer.name}") is not True), None)


def _decide(
    at: Published,
    project: Project,
    known: Known,
    node: int,
    asked: Sequence[Asked],
    features: dict[str, Value],
    placement: str,
    at_ms: int,
    count: int,
) -> Decision:
    due = Due(at_ms, at.build.id, str(at.build.manifest["definition_hash"]))
    batch = Batch(1, {}, {node: list(asked)}, {node: features})
    maker = Maker(at, project, known, batch, due, withheld_offers(at, project))
    person = maker.person(node)
    assert person.zone is not None
    renderer = maker.renderer(node, person.zone)
    outcome = consider(
        asked, person, project, at_ms, maker.control, renderer, count, maker.withheld, placement
    )
    choices = tuple(Choice(one.offer.name, parts, one.score) for one, _, parts in outcome.chosen)
    return Decision(
        decision_id(placement, person.identifier, at_ms), placement, person.identifier, at_ms,
        choices, tuple(outcome.candidates), features, person.standing != "treated", at.build.id,
    )  # fmt: skip


def told(decision: Decision, person_id: str, explain: bool) -> dict[str, Any]:
    """A decision as JSON by the contract; `explain` adds every candidate and why it fell."""
    answer: dict[str, Any] = {
        "decision_id": decision.decision_id,
        "person_id": person_id,
        "placement": decision.placement,
        "choices": [
            {
                "offer": choice.offer,
                "content": dict(choice.content),
                "score": choice.score / 1_000_000,
                "probability": choice.probability,
            }
            for choice in decision.choices
        ],
        "held_out": decision.held_out,
        "at": to_datetime(decision.at_ms),
    }
    if explain:
        answer["candidates"] = [candidate.as_json() for candidate in decision.candidates]
        answer["features"] = dict(decision.features)
    return answer
