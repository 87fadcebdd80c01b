"""Small wrong changes to a module's source, one at a time: what a law must notice."""

from __future__ import annotations

import ast
import copy
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BINARY = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.Add,
}  # fmt: skip
_NAMES = {
    "min": "max", "max": "min", "bisect_left": "bisect_right", "bisect_right": "bisect_left",
    "any": "all", "all": "any", "strip": "lstrip",
}  # fmt: skip
_SQL = [
    (pattern, to)
    for pattern, to in (
        (r" <= ", " < "), (r" >= ", " > "), (r" < ", " <= "), (r" > ", " >= "), (r" = ", " <> "),
        (r" AND ", " OR "), (r" OR ", " AND "), (r" \+ ", " - "), (r" - ", " + "),
        (r" \* ", " // "), (r" // ", " * "), (r" / ", " * "), (r"\bmin\(", "max("),
        (r"\bmax\(", "min("), (r"\bgreatest\(", "least("), (r"\bleast\(", "greatest("),
        (r"\barg_min\b", "arg_max"), (r"\barg_max\b", "arg_min"), (r"IS NOT NULL", "IS NULL"),
        (r"(?<!NOT )IS NULL", "IS NOT NULL"), (r"\(NOT ", "("), (r" NOT IN ", " IN "),
        (r"LEFT JOIN", "JOIN"), (r"DISTINCT ", ""), (r"\babs\(", "("), (r"\bfloor\(", "ceil("),
        (r"\bceil\(", "floor("), (r"\bnullif\(", "coalesce("), (r"\bcoalesce\(", "nullif("),
        (r"TRY_CAST", "CAST"), (r"\bleft\(", "right("), (r"\bright\(", "left("),
        (r"starts_with\(", "ends_with("), (r"ends_with\(", "contains("),
        (r"contains\(\{", "starts_with({"), (r"\blower\(", "upper("), (r"\bupper\(", "lower("),
        (r"weekofyear", "week"), (r"isodow", "dayofweek"), (r"\bELSE -", "ELSE "),
        (r"(?<![\w.(,{])(?<!DECIMAL\()\d+(?![\w.,}])(?!\))", "+1"),
    )
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: the `number`-th node of the module's tree takes the `choice`-th change.

    It is the `nth` that reads just so in its function.
    """

    module: str
    function: str
    line: int
    before: str
    after: str
    number: int
    choice: int
    nth: int = 1

    @property
    def key(self) -> str:
        """What it is called in the list of equivalent mutants; lines may move."""
        short = self.module.rpartition(".")[2]
        told = f"{short}.{self.function}: {self.before} -> {self.after}"
        return told if self.nth == 1 else f"{told} ({self.nth})"


def mutants(module: str, source: str, sql: bool) -> list[Mutant]:
    """Every mutant of a module."""
    found: list[Mutant] = []
    told: Counter[tuple[str, str, str]] = Counter()
    for number, (node, function) in enumerate(_visited(ast.parse(source))):
        for choice, change in enumerate(changes(node, sql)):
            before, after = _short(node), _short(change(copy.deepcopy(node)))
            if before != after:
                line, key = getattr(node, "lineno", 0), (function, before, after)
                told[key] += 1
                made = Mutant(module, function, line, before, after, number, choice, told[key])
                found.append(made)
    return found


def mutated(source: str, mutant: Mutant, sql: bool) -> ast.Module:
    """The module's tree with the mutant's change."""
    tree = ast.parse(source)
    target = [node for node, _ in _visited(tree)][mutant.number]
    new = changes(target, sql)[mutant.choice](copy.deepcopy(target))
    swapped = _Swap(target, new).visit(tree)
    return ast.fix_missing_locations(swapped)


class _Swap(ast.NodeTransformer):
    def __init__(self, target: ast.AST, new: ast.AST) -> None:
        self.target, self.new = target, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.target:
            return ast.copy_location(self.new, node)
        return self.generic_visit(node)


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:60]}...{text[-27:]}"


def _visited(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Nodes worth changing with the function they stand in, in a fixed order."""
    stack: list[tuple[ast.AST, str]] = [(tree, "")]
    while stack:
        node, function = stack.pop()
        if _skipped(node):
            continue
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}" if function else node.name
        yield node, function
        stack += [(child, function) for child in reversed(list(_children(node)))]


def _skipped(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert | ast.arguments):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in ("__slots__", "SQL_TYPES", "_PARQUET")
    if isinstance(node, ast.keyword):
        return node.arg == "strict"  # two lists of one length
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _children(node: ast.AST) -> Iterator[ast.AST]:
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "bases", "pattern", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child


Change = Callable[[ast.AST], ast.AST]


def changes(node: ast.AST, sql: bool) -> list[Change]:
    """The ways to change one node."""
    match node:
        case ast.Compare():
            return [_compare(n) for n in range(len(node.ops)) if type(node.ops[n]) in _COMPARE]
        case ast.BinOp() if type(node.op) in _BINARY and not _is_text(node):
            return [_binary]
        case ast.BoolOp():
            checks = [n for n, value in enumerate(node.values) if _null_check(value)]
            return [_junction, *(_dropped(n) for n in checks)]
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return [lambda n: n.operand]  # type: ignore[attr-defined]
        case ast.IfExp(test=test) if _null_check(test):
            return [lambda n: n.body, lambda n: n.orelse]  # type: ignore[attr-defined]
        case ast.If(test=test) if _null_check(test) and not isinstance(node.body[0], ast.Raise):
            return [_test(False)]
        case ast.Constant():
            return _constant(node, sql)
        case ast.Name(id=name, ctx=ast.Load()) if name in _NAMES:
            return [_named(_NAMES[name])]
    return []


def _is_text(node: ast.BinOp) -> bool:
    sides = (node.left, node.right)
    return any(
        isinstance(s, ast.JoinedStr) or (isinstance(s, ast.Constant) and isinstance(s.value, str))
        for s in sides
    )


def _null_check(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.Is | ast.IsNot)
        for part in ast.walk(node)
    )


def _compare(n: int) -> Change:
    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.Compare)
        node.ops[n] = _COMPARE[type(node.ops[n])]()
        return node

    return change


def _binary(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.BinOp)
    node.op = _BINARY[type(node.op)]()
    return node


def _junction(node: ast.AST) -> ast.AST:
    assert isinstance(node, ast.BoolOp)
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    return node


def _dropped(n: int) -> Change:
    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.BoolOp)
        rest = [v for i, v in enumerate(node.values) if i != n]
        return rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)

    return change


def _test(value: bool) -> Change:
    def change(node: ast.AST) -> ast.AST:
        assert isinstance(node, ast.If)
        node.test = ast.Constant(value)
        return node

    return change


def _named(name: str) -> Change:
    return lambda node: ast.Name(name, ast.Load())


def _constant(node: ast.Constant, sql: bool) -> list[Change]:
    value = node.value
    if isinstance(value, bool):
        return [_is(not value)]
    if isinstance(value, int):
        return [_is(value + 1)]
    if isinstance(value, str) and sql:
        return [_is(text) for text in _texts(value)]
    return []


def _is(value: object) -> Change:
    return lambda node: ast.Constant(value)  # type: ignore[arg-type]


def _texts(value: str) -> list[str]:
    out = []
    for pattern, to in _SQL:
        for found in re.finditer(pattern, value):
            new = str(int(found[0]) + 1) if to == "+1" else to
            out.append(value[: found.start()] + new + value[found.end() :])
    return out
