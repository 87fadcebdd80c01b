"""What the parser accepts, and what it makes of it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from visavis.core.clock import zone
from visavis.core.lang.form import (
    Aggregate,
    Bucket,
    Call,
    Case,
    Literal,
    Node,
    Now,
    Property,
    TraitRef,
    walk,
)
from visavis.core.lang.parse import Located, Scope, parse, to_sql
from visavis.core.lang.table_docs import page
from visavis.core.lang.types import DAY_MS, INTEGER_MIN, Type
from visavis.core.problems import Place

ROOT = Path(__file__).parents[3]
TRAITS = {
    "orders": (Type.INTEGER, "trait"),
    "spend": (Type.DECIMAL, "trait"),
    "score": (Type.FLOAT, "trait"),
    "city": (Type.TEXT, "trait"),
    "vip": (Type.BOOLEAN, "trait"),
    "born": (Type.DATE, "trait"),
    "last_order_at": (Type.TIME, "trait"),
    "Favourite shop": (Type.TEXT, "trait"),
}
ROWS = {
    "revenue": (Type.DECIMAL, "property"),
    "coupon": (Type.TEXT, "property"),
    "quantity": (Type.INTEGER, "line"),
    "timestamp": (Type.TIME, "event"),
}
SEGMENTS: dict[str, Node] = {
    "big": Call(Type.BOOLEAN, ">", (TraitRef(Type.INTEGER, "orders"), Literal(Type.INTEGER, 9)))
}
DERIVED = Scope(TRAITS, clock=True, population="me", segments=SEGMENTS, zone=zone("Europe/Berlin"))
COMPUTED = Scope(ROWS, aggregates=True, clock=True)
WHERE = Scope(ROWS)


def form(text: str, scope: Scope = DERIVED, expect: Type | None = None) -> Node:
    node, problems = parse(Located(text, "t.yml"), scope, expect)
    assert problems == []
    assert node is not None
    back, again = parse(Located(to_sql(node), "t.yml"), scope, expect)
    assert again == []
    assert back == node
    return node


ORDERS = TraitRef(Type.INTEGER, "orders")
SPEND = TraitRef(Type.DECIMAL, "spend")
VIP = TraitRef(Type.BOOLEAN, "vip")
CITY = TraitRef(Type.TEXT, "city")
REVENUE = Property(Type.DECIMAL, "revenue", "property")


def integer(value: int) -> Literal:
    return Literal(Type.INTEGER, value)


def decimal(scaled: int) -> Literal:
    return Literal(Type.DECIMAL, scaled)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12", Type.INTEGER, 12),
        ("-12", Type.INTEGER, -12),
        ("- -(12)", Type.INTEGER, 12),
        ("-9223372036854775808", Type.INTEGER, INTEGER_MIN),
        ("1.5", Type.DECIMAL, 1_500_000),
        ("-0.000001", Type.DECIMAL, -1),
        ("999999999999.999999", Type.DECIMAL, 10**18 - 1),
        ("true", Type.BOOLEAN, True),
        ("FALSE", Type.BOOLEAN, False),
        ("'it''s'", Type.TEXT, "it's"),
        ("'e\u0301'", Type.TEXT, "é"),
        ("'a\\n%'", Type.TEXT, "a\\n%"),
        ("''", Type.TEXT, ""),
        ("date '1970-01-02'", Type.DATE, 1),
        ("date '0001-01-01'", Type.DATE, -719_162),
        ("timestamp '1970-01-01T00:00:00Z'", Type.TIME, 0),
        ("timestamp '1970-01-01T02:00:00.5+02:00'", Type.TIME, 500),
        ("timestamp '1970-01-01'", Type.TIME, -3_600_000),
        ("timestamp '1970-01-01 01:00'", Type.TIME, 0),
    ],
)
def test_literals(text: str, kind: Type, value: object) -> None:
    assert form(text) == Literal(kind, value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("orders != 1", "orders <> 1"),
        ("city is not null", "not (city is null)"),
        ("city not in ('a', 'b')", "not (city in ('a', 'b'))"),
        ("city not like 'a%'", "not (city like 'a%')"),
        ("orders between 1 and 3", "(orders >= 1) and (orders <= 3)"),
        ("orders not between 1 and 3", "not ((orders >= 1) and (orders <= 3))"),
        ("city || '-' || city", "concat(city, '-', city)"),
        ("days_since(last_order_at)", "days_between(last_order_at, now())"),
        ("years_since(born)", "years_between(born, now())"),
        ("hours_since(last_order_at)", "hours_between(last_order_at, now())"),
        ("today()", "date(now())"),
        ("if(vip, 1, 2)", "case when vip then 1 else 2 end"),
        ("case when vip then 'x' end", "case when vip then 'x' else null end"),
        (
            "case orders when 1 then 'a' when 2 then 'b' else 'c' end",
            "case when orders = 1 then 'a' when orders = 2 then 'b' else 'c' end",
        ),
        ("in_segment('big') or vip", "(orders > 9) or vip"),
        ("LOWER(city) = 'x' AND NOT vip", "(lower(city) = 'x') and (not vip)"),
        ("a" * 0 + "orders -- how many\n > /* so many */ 5", "orders > 5"),
        ("last_order_at + interval '2 weeks'", "last_order_at + interval '14 days'"),
        ("\"Favourite shop\" = 'x'", "\"Favourite shop\" = 'x'"),
        ("orders + 1 * 2 - 3", "(orders + (1 * 2)) - 3"),
        ("-orders", "- orders"),
    ],
)
def test_spellings(text: str, canonical: str) -> None:
    assert to_sql(form(text)) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("count(*)", "count()"),
        ("count(distinct coupon)", "count(distinct coupon)"),
        (
            "sum(revenue) filter (where coupon is null)",
            "sum(revenue) filter (where coupon is null)",
        ),
        ("quantile(revenue, 1)", "quantile(revenue, 1.0)"),
        ("days_since(max(timestamp))", "days_between(max(timestamp), now())"),
        ("median(revenue) / mean_gap()", "median(revenue) / mean_gap()"),
    ],
)
def test_aggregates(text: str, canonical: str) -> None:
    assert to_sql(form(text, COMPUTED)) == canonical


def test_an_aggregate_in_full() -> None:
    keep = Call(Type.BOOLEAN, ">", (REVENUE, decimal(1_500_000)))
    assert form("quantile(revenue, 0.9) filter (where revenue > 1.5)", COMPUTED) == Aggregate(
        Type.DECIMAL, "quantile", (REVENUE,), False, keep, 900_000
    )


def test_and_and_or_are_flat() -> None:
    assert form("vip and (vip and (vip))") == Call(Type.BOOLEAN, "and", (VIP, VIP, VIP))
    inner = Call(Type.BOOLEAN, "and", (VIP, VIP))
    assert form("vip or vip and vip or vip") == Call(Type.BOOLEAN, "or", (VIP, inner, VIP))


def test_integers_become_decimals_beside_decimals() -> None:
    wide = Call(Type.DECIMAL, "to_decimal", (ORDERS,))
    assert form("coalesce(spend, orders)") == Call(Type.DECIMAL, "coalesce", (SPEND, wide))
    assert form("least(spend, 2)") == Call(Type.DECIMAL, "least", (SPEND, decimal(2_000_000)))
    assert form("if(vip, orders, 0.5)") == Case(Type.DECIMAL, ((VIP, wide),), decimal(500_000))
    listed = (wide, decimal(1_000_000), decimal(2_500_000))
    assert form("orders in (1, 2.5)") == Call(Type.BOOLEAN, "in", listed)
    assert form("round(orders, 2)") == Call(Type.DECIMAL, "round", (wide, integer(2)))
    assert form("orders", expect=Type.DECIMAL) == wide


def test_what_the_table_takes_mixed_stays_as_it_is() -> None:
    assert form("orders > spend") == Call(Type.BOOLEAN, ">", (ORDERS, SPEND))
    assert form("orders * 1.5") == Call(Type.DECIMAL, "*", (ORDERS, decimal(1_500_000)))


def test_null_fits_every_type() -> None:
    null = Literal(Type.TEXT, None)
    assert form("city = null") == Call(Type.BOOLEAN, "=", (CITY, null))
    assert form("coalesce(null, city)") == Call(Type.TEXT, "coalesce", (null, CITY))
    assert form("null", expect=Type.TEXT) == null
    nothing = Literal(Type.BOOLEAN, None)
    assert form("if(null, 1, 2)") == Case(Type.INTEGER, ((nothing, integer(1)),), integer(2))


def test_settings_are_constants() -> None:
    scope = Scope(TRAITS, settings={"late": integer(90), "orders": integer(1)}, population="p")
    assert to_sql(form("orders > - late", scope)) == "orders > -90"
    assert to_sql(form("spend in (late, 1.5)", scope)) == "spend in (90.0, 1.5)"
    assert to_sql(form("bucket(spend, late)", scope)) == "bucket(spend, 90)"


def test_buckets_name_their_fits() -> None:
    one, two = form("bucket(orders, 5)"), form("bucket(orders, 5) * 10 + bucket(spend, 4)")
    assert one == Bucket(Type.INTEGER, ORDERS, 5, "me")
    assert [n.fit for n in walk(two) if isinstance(n, Bucket)] == ["me", "me#2"]


def test_the_clock_is_a_node() -> None:
    assert form("now()") == Now(Type.TIME)
    interval = Literal(Type.INTERVAL, 90 * DAY_MS)
    late = Call(Type.TIME, "+", (TraitRef(Type.TIME, "last_order_at"), interval))
    assert form("last_order_at + interval '90 days' < now()") == Call(
        Type.BOOLEAN, "<", (late, Now(Type.TIME))
    )


def test_rows_have_properties() -> None:
    assert form("revenue", WHERE) == REVENUE
    assert form("quantity", WHERE) == Property(Type.INTEGER, "quantity", "line")


def test_every_part_knows_its_place() -> None:
    text = "case when orders = 0\n  then null\n  else not (vip) end"
    located = Located(text, "a.yml", ((4, 10), (5, 6), (6, 6)))
    node, _ = parse(located, DERIVED)
    assert node is not None
    places = [(str(n.place), type(n).__name__) for n in walk(node)]
    assert places == [
        ("a.yml:4:10", "Case"),
        ("a.yml:4:20", "Call"),
        ("a.yml:4:20", "TraitRef"),
        ("a.yml:4:29", "Literal"),
        ("a.yml:5:13", "Literal"),
        ("a.yml:6:13", "Call"),
        ("a.yml:6:18", "TraitRef"),
    ]


def test_a_line_without_a_start_follows_the_last_one() -> None:
    assert Located("a\nb\nc", "a.yml", ((7, 3),)).place(4) == Place("a.yml", 9, 1)


def test_the_words_of_sql_that_we_do_not_use_are_names() -> None:
    for word in ("order", "select", "left", "date", "call", "group", "type", "from", "index"):
        names = {word: (Type.INTEGER, "trait")}
        assert to_sql(form(f"{word} + 1 > -{word}", Scope(names))) == f"({word} + 1) > (- {word})"


def test_our_own_words_are_names_in_quotes() -> None:
    for word in ("and", "case", "interval", "lambda", "where", "Größe", 'a"b'):
        node = form('"' + word.replace('"', '""') + '" is null', Scope({word: TRAITS["city"]}))
        assert TraitRef(Type.TEXT, word) in list(walk(node))


def test_sqlglot_is_loaded_with_the_first_expression_only() -> None:
    code = "import sys, visavis.core.lang.parse; sys.exit('sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_hundred_expressions_are_quick() -> None:
    form("orders")
    start = time.perf_counter()
    for n in range(100):
        form(f"case when orders = {n} then 'a' when days_since(last_order_at) > 9 then 'b' end")
    # parsed twice each by form(); 0.15 s on the slow machine it was written on
    assert time.perf_counter() - start < 3


def test_the_function_page_is_current() -> None:
    path = ROOT / "docs" / "reference" / "functions.md"
    assert path.read_text(encoding="utf-8") == page(), "run tools/function_table.py"
