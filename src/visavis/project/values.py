"""Values written in a project's tests, as the Python reader holds them."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from visavis.core.clock import Zone, to_days
from visavis.core.lang.form import Value
from visavis.core.lang.types import DECIMAL_LIMIT, INTEGER_MAX, SCALE, Type
from visavis.core.problems import Problem
from visavis.project.convert import Unfit, moment
from visavis.project.shape import Holds, Key
from visavis.project.text import Scalar, Tree

_DECIMAL = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,6}))?")
_TIME = Key("value", Holds.MOMENT, "")


def read_value(name: str, tree: Tree, kind: Type, local: Zone) -> Value:
    """The value of a scalar as `kind`; Unfit where it isn't one. No value is None."""
    if not isinstance(tree, Scalar):
        raise Unfit(_wrong(name, tree, kind))
    if tree.absent:
        return None
    value = _read(tree, kind, local)
    if value is None:
        raise Unfit(_wrong(name, tree, kind))
    return value


def _wrong(name: str, tree: Tree, kind: Type) -> Problem:
    text = f"'{tree.text}'" if isinstance(tree, Scalar) else "more than one value"
    message = f"'{name}' is {kind}, and {text} isn't."
    return Problem("wrong-value", message, tree.place)


def _read(tree: Scalar, kind: Type, local: Zone) -> Value:
    text = tree.text.strip()
    match kind:
        case Type.BOOLEAN:
            return {"true": True, "false": False}.get(text.lower())
        case Type.INTEGER:
            return _integer(text)
        case Type.DECIMAL:
            return _decimal(text)
        case Type.FLOAT:
            return _float(text)
        case Type.TIME:
            return moment(tree, local)
        case Type.DATE:
            return _date(text)
    return unicodedata.normalize("NFC", tree.text)


def _integer(text: str) -> int | None:
    found = re.fullmatch(r"-?[0-9]{1,19}", text)
    return int(text) if found and abs(int(text)) <= INTEGER_MAX else None


def _decimal(text: str) -> int | None:
    found = _DECIMAL.fullmatch(text)
    if not found or not text.isascii():
        return None
    scaled = int(found[2]) * SCALE + int((found[3] or "").ljust(6, "0"))
    return None if scaled > DECIMAL_LIMIT else -scaled if found[1] else scaled


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _date(text: str) -> int | None:
    try:
        return to_days(date.fromisoformat(text))
    except ValueError:
        return None
