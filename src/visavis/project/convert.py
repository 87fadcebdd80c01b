"""One written value to what its key holds: numbers, dates, durations, zones, lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from visavis.core.clock import Zone, parse_duration, parse_time, to_days, zone, zone_names
from visavis.core.lang.parse import Located
from visavis.core.problems import Problem, nearest
from visavis.project.currencies import CURRENCIES
from visavis.project.shape import Holds, Key
from visavis.project.text import Scalar, Sequence, Tree


class Unfit(Exception):
    """A value that its key can't hold; the Problem says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


def wrong(tree: Tree, message: str, hint: str = "") -> Problem:
    return Problem("wrong-value", message, tree.place, hint)


def scalar(tree: Tree, key: Key) -> Scalar:
    """The tree if it is one value."""
    if not isinstance(tree, Scalar):
        raise Unfit(wrong(tree, f"'{key.name}' takes one value ({key.holds})."))
    return tree


def text(tree: Tree, key: Key) -> str:
    """One value as text, without white space around it."""
    return scalar(tree, key).text.strip()


def texts(tree: Tree, key: Key) -> tuple[str, ...]:
    """A list of texts; one value alone is a list of one."""
    return tuple(text(item, key) for item in items(tree))


def items(tree: Tree) -> tuple[Tree, ...]:
    return tree.items if isinstance(tree, Sequence) else (tree,)


def _columns(tree: Tree, key: Key) -> str:
    """One column, or several separated by newlines."""
    return "\n".join(texts(tree, key))


def _template(tree: Tree, key: Key) -> Located:
    return scalar(tree, key).located()


MAPS: dict[Holds, Callable[[Tree, Key], Any]] = {
    Holds.TEXT_MAP: text,
    Holds.TEXTS_MAP: texts,
    Holds.COLUMN_MAP: _columns,
    Holds.TEMPLATE_MAP: _template,
}


def _text(value: Scalar, key: Key) -> str:
    return value.text.strip()


def _integer(value: Scalar, key: Key) -> int:
    if not value.text.lstrip("-").isdecimal() or not value.text.isascii():
        message = f"'{key.name}' takes a whole number, not '{value.text}'."
        raise Unfit(wrong(value, message, "Write digits only."))
    number = int(value.text[:20])
    if key.least is not None and number < key.least:
        raise Unfit(wrong(value, f"'{key.name}' must be at least {key.least}."))
    if number > (key.most or 10**18):
        raise Unfit(wrong(value, f"'{key.name}' must be at most {key.most or 10**18}."))
    return number


def _share(value: Scalar, key: Key) -> float:
    try:
        share = float(value.text.removesuffix("%")) / (100 if value.text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        message = f"'{key.name}' takes a share from 0 to 1, not '{value.text}'."
        raise Unfit(wrong(value, message, "Write 0.1 or 10% for one in ten."))
    return share


def _boolean(value: Scalar, key: Key) -> bool:
    word = value.text.lower()
    if word not in ("true", "false", "yes", "no"):
        message = f"'{key.name}' takes true or false, not '{value.text}'."
        raise Unfit(wrong(value, message, "Write true or false."))
    return word in ("true", "yes")


def _choice(value: Scalar, key: Key) -> str:
    if value.text not in key.choices:
        message = f"'{key.name}' can't be '{value.text}'."
        raise Unfit(wrong(value, message, nearest(value.text, key.choices)))
    return value.text


def _duration(value: Scalar, key: Key) -> int:
    try:
        return parse_duration(value.text)
    except ValueError:
        message = f"'{value.text}' is no duration."
        hint = "Write a number and a unit (second, minute, hour, day, week), like 90 days or 90d."
        raise Unfit(Problem("bad-duration", message, value.place, hint)) from None


def _date(value: Scalar, key: Key) -> int:
    try:
        return to_days(date.fromisoformat(value.text.strip()))
    except ValueError:
        hint = "Write year-month-day, like 2018-01-31."
        message = f"'{value.text}' is no date."
        raise Unfit(Problem("bad-date", message, value.place, hint)) from None


def _expiry(value: Scalar, key: Key) -> tuple[str, int]:
    """("on", days since 1970) or ("lasts", ms)."""
    text = value.text.strip()
    if text[:1].isdigit() and (" " in text or text[-1].isalpha()):
        return "lasts", _duration(value, key)
    return "on", _date(value, key)


def moment(value: Scalar, local: Zone) -> int:
    """An ISO 8601 time in UTC ms."""
    try:
        return parse_time(value.text, local)
    except (ValueError, OverflowError):
        hint = "Write it as 2018-01-31T13:45:00Z; without an offset it is in the project's zone."
        message = f"'{value.text}' is no time."
        raise Unfit(Problem("bad-time", message, value.place, hint)) from None


def _zone(value: Scalar, key: Key) -> str:
    try:
        return zone(value.text).name
    except KeyError:
        hint = nearest(value.text, zone_names()) or "Write an IANA name, like Europe/Vienna."
        message = f"There is no time zone '{value.text}'."
        raise Unfit(Problem("bad-time-zone", message, value.place, hint)) from None


def _currency(value: Scalar, key: Key) -> str:
    if value.text not in CURRENCIES:
        hint = "Write the three capital letters of ISO 4217, like EUR."
        if value.text.upper() in CURRENCIES:
            hint = f"Did you mean '{value.text.upper()}'?"
        message = f"There is no currency '{value.text}'."
        raise Unfit(Problem("bad-currency", message, value.place, hint))
    return value.text


def _expression(value: Scalar, key: Key) -> Located:
    return value.located()


SCALARS: dict[Holds, Callable[[Scalar, Key], Any]] = {
    Holds.TEXT: _text,
    Holds.INTEGER: _integer,
    Holds.SHARE: _share,
    Holds.BOOLEAN: _boolean,
    Holds.CHOICE: _choice,
    Holds.DURATION: _duration,
    Holds.DATE: _date,
    Holds.EXPIRY: _expiry,
    Holds.ZONE: _zone,
    Holds.CURRENCY: _currency,
    Holds.EXPRESSION: _expression,
}
