"""Templates: what a person lacks is an error, numbers are exact, other languages read well."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid.exceptions import UndefinedError

from visavis.core.liquid import LiquidError, MissingField, filters, parse, render
from visavis.core.offers import Template

FIELDS: dict[str, Any] = {
    "first_name": "Zoë <b>",
    "revenue": Decimal("1234.5"),
    "last": datetime(2018, 1, 2, 3),
    "orders": 3,
    "_language": "en",
    "_currency": "EUR",
    "_now": datetime(2018, 5, 6),
}


def said(text: str, html: bool = False, **fields: Any) -> str:
    return render(Template(text, "content/c.yml", ((1, 1),)), FIELDS | fields, html)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ revenue | times: 2 | money }}", "€2,469.00"),
        ("{{ revenue | plus: 0.1 }}", "1234.6"),
        ("{{ revenue | divided_by: 3 | money }}", "€411.50"),
        ("{{ orders | divided_by: 2 }}", "1"),
        ("{{ revenue | round }}", "1235"),
        ("{{ 2.5 | round }}", "3"),
        ("{{ revenue | floor }}", "1234"),
        ("{{ revenue | at_most: 1000 }}", "1000"),
        ("{{ 7 | modulo: 4 }}", "3"),
        ("{{ revenue | number: 2 }}", "1,234.50"),
        ("{{ last | day }}", "January 2, 2018"),
        ("{{ 'now' | date: '%Y-%m-%d' }}", "2018-05-06"),
        ("{% if revenue > 1000 %}rich{% endif %}", "rich"),
        ("{{ nickname | default: first_name }}", "Zoë <b>"),
        ("{% if nickname %}x{% else %}y{% endif %}", "y"),
    ],
)
def test_a_template(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("language", "money", "day"),
    [
        ("de", "1.234,50\xa0€", "2. Januar 2018"),
        ("de-AT", "€\xa01.234,50", "2. Jänner 2018"),
        ("fr", "1\u202f234,50\xa0€", "2 janvier 2018"),
        ("zh", "€1,234.50", "2018年1月2日"),
        ("pl", "1\xa0234,50\xa0zł", "2 stycznia 2018"),
        ("tlh", "€1,234.50", "January 2, 2018"),
    ],
)
def test_words_of_a_language(language: str, money: str, day: str) -> None:
    currency = "PLN" if language == "pl" else "EUR"
    fields = {"_language": language, "_currency": currency}
    assert said("{{ revenue | money }}", **fields) == money
    assert said("{{ last | day }}", **fields) == day


def test_a_currency_has_its_own_places_and_halves_go_away_from_zero() -> None:
    assert said("{{ 2.5 | money }}", _currency="JPY") == "¥3"
    assert said("{{ 0.125 | money }}") == "€0.13"
    assert said("{{ -0.125 | money: 'USD' }}") == "-$0.13"


@pytest.mark.parametrize("name", sorted(filters() - {"default"}))
def test_no_filter_makes_something_of_a_field_that_is_not_there(name: str) -> None:
    """Except `default`; a filter that wants an argument fails as one."""
    with pytest.raises((MissingField, LiquidError)):
        said(f"{{{{ nickname | {name} }}}}")


@pytest.mark.parametrize(
    "text",
    [
        "{{ first_name | money }}",
        "{{ first_name | plus: 1 }}",
        "{{ first_name | day }}",
        "{{ 'NaN' | number }}",
        "{{ orders | divided_by: 0 }}",
        "{{ revenue | number: 999999999 }}",
        "{{ orders | day }}",
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% include 'other' %}",
        "{% render 'other' %}",
    ],
)
def test_what_can_not_be_made_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(LiquidError):
        said(text)


def test_fields_are_escaped_in_html_and_only_there() -> None:
    text = "{{ first_name }}{{ first_name | upcase }}{{ nickname | default: first_name }}<i>"
    assert said(text, html=True) == "Zoë &lt;b&gt;ZOË &lt;B&gt;Zoë &lt;b&gt;<i>"
    assert "<b>" in said(text)


@given(st.text(max_size=30))
def test_no_name_gets_out_of_html(name: str) -> None:
    found = said("<p>{{ first_name }}</p>", html=True, first_name=name)
    inside = found.removeprefix("<p>").removesuffix("</p>")
    assert not set("<>\"'") & set(inside)


@given(st.decimals(-(10**9), 10**9, places=6), st.decimals(-(10**9), 10**9, places=6))
def test_sums_are_exact(a: Decimal, b: Decimal) -> None:
    assert Decimal(said("{{ a | plus: b }}", a=a, b=b)) == a + b
    assert Decimal(said("{{ a | minus: b }}", a=a, b=b)) == a - b


PIECES = [
    "a {b}",
    "{{ x }}",
    "{{y}}",
    "{{  nil }}",
    "{{ y | upcase }}",
    "}}",
    "{{- x }}",
    "<&>",
    "\n",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    st.one_of(st.text(max_size=5), st.integers(0, 9), st.none()),
    st.booleans(),
)
def test_a_plain_template_says_what_liquid_says(text: str, x: object, html: bool) -> None:
    """Texts between plain fields take a short way."""
    given_fields = {"y": "Zoë <b>"} | ({} if x is None else {"x": x})

    def tried(*, whole: bool) -> str:
        try:
            template = Template(text, "content/c.yml", ((1, 1),))
            if whole:
                return parse(template, html).render(**given_fields)
            return render(template, given_fields, html)
        except (MissingField, LiquidError, UndefinedError, SyntaxError):
            return "an error"

    assert tried(whole=False) == tried(whole=True)
