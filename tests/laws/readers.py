"""Both readers at hand for the laws: a round asked twice, and the values of single expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from visavis.core.clock import to_days, to_ms, zone
from visavis.core.lang.form import Node, Value
from visavis.core.lang.parse import parse
from visavis.core.lang.scope import Located, Scope
from visavis.core.lang.types import Type
from visavis.core.nouns import Project
from visavis.store.warehouse import Warehouse, connect
from visavis.testing.agree import Answers, Mismatch, Round, ask_batch, ask_live, differences
from visavis.testing.shrink import describe, shrink


def warehouse() -> Warehouse:
    return connect(threads=1)


def ask(round: Round) -> Mismatch | None:
    """Both readers on one round: the first difference, if any."""
    batch, fits = ask_batch(round, warehouse)
    return next(differences(round, batch, ask_live(round, fits)), None)


def both(round: Round) -> tuple[Answers, Answers]:
    batch, fits = ask_batch(round, warehouse)
    return batch, ask_live(round, fits)


def explain(found: Mismatch) -> str:
    return describe(shrink(found, ask))


def read(text: str, scope: Scope) -> Node:
    """The form of a text; fails the test if it has Problems."""
    node, problems = parse(Located(text, "edges.yml"), scope)
    assert node is not None, (text, problems)
    assert not problems, (text, problems)
    return node


def value_of(text: str | None, type: Type) -> Value:
    """A value written as text, as the Python reader holds it."""
    if text is None or type is Type.NULL:
        return None
    match type:
        case Type.BOOLEAN:
            return text == "true"
        case Type.INTEGER:
            return int(text)
        case Type.DECIMAL:
            return int(Decimal(text).scaleb(6))
        case Type.FLOAT:
            return float(text)
        case Type.DATE:
            return to_days(date.fromisoformat(text))
        case Type.TIME:
            return to_ms(datetime.fromisoformat(text))
    return text


def empty_project(name: str = "UTC", properties: Mapping[str, Mapping[str, Type]] = {}) -> Project:
    return Project(Path(), "edges", zone(name).name, properties=properties)


def column(answers: Answers, name: str) -> Sequence[Value]:
    """One expression's values for everybody at the first moment."""
    return [person[name] for person in answers[0]]
