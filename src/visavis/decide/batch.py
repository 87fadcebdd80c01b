"""Offers asked of everybody at once: who is eligible, with what value, on which occasion.

Works on the table `people_traits`; only people eligible for something leave the warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from visavis.core.clock import zone
from visavis.core.lang.form import Value
from visavis.core.nouns import Project
from visavis.core.offers import Offer
from visavis.decide.asking import asked_of, features_of, parts_of
from visavis.decide.rules import Asked
from visavis.store.engines.duckdb_names import held, identifier, time_literal
from visavis.store.engines.duckdb_sql import Names, expression
from visavis.store.warehouse import Warehouse

Fits = Mapping[str, Sequence[Value]]


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
