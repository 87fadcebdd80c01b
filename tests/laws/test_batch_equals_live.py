"""Law 2: for any expression, history and now both readers agree exactly.

VISAVIS_SEED=n explores other rounds than the usual ones; VISAVIS_ROUNDS=n asks so many.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from tests.laws.readers import explain, warehouse

from visavis.core.lang.form import Bucket, Value, walk
from visavis.core.lang.functions import FUNCTIONS
from visavis.testing.agree import (
    Answers,
    Fits,
    Round,
    ask_batch,
    ask_live,
    differences,
    make_round,
    same,
)
from visavis.testing.forms import Reached, every_signature
from visavis.testing.projects import buckets

SEED = int(os.environ.get("VISAVIS_SEED", "1000"))
ROUNDS = int(os.environ.get("VISAVIS_ROUNDS", "16"))
CHUNKS = 4
AT_LEAST = 10_000


def check(round: Round) -> tuple[Answers, Fits]:
    batch, fits = ask_batch(round, warehouse)
    live = ask_live(round, fits)
    found = next(differences(round, batch, live), None)
    assert found is None, explain(found)
    return batch, fits


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_batch_equals_live(chunk: int, record_property: Callable[[str, object], None]) -> None:
    triples = 0
    for seed in range(SEED + chunk, SEED + ROUNDS, CHUNKS):
        round = make_round(seed)
        batch, fits = check(round)
        check_fits(round, batch[0], fits)
        triples += round.triples
    record_property("triples", triples)
    assert triples * CHUNKS >= AT_LEAST or ROUNDS < 10


def check_fits(round: Round, people: list[dict[str, Value]], fits: Fits) -> None:
    """Cut points are the nearest-rank quantiles of the bucket's argument over all people."""
    for name, bucket in buckets(round.project).items():
        argued = next((t for t in round.project.traits.values() if t.value == bucket), None)
        values = argued and argument(round, bucket, people)
        if values is None:
            continue
        ranked = sorted(v for v in values if v is not None)
        n, size = bucket.n, len(ranked)
        cuts = [ranked[max(1, -(-k * size // n)) - 1] for k in range(1, n)] if ranked else []
        held = list(fits.get(name, ()))
        assert len(held) == len(cuts), name
        assert all(same(a, b, bucket.arg.type) for a, b in zip(held, cuts, strict=True)), name


def argument(round: Round, bucket: Bucket, people: list[dict[str, Value]]) -> list[Value] | None:
    """The values that a bucket ranks, where it ranks a plain trait."""
    name = getattr(bucket.arg, "name", None)
    return [person[name] for person in people] if name else None


def test_the_rounds_reach_every_row_and_signature() -> None:
    reached = Reached()
    for seed in range(SEED, SEED + 16):
        reached.update(make_round(seed, people=0).reached)
    missing = [key for key in every_signature() if not reached[key]]
    assert not missing


def test_the_rounds_reach_every_form_and_clause() -> None:
    seen: set[str] = set()
    for seed in range(SEED, SEED + 16):
        round = make_round(seed, people=0)
        for trait in round.project.traits.values():
            seen |= {trait.kind, f"each {trait.each}"}
            seen |= {k for k in ("where", "within_ms", "then", "without") if getattr(trait, k)}
            if trait.then is not None and trait.without is not None:
                seen.add("then without")
            for node in walk(trait.value) if trait.value is not None else ():
                seen.add(type(node).__name__)
                seen |= {"distinct"} if getattr(node, "distinct", False) else set()
                seen |= {"filter"} if getattr(node, "filter", None) is not None else set()
                seen |= {node.scope} if hasattr(node, "scope") else set()
    assert seen >= {
        "Literal", "Property", "TraitRef", "Now", "Call", "Case", "Aggregate", "Bucket",
        "given", "computed", "derived", "each products", "each None", "where", "within_ms",
        "then", "without", "then without", "distinct", "filter",
        "event", "property", "line", "catalogue",
    }  # fmt: skip
    assert FUNCTIONS


@pytest.mark.long
def test_many_more_rounds(record_property: Callable[[str, object], None]) -> None:
    triples = 0
    for seed in range(SEED + 10_000, SEED + 10_150):
        round = make_round(seed)
        check(round)
        triples += round.triples
    record_property("triples", triples)
