"""The DuckDB side of the function table: every row's edges over columns, types, and the macros."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from tests.laws.edges import SCALARS
from tests.laws.readers import read, value_of

from visavis.core import text as cases
from visavis.core.clock import zone
from visavis.core.lang.form import Call, Literal, Node, Property, Value
from visavis.core.lang.functions import FUNCTIONS, Signature
from visavis.core.lang.scope import Scope
from visavis.core.lang.types import DECIMAL_LIMIT, SCALE, TIME_MAX, TIME_MIN, Type
from visavis.store.engines.duckdb_names import decimal_text, identifier, literal, text_literal
from visavis.store.engines.duckdb_sql import Names, at, expression, typed
from visavis.store.warehouse import Warehouse, connect
from visavis.testing.forms import Forms, Setting
from visavis.testing.tables import array, held, reading
from visavis.testing.values import Moments, maker

BERLIN = zone("Europe/Berlin")
NOW = 1_483_225_200_000  # midnight of 2017 in Berlin
SCALAR_ROWS = [name for name, row in FUNCTIONS.items() if row.kind == "scalar"]
TYPES = [t for t in Type if t not in (Type.INTERVAL, Type.NULL)]
ALWAYS_CONSTANT = {"like", "round", "in"}
"""Rows whose later arguments are constants."""


@pytest.fixture(scope="module")
def wh() -> Iterator[Warehouse]:
    with connect(threads=1) as warehouse:
        warehouse.use_zone(BERLIN)
        yield warehouse


class Columns:
    """Puts constants into columns, so that the engine computes rows instead of folding."""

    def __init__(self) -> None:
        self.values: list[tuple[Type, Value]] = []

    def of(self, node: Node) -> Node:
        if isinstance(node, Literal) and node.type in TYPES:
            self.values.append((node.type, node.value))
            return Property(node.type, f"x{len(self.values)}", "row")
        if isinstance(node, Call):
            kept = 1 if node.function in ALWAYS_CONSTANT else len(node.args)
            args = [self.of(arg) for arg in node.args[:kept]]
            return replace(node, args=(*args, *node.args[kept:]))
        return node

    def table(self) -> pa.Table:
        made = {f"x{n}": array(t, [v, v]) for n, (t, v) in enumerate(self.values, 1)}
        return pa.table(made or {"x0": pa.array([1, 1])})


def names() -> Names:
    return Names(now=at(NOW), column=lambda node: identifier(node.name))


def ask(wh: Warehouse, node: Node, table: pa.Table) -> list[Value]:
    wh.register("rows_at_hand", table)
    sql = reading(f"({expression(node, names())})", node.type)
    return [held(row[0], node.type) for row in wh.rows(f"SELECT {sql} FROM rows_at_hand")]


@pytest.mark.parametrize("name", SCALAR_ROWS)
def test_edges_over_columns(wh: Warehouse, name: str) -> None:
    """What holds of constants (which the laws test) holds of columns."""
    for text, wanted in SCALARS[name]:
        node = read(text, Scope(names={}, clock=True, zone=BERLIN))
        columns = Columns()
        moved = columns.of(node)
        value = value_of(wanted, node.type)
        assert ask(wh, moved, columns.table()) == [value, value], text


def signatures() -> list[tuple[str, Signature]]:
    return [(n, s) for n in SCALAR_ROWS for s in FUNCTIONS[n].signatures]


def test_each_signature_has_its_type_and_never_fails(wh: Warehouse) -> None:
    rng, moments = Random(7), Moments(BERLIN, NOW, (1, 86_400_000))
    forms = Forms(rng, moments)
    columns = {}
    for kind in TYPES:
        drawn = [maker(kind, moments)(rng) for _ in range(200)]
        columns[kind.value] = array(kind, [*drawn, None])
    wh.register("anything", pa.table(columns))
    setting = Setting({kind: [Property(kind, kind.value, "row")] for kind in TYPES})
    for name, signature in signatures():
        for _ in range(3):
            node = forms.call(name, signature, setting, 2)
            sql = expression(node, names())
            found = wh.rows(f"SELECT DISTINCT typeof(v) FROM (SELECT {sql} AS v FROM anything)")
            assert found == [(typed(node),)], sql


def _decimals(rng: Random, count: int) -> list[int]:
    near = (0, 1, -1, SCALE, DECIMAL_LIMIT, -DECIMAL_LIMIT, 10**12, 9 * 10**11 * SCALE)
    return [
        rng.choice(near) if rng.random() < 0.2 else rng.randint(-(10**n), 10**n)
        for n in (rng.randint(1, 17) for _ in range(count))
    ]


def _half_away(top: int, bottom: int) -> int | None:
    if bottom == 0:
        return None
    exact = abs(Fraction(top, bottom)) + Fraction(1, 2)
    whole = exact.numerator // exact.denominator
    whole = whole if (top < 0) == (bottom < 0) else -whole
    return whole if abs(whole) <= DECIMAL_LIMIT else None


@pytest.mark.parametrize("long", [False, True])
def test_decimal_products_and_quotients_are_exact(wh: Warehouse, long: bool) -> None:
    """In 64 bits, in parts and in 128 bits: all the same."""
    rng = Random(11)
    a, b = _decimals(rng, 4000), _decimals(rng, 4000)
    table = pa.table({"a": array(Type.DECIMAL, a), "b": array(Type.DECIMAL, b)})
    wh.register("rows_at_hand", table)
    spaces = " " * 400 if long else ""
    plain = Names(column=lambda node: node.name + spaces)
    for sign in "*/":
        args = (Property(Type.DECIMAL, "a", "row"), Property(Type.DECIMAL, "b", "row"))
        sql = expression(Call(Type.DECIMAL, sign, args), plain)
        got = [held(v, Type.DECIMAL) for (v,) in wh.rows(f"SELECT {sql} FROM rows_at_hand")]
        pairs = zip(a, b, strict=True)
        if sign == "*":
            assert got == [_half_away(x * y, SCALE) for x, y in pairs]
        else:
            assert got == [_half_away(x * SCALE, y) for x, y in pairs]


def test_an_average_is_the_exact_sum_by_count(wh: Warehouse) -> None:
    for sums, count in (([DECIMAL_LIMIT] * 3, 3), ([1, 1, 0], 3), ([-5, 0], 2), ([], 0)):
        wh.register("rows_at_hand", pa.table({"v": array(Type.DECIMAL, sums)}))
        got = wh.value("SELECT visavis_mean(sum(v), count(v)) FROM rows_at_hand")
        assert held(got, Type.DECIMAL) == _half_away(sum(sums), count)


def test_quantiles_are_of_the_nearest_rank(wh: Warehouse) -> None:
    for n in (1, 2, 3, 4, 5, 7, 10, 33, 100, 333):
        for q in (0, 1, 333_333, 500_000, 666_667, 900_000, 999_999, 1_000_000):
            sql = f"SELECT quantile_disc(x, {decimal_text(q)}) FROM range(1, {n} + 1) AS r(x)"
            assert wh.value(sql) == max(1, -(-q * n // SCALE)), (n, q)


def test_case_follows_the_table_for_every_character(wh: Warehouse) -> None:
    chars = [chr(i) for i in range(1, sys.maxunicode + 1) if not 0xD800 <= i < 0xE000]
    wh.register("characters", pa.table({"c": chars}))
    for char, low, up in wh.rows("SELECT c, lower(c), upper(c) FROM characters"):
        assert (low, up) == (cases.lower(char), cases.upper(char)), ascii(char)


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "Asia/Shanghai", "Pacific/Apia", "Africa/Casablanca"]
)
def test_zones_follow_the_offset_table(name: str) -> None:
    rng, place = Random(5), zone(name)
    turns = [t + d for t in place.transitions for d in (-3_600_000, -1, 0, 1, 3_600_000)]
    moments = [TIME_MIN, TIME_MAX, *turns, *(rng.randrange(-(10**13), 10**13) for _ in range(500))]
    days = sorted({t // 86_400_000 + d for t in (0, *place.transitions) for d in range(-2, 3)})
    with connect(threads=1) as wh:
        wh.use_zone(place)
        wh.register("m", pa.table({"t": array(Type.TIME, moments)}))
        local = "epoch_ms(visavis_local(t)), visavis_date(t) - DATE '1970-01-01'"
        for t, clock, day in wh.rows(f"SELECT epoch_ms(t), {local} FROM m"):
            assert (clock - t, day) == (place.offset(t), place.date_of(t))
        wh.register("d", pa.table({"d": array(Type.DATE, days)}))
        midnight = "d - DATE '1970-01-01', epoch_ms(visavis_midnight(d))"
        for day, ms in wh.rows(f"SELECT {midnight} FROM d"):
            assert ms == place.midnight(day)


@pytest.mark.parametrize("name", ['a"b', "select", "é", "a.b", "'; drop table x; --", 'x" OR "1'])
def test_names_are_quoted(wh: Warehouse, name: str) -> None:
    wh.execute(f"CREATE OR REPLACE TABLE quoted ({identifier(name)} BIGINT)")
    assert list(wh.columns("quoted")) == [name]


@pytest.mark.parametrize("text", ["", "it's", "''", "a\0b", "\\", "$1", "😀", "'; drop --", "%s"])
def test_texts_are_quoted(wh: Warehouse, text: str) -> None:
    assert wh.value(f"SELECT {text_literal(text)}") == text


@pytest.mark.parametrize("kind", TYPES)
def test_constants_come_back_as_they_were(wh: Warehouse, kind: Type) -> None:
    rng, moments = Random(1), Moments(BERLIN, NOW, (1,))
    for value in [None, *(maker(kind, moments)(rng) for _ in range(60))]:
        sql = literal(value, kind)
        ((name, got),) = wh.rows(f"SELECT typeof({sql}), {reading(f'({sql})', kind)}")
        assert held(got, kind) == value
        assert name == typed(Literal(kind, value))


def test_the_seam(tmp_path: Any) -> None:
    with connect(memory_limit="500MB", temp_directory=tmp_path / "spill", threads=2) as wh:
        path = tmp_path / "it's.parquet"
        assert wh.write_parquet("SELECT i FROM range(?) AS r(i)", path, [5]) == 5
        source = f"read_parquet({text_literal(str(path))})"
        assert wh.arrow(f"SELECT sum(i) AS s FROM {source}").to_pylist() == [{"s": 10}]
        assert wh.rows("SELECT 1, NULL") == [(1, None)]
        assert wh.value("SELECT current_setting('autoload_known_extensions')") is False
