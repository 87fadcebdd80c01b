"""The door to the definition language: text in, typed form or all its Problems out."""

from __future__ import annotations

from visavis.core.lang.check import widen
from visavis.core.lang.convert import Converter
from visavis.core.lang.form import Node
from visavis.core.lang.scope import Located as Located
from visavis.core.lang.scope import Scope as Scope
from visavis.core.lang.syntax import Source
from visavis.core.lang.syntax import words as words
from visavis.core.lang.to_sql import to_sql as to_sql
from visavis.core.lang.types import Type
from visavis.core.problems import Problem


def parse(
    text: Located, scope: Scope, expect: Type | None = None
) -> tuple[Node | None, list[Problem]]:
    """The typed form of an expression that gives `expect` (any type when None), or its Problems.

    The form is None exactly when there are Problems. Never raises for any text.
    """
    source = Source(text)
    tree, problems = source.read()
    if tree is None:
        return None, problems
    converter = Converter(source, scope)
    node = converter.convert(tree)
    problems = sorted(set(converter.problems), key=lambda p: (p.place or text.place(0), p.code))
    if node is None or problems:
        return None, problems
    return _expected(source, node, expect)


def _expected(source: Source, node: Node, expect: Type | None) -> tuple[Node | None, list[Problem]]:
    if expect is not None:
        node = widen(node, expect)
        if node.type in (expect, Type.NULL):
            return node, []
        message = f"This must be {expect}, but it is {node.type}."
    elif node.type in (Type.NULL, Type.INTERVAL):
        message = f"A value can't be {node.type} alone."
    else:
        return node, []
    hint = "Compare it with something, like x > 0." if expect is Type.BOOLEAN else ""
    first = source.tokens[0].start
    return None, [source.problem("wrong-type", message, first, hint)]
