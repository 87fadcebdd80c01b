"""Each row of the function table in both readers before any composition: by hand, then in bulk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from random import Random
from unicodedata import normalize

import pytest
from tests.laws.edges import AGGREGATES, BUCKETS, SCALARS
from tests.laws.readers import both, column, empty_project, explain, read, value_of

from visavis.core.clock import zone
from visavis.core.lang.form import Aggregate, Bucket, Call, Literal, Node, Property, TraitRef, Value
from visavis.core.lang.functions import FUNCTIONS, Signature
from visavis.core.lang.scope import Scope
from visavis.core.lang.types import Type
from visavis.core.nouns import Project, Trait
from visavis.testing import shop, values
from visavis.testing.agree import Mismatch, Round, differences
from visavis.testing.forms import PATTERNS, QUANTILES, every_signature
from visavis.testing.projects import PLACE

Record = Callable[[str, object], None]
BERLIN = zone("Europe/Berlin")
NOW = 1_483_225_200_000  # midnight of 2017 in Berlin
DAY = 86_400_000
TYPES = (
    Type.BOOLEAN, Type.INTEGER, Type.DECIMAL, Type.FLOAT, Type.TEXT, Type.TIME, Type.DATE,
)  # fmt: skip
FIELDS = {f"{t.value}_{k}": t for t in TYPES for k in "abc"}
PROPERTIES = {"Row": FIELDS, "identify": {f"given_{n}": t for n, t in FIELDS.items()}}


def computed(name: str, value: Node, event: str = "Order Completed") -> Trait:
    return Trait(name, "computed", value.type, PLACE, value=value, event=event)


def derived(name: str, value: Node) -> Trait:
    return Trait(name, "derived", value.type, PLACE, value=value)


def agree(round: Round) -> tuple[list, list]:
    batch, live = both(round)
    found = next(differences(round, batch, live), None)
    assert found is None, explain(found)
    return batch, live


# by hand


def test_every_row_has_examples_worked_out_by_hand() -> None:
    assert {n for n, f in FUNCTIONS.items() if f.kind == "scalar"} == set(SCALARS)
    assert {n for n, f in FUNCTIONS.items() if f.kind == "aggregate"} == set(AGGREGATES)


def test_every_edge_named_in_the_table_has_an_example() -> None:
    for name, row in FUNCTIONS.items():
        examples = [*SCALARS.get(name, ()), *AGGREGATES.get(name, ())]
        if row.kind == "scalar" and row.null not in ("", "true"):
            assert any(example[-1] is None for example in examples) or name == "is null", name
        if row.overflow == "null":
            large = [e for e in examples if e[-1] is None and len(str(e)) > 30]
            assert large, name


def test_scalars_by_hand() -> None:
    scope = Scope(clock=True, zone=BERLIN)
    cases = [(name, text, want) for name, rows in SCALARS.items() for text, want in rows]
    traits = {f"t{n}": derived(f"t{n}", read(text, scope)) for n, (_, text, _) in enumerate(cases)}
    project = replace(empty_project("Europe/Berlin"), traits=traits)
    batch, live = both(Round(project, {}, [[]], {}, [NOW]))
    for reader, answers in (("batch", batch), ("live", live)):
        for n, (name, text, want) in enumerate(cases):
            value = value_of(want, traits[f"t{n}"].type)
            assert answers[0][0][f"t{n}"] == value, (reader, name, text, want)


def rows_of(texts: list[str | None], type: Type, name: str) -> list[dict]:
    def event(n: int, text: str | None) -> dict:
        value = value_of(text, type)
        if isinstance(value, str):
            value = normalize("NFC", value)
        return {
            "message_id": f"m{n}", "event": "Order Completed", "type": "track", "source": "s",
            "channel": None, "ts": NOW - DAY * (len(texts) - n), "revision": 0,
            "received_at": NOW, "properties": {name: value},
        }  # fmt: skip

    return [event(n, text) for n, text in enumerate(texts)]


def test_aggregates_by_hand() -> None:
    names = {n: (t, "property") for n, t in shop.PROPERTIES["Order Completed"].items()}
    scope = Scope(names, aggregates=True, clock=True, zone=BERLIN)
    for name, examples in AGGREGATES.items():
        for text, rows, want in examples:
            trait = computed("t", read(text, scope))
            field = next((n for n in names if n in text), "visits")
            history = rows_of(rows, names[field][0], field)
            project = replace(empty_project("Europe/Berlin", shop.PROPERTIES), traits={"t": trait})
            batch, live = both(Round(project, {}, [history], {}, [NOW]))
            value = value_of(want, trait.type)
            assert (batch[0][0]["t"], live[0][0]["t"]) == (value, value), (name, text, rows)


@pytest.mark.parametrize(("n", "held", "want"), BUCKETS)
def test_buckets_by_hand(n: int, held: list[str | None], want: list[str | None]) -> None:
    given = Trait("points", "given", Type.INTEGER, PLACE, given="points")
    bucket = Bucket(Type.INTEGER, TraitRef(Type.INTEGER, "points"), n, "t")
    traits = {"points": given, "t": derived("t", bucket)}
    project = replace(empty_project("UTC", shop.PROPERTIES), traits=traits)
    people = [rows_of([text], Type.INTEGER, "points") for text in held]
    for n, (event,) in enumerate(people):
        event.update(event="identify", type="identify", message_id=f"m{n}")
    batch, live = both(Round(project, {}, people, {}, [NOW]))
    expected = [value_of(text, Type.INTEGER) for text in want]
    assert column(batch, "t") == expected
    assert column(live, "t") == expected


# in bulk: each signature over plain columns, every pair of edges sooner or later


def edges(type: Type) -> list[Value]:
    pools: dict[Type, list[Value]] = {
        Type.BOOLEAN: [True, False],
        Type.INTEGER: list(values.INTEGERS),
        Type.DECIMAL: list(values.DECIMALS),
        Type.FLOAT: [*values.FLOATS, *values.WILD_FLOATS],
        Type.TEXT: list(values.TEXTS),
        Type.TIME: [
            -62_135_596_800_000, 253_402_300_799_999, 0, -1, 1, NOW, NOW - 1, NOW + 1,
            *(t + d for t in BERLIN.transitions[40:48] for d in (-1, 0, 1, 1_800_000)),
            *(BERLIN.midnight(d) + ms for d in values.DAYS[4:14] for ms in (-1, 0)),
        ],
        Type.DATE: list(values.DAYS),
    }  # fmt: skip
    return [None, *pools[type]]


POOLS = {t: edges(t) for t in TYPES}


def people(seed: int, count: int) -> list[list[dict]]:
    """People with one row each: every edge in every column, in ever new company."""
    rng = Random(seed)
    columns: dict[str, list[Value]] = {}
    for name, type in FIELDS.items():
        pool = POOLS[type]
        repeated = (pool * (count // len(pool) + 1))[:count]
        columns[name] = rng.sample(repeated, count)
    for type in TYPES:  # a third of the pairs are equal or near
        first, second = columns[f"{type.value}_a"], columns[f"{type.value}_b"]
        for n in range(0, count, 3):
            second[n] = first[n]
    return [
        [one_row(n, {name: column[n] for name, column in columns.items()})] for n in range(count)
    ]


def one_row(n: int, properties: dict[str, Value], at: int = NOW - 1000) -> dict:
    return {
        "message_id": f"r{n}", "event": "Row", "type": "track", "source": "s", "channel": None,
        "ts": at, "revision": 0, "received_at": at, "properties": properties,
    }  # fmt: skip


def leaf(type: Type, at: int, scope: str) -> Node:
    name = f"{type.value}_{'abc'[min(at, 2)]}"
    return TraitRef(type, f"given_{name}") if scope == "trait" else Property(type, name, scope)


def arguments(name: str, signature: Signature, scope: str) -> list[tuple[Node, ...]]:
    """The argument lists to try: columns where columns may stand, else constants of every kind."""
    args = [leaf(t, n, scope) for n, t in enumerate(signature.args)]
    first = args[0]
    if name == "like":
        return [(first, Literal(Type.TEXT, p)) for p in PATTERNS]
    if name == "round" and len(args) == 2:
        return [(first, Literal(Type.INTEGER, n)) for n in range(7)]
    if name == "in":
        return [(first, *listed) for listed in lists(signature.args[0])]
    if Type.INTERVAL in signature.args:
        return [(first, Literal(Type.INTERVAL, ms)) for ms in shop.WINDOWS]
    tries = [tuple(args)]
    if signature.variadic:
        tries.append((*args, leaf(signature.args[-1], 2, scope)))
        tries.append((*args, leaf(signature.args[-1], 2, scope), first))
    if name in ("left", "right"):
        tries += [(first, Literal(Type.INTEGER, n)) for n in (-1, 0, 1, 2, 5)]
    return tries


def lists(type: Type) -> list[tuple[Node, ...]]:
    pool = [v for v in POOLS[type] if v is not None]
    some = tuple(Literal(type, v) for v in pool[:7])
    return [some[:1], some, (*some[:2], Literal(type, None))]


def scalar_calls(scope: str) -> list[tuple[str, Signature, Node]]:
    return [
        (name, signature, Call(signature.result, name, args))
        for name, signature in every_signature()
        if FUNCTIONS[name].kind == "scalar"
        for args in arguments(name, signature, scope)
    ]


def bulk_project(traits: dict[str, Trait]) -> Project:
    return replace(empty_project("Europe/Berlin", PROPERTIES), traits=traits)


def test_every_scalar_signature_over_event_properties(record_property: Record) -> None:
    calls = scalar_calls("property")
    assert {(n, s) for n, s, _ in calls} == {
        k for k in every_signature() if FUNCTIONS[k[0]].kind == "scalar"
    }
    traits = {}
    for n, (_, signature, call) in enumerate(calls):
        value = Aggregate(signature.result, "first", (call,))
        traits[f"t{n}"] = computed(f"t{n}", value, "Row")
    round = Round(bulk_project(traits), {}, people(1, 400), {}, [NOW])
    agree(round)
    record_property("triples", round.triples)


def test_every_scalar_signature_over_traits(record_property: Record) -> None:
    calls = scalar_calls("trait")
    traits = {
        f"given_{n}": Trait(f"given_{n}", "given", t, PLACE, given=f"given_{n}")
        for n, t in FIELDS.items()
    }
    traits |= {f"t{n}": derived(f"t{n}", call) for n, (_, _, call) in enumerate(calls)}
    histories = people(2, 300)
    for (event,) in histories:
        event.update(event="identify", type="identify")
        event["properties"] = {f"given_{n}": v for n, v in event["properties"].items()}
    conditions = {
        f"q{n}": call for n, (_, _, call) in enumerate(calls) if call.type is Type.BOOLEAN
    }
    round = Round(bulk_project(traits), conditions, histories, {}, [NOW])
    agree(round)
    record_property("triples", round.triples)


def crowds(seed: int, count: int) -> list[list[dict]]:
    """People with none to seven rows: ties, runs of one value, all null, and mixtures."""
    rng, out = Random(seed), []
    for person in range(count):
        few = {n: rng.sample(POOLS[t], min(3, len(POOLS[t]))) for n, t in FIELDS.items()}
        if person % 7 == 0:
            few = {n: [None, *pool[:1]] for n, pool in few.items()}
        rows = []
        for n in range(rng.choice((0, 1, 2, 2, 3, 4, 5, 7))):
            at = NOW - rng.choice((0, 0, 1000, 1000, DAY, 10 * DAY, 400 * DAY))
            rows.append(one_row(0, {k: rng.choice(pool) for k, pool in few.items()}, at))
            rows[-1]["message_id"] = f"{rng.choice('aZéb😀')}{n}:{person}"
        out.append(rows)
    return out


def aggregate_calls() -> list[tuple[str, Signature, Aggregate]]:
    calls = []
    keep = Property(Type.BOOLEAN, "boolean_b", "property")
    for name, signature in every_signature():
        if FUNCTIONS[name].kind != "aggregate":
            continue
        args = tuple(leaf(t, 0, "property") for t in signature.args)
        distincts = (False, True) if name == "count" and args else (False,)
        parameters = QUANTILES if name == "quantile" else (None,)
        for distinct, q, filter in product(distincts, parameters, (None, keep)):
            call = Aggregate(signature.result, name, args, distinct, filter, q)
            calls.append((name, signature, call))
    return calls


def tame(histories: list[list[dict]]) -> list[list[dict]]:
    """Sums of floats depend on their order beyond halves and quarters: keep to those."""
    for event in (e for h in histories for e in h):
        for name, value in event["properties"].items():
            if isinstance(value, float) and value not in values.FLOATS:
                event["properties"][name] = 0.25
    return histories


def test_every_aggregate_signature(record_property: Record) -> None:
    calls = aggregate_calls()
    assert {(n, s) for n, s, _ in calls} == {
        k for k in every_signature() if FUNCTIONS[k[0]].kind == "aggregate"
    }
    traits = {f"t{n}": computed(f"t{n}", call, "Row") for n, (_, _, call) in enumerate(calls)}
    round = Round(bulk_project(traits), {}, tame(crowds(3, 250)), {}, [NOW, NOW - DAY])
    agree(round)
    record_property("triples", round.triples)


def test_every_bucket_signature() -> None:
    traits = {
        f"given_{n}": Trait(f"given_{n}", "given", t, PLACE, given=f"given_{n}")
        for n, t in FIELDS.items()
    }
    for at, signature in enumerate(FUNCTIONS["bucket"].signatures):
        for n in (2, 3, 5, 100):
            name = f"t{at}_{n}"
            bucket = Bucket(Type.INTEGER, leaf(signature.args[0], 0, "trait"), n, name)
            traits[name] = derived(name, bucket)
    histories = people(4, 90)
    for (event,) in histories:
        event.update(event="identify", type="identify")
        event["properties"] = {f"given_{n}": v for n, v in event["properties"].items()}
    agree(Round(bulk_project(traits), {}, histories, {}, [NOW, NOW + DAY]))


def test_a_mismatch_is_shown_small() -> None:
    reached: Counter[str] = Counter()
    value = Aggregate(Type.INTEGER, "count", ())
    project = bulk_project({"t": computed("t", value, "Row")})
    round = Round(project, {}, [[one_row(1, {})]], {}, [NOW])
    found = next(differences(round, [[{"t": 1}]], [[{"t": 2}]]))
    assert isinstance(found, Mismatch)
    text = explain(found)
    assert "count()" in text
    assert not reached
