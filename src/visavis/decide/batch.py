"""Offers asked of everybody at once: who is eligible, with what value, on which occasion.

Works on the table `people_traits`; only people eligible for something leave the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from visavis.core.clock import zone
from visavis.core.lang.form import Call, Node, Value, trait_names
from visavis.core.lang.to_sql import to_sql
from visavis.core.lang.types import SCALE, Type
from visavis.core.nouns import Project
from visavis.core.offers import BUILT_IN_FIELDS, Offer
from visavis.core.problems import Place
from visavis.decide.content import spelled
from visavis.decide.rules import Asked, Unmet
from visavis.store.engines.duckdb_names import held, identifier, time_literal
from visavis.store.engines.duckdb_sql import Names, expression
from visavis.store.warehouse import Warehouse

Fits = Mapping[str, Sequence[Value]]
ONCE = "once"
"""The occasion of an offer that names none."""


@dataclass(slots=True)
class Batch:
    """What the offers say: per person who is eligible for any, each offer and the features."""

    people: int
    eligible: dict[str, int]
    asked: dict[int, list[Asked]] = field(default_factory=dict)
    features: dict[int, dict[str, Value]] = field(default_factory=dict)


def ask_everybody(
    wh: Warehouse, project: Project, offers: Sequence[Offer], as_of_ms: int, fits: Fits
) -> Batch:
    """Asks the offers of everybody in `people_traits`; makes the table `asked_people` (person)."""
    wh.use_zone(zone(project.time_zone))
    names = Names(now=time_literal(as_of_ms), trait=identifier, fits=fits)
    columns = []
    for i, offer in enumerate(offers):
        columns.append(f"{_unmet_sql(offer, names)} AS u{i}")
        columns.append(f"u{i} IS NULL AS e{i}")
        columns += [
            f"{held(expression(node, names), node.type)} AS {letter}{i}"
            for letter, node in (("v", offer.value), ("o", offer.occasion))
            if node is not None
        ]
    wanted = features_of(project, offers)
    values = [
        f"{held(identifier(n), project.traits[n].type)} AS f{k}" for k, n in enumerate(wanted)
    ]
    anything = " OR ".join(f"e{i}" for i in range(len(offers))) or "false"
    wh.execute(
        "CREATE OR REPLACE TEMP TABLE asked_all AS SELECT "
        + ", ".join(["person", *columns, *values])
        + " FROM people_traits"
    )
    counts = wh.rows(
        "SELECT count(*)"
        + "".join(f", count_if(e{i})" for i in range(len(offers)))
        + " FROM asked_all"
    )[0]
    wh.execute(
        f"CREATE OR REPLACE TEMP TABLE asked_people AS SELECT * FROM asked_all WHERE {anything}"
    )
    batch = Batch(counts[0], {o.name: counts[i + 1] for i, o in enumerate(offers)})
    for row in wh.arrow("SELECT * FROM asked_people ORDER BY person").to_pylist():
        person = row["person"]
        batch.asked[person] = [_asked(offer, i, row) for i, offer in enumerate(offers)]
        batch.features[person] = {name: row[f"f{k}"] for k, name in enumerate(wanted)}
    return batch


def _unmet_sql(offer: Offer, names: Names) -> str:
    """SQL: the number of the first part of the condition that is not true, null for none."""
    tests = (
        f"WHEN ({expression(part, names)}) IS NOT TRUE THEN {j}"
        for j, part in enumerate(parts_of(offer.eligible))
    )
    return f"CASE {' '.join(tests)} END"


def _asked(offer: Offer, i: int, row: Mapping[str, Any]) -> Asked:
    return asked_of(offer, row[f"u{i}"], row.get(f"v{i}"), row.get(f"o{i}"))


def parts_of(condition: Node) -> list[Node]:
    """The parts of a condition that must all be true."""
    if isinstance(condition, Call) and condition.function == "and":
        return [part for arg in condition.args for part in parts_of(arg)]
    return [condition]


@lru_cache(maxsize=4096)
def _unmet(offer: str, part: Node, place: Place | None) -> Unmet:
    return Unmet(to_sql(part), place)


def asked_of(offer: Offer, unmet: int | None, value: Value, occasion: Value) -> Asked:
    """What the values of an offer's expressions mean; a value of null counts 0, no value 1.

    `unmet` is the number of the first part of `parts_of` the condition that is not true.
    """
    score = SCALE
    if offer.value is not None:
        whole = offer.value.type is Type.INTEGER
        score = int(value or 0) * (SCALE if whole else 1)
    text: str | None = ONCE
    if offer.occasion is not None:
        text = spelled(occasion, offer.occasion.type)
    if unmet is None:
        return Asked(offer, True, score, text)
    part = parts_of(offer.eligible)[unmet]
    return Asked(offer, False, score, text, _unmet(offer.name, part, part.place))


def nodes_of(offer: Offer) -> Iterable[Node]:
    """The expressions of an offer."""
    return (node for node in (offer.eligible, offer.value, offer.occasion) if node is not None)


def features_of(project: Project, offers: Iterable[Offer]) -> list[str]:
    """The traits that a decision among these offers reads, also in its content; by name."""
    found = {"language", "time_zone"} & project.traits.keys()
    for offer in offers:
        for node in nodes_of(offer):
            found |= trait_names(node)
        content = project.contents.get(offer.content or "")
        for parts in content.parts.values() if content else ():
            for template in parts.values():
                found |= _fields(template.text) & project.traits.keys()
    return sorted(found - set(BUILT_IN_FIELDS))


def _fields(text: str) -> set[str]:
    """Every word of a template that may name a field: more than it names does no harm."""
    import re

    return set(re.findall(r"[a-z_][a-z0-9_]*", text))
