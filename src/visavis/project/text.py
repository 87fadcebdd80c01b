"""YAML as text with places: every key and value knows its line and column.

Nothing is converted here: `no`, `012` and `2018-01-01` stay the text that was written, so that no
value changes its meaning on the way in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from visavis.core.lang.parse import Located
from visavis.core.problems import Place, Problem

_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
_REFERENCE = re.compile(r"(?:^|[\s,\[{:-])[&*][^\s,\[\]{}]", re.MULTILINE)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as it was written; `plain` if without quotes. `lines` locate each line of it."""

    text: str
    place: Place
    plain: bool
    lines: tuple[tuple[int, int], ...]

    @property
    def absent(self) -> bool:
        """Whether it says "no value" (nothing, ~ or null, without quotes)."""
        return self.plain and self.text in _NULLS

    def located(self) -> Located:
        """The text with the place of each of its lines, as the parser wants it."""
        return Located(self.text, self.place.file, self.lines)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Tree, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a map, with the key's own place."""

    name: str
    place: Place
    value: Tree


@dataclass(frozen=True, slots=True)
class Map:
    """Keys and values in the order they were written."""

    entries: tuple[Entry, ...]
    place: Place


Tree = Scalar | Sequence | Map


def read(file: str, text: str) -> tuple[Tree | None, list[Problem]]:
    """The one document of a file; None (and the Problem) where it isn't YAML or is empty."""
    try:
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        return None, [_syntax(file, error)]
    except yaml.reader.ReaderError as error:
        return None, [_unreadable(file, text, error)]
    if node is None:
        return None, []
    tree, problems = _Reader(file, text).tree(node)
    return tree, [*_references(file, text), *problems]


def decode(file: str, raw: bytes) -> tuple[str, list[Problem]]:
    """A file's text in NFC without byte order mark; a Problem where it isn't UTF-8."""
    try:
        return unicodedata.normalize("NFC", raw.decode("utf-8-sig")), []
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(file, before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        hint = "Save the file as UTF-8."
        return "", [Problem("bad-encoding", "This file is not UTF-8 text.", place, hint)]


def _compose(text: str) -> yaml.Node | None:
    fast: Any = getattr(yaml, "CBaseLoader", None)
    if fast is not None:
        try:
            return _single(fast(text))
        except (yaml.MarkedYAMLError, yaml.reader.ReaderError):
            pass  # the slow one says the same on every machine
    return _single(yaml.BaseLoader(text))


def _single(loader: Any) -> yaml.Node | None:
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


def _syntax(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    what = ", ".join(part for part in (error.context, error.problem) if part)
    hint = "Check the indentation, and put quotes around text with ': ' or ' #' in it."
    return Problem("yaml-syntax", f"This is not YAML: {what}.", place, hint)


def _unreadable(file: str, text: str, error: yaml.reader.ReaderError) -> Problem:
    before = text[: error.position]
    place = Place(file, before.count("\n") + 1, error.position - before.rfind("\n"))
    return Problem(
        "yaml-syntax",
        f"This is not YAML: it holds the control character U+{ord(text[error.position]):04X}.",
        place,
        "Remove the character.",
    )


def _references(file: str, text: str) -> Iterator[Problem]:
    """A Problem for each anchor and alias, at its own place."""
    if not _REFERENCE.search(text):
        return
    try:
        for token in yaml.scan(text, getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            if isinstance(token, (yaml.AnchorToken, yaml.AliasToken)):
                place = Place(file, token.start_mark.line + 1, token.start_mark.column + 1)
                message = "Anchors and aliases (& and *) are not read here."
                yield Problem("yaml-syntax", message, place, "Write the value out.")
    except yaml.MarkedYAMLError as error:
        yield _syntax(file, error)


class _Reader:
    """Turns nodes of one file into trees; collects Problems on the way."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.source = text.splitlines()
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def tree(self, node: yaml.Node) -> tuple[Tree | None, list[Problem]]:
        return self._convert(node), self.problems

    def _convert(self, node: yaml.Node) -> Tree | None:
        """The tree of a node; None (and a Problem) for what is not read."""
        place = self._place(node)
        if id(node) in self.seen:
            return None  # an alias, which is told already
        if node.tag not in _PLAIN_TAGS:
            message = "Tags like '!x' are not read here."
            self.problems.append(Problem("yaml-syntax", message, place, "Write the value out."))
            return None
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return Map(tuple(self._entries(node)), place)
        if isinstance(node, yaml.SequenceNode):
            items = (self._convert(item) for item in node.value)
            return Sequence(tuple(item for item in items if item is not None), place)
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node, place)

    def _entries(self, node: yaml.MappingNode) -> Iterator[Entry]:
        first: dict[str, Place] = {}
        for key, value in node.value:
            place = self._place(key)
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            if not isinstance(key, yaml.ScalarNode):
                hint = "Write a name, a colon and a value."
                self.problems.append(Problem("yaml-syntax", "A key must be text.", place, hint))
            elif name in first:
                self.problems.append(_twice(name, place, first[name]))
            else:
                first[name] = place
                tree = self._convert(value)
                if tree is not None:
                    yield Entry(name, place, tree)

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Scalar:
        if node.style in ("|", ">"):
            text, lines = self._block(node)
        else:
            text, lines = self._flow(node, place)
        return Scalar(text, place, not node.style, lines)

    def _block(self, node: yaml.ScalarNode) -> tuple[str, tuple[tuple[int, int], ...]]:
        """Lines of a `|` or `>` block as written, less their common indentation."""
        first = node.start_mark.line + 1
        raw = self.source[first : max(node.end_mark.line, first)]
        if node.end_mark.column:  # the file ends inside the block
            raw = self.source[first : node.end_mark.line + 1]
        while raw and not raw[-1].strip():
            raw.pop()
        indents = [len(line) - len(line.lstrip(" ")) for line in raw if line.strip()]
        indent = indents[0] if indents else 0
        lines = tuple((first + 1 + i, indent + 1) for i in range(len(raw)))
        fallback = ((first + 1, 1),)
        return "\n".join(line[indent:] for line in raw), lines or fallback

    def _flow(self, node: yaml.ScalarNode, place: Place) -> tuple[str, tuple[tuple[int, int], ...]]:
        """A plain or quoted value; over several lines, each line keeps its own place."""
        start, end = node.start_mark, node.end_mark
        quote = 1 if node.style else 0
        if start.line == end.line or (node.style == '"' and "\\" in self._raw(node)):
            return node.value, ((place.line, place.column + quote),)
        texts, lines = [], []
        for i, line in enumerate(self._raw(node)[quote : -quote or None].splitlines()):
            kept = line.lstrip(" \t") if i else line
            column = len(line) - len(kept) + 1 if i else place.column + quote
            texts.append(kept.rstrip().replace("''", "'") if node.style == "'" else kept.rstrip())
            lines.append((place.line + i, column))
        return "\n".join(texts), tuple(lines)

    def _raw(self, node: yaml.Node) -> str:
        return self.text[node.start_mark.index : node.end_mark.index]

    def _place(self, node: yaml.Node) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1)


def _twice(name: str, place: Place, first: Place) -> Problem:
    return Problem(
        "duplicate-key",
        f"'{name}' stands here twice.",
        place,
        f"The first one is at {first}; keep one.",
    )
