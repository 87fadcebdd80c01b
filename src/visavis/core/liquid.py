"""Liquid, the template language marketers know: one environment, with money and dates as needed.

Fields of people are escaped in HTML; a field that a person lacks and no default stands for is an
error, never an empty gap. Arithmetic is exact: what is no number is an error, never a zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache, wraps
from typing import Any

from liquid import BoundTemplate, Environment
from liquid.exceptions import FilterArgumentError, UndefinedError
from liquid.exceptions import LiquidError as _LiquidError
from liquid.filter import with_context
from liquid.undefined import Undefined

from visavis.core.offers import Template

_LOOPS = 10_000
_LONGEST = 2_000_000
_MISSING_IS_FINE = ("default",)
_NO_TAGS = ("include", "render")
"""Tags that would read other files."""


class LiquidError(Exception):
    """A text that is no Liquid, or fails for somebody; `offset` is where in it."""

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

    def lacking(self) -> UndefinedError:
        return UndefinedError(f"'{self.name}' is undefined", token=self.token)

    def __str__(self) -> str:
        raise self.lacking()

    def __int__(self) -> int:
        raise self.lacking()


@lru_cache(maxsize=4096)
def parse(template: Template, html: bool = False) -> BoundTemplate:
    """The compiled template; raises LiquidError."""
    try:
        return _environment(html).from_string(template.text)
    except _LiquidError as error:
        raise LiquidError(_said(error), _offset(error)) from error


def render(template: Template, fields: Mapping[str, Any], html: bool = False) -> str:
    """The text for one person; `fields` has no nulls, and `_language`, `_currency`, `_now`.

    Raises MissingField where one is needed and not there, LiquidError for any other failure.
    """
    plain = None if html else _plain_text(_pieces(template.text), fields)
    if plain is not None:
        return plain
    try:
        return parse(template, html).render(**fields)
    except UndefinedError as error:
        name = str(error).partition(" is undefined")[0].strip("'")
        raise MissingField(name, _offset(error)) from error
    except _LiquidError as error:
        raise LiquidError(_said(error), _offset(error)) from error
    except (ArithmeticError, ValueError, TypeError, LookupError, RecursionError) as error:
        # whatever a filter makes of one person's values must not stop the others
        raise LiquidError(type(error).__name__, 0) from error


_FIELD = re.compile(r"\{\{ *([a-z_][a-z0-9_]*) *\}\}")
_WORDS = frozenset(("nil", "null", "none", "true", "false", "empty", "blank"))


@lru_cache(maxsize=4096)
def _pieces(text: str) -> tuple[str, ...] | None:
    """Literal texts and the fields between them, in turn, of a template that has nothing else."""
    found = tuple(_FIELD.split(text))
    plain = not any("{" in literal or "}" in literal for literal in found[::2])
    return found if plain and _WORDS.isdisjoint(found[1::2]) else None


def _plain_text(pieces: tuple[str, ...] | None, fields: Mapping[str, Any]) -> str | None:
    """The text of such a template if all its fields are texts: no need for Liquid then."""
    if pieces is None:
        return None
    found = list(pieces)
    for i in range(1, len(found), 2):
        value = fields.get(found[i])
        if type(value) is not str:
            return None
        found[i] = value
    return "".join(found)


def _said(error: _LiquidError) -> str:
    return str(error.args[0] if error.args else error).strip().rstrip(".")


def _offset(error: _LiquidError) -> int:
    token = getattr(error, "token", None)
    return max(0, int(getattr(token, "start_index", 0) or 0))


def filters() -> frozenset[str]:
    """The names of all filters."""
    return frozenset(_environment(False).filters)


class _Environment(Environment):
    loop_iteration_limit = _LOOPS
    output_stream_limit = _LONGEST


@lru_cache(maxsize=2)
def _environment(html: bool) -> Environment:
    env = _Environment(undefined=_Lacking, autoescape=html)
    for name in _NO_TAGS:
        env.tags.pop(name, None)
    own = {"money": _money, "number": _number, "day": _day, "date": _date(env.filters["date"])}
    for name, function in {**env.filters, **own, **_ARITHMETIC}.items():
        env.add_filter(name, function if name in _MISSING_IS_FINE else _needed(function))
    return env


def _needed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, refusing what isn't there: many would make a zero or nothing of it."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for value in args:
            if isinstance(value, _Lacking):
                raise value.lacking()
        return function(*args, **kwargs)

    return wrapper


# numbers


def _exact(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise FilterArgumentError("not a number", token=None)
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise FilterArgumentError("not a number", token=None) from error
    if not found.is_finite():
        raise FilterArgumentError("not a number", token=None)
    return found


def _plain(value: Decimal) -> int | Decimal:
    """A whole number without a point."""
    return int(value) if value == value.to_integral_value() else value


def _divided_by(value: Any, other: Any) -> int | Decimal:
    """Two whole numbers give a whole one, as everywhere in Liquid."""
    number, by = _exact(value), _exact(other)
    if by == 0:
        raise FilterArgumentError("divided by 0", token=None)
    if isinstance(value, int) and isinstance(other, int):
        return value // other
    return _plain(number / by)


def _modulo(value: Any, other: Any) -> int | Decimal:
    number, by = _exact(value), _exact(other)
    if by == 0:
        raise FilterArgumentError("divided by 0", token=None)
    return _plain(number - by * (number / by).to_integral_value(ROUND_FLOOR))


def _round(value: Any, places: Any = 0) -> int | Decimal:
    number, digits = _exact(value), _places(places)
    rounded = number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return rounded if digits else int(rounded)


def _places(value: Any) -> int:
    found = int(_exact(value))
    if not 0 <= found <= 6:
        raise FilterArgumentError("from 0 to 6 places", token=None)
    return found


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "plus": lambda value, other: _plain(_exact(value) + _exact(other)),
    "minus": lambda value, other: _plain(_exact(value) - _exact(other)),
    "times": lambda value, other: _plain(_exact(value) * _exact(other)),
    "divided_by": _divided_by,
    "modulo": _modulo,
    "abs": lambda value: _plain(abs(_exact(value))),
    "at_least": lambda value, other: _plain(max(_exact(value), _exact(other))),
    "at_most": lambda value, other: _plain(min(_exact(value), _exact(other))),
    "ceil": lambda value: int(_exact(value).to_integral_value(ROUND_CEILING)),
    "floor": lambda value: int(_exact(value).to_integral_value(ROUND_FLOOR)),
    "round": _round,
}


# words of the person's language


def _setting(context: Any, name: str, otherwise: str) -> str:
    found = context.resolve(name, default=otherwise)
    return found if isinstance(found, str) and found else otherwise


@lru_cache(maxsize=256)
def _locale(language: str) -> Any:
    """What is known of a language, by its name or that without its region; else of English."""
    from babel import Locale, UnknownLocaleError

    wanted = language.replace("-", "_")
    for name in (wanted, wanted.split("_")[0]):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse("en")


@with_context
def _money(value: Any, currency: str | None = None, *, context: Any) -> str:
    """An amount in words of the person's language: `{{ revenue | money }}` is €1,234.50."""
    from babel.numbers import format_currency, get_currency_precision

    code = currency or _setting(context, "_currency", "EUR")
    if not isinstance(code, str):
        raise FilterArgumentError("a currency is a text, like 'EUR'", token=None)
    places = get_currency_precision(code)
    rounded = _exact(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return str(format_currency(rounded, code, locale=_spoken(context)))


@with_context
def _number(value: Any, places: Any = 0, *, context: Any) -> str:
    """A number in words of the person's language: `{{ orders | number }}`."""
    from babel.numbers import format_decimal

    digits = _places(places)
    rounded = _exact(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    form = f"#,##0.{'0' * digits}" if digits else "#,##0"
    return str(format_decimal(rounded, form, locale=_spoken(context)))


@with_context
def _day(value: Any, *, context: Any) -> str:
    """A date in words of the person's language: `{{ last_order_at | day }}`."""
    from babel.dates import format_date

    found = value if isinstance(value, date) else datetime.fromisoformat(str(value))
    return str(format_date(found, "long", locale=_spoken(context)))


def _spoken(context: Any) -> Any:
    return _locale(_setting(context, "_language", "en"))


def _date(function: Callable[..., Any]) -> Callable[..., Any]:
    """Liquid's own `date`, whose "now" is the moment of the message and not of the machine."""

    @wraps(function)
    @with_context
    def date_filter(value: Any, form: Any, *, context: Any, **kwargs: Any) -> Any:
        if value in ("now", "today"):
            value = context.resolve("_now")
        return function(value, form, **kwargs)

    return date_filter
