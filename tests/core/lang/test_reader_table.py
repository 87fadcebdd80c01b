"""The function table on the Python reader's side: each edge on every path that compiles it.

The same edge is read as a derived value, over whole columns and against constants; all must give
what was worked out by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from unicodedata import normalize

import pytest
from tests.core.lang.asking import BERLIN, ORDER, PLACE, PROPERTIES
from tests.laws.edges import AGGREGATES, BUCKETS, SCALARS
from tests.laws.readers import read, value_of

from visavis.core.lang.form import (
    Aggregate,
    Call,
    Case,
    Literal,
    Node,
    Now,
    Property,
    TraitRef,
    Value,
    reads_now,
    walk,
)
from visavis.core.lang.functions import FUNCTIONS
from visavis.core.lang.history import History, Stream
from visavis.core.lang.reader import compile_program
from visavis.core.lang.scope import Scope
from visavis.core.lang.types import Type
from visavis.core.nouns import Trait

NOW = 1_483_225_200_000
DAY = 86_400_000
CASES = [(name, text, want) for name, rows in SCALARS.items() for text, want in rows]
FORMS = [read(text, Scope(clock=True, zone=BERLIN)) for _, text, _ in CASES]
FIXED = {"like": {1}, "round": {1}}
"""Arguments that are always constants."""


def test_every_row_has_an_edge() -> None:
    assert set(SCALARS) | set(AGGREGATES) | {"bucket"} == set(FUNCTIONS)
    assert BUCKETS


def lifted(node: Node, columns: dict[str, Value], every: bool = True) -> Node:
    """The form with constants made columns of one row: all of them, or the first argument only."""
    if isinstance(node, Literal) and node.type is not Type.INTERVAL and node.value is not None:
        name = f"c{len(columns)}"
        columns[name] = node.value
        return Property(node.type, name, "property")
    if isinstance(node, Call):
        fixed = FIXED.get(node.function, set())
        if node.function == "in" or not every:
            fixed = set(range(1, len(node.args)))
        args = [a if n in fixed else lifted(a, columns, every) for n, a in enumerate(node.args)]
        return replace(node, args=tuple(args))
    if isinstance(node, Case):
        branches = [(lifted(c, columns), lifted(v, columns)) for c, v in node.branches]
        return replace(node, branches=tuple(branches), default=lifted(node.default, columns))
    return node


def one_row(columns: dict[str, Value]) -> History:
    """A history of one event with these columns."""
    held = {name: [value] for name, value in columns.items()}
    return History({"Row": Stream([NOW - 1], ["m"], held)})


def over(value: Node, where: Node | None = None) -> Trait:
    return Trait("t", "computed", value.type, PLACE, value, event="Row", where=where)


def answer(trait: Trait, history: History) -> Value:
    return compile_program({"t": trait}, {}, BERLIN).run(history, NOW).values["t"]


Ask = Callable[[Node], Value]


def as_derived(node: Node) -> Value:
    return answer(Trait("t", "derived", node.type, PLACE, node), History())


def over_columns(node: Node, every: bool = True) -> Value:
    columns: dict[str, Value] = {}
    value = lifted(node, columns, every)
    return answer(over(Aggregate(node.type, "first", (value,))), one_row(columns))


def against_constants(node: Node) -> Value:
    return over_columns(node, every=False)


PATHS = (as_derived, over_columns, against_constants)


TRIED = [
    (n, path)
    for n, node in enumerate(FORMS)
    for path in PATHS
    if path is as_derived or not reads_now(node)
]
"""Rows can't ask the clock."""


@pytest.mark.parametrize(("n", "path"), TRIED)
def test_a_scalar_at_its_edge(n: int, path: Ask) -> None:
    node, want = FORMS[n], value_of(CASES[n][2], FORMS[n].type)
    value = path(node)
    assert value == want
    assert type(value) is type(want)


def boolean_edges() -> Iterator[tuple[str, Node, str | None]]:
    for (_, text, want), node in zip(CASES, FORMS, strict=True):
        if node.type is Type.BOOLEAN and not any(isinstance(n, Now) for n in walk(node)):
            yield text, node, want


@pytest.mark.parametrize("every", [True, False])
def test_a_filter_keeps_only_what_is_true(every: bool) -> None:
    for text, node, want in boolean_edges():
        columns: dict[str, Value] = {}
        where = lifted(node, columns, every)
        counted = answer(over(Aggregate(Type.INTEGER, "count", ()), where), one_row(columns))
        assert counted == (want == "true"), text
        opposite = Call(Type.BOOLEAN, "not", (where,))
        counted = answer(over(Aggregate(Type.INTEGER, "count", ()), opposite), one_row(columns))
        assert counted == (want == "false"), text


def rows_of(texts: list[str | None], kind: Type, name: str) -> History:
    values = [value_of(text, kind) for text in texts]
    held = [normalize("NFC", v) if isinstance(v, str) else v for v in values]
    events = [
        {"message_id": f"m{n}", "event": ORDER, "ts": NOW + DAY * n, "properties": {name: value}}
        for n, value in enumerate(held)
    ]
    return History.from_events(events, {ORDER: {name: kind}}, {})


NAMES = {
    "visits": (Type.INTEGER, "property"),
    "revenue": (Type.DECIMAL, "property"),
    "note": (Type.TEXT, "property"),
}
REDUCED = [(text, rows, want) for edges in AGGREGATES.values() for text, rows, want in edges]


