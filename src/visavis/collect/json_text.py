"""JSON files as rows: an object a line or all in one array; nested values by their path.

`customer.id` is the value in an object; of an array of objects whose values the source names
(`products.sku`), each element is a row of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from visavis.collect.csv_text import text_lines
from visavis.collect.files import open_bytes
from visavis.store.engines.duckdb_names import identifier, text_literal
from visavis.store.warehouse import Warehouse

_LARGEST_OBJECT = 256 << 20
_PART = "part"


@dataclass(slots=True)
class JsonTable:
    """One file in the table `name`: its texts as `line`, whether each is an object as `good`."""

    wh: Warehouse
    name: str
    array: str | None = None

    def making(self, path: Path) -> str:
        """The statement that makes the table of the file's lines, or of its array's elements."""
        rows = text_lines(path)
        if _is_array(path):
            rows = (
                "SELECT json::VARCHAR AS line, row_number() OVER () AS _row FROM read_json_objects("
                f"{text_literal(str(path))}, format = 'array', "
                f"maximum_object_size = {_LARGEST_OBJECT})"
            )
            if not self._whole(rows):
                rows = text_lines(path)
        return (
            f"CREATE OR REPLACE TEMP TABLE {self.name} AS SELECT *, CASE WHEN json_valid(line) "
            f"THEN json_type(line) = 'OBJECT' ELSE false END AS good FROM ({rows}) "
            "WHERE trim(line) <> ''"
        )

    def _whole(self, rows: str) -> bool:
        """Whether the array can be read to its end; the lines of one that can't are bad rows."""
        return self.wh.runs(f"SELECT count(*) FROM ({rows})")

    def columns(self, named: Collection[str]) -> list[str]:
        """The names of values: of the objects' keys, and of nested values as far as `named`."""
        keys = self._texts(f"SELECT DISTINCT unnest(json_keys(line)) FROM {self.name} WHERE good")
        nested = sorted(name for name in named if name not in keys and "." in name)
        heads = sorted({head for name in nested if (head := _head(name, keys))})
        for head in heads:
            kinds = self._texts(
                f"SELECT DISTINCT json_type(line, {_path(head)}) FROM {self.name} WHERE good"
            )
            if "ARRAY" in kinds and self.array is None:
                self.array = head
        return [*keys, *(name for name in nested if self._holds(name, keys))]

    def _holds(self, name: str, keys: Sequence[str]) -> bool:
        head = _head(name, keys)
        if head is None:
            return False
        rest = name[len(head) + 1 :]
        path = f"$.{_quoted(head)}{'[*]' if head == self.array else ''}.{_steps(rest)}"
        found = f"json_extract(line, {text_literal(path)})"
        some = f"len({found}) > 0" if head == self.array else f"{found} IS NOT NULL"
        return bool(self.wh.value(f"SELECT count(*) FROM {self.name} WHERE good AND {some}"))

    def splitting(self, columns: Sequence[str]) -> str:
        """The statement that makes the table of rows, numbered in the order of the file."""
        part = "NULL::JSON"
        if self.array is not None:
            path = f"$.{_quoted(self.array)}"
            part = (
                f"unnest(CASE WHEN json_array_length(line, {text_literal(path)}) > 0 THEN "
                f"json_extract(line, {text_literal(path + '[*]')}) ELSE [NULL::JSON] END)"
            )
        keys = [c for c in columns if _head(c, columns) is None]
        picked = "".join(f", {self._value(c, keys)} AS {identifier(c)}" for c in columns)
        parts = f"SELECT line, _row, {part} AS {_PART} FROM {self.name} WHERE good"
        return (
            f"CREATE OR REPLACE TEMP TABLE {self.name}_rows AS SELECT row_number() OVER () AS _row"
            f"{picked or ', line'} FROM ({parts})"
        )

    def _value(self, name: str, keys: Sequence[str]) -> str:
        head = _head(name, keys)
        if head is None:
            return f"line ->> {_path(name)}"
        rest = _steps(name[len(head) + 1 :])
        if head == self.array:
            return f"{_PART} ->> {text_literal('$.' + rest)}"
        return f"line ->> {text_literal(f'$.{_quoted(head)}.{rest}')}"

    def scan(self, columns: Sequence[str]) -> str:
        """A query for the rows with `_row`."""
        picked = ", ".join(identifier(c) for c in columns)
        return f"SELECT {picked or 'line'}, _row FROM {self.name}_rows"

    def rejects(self, number: int) -> str:
        """A query for the lines that are no objects."""
        return (
            f"SELECT {number}::INTEGER AS _file, _row, json_object('_line', line) AS row, "
            f"'bad-row: the line is no JSON object' AS reason FROM {self.name} WHERE NOT good"
        )

    def _texts(self, sql: str) -> list[str]:
        return sorted(str(row[0]) for row in self.wh.rows(sql))


def _is_array(path: Path) -> bool:
    with open_bytes(path) as file:
        return file.read(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _head(name: str, keys: Sequence[str]) -> str | None:
    """The longest key that `name` is a path into."""
    inside = [key for key in keys if name.startswith(f"{key}.")]
    return max(inside, key=len) if inside else None


def _path(key: str) -> str:
    return text_literal(f"$.{_quoted(key)}")


def _steps(path: str) -> str:
    return ".".join(_quoted(step) for step in path.split("."))


def _quoted(key: str) -> str:
    escaped = key.replace('"', '\\"')
    return f'"{escaped}"'
