"""Which columns a user's query may read, so that costly ones are worked out only then."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


def reader_of(sql: str | None, relation: str) -> Callable[[str], bool]:
    """Tells of a column of `relation` whether the query may read it; in doubt it may."""
    if sql is None:
        return lambda column: True
    if not re.search(rf"\b{relation}\b", sql, re.IGNORECASE):
        return lambda column: False
    whole = _may_read_all(sql, relation)
    return lambda column: whole or column in sql.lower()


def _may_read_all(sql: str, relation: str) -> bool:
    from sqlglot import exp, parse
    from sqlglot.errors import SqlglotError

    try:
        trees = parse(sql, read="duckdb")
    except (SqlglotError, RecursionError):
        return True
    if len(trees) != 1 or not isinstance(trees[0], (exp.Select, exp.SetOperation)):
        return True
    tree: Any = trees[0]
    names = {relation, *(t.alias.lower() for t in tree.find_all(exp.Table) if t.alias)}
    names |= {t.alias.lower() for t in tree.find_all(exp.Subquery, exp.CTE) if t.alias}
    return any(_takes_all(node, names) for node in tree.walk())


def _takes_all(node: Any, names: set[str]) -> bool:
    """A star outside count(*), a row taken whole by its table's name, a natural join, COLUMNS()."""
    from sqlglot import exp

    if isinstance(node, exp.Star):
        return not isinstance(node.parent, exp.Count)
    if isinstance(node, exp.Column):
        return node.name.lower() in names
    if isinstance(node, exp.Join):
        return str(node.args.get("method") or "").upper() == "NATURAL"
    return isinstance(node, (exp.Columns, exp.Pivot))
