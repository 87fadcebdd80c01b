"""What the parser refuses: the code, the place, and what it says to do."""

from __future__ import annotations

import pytest
from tests.core.lang.test_parse import COMPUTED, DERIVED, ROWS, TRAITS, WHERE

from visavis.core.lang.form import Call, Literal, Node
from visavis.core.lang.parse import Located, Scope, parse
from visavis.core.lang.types import Type
from visavis.core.problems import Problem


def problems(text: str, scope: Scope = DERIVED, expect: Type | None = None) -> list[Problem]:
    node, found = parse(Located(text, "t.yml", ((3, 5),)), scope, expect)
    assert node is None
    assert found
    return found


def told(text: str, scope: Scope = DERIVED) -> list[tuple[str, int]]:
    """Code and column, counted from 0 in the text."""
    return [(p.code, p.place.column - 5) for p in problems(text, scope) if p.place]


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("", "syntax", 0),
        ("  -- nothing", "syntax", 0),
        ("orders foo", "syntax", 7),
        ("90 days", "syntax", 3),
        ("orders as x", "syntax", 7),
        ("select 1", "syntax", 7),
        ("drop table people", "syntax", 5),
        ("@orders", "syntax", 0),
        (":orders", "syntax", 0),
        ("$1", "syntax", 0),
        ("orders[1]", "syntax", 6),
        ("[1, 2]", "syntax", 0),
        ("{ orders }", "syntax", 0),
        ("orders::text", "syntax", 6),
        ("cast(orders as text)", "syntax", 12),
        ("orders == 1", "syntax", 7),
        ("orders ^ 2", "syntax", 7),
        ("orders ** 2", "syntax", 7),
        ("orders; orders", "syntax", 6),
        ("orders.a", "syntax", 6),
        (".5", "syntax", 0),
        ("orders >", "syntax", 7),
        ("(orders", "syntax", 1),
        ("orders)", "syntax", 6),
        ("orders > 'abc", "syntax", 9),
        ('"orders', "syntax", 0),
        ("orders /* never", "syntax", 7),
        ("vip is true", "syntax", 0),
        ("orders is distinct from born", "syntax", 24),
        ("orders is 1", "syntax", 0),
        ("(1, 2)", "syntax", 1),
        ("*", "syntax", 0),
        ("lower(*)", "syntax", 6),
        ("city in city", "syntax", 0),
        ("E'abc'", "syntax", 0),
        ("$$abc$$", "syntax", 0),
        ("int '5'", "syntax", 4),
        ("case when vip then 1", "syntax", 19),
        ("else", "syntax", 0),
        ("x -> x + 1", "syntax", 2),
        ("coalesce(a := 1)", "syntax", 11),
        ("vip & vip", "syntax", 4),
        ("!vip", "syntax", 0),
        ("ordrs > 1", "unknown-name", 0),
        ("Orders > 1", "unknown-name", 0),
        ("current_date > born", "unknown-name", 0),
        ("vip and in_segment('bg')", "unknown-name", 19),
        ("lenght(city) > 3", "unknown-function", 0),
        ("any(orders)", "unknown-function", 0),
        ("array(orders)", "unknown-function", 0),
        ("negate(orders)", "unknown-function", 0),
        ("orders > 'abc'", "wrong-type", 0),
        ("vip and orders", "wrong-type", 0),
        ("vip and (vip or not orders)", "wrong-type", 16),
        ("born > last_order_at", "wrong-type", 0),
        ("city > date '2018-01-01'", "wrong-type", 0),
        ("1 < orders < 3", "wrong-type", 0),
        ("vip + 1", "wrong-type", 0),
        ("born - born", "wrong-type", 0),
        ("born + interval '1 day'", "wrong-type", 0),
        ("orders in ('a', 'b')", "wrong-type", 0),
        ("score in (1, 2)", "wrong-type", 0),
        ("if(orders, 1, 2)", "wrong-type", 3),
        ("if(vip, 1, 'a')", "wrong-type", 0),
        ("if(vip, null, null)", "wrong-type", 0),
        ("null", "wrong-type", 0),
        ("interval '1 day'", "wrong-type", 0),
        ("left(city)", "wrong-arguments", 0),
        ("now(1)", "wrong-arguments", 0),
        ("days_since()", "wrong-arguments", 0),
        ("if(vip, 1)", "wrong-arguments", 0),
        ("round(spend, orders)", "wrong-arguments", 0),
        ("round(spend, 7)", "wrong-arguments", 0),
        ("city like city", "wrong-arguments", 10),
        ("city in (city)", "wrong-arguments", 9),
        ("city in ()", "wrong-arguments", 0),
        ("bucket(orders, 1)", "wrong-arguments", 0),
        ("bucket(orders, orders)", "wrong-arguments", 0),
        ("in_segment(big)", "wrong-arguments", 11),
        ("bucket(bucket(orders, 5), 5)", "bucket-not-allowed", 7),
        ("count()", "aggregate-not-allowed", 0),
        ("orders > sum(orders)", "aggregate-not-allowed", 9),
        ("1e5", "bad-literal", 0),
        ("orders > 1.1234567", "bad-literal", 9),
        ("orders > 1_000", "bad-literal", 9),
        ("9223372036854775808", "bad-literal", 0),
        ("orders > 1000000000000.5", "bad-literal", 9),
        ("orders in (0.5, 1000000000000)", "bad-literal", 0),
        ("born > date '2018-02-30'", "bad-literal", 7),
        ("born > date '2018-2-3'", "bad-literal", 7),
        ("last_order_at > timestamp 'today'", "bad-literal", 16),
        ("last_order_at > timestamp '2018-01-01T00:00:00.0001Z'", "bad-literal", 16),
        ("last_order_at + interval '1 month' > now()", "bad-literal", 16),
        ("city = 'a\0'", "bad-literal", 7),
    ],
)
def test_one_problem(text: str, code: str, column: int) -> None:
    assert told(text) == [(code, column)]


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ("revenue", "aggregate-missing", 0),
        ("sum(revenue) + revenue", "aggregate-missing", 15),
        ("sum(max(revenue))", "aggregate-nested", 4),
        ("count() filter (where sum(revenue) > 1)", "aggregate-nested", 22),
        ("count() filter (where revenue)", "wrong-type", 22),
        ("abs(revenue) filter (where true)", "syntax", 0),
        ("sum(distinct revenue)", "wrong-arguments", 0),
        ("count(distinct revenue, coupon)", "wrong-arguments", 0),
        ("quantile(revenue)", "wrong-arguments", 0),
        ("quantile(revenue, 90)", "wrong-arguments", 0),
        ("quantile(revenue, revenue)", "wrong-arguments", 0),
        ("sum(coupon)", "wrong-type", 0),
        ("sum(*)", "syntax", 4),
        ("sum(days_since(timestamp))", "clock-not-allowed", 4),
        ("count() filter (where timestamp < now())", "clock-not-allowed", 34),
        ("bucket(count(), 5)", "bucket-not-allowed", 0),
        ("sum(revenue) over ()", "syntax", 13),
        ("first(revenue order by timestamp)", "syntax", 14),
        ("first(revenue) ignore nulls", "syntax", 15),
        ("mode() within group (order by revenue)", "syntax", 7),
    ],
)
def test_one_problem_of_a_computed_value(text: str, code: str, column: int) -> None:
    assert told(text, COMPUTED) == [(code, column)]


