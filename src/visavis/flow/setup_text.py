"""The texts that `init` writes: readable, commented, to be changed by hand afterwards."""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visavis.flow.setup import Table

_HEAD = """\
# Where orders come from, and which column is what. `visavis init` guessed it from the first rows:
# change what is wrong, then `visavis build` again. `visavis check` tells what else can stand here.
sources:
"""
_SELF_TOLD = ("iso", "unix", "unix_ms", "mixed")
_PLAIN = re.compile(r"[^\W\d][\w./-]*(?: [\w./-]+)*")
_WORDS = frozenset(["true", "false", "yes", "no", "on", "off", "null", "none", "y", "n"])


def quoted(text: str) -> str:
    """A text as YAML, in quotes where it could be read as anything else."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def main_text(template: str, name: str, time_zone: str, currency: str | None) -> str:
    """visavis.yml with the name, the zone and, where known, the currency put in."""
    values = {"name": name or "shop", "time_zone": time_zone, "currency": currency}
    for key, value in values.items():
        if value is not None:
            line = rf"(?m)^({key}: *)([^\s#](?:[^#\n]*[^\s#])?)"
            text = quoted(value)
            template = re.sub(line, lambda m, t=text: m[1] + t, template, count=1)  # type: ignore[misc]
    return template


def identity_text(template: str, nobody: Sequence[str]) -> str:
    """identity.yml with the values that stand for guests blocked."""
    if not nobody:
        return template
    listed = ", ".join(quoted(v) if not v.lstrip("-").isdigit() else f'"{v}"' for v in nobody)
    line = r"(?m)^(  customer_id: \{[^}\n]*)\}"
    return re.sub(line, lambda m: f"{m[1]}, blocked: [{listed}]}}", template, count=1)


def orders_text(tables: Sequence[Table], directory: Path) -> str:
    """sources/orders.yml: one source a table."""
    return _HEAD + "\n".join(line for table in tables for line in _source(table, directory)) + "\n"


def _source(table: Table, directory: Path) -> Iterator[str]:
    sample, found = table.samples[0], table.guess
    yield f"  {table.name}:"
    yield "    kind: orders"
    yield "    from:"
    origins = [
        _inside(table.patterns[path], directory)
        if path in table.patterns
        else glob.escape(_inside(path, directory))
        for path in table.files
    ]
    for origin in dict.fromkeys(origins):
        yield f"      - {quoted(origin)}"
    yield from _map(table)
    if found.dates and found.dates.form not in _SELF_TOLD:
        yield f"    time_format: {json.dumps(found.dates.form)}"
    if found.decimal_mark == "," or found.thousands:
        yield f'    decimal_mark: "{found.decimal_mark}"'
    if found.per_order:
        yield "    amount_of: order      # one amount an order, shared by its lines"
    if sample.encoding:
        yield f"    encoding: {quoted(sample.encoding)}"
    if sample.delimiter:
        yield f"    delimiter: {json.dumps(sample.delimiter)}"
    if sample.skip_lines:
        yield f"    skip_lines: {sample.skip_lines}      # titles above the header"
    if found.currency and "currency" not in found.columns:
        yield f"    currency: {found.currency}"
    if found.statuses:
        yield "    statuses:      # other values are completed orders"
        for meaning, values in found.statuses.items():
            yield f"      {meaning}: [{', '.join(quoted(v) for v in values)}]"
    if table.namespace != table.name:
        yield f"    namespace: {table.namespace}      # shares its order numbers with that source"
    yield from _constants(table)
    yield from _left_over(table)


def _inside(path: Path | str, directory: Path) -> str:
    """Relative to the project for files in it, else the whole path."""
    full, root = Path(path).resolve(), directory.resolve()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else full.as_posix()


def _map(table: Table) -> Iterator[str]:
    lines: list[tuple[str, str]] = []
    for choice in table.guess.choices:
        reason = f"{choice.confidence:.0%}, {choice.reason}"
        names = table.order if choice.role == "order" else (choice.column, *choice.also)
        lines.append((f"      {choice.role}: {_columns(names)}", reason))
    if "order" not in table.guess.columns:
        reason = "no order id: who and when make the order"
        lines.append((f"      order: {_columns(table.order)}", reason))
    width = max(len(text) for text, _ in lines)
    yield "    map:"
    for text, reason in lines:
        yield f"{text.ljust(width)}  # {reason}"


def _columns(names: Sequence[str]) -> str:
    listed = ", ".join(quoted(name) for name in names)
    return listed if len(names) == 1 else f"[{listed}]"


def _constants(table: Table) -> Iterator[str]:
    if not {"amount", "price"} & table.guess.columns.keys():
        yield "    constants:"
        yield '      price: "1"      # no column is money, so revenue is a number of pieces'


def _left_over(table: Table) -> Iterator[str]:
    used = {*table.guess.columns.values(), *table.order}
    used |= {name for choice in table.guess.choices for name in choice.also}
    names = [n for n in table.samples[0].names if n not in used]
    if names:
        yield "    # Columns that are not declared are dropped, and counted. To keep one:"
        yield "    # line_fields:"
        for name in names:
            yield f"    #   {_field_name(name)}: {quoted(name)}"


def _field_name(column: str) -> str:
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", column).lower()
    name = re.sub(r"\W+", "_", name).strip("_")
    return name if name and not name[0].isdigit() else f"field_{name}".rstrip("_")
