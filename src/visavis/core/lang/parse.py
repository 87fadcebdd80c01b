"""The door to the definition language: text in, typed form or all its Problems out."""

from __future__ import annotations

from visavis.core.lang.check import widen
from visavis.core.lang.convert import Converter
from visavis.core.lang.form import Node, children
from visavis.core.lang.scope import Located as Located
from visavis.core.lang.scope import Scope as Scope
from visavis.core.lang.syntax import Source
from visavis.core.lang.to_sql import to_sql as to_sql
from visavis.core.lang.tokens import too_deep
from visavis.core.lang.types import Type
from visavis.core.problems import Problem

MAX_PARTS, MAX_LEVELS = 20_000, 300


def parse(
    text: Located, scope: Scope, expect: Type | None = None
) -> tuple[Node | None, list[Problem]]:
    """The typed form of an expression that gives `expect` (any type when None), or its Problems.

    The form is None exactly when there are Problems; never raises, whatever the text. Every null
    in the form has the type of the place where it stands.
    """
    source = Source(text)
    tree, problems = source.read()
    if tree is None:
        return None, problems
    converter = Converter(source, scope)
    try:
        node = converter.convert(tree)
    except RecursionError:
        return None, [source.problem(*too_deep(0))]
    if node is None or converter.problems:
        return None, sorted(
            set(converter.problems), key=lambda p: (p.place or text.place(0), p.code)
        )
    if scope.segments and _too_large(node):
        message = "The segments in it make the condition too large."
        return None, [source.problem("too-deep", message, 0, "Make a trait of a part of it.")]
    return _expected(source, node, expect)


def _expected(source: Source, node: Node, expect: Type | None) -> tuple[Node | None, list[Problem]]:
    hint = ""
    if expect is not None:
        node = widen(node, expect)
        if node.type is expect:
            return node, []
        message = f"This must be {expect}, but it is {node.type}."
        hint = "Compare it with something, like x > 0." if expect is Type.BOOLEAN else ""
    elif node.type in (Type.NULL, Type.INTERVAL):
        message = f"A value can't be {node.type} alone."
    else:
        return node, []
    return None, [source.problem("wrong-type", message, source.tokens[0].start, hint)]


def _too_large(node: Node) -> bool:
    parts, stack = 0, [(node, 1)]
    while stack:
        part, level = stack.pop()
        parts += 1
        if parts > MAX_PARTS or level > MAX_LEVELS:
            return True
        stack += [(child, level + 1) for child in children(part)]
    return False
