"""Each row of the function table in both readers before any composition: by hand, then in bulk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.laws import table_rounds as rounds
from tests.laws.edges import AGGREGATES, BUCKETS, SCALARS
from tests.laws.readers import both, column, explain, value_of

from visavis.core.lang.form import Aggregate
from visavis.core.lang.functions import FUNCTIONS
from visavis.core.lang.types import Type
from visavis.testing.agree import Mismatch, Round, differences
from visavis.testing.forms import every_signature

Record = Callable[[str, object], None]


def agree(round: Round, record: Record) -> None:
    batch, live = both(round)
    found = next(differences(round, batch, live), None)
    assert found is None, explain(found)
    record("triples", round.triples)


def names_of(kind: str) -> set[str]:
    return {n for n, f in FUNCTIONS.items() if f.kind == kind}


# by hand


def test_every_row_has_examples_worked_out_by_hand() -> None:
    assert names_of("scalar") == set(SCALARS)
    assert names_of("aggregate") == set(AGGREGATES)
    assert names_of("population") == {"bucket"}


def test_every_edge_named_in_the_table_has_an_example() -> None:
    for name, row in FUNCTIONS.items():
        wanted = [e[-1] for e in (*SCALARS.get(name, ()), *AGGREGATES.get(name, ()))]
        if row.kind == "scalar" and row.null != "true":
            assert None in wanted, name
        if row.zero == "null" or row.overflow == "null":
            assert wanted.count(None) >= 1, name
        if row.kind == "aggregate" and row.empty == "0":
            assert "0" in wanted, name


def test_scalars_by_hand() -> None:
    round, wanted = rounds.scalar_examples()
    for reader, answers in zip(("batch", "live"), both(round), strict=True):
        for n, (name, text, value) in enumerate(wanted):
            assert answers[0][0][f"t{n}"] == value, (reader, name, text)


def test_aggregates_by_hand() -> None:
    round, wanted = rounds.aggregate_examples()
    for reader, answers in zip(("batch", "live"), both(round), strict=True):
        for n, (name, text, value) in enumerate(wanted):
            assert answers[0][n][f"t{n}"] == value, (reader, name, text)


@pytest.mark.parametrize(("n", "held", "want"), BUCKETS)
def test_buckets_by_hand(n: int, held: list[str | None], want: list[str | None]) -> None:
    batch, live = both(rounds.bucket_example(n, held))
    expected = [value_of(text, Type.INTEGER) for text in want]
    assert column(batch, "t") == expected
    assert column(live, "t") == expected


# in bulk: each signature over plain columns, every pair of edges sooner or later


def test_the_bulk_reaches_every_signature() -> None:
    calls = [*rounds.scalar_calls("property"), *rounds.aggregate_calls()]
    reached = {(name, signature) for name, signature, _ in calls}
    assert reached == {k for k in every_signature() if k[0] != "bucket"}


crowded = pytest.mark.parametrize("times", [1, pytest.param(4, marks=pytest.mark.long)])


@crowded
def test_every_scalar_signature_over_event_properties(times: int, record_property: Record) -> None:
    agree(rounds.over_properties(80 * times), record_property)
    agree(rounds.over_properties(20 * times, "America/Sao_Paulo"), record_property)


@crowded
def test_every_condition_as_a_filter(times: int, record_property: Record) -> None:
    agree(rounds.as_filters(60 * times), record_property)


@crowded
def test_every_scalar_signature_over_traits(times: int, record_property: Record) -> None:
    agree(rounds.over_traits(60 * times), record_property)


@crowded
def test_every_aggregate_signature(times: int, record_property: Record) -> None:
    agree(rounds.over_crowds(80 * times), record_property)


@crowded
def test_every_bucket_signature(times: int, record_property: Record) -> None:
    agree(rounds.over_buckets(40 * times), record_property)


@pytest.mark.parametrize(
    "made",
    [
        rounds.own_field_of_lines,
        rounds.catalogue_alone,
        rounds.property_of_lines,
        rounds.channel_of_lines,
        rounds.ruled_by_name,
        rounds.since_the_beginning,
        rounds.one_name_of_two_types,
        rounds.end_of_time,
    ],
)
def test_special_cases(made: Callable[[], Round], record_property: Record) -> None:
    agree(made(), record_property)


def test_values_come_back_from_the_engine_as_the_reader_holds_them() -> None:
    assert rounds.held_faults() == []


def test_a_mismatch_is_shown_small() -> None:
    value = Aggregate(Type.INTEGER, "count", ())
    project = rounds.project_of({"t": rounds.computed("t", value, "Row")})
    round = Round(project, {}, [[rounds.row("r", "Row", {}, rounds.NOW)]], {}, [rounds.NOW])
    found = next(differences(round, [[{"t": 1}]], [[{"t": 2}]]))
    assert isinstance(found, Mismatch)
    assert "count()" in explain(replace(found))
