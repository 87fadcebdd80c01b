"""Rows of JSON files, one object a line or all in one array, and the names of nested values.

A nested value has the path to it as its name: `customer.id`. Of an array of objects, such as the
products of an order, each element is a row of its own: `products.sku`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any

DEEPEST = 4
_PIECE = 1 << 16
_decoder = json.JSONDecoder(parse_float=str)


def json_rows(file: IO[str]) -> Iterator[dict[str, Any]]:
    """The objects of a file in their order; what is none is passed over."""
    start = file.read(_PIECE)
    text = start.lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        yield from _array(text[1:], file)
        return
    for line in _lines(start, file):
        yield from _object(line)


def _lines(start: str, file: IO[str]) -> Iterator[str]:
    rest = start + file.readline()
    yield from rest.splitlines()
    yield from file


def _object(text: str) -> Iterator[dict[str, Any]]:
    try:
        row = _decoder.decode(text.strip().removeprefix("\ufeff"))
    except ValueError:
        return  # a bad row is for the quarantine, not for a look at the names
    if isinstance(row, dict):
        yield row


def _array(text: str, file: IO[str]) -> Iterator[dict[str, Any]]:
    while True:
        text = text.lstrip(" \t\r\n,")
        try:
            row, end = _decoder.raw_decode(text)
        except ValueError:
            more = file.read(max(_PIECE, len(text)))
            if not more or text.startswith("]"):
                return
            text += more
            continue
        text = text[end:]
        if isinstance(row, dict):
            yield row


def names(row: Mapping[str, Any]) -> list[str]:
    """The names of all values of a row, nested ones after the whole that they are in."""
    return list(_names(row, "", 1))


def _names(row: Mapping[str, Any], before: str, depth: int) -> Iterator[str]:
    for key, value in row.items():
        name = f"{before}{key}"
        yield name
        if depth == DEEPEST:
            continue
        for part in value if isinstance(value, list) and depth == 1 else [value]:
            if isinstance(part, dict):
                yield from _names(part, f"{name}.", depth + 1)


def arrays(row: Mapping[str, Any]) -> list[str]:
    """The keys of a row that hold an array of objects."""
    return [key for key, value in row.items() if _of_objects(value)]


def _of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(x, dict) for x in value)


def flat(row: Mapping[str, Any], array: str | None = None) -> list[dict[str, Any]]:
    """The row by names of nested values, once for each element of the array, if one is given."""
    rest = {key: value for key, value in row.items() if key != array}
    head = dict(_flat(rest, "", 1))
    items = row.get(array) if array else None
    if not isinstance(items, list) or not items:
        return [head]
    return [head | dict(_flat(item, f"{array}.", 2)) for item in items if isinstance(item, dict)]


def _flat(row: Mapping[str, Any], before: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        if isinstance(value, dict) and value and depth < DEEPEST:
            yield from _flat(value, f"{before}{key}.", depth + 1)
        elif isinstance(value, (dict, list)):
            yield f"{before}{key}", json.dumps(value, ensure_ascii=False)
        else:
            yield f"{before}{key}", value
