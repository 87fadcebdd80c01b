"""No text makes the parser raise; every form it makes can be written and read again."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.lang.test_parse import COMPUTED, DERIVED, ROWS, SEGMENTS, TRAITS, WHERE

from visavis.core.lang.functions import FUNCTIONS
from visavis.core.lang.parse import Located, Scope, parse, to_sql
from visavis.core.lang.types import Type

ALL = Scope({**ROWS, **TRAITS}, aggregates=True, clock=True, population="p", segments=SEGMENTS)
SCOPES = (DERIVED, COMPUTED, WHERE, ALL)
SIGNS = (
    "( ) ( ) , + - * / // % || = <> != < <= > >= [ ] . : :: ; ? @ $ # ! ~ ^ & -> := { } \\ ` \" '"
)
WORDS = """
    and or not in is like between case when then else end null true false distinct filter where
    interval date timestamp now today if in_segment days_since select from as over order by lambda
    all any cast over within group at time zone collate escape ilike exists map struct unnest
"""
VALUES = (
    "0 1 2.5 0.000001 99999999999999999999 1e5 .5 'a' 'a%' 'big' '2018-01-01' '90 days' $$x$$ E'a'"
)
NAMES = ["orders", "spend", "vip", "city", "born", "last_order_at", "revenue", "timestamp", "foo"]
TOKENS = [
    *SIGNS.split(),
    *WORDS.split(),
    *VALUES.split(),
    *NAMES,
    *FUNCTIONS,
    "\n",
    "--",
    "/*",
    "*/",
]


def check(text: str, expect: Type | None = None) -> None:
    for scope in SCOPES:
        node, found = parse(Located(text, "f.yml"), scope, expect)
        assert (node is None) == bool(found)
        assert all(p.place is not None and p.place.column >= 1 for p in found)
        if node is not None:
            again, problems = parse(Located(to_sql(node), "f.yml"), scope, expect)
            assert problems == []
            assert again == node


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=14), st.sampled_from(["", " "]))
def test_token_soup(tokens: list[str], between: str) -> None:
    check(between.join(tokens))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    check(text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    check(data.decode("latin-1"))
    check(data.decode("utf-8", errors="surrogateescape"))


def _call(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from(["=", "<>", "<", "+", "-", "*", "/", "//", "%", "||", "and", "or"])
    name = st.sampled_from([n for n, f in FUNCTIONS.items() if not f.symbol])
    return st.one_of(
        st.builds("{} {} {}".format, inner, operator, inner),
        st.builds("({})".format, inner),
        st.builds("{}({})".format, name, st.lists(inner, max_size=3).map(", ".join)),
        st.builds("not {}".format, inner),
        st.builds("-{}".format, inner),
        st.builds("case when {} then {} else {} end".format, inner, inner, inner),
        st.builds("{} between {} and {}".format, inner, inner, inner),
        st.builds("{} is not null".format, inner),
    )


LEAF = st.sampled_from([*NAMES, *VALUES.split(), "null", "true", "now()", "date '2018-01-01'"])


@settings(max_examples=600, deadline=None)
@given(st.recursive(LEAF, _call, max_leaves=12), st.sampled_from([None, *Type]))
def test_near_expressions(text: str, expect: Type | None) -> None:
    check(text, expect)


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for text in ("if > 5", "show x", "call foo", "explain orders", "map > 1", "drop table x"):
            check(text)
    assert caplog.records == []
