"""One raw relation to one table of typed rows: each row good, or bad with its reason.

The stage table holds `_file`, every mapped column under its own name, and `_reason` (null = good).
Times are UTC milliseconds in it. No row is ever touched one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from visavis.collect import clean
from visavis.collect.clean import Habit
from visavis.collect.habits import id_habit, number_habit, time_habit
from visavis.collect.rows import HasColumns
from visavis.core.clock import Zone
from visavis.core.lang.form import Property
from visavis.core.lang.types import Type
from visavis.core.nouns import Rule, Source
from visavis.core.problems import Problem, ProblemsError, nearest
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.engines.duckdb_sql import Names, at, expression
from visavis.store.warehouse import Warehouse

ROLE_TYPES: Mapping[str, Type] = {
    "time": Type.TIME,
    "received_at": Type.TIME,
    **dict.fromkeys(
        ("quantity", "price", "amount", "discount", "cost", "margin", "rate"), Type.DECIMAL
    ),
    "valid_from": Type.DATE,
    "valid_to": Type.DATE,
}
"""What a role is read as; text where it isn't named here."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the stage: made from one raw column, or several that are added up, or constant.

    `key` is the column's name in the stage (`role.amount`, `id.email`, `field.x`, `line.x`),
    `label` the user's word for it.
    """

    key: str
    label: str
    type: Type
    raw: tuple[str, ...] = ()
    constant: str | None = None
    required: str = ""


def columns_of(source: Source, required: Mapping[str, str]) -> list[Column]:
    """The stage columns of a source. `required` maps roles to the reason that a row lacks them."""
    columns = []
    for role, raw in source.roles.items():
        kind = ROLE_TYPES.get(role, Type.TEXT)
        names = tuple(raw.split("\n"))
        columns.append(Column(f"role.{role}", role, kind, names, None, required.get(role, "")))
    for role, value in source.constants.items():
        if role not in source.roles:
            kind = ROLE_TYPES.get(role, Type.TEXT)
            columns.append(Column(f"role.{role}", role, kind, (), value))
    for kind_name, raw in source.identifiers.items():
        names = tuple(raw.split("\n"))
        columns.append(Column(f"id.{kind_name}", kind_name, Type.TEXT, names))
    for prefix, fields in (("field", source.fields), ("line", source.line_fields)):
        for field in fields:
            columns.append(
                Column(f"{prefix}.{field.name}", field.name, field.type, (field.column,))
            )
    return columns


def check_columns(source: Source, raw: HasColumns, columns: Iterable[Column]) -> None:
    """Raises ProblemsError `missing-column` for every mapped column that a file lacks."""
    mapped: dict[str, Column] = {}
    for column in columns:
        for name in column.raw:
            mapped.setdefault(name, column)
    problems = [
        _missing(source, column, name, file, there)
        for file, there in raw.tables
        for name, column in mapped.items()
        if name not in there
    ]
    if problems:
        raise ProblemsError(problems)


def _missing(source: Source, column: Column, name: str, file: str, there: Iterable[str]) -> Problem:
    section = {"role": "map", "id": "identifiers", "field": "fields", "line": "line_fields"}
    key = f"{section[column.key.split('.')[0]]}.{column.label}"
    return Problem(
        "missing-column",
        f"{file} has no column '{name}', which the source '{source.name}' maps to "
        f"'{column.label}'.",
        source.places.get(key, source.place),
        nearest(name, there),
    )


class Stage:
    """Makes the stage table of a source. `habits` says how its text columns are written."""

    def __init__(
        self,
        wh: Warehouse,
        source: Source,
        zone: Zone,
        now_ms: int,
        columns: Sequence[Column],
        faulty: Sequence[int] = (),
    ) -> None:
        self.wh = wh
        self.source = source
        self.zone = zone
        self.now_ms = now_ms
        self.columns = columns
        self.faulty = faulty
        self.habits: dict[str, Habit] = {}

    def raw_names(self) -> list[str]:
        """The raw columns that are mapped."""
        return list(dict.fromkeys(name for column in self.columns for name in column.raw))

    def query(self, raw_sql: str, kinds: Mapping[str, str], extra: Sequence[str] = ()) -> str:
        """The stage as a query over a raw one. `extra` raw columns are passed through."""
        first = [identifier(name) for name in ("_file", *extra)]
        flags, second, third = [], [], []
        for column in self.columns:
            name, filled = identifier(column.key), identifier(f"{column.key}?")
            value, exact, flag = self._cell(column, kinds)
            first.append(f"{value} AS {name}")
            first.append(f"{flag} AS {filled}")
            flags.append(filled)
            if column.type is Type.TIME:
                utc = identifier(f"{column.key}!")
                first.append(f"{exact} AS {utc}")
                flags.append(utc)
                second.append(f"{clean.floor_ms(name)} AS {name}")
                local = f"CASE WHEN {utc} THEN {name} ELSE {clean.to_utc(name, self.zone)} END"
                third.append(f"{local} AS {name}")
        if self.faulty:
            first.append(f"{self._broken(kinds)} AS _broken")
            flags.append("_broken")
        layers = f"SELECT {', '.join(first)} FROM ({raw_sql})"
        for layer in (second, third):
            if layer:
                layers = f"SELECT * REPLACE ({', '.join(layer)}) FROM ({layers})"
        warned = [
            f", {self._fails(rule)} AS {identifier(key)}" for key, rule in self.warnings.items()
        ]
        return (
            f"SELECT * EXCLUDE ({', '.join(flags)}), {self._reason()} AS _reason{''.join(warned)} "
            f"FROM ({layers})"
        )

    @property
    def warnings(self) -> dict[str, Rule]:
        """The rules that only warn, by the stage column that tells which rows fail them."""
        return {f"warn.{rule.name}": rule for rule in self.source.rules if rule.action == "warn"}

    def _fails(self, rule: Rule) -> str:
        good = expression(rule.condition, Names(at(self.now_ms), self._rule_column))
        return f"(coalesce({good}, false) IS FALSE)"

    def _broken(self, kinds: Mapping[str, str]) -> str:
        """SQL: whether a cell of the row has bytes that the file's encoding lacks."""
        texts = [identifier(name) for name in self.raw_names() if clean.is_text(kinds[name])]
        tests = " OR ".join(f"contains(coalesce({name}, ''), '\ufffd')" for name in texts)
        files = ", ".join(str(number) for number in self.faulty)
        return f"(_file IN ({files}) AND ({tests or 'false'}))"

    def _cell(self, column: Column, kinds: Mapping[str, str]) -> tuple[str, str, str]:
        """SQL of the value, of whether a time is UTC already, and of whether the cell is filled."""
        if not column.raw:
            value = text_literal(column.constant or "")
            return self._one(column, value, "VARCHAR"), "false", "true"
        if column.type is Type.TIME:
            return self._clock(column, kinds)
        parts = [self._one(column, identifier(name), kinds[name]) for name in column.raw]
        filled = [clean.filled(identifier(name), kinds[name]) for name in column.raw]
        flag = " OR ".join(f"coalesce({f}, false)" for f in filled)
        if len(parts) > 1:
            return _added(column, parts, filled), "false", f"({flag})"
        return parts[0], "false", f"({flag})"

    def _clock(self, column: Column, kinds: Mapping[str, str]) -> tuple[str, str, str]:
        raw, kind = _moment(column, kinds)
        shown, exact = clean.clock(raw, kind, self._habit(column))
        return shown, exact, f"coalesce({clean.filled(raw, kind)}, false)"

    def _one(self, column: Column, raw: str, kind: str) -> str:
        if column.type is Type.TIME:
            return clean.clock(raw, kind, self._habit(column))[0]
        return clean.value(raw, kind, column.type, self._habit(column))

    def _habit(self, column: Column) -> Habit:
        return self.habits.get(column.key, clean.PLAIN)

    def _reason(self) -> str:
        """SQL: why a row is bad, null when it is good."""
        cases = []
        if self.faulty:
            reason = text_literal("bad-encoding: bytes that do not fit the file's encoding")
            cases.append(f"WHEN _broken THEN {reason}")
        for column in self.columns:
            name, filled = identifier(column.key), identifier(f"{column.key}?")
            if column.required:
                cases.append(f"WHEN NOT {filled} THEN {text_literal(column.required)}")
            if column.type is not Type.TEXT:
                reason = self._unreadable(column)
                cases.append(f"WHEN {filled} AND {name} IS NULL THEN {text_literal(reason)}")
        if any(column.key == "role.time" for column in self.columns):
            limit = self.now_ms + 86_400_000
            reason = text_literal("future: dated more than 24 hours in the future")
            cases.append(f"WHEN {identifier('role.time')} > {limit} THEN {reason}")
        for rule in self.source.rules:
            if rule.action == "quarantine":
                reason = text_literal(f"rule: fails the rule '{rule.name}'")
                cases.append(f"WHEN {self._fails(rule)} THEN {reason}")
        return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"

    def _unreadable(self, column: Column) -> str:
        habit = self._habit(column)
        if column.type in (Type.TIME, Type.DATE):
            if not habit.iso and habit.order is None and not habit.time_format:
                return (
                    f"bad-time: '{column.label}' is no time, or day and month are unclear; set "
                    "time_format"
                )
            return f"bad-time: '{column.label}' is no time that can be read"
        if column.type in (Type.DECIMAL, Type.INTEGER):
            if habit.mark is None:
                return (
                    f"bad-number: '{column.label}' is no number, or its mark is unclear; set "
                    "decimal_mark"
                )
            return f"bad-number: '{column.label}' is no number that fits"
        return f"bad-value: '{column.label}' is no {column.type}"

    def _rule_column(self, node: Property) -> str:
        for prefix in ("role", "field", "line", "id"):
            for column in self.columns:
                if column.key == f"{prefix}.{node.name}":
                    name = identifier(column.key)
                    return f"make_timestamp({name} * 1000)" if column.type is Type.TIME else name
        return "NULL"

    def decide(self, raw_sql: str, kinds: Mapping[str, str], before: Mapping[str, Habit]) -> None:
        """Settles how each text column is written, from the source's word or from its content."""
        for column in self.columns:
            cells = [identifier(name) for name in column.raw if clean.is_text(kinds[name])]
            if column.type is Type.TIME and (cells or len(column.raw) > 1):
                cells = [_moment(column, kinds)[0]]
            if cells:
                texts = " UNION ALL ".join(
                    f"SELECT {cell} AS x FROM ({raw_sql}) WHERE {clean.filled(cell, 'VARCHAR')}"
                    for cell in cells
                )
                known = before.get(column.key, clean.PLAIN)
                self.habits[column.key] = self._habit_of(column, texts, known)

    def _habit_of(self, column: Column, cells: str, before: Habit) -> Habit:
        if column.type in (Type.DECIMAL, Type.INTEGER):
            return number_habit(self.wh, cells, self.source.decimal_mark, before)
        if column.type in (Type.TIME, Type.DATE):
            return time_habit(self.wh, cells, self.source.time_format, before)
        if column.key.startswith("id.") or column.key in ("role.order", "role.product", "role.id"):
            return id_habit(self.wh, cells)
        return clean.PLAIN