@pytest.mark.parametrize(("text", "rows", "want"), REDUCED)
def test_an_aggregate_at_its_edge(text: str, rows: list[str | None], want: str | None) -> None:
    node = read(text, Scope(NAMES, aggregates=True, zone=BERLIN))
    name = next((n for n in NAMES if n in text), "visits")
    history = rows_of(rows, NAMES[name][0], name)
    trait = Trait("t", "computed", node.type, PLACE, node, event=ORDER)
    windowed = replace(trait, name="w", within_ms=400 * DAY)
    filtered = replace(
        trait, name="f", where=Call(Type.BOOLEAN, "is null", (Literal(Type.TEXT, None),))
    )
    program = compile_program({"t": trait, "w": windowed, "f": filtered}, {}, BERLIN)
    expected = value_of(want, node.type)
    values = program.run(history, NOW + 300 * DAY).values
    assert values == {"t": expected, "w": expected, "f": expected}


FLOATS = Property(Type.FLOAT, "size", "property")


@pytest.mark.parametrize(
    ("function", "values", "want"),
    [
        ("sum", [], 0.0), ("sum", [1e308, 1e308], None), ("sum", [1e308, 1e308, -1e308], None),
        ("sum", [0.5, None], 0.5), ("avg", [], None), ("avg", [1.0, 2.0, None], 1.5),
        ("avg", [1e308, 1e308], None), ("min", [2.0, None, 1.0], 1.0), ("max", [2.0, None], 2.0),
        ("median", [2.0, 1.0, 3.0], 2.0), ("count", [1.0, None], 1),
    ],
)  # fmt: skip
def test_floats(function: str, values: list[Value], want: Value) -> None:
    history = History({"Row": Stream([NOW] * len(values), ["m"] * len(values), {"size": values})})
    kind = Type.INTEGER if function == "count" else Type.FLOAT
    assert answer(over(Aggregate(kind, function, (FLOATS,))), history) == want


@pytest.mark.parametrize("name", ["+", "-", "*", "/"])
def test_a_float_that_is_no_number_is_null(name: str) -> None:
    huge, tiny = Literal(Type.FLOAT, 1.7e308), Literal(Type.FLOAT, 1e-308)
    others = {"+": huge, "-": Literal(Type.FLOAT, -1.7e308), "*": huge, "/": tiny}
    assert as_derived(Call(Type.FLOAT, name, (huge, others[name]))) is None


@pytest.mark.parametrize(
    ("name", "left", "right", "want"),
    [
        ("+", (Type.DECIMAL, 1_500_000), (Type.FLOAT, 0.25), 1.75),
        ("-", (Type.INTEGER, 3), (Type.FLOAT, 0.5), 2.5),
        ("*", (Type.FLOAT, 0.5), (Type.DECIMAL, 3_000_000), 1.5),
        ("/", (Type.FLOAT, 1.0), (Type.DECIMAL, 500_000), 2.0),
        ("/", (Type.DECIMAL, 500_000), (Type.FLOAT, 0.0), None),
        ("<", (Type.DECIMAL, 500_000), (Type.FLOAT, 0.6), True),
        (">=", (Type.FLOAT, 0.4), (Type.DECIMAL, 500_000), False),
        ("=", (Type.FLOAT, 2.0), (Type.INTEGER, 2), True),
    ],
)
def test_floats_with_numbers_of_other_types(
    name: str, left: tuple[Type, Value], right: tuple[Type, Value], want: Value
) -> None:
    kind = Type.BOOLEAN if isinstance(want, bool) else Type.FLOAT
    node = Call(kind, name, (Literal(*left), Literal(*right)))
    assert [path(node) for path in PATHS] == [want] * len(PATHS)


@pytest.mark.parametrize(("n", "held", "want"), BUCKETS)
def test_buckets(n: int, held: list[str | None], want: list[str | None]) -> None:
    points = Trait("points", "given", Type.INTEGER, PLACE, given="points")
    node = read(f"bucket(points, {n})", Scope({"points": (Type.INTEGER, "trait")}, population="b"))
    program = compile_program(
        {"points": points, "b": Trait("b", "derived", Type.INTEGER, PLACE, node)}, {}, BERLIN
    )
    ranked = sorted(int(v) for v in held if v is not None)
    cuts = [ranked[max(1, -(-k * len(ranked) // n)) - 1] for k in range(1, n) if ranked]
    for text, expected in zip(held, want, strict=True):
        event = {"message_id": "m", "event": "identify", "ts": NOW - 1}
        event["properties"] = {"points": value_of(text, Type.INTEGER)}
        history = History.from_events([event], PROPERTIES, {})
        values = program.run(history, NOW, {"b": cuts}).values
        assert values["b"] == value_of(expected, Type.INTEGER)
        assert program.run(history, NOW).values["b"] is None


def test_what_the_table_lacks_is_refused() -> None:
    distinct = Aggregate(Type.INTEGER, "sum", (FLOATS,), distinct=True)
    with pytest.raises(ValueError, match="no distinct"):
        compile_program({"t": over(distinct)}, {}, BERLIN)
    with pytest.raises(ValueError, match="constant"):
        compile_program({"t": over(Aggregate(Type.FLOAT, "quantile", (FLOATS,)))}, {}, BERLIN)
    with pytest.raises(ValueError, match="no rows"):
        compile_program({}, {"c": Aggregate(Type.INTEGER, "count", ())}, BERLIN)
    with pytest.raises(KeyError):
        compile_program({}, {"c": Call(Type.TEXT, "eval", (TraitRef(Type.TEXT, "x"),))}, BERLIN)
