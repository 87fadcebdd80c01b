"""What the generators make is what the parser makes of its text."""

from __future__ import annotations

from random import Random

import pytest
from tests.laws.readers import read

from visavis.core.clock import zone
from visavis.core.lang.form import Node, Property, TraitRef
from visavis.core.lang.parse import to_sql
from visavis.core.lang.scope import Scope
from visavis.core.nouns import Trait
from visavis.testing.agree import Round, make_round
from visavis.testing.forms import Setting, row_setting


def names(setting: Setting) -> dict:
    leaves = [leaf for leaves in setting.leaves.values() for leaf in leaves]
    return {leaf.name: (leaf.type, leaf.scope) for leaf in leaves if isinstance(leaf, Property)}


def check(node: Node | None, scope: Scope) -> None:
    if node is not None:
        text = to_sql(node)
        assert read(text, scope) == node, text


def check_trait(trait: Trait, round: Round) -> None:
    local = zone(round.project.time_zone)
    if trait.event is None:
        check(trait.value, derived_scope(round, trait.name))
        return
    rows = names(row_setting(trait.event, trait.each is not None))
    check(trait.value, Scope(rows, aggregates=True, zone=local))
    check(trait.where, Scope(rows, zone=local))
    for step in (trait.then, trait.without):
        if step is not None:
            check(step.where, Scope(names(row_setting(step.event, False)), zone=local))


def derived_scope(round: Round, population: str | None) -> Scope:
    traits = {n: (t.type, "trait") for n, t in round.project.traits.items()}
    return Scope(traits, clock=True, population=population, zone=zone(round.project.time_zone))


@pytest.mark.parametrize("seed", range(8))
def test_generated_forms_are_what_the_parser_makes(seed: int) -> None:
    round = make_round(seed, people=1)
    for trait in round.project.traits.values():
        if trait.value is not None:
            check_trait(trait, round)
    for node in round.conditions.values():
        check(node, derived_scope(round, None))


def test_rounds_are_the_same_for_the_same_seed() -> None:
    assert make_round(3, people=2) == make_round(3, people=2)
    assert make_round(3, people=2) != make_round(4, people=2)
    assert Random(3).random() == Random(3).random()
    assert isinstance(TraitRef, type)