def _moment(column: Column, kinds: Mapping[str, str]) -> tuple[str, str]:
    """SQL of a time's raw cell and its type: a date and a time of day in two columns become one."""
    if len(column.raw) == 1:
        return identifier(column.raw[0]), kinds[column.raw[0]]
    parts = []
    for name in column.raw:
        day = kinds[name].startswith("TIMESTAMP")
        cell = f"CAST({identifier(name)} AS DATE)" if day else identifier(name)
        parts.append(f"trim(CAST({cell} AS VARCHAR))")
    return f"concat_ws(' ', {', '.join(parts)})", "VARCHAR"


def _added(column: Column, parts: Sequence[str], filled: Sequence[str]) -> str:
    """Several columns in one role: amounts are added, texts joined."""
    if column.type is Type.DECIMAL:
        # an empty cell counts nothing, an unreadable one spoils the sum
        terms = [
            f"CASE WHEN coalesce({f}, false) THEN {p} ELSE 0 END"
            for p, f in zip(parts, filled, strict=True)
        ]
        some = " OR ".join(f"coalesce({f}, false)" for f in filled)
        return f"CASE WHEN {some} THEN TRY_CAST({' + '.join(terms)} AS {clean.DECIMAL}) END"
    if column.type is Type.TEXT:
        return f"nullif(concat_ws(' ', {', '.join(parts)}), '')"
    return f"coalesce({', '.join(parts)})"
