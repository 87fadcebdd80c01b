"""Liquid, the template language marketers know: one environment, with money and dates as needed.

Fields of people are escaped in HTML; a field that a person lacks and no default stands for is an
error, never an empty gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError as _LiquidError
from liquid.exceptions import UndefinedError
from liquid.filter import with_context
from liquid.undefined import Undefined

from visavis.core.offers import Template

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
    "dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
_DATES = {
    "en": "{month} {day}, {year}", "de": "{day}. {month} {year}", "fr": "{day} {month} {year}",
    "es": "{day} de {month} de {year}", "it": "{day} {month} {year}", "nl": "{day} {month} {year}",
    "zh": "{year}年{number}月{day}日", "ja": "{year}年{number}月{day}日",
}  # fmt: skip
_MARKS = {
    "en": (",", "."), "zh": (",", "."), "ja": (",", "."), "de": (".", ","), "es": (".", ","),
    "it": (".", ","), "nl": (".", ","), "fr": ("\u202f", ","),
}  # fmt: skip
"""Thousands and decimal marks by language."""
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CNY": "¥", "JPY": "¥"}
_WHOLE = frozenset({"JPY", "KRW", "CLP", "ISK", "VND"})
_SYMBOL_FIRST = frozenset({"en", "zh", "ja"})


class LiquidError(Exception):
    """A text that is no Liquid; `offset` is where in it."""

    def __init__(self, message: str, offset: int) -> None:
        self.message, self.offset = message, offset
        super().__init__(message)


class MissingField(Exception):
    """A field that this person lacks; `offset` is where the template names it."""

    def __init__(self, name: str, offset: int) -> None:
        self.name, self.offset = name, offset
        super().__init__(name)


class _Lacking(Undefined):
    """A field that isn't there: fine to ask for (`if`, `default`), an error to print."""

    __slots__ = ()

    def __str__(self) -> str:
        raise UndefinedError(f"'{self.name}' is undefined", token=self.token)

    def __int__(self) -> int:
        raise UndefinedError(f"'{self.name}' is undefined", token=self.token)


@lru_cache(maxsize=4096)
def parse(template: Template, html: bool = False) -> BoundTemplate:
    """The compiled template; raises LiquidError."""
    try:
        return _environment(html).from_string(template.text)
    except _LiquidError as error:
        raise LiquidError(_said(error), _offset(error)) from error


def render(template: Template, fields: Mapping[str, Any], html: bool = False) -> str:
    """The text for one person; `fields` has no nulls, and `_language`, `_currency`.

    Raises MissingField where one is needed and not there, LiquidError for any other failure.
    """
    try:
        return parse(template, html).render(**fields)
    except UndefinedError as error:
        name = str(error).partition(" is undefined")[0].strip("'")
        raise MissingField(name, _offset(error)) from error
    except _LiquidError as error:
        raise LiquidError(_said(error), _offset(error)) from error


def _said(error: _LiquidError) -> str:
    return str(error.args[0] if error.args else error).strip().rstrip(".")


def _offset(error: _LiquidError) -> int:
    token = getattr(error, "token", None)
    return max(0, int(getattr(token, "start_index", 0) or 0))


def filters() -> frozenset[str]:
    """The names of all filters."""
    return frozenset(_environment(False).filters)


@lru_cache(maxsize=2)
def _environment(html: bool) -> Environment:
    env = Environment(undefined=_Lacking, autoescape=html)
    env.add_filter("money", _money)
    env.add_filter("number", _number)
    env.add_filter("day", _day)
    return env


def _setting(context: Any, name: str, otherwise: str) -> str:
    found = context.resolve(name, default=otherwise)
    return found if isinstance(found, str) and found else otherwise


@with_context
def _money(value: Any, currency: str | None = None, *, context: Any) -> str:
    """An amount in words of the person's language: `{{ revenue | money }}` is €1,234.50."""
    code = currency or _setting(context, "_currency", "EUR")
    language = _setting(context, "_language", "en").split("-")[0]
    text = grouped(Decimal(str(value)), 0 if code in _WHOLE else 2, language)
    symbol = _SYMBOLS.get(code, code)
    if language in _SYMBOL_FIRST:
        gap = "" if code in _SYMBOLS else " "
        return f"-{symbol}{gap}{text[1:]}" if text.startswith("-") else f"{symbol}{gap}{text}"
    return f"{text}\u00a0{symbol}"


@with_context
def _number(value: Any, places: int = 0, *, context: Any) -> str:
    """A number in words of the person's language: `{{ orders | number }}`."""
    language = _setting(context, "_language", "en").split("-")[0]
    return grouped(Decimal(str(value)), int(places), language)


@with_context
def _day(value: Any, *, context: Any) -> str:
    """A date in words of the person's language: `{{ last_order_at | day }}`."""
    language = _setting(context, "_language", "en").split("-")[0]
    found = value if isinstance(value, date) else datetime.fromisoformat(str(value))
    months = _MONTHS.get(language, _MONTHS["en"]).split()
    form = _DATES.get(language, _DATES["en"])
    month = months[found.month - 1]
    return form.format(day=found.day, month=month, number=found.month, year=found.year)


def grouped(value: Decimal, places: int, language: str) -> str:
    """A number with the marks of a language, rounded half away from zero."""
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    thousands, mark = _MARKS.get(language, _MARKS["en"])
    return f"{rounded:,.{places}f}".translate({ord(","): thousands, ord("."): mark})