def test_rows_know_no_clock() -> None:
    (problem,) = problems("timestamp > now()", WHERE)
    assert problem.code == "clock-not-allowed"
    assert "within" in problem.hint


def test_all_problems_come_at_once_and_follow_ups_are_silent() -> None:
    found = told("ordrs + 1 > 'x' and lenght(cty) > 2\n or upper(orders) = 1.1234567")
    assert [code for code, _ in found] == [
        "unknown-name",
        "unknown-function",
        "unknown-name",
        "wrong-type",
        "bad-literal",
    ]


def test_every_foreign_sign_is_told() -> None:
    assert told("vip ? 1 : 2") == [("syntax", 4), ("syntax", 8)]
    assert told("orders == 1 and city == 'a'") == [("syntax", 7), ("syntax", 21)]


def test_places_are_of_the_file() -> None:
    text = Located("vip\n and orders > 'a'\n and  city > 1", "b.yml", ((3, 8), (4, 5), (5, 5)))
    _, found = parse(text, DERIVED)
    assert [str(p.place) for p in found] == ["b.yml:4:10", "b.yml:5:11"]


def test_hints_say_what_to_write() -> None:
    hints = {
        "ordrs": "Did you mean 'orders'?",
        "90 days": "Write interval '90 days'.",
        "orders == 1": "Write = for equal.",
        "born > last_order_at": "The left side is date, the right side is time. "
        "date(x) makes a date of a time.",
        "orders > 'abc'": "The left side is integer, the right side is text.",
        "today": "The function is written today(...).",
        "left(city)": "It takes (text, integer).",
        "lenght(city)": "Did you mean 'length'?",
    }
    assert {text: problems(text)[0].hint for text in hints} == hints


def test_known_elsewhere_has_a_hint_of_its_own() -> None:
    scope = Scope(ROWS, hints={"orders": "'orders' is a trait; here are only the event's fields."})
    assert problems("orders > 1", scope)[0].hint.startswith("'orders' is a trait")


def test_the_expected_type_is_held() -> None:
    (problem,) = problems("orders", expect=Type.BOOLEAN)
    assert (problem.code, str(problem.place)) == ("wrong-type", "t.yml:3:5")
    assert problem.message == "This must be boolean, but it is integer."


@pytest.mark.parametrize("text", ["(" * 60, "(" * 60 + "1" + ")" * 60, "not " * 60 + "vip"])
def test_deep_nesting_is_told(text: str) -> None:
    assert problems(text)[0].code == "too-deep"


def test_a_deep_caller_gets_a_problem_too() -> None:
    def deeper(levels: int) -> set[str]:
        if levels:
            return deeper(levels - 1)
        return {p.code for p in parse(Located(text, "t.yml"), DERIVED)[1]}

    def room() -> int:
        try:
            return 1 + room()
        except RecursionError:
            return 0

    text, left = " + ".join(["(" * 20 + "orders" + ")" * 20] * 80), room()
    found = [deeper(left - levels) for levels in (80, 200, 300, 400, 500)]
    assert all(codes <= {"too-deep"} for codes in found)
    assert {"too-deep"} in found


def test_long_chains_are_told_but_not_those_of_and_and_or() -> None:
    assert problems(" + ".join(["orders"] * 300))[0].code == "too-deep"
    node, found = parse(Located(" and ".join(["vip"] * 900), "t.yml"), DERIVED)
    assert found == []
    assert isinstance(node, Call)
    assert len(node.args) == 900


def test_long_texts_are_told() -> None:
    assert problems("'" + "a" * 10_000 + "'")[0].code == "too-long"


def test_segments_of_segments_may_not_explode() -> None:
    node: Node = Literal(Type.BOOLEAN, True)
    for _ in range(40):
        scope = Scope(TRAITS, segments={"s": node})
        made, found = parse(Located("not (in_segment('s') and in_segment('s'))", "t.yml"), scope)
        if made is None:
            assert found[0].code == "too-deep"
            return
        node = made
    raise AssertionError("2**40 parts were accepted")
