"""What `check` looks up beside the texts: data files that are missing, columns they don't have.

Opens headers and schemas only, never a connection.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from visavis.core.nouns import Catalogue, Project, Source
from visavis.core.problems import Place, Problem, nearest
from visavis.project.headers import Unreadable, columns

_MANY = 1000
"""Files of one source whose headers are looked at."""


@dataclass(slots=True)
class _Wanted:
    """A file (or glob) and the columns it must have, each with the place that names it."""

    noun: str
    pattern: str
    place: Place
    encoding: str | None = None
    delimiter: str | None = None
    skip_lines: int = 0
    names: dict[str, Place] = field(default_factory=dict)


def check_files(project: Project) -> list[Problem]:
    """Missing files and columns of every source, lookup and catalogue."""
    problems: list[Problem] = []
    for source in project.sources.values():
        problems.extend(_source(project.root, source))
    for catalogue in project.catalogues.values():
        problems.extend(_catalogue(project.root, catalogue))
    return problems


def is_file_source(source: Source) -> bool:
    """Whether a source reads files, not a database or a dlt resource."""
    return "://" not in source.origin and not source.origin.startswith("dlt:")


def data_files(root: Path, origin: str) -> list[Path]:
    """The files of an origin (paths or globs, one a line), sorted by name, each once."""
    found: dict[Path, None] = {}
    for pattern in origin.split("\n"):
        for name in sorted(glob.glob(str(root / pattern), recursive=True)):
            if Path(name).is_file():
                found[Path(name)] = None
    return list(found)


def _source(root: Path, source: Source) -> Iterator[Problem]:
    if not is_file_source(source):
        return
    noun = f"source '{source.name}'"
    joined: dict[str, Place] = {}
    extra: set[str] = set()
    for lookup in source.lookups:
        place = lookup.place or source.place
        wanted = _Wanted(f"lookup of {noun}", lookup.path, place, names={lookup.on: place})
        yield from _check(root, wanted, set())
        extra |= _all_columns(root, lookup.path)
        joined[lookup.on] = place
    names = joined | _named(source)
    for i, pattern in enumerate(source.origin.split("\n")):
        place = source.places.get(f"from.{i}", source.place)
        wanted = _Wanted(
            noun, pattern, place, source.encoding, source.delimiter, source.skip_lines, names
        )
        yield from _check(root, wanted, extra)


def _named(source: Source) -> dict[str, Place]:
    """Every column that a source names, at the first place that does."""
    names: dict[str, Place] = {}
    for key, mapping in (("map", source.roles), ("identifiers", source.identifiers)):
        for name, text in mapping.items():
            for column in text.split("\n"):
                place = source.places.get(f"{key}.{name}", source.place)
                names.setdefault(column, place)
    for part in (*source.fields, *source.line_fields):
        names.setdefault(part.column, part.place or source.place)
    if source.cursor:
        names.setdefault(source.cursor, source.places.get("cursor", source.place))
    return names


def _catalogue(root: Path, catalogue: Catalogue) -> Iterator[Problem]:
    place = catalogue.places.get("from", catalogue.place)
    names = {catalogue.key: catalogue.places.get("key", place)}
    for part in catalogue.fields:
        names.setdefault(part.column, part.place or catalogue.place)
    noun = f"catalogue '{catalogue.name}'"
    yield from _check(
        root,
        _Wanted(
            noun,
            catalogue.origin,
            place,
            catalogue.encoding,
            catalogue.delimiter,
            names=names,
        ),
        set(),
    )


def _check(root: Path, wanted: _Wanted, extra: set[str]) -> Iterator[Problem]:
    paths = data_files(root, wanted.pattern)
    if not paths:
        yield _no_file(root, wanted)
    told: set[str] = set()
    for path in paths[:_MANY]:
        name = _relative(root, path)
        try:
            there, whole = columns(path, wanted.encoding, wanted.delimiter, wanted.skip_lines)
        except Unreadable as error:
            message = f"{name} can't be read: {str(error).rstrip('.')}."
            yield Problem("unreadable-file", message, wanted.place, "Check what the file is.")
            continue
        if not there:
            message, hint = f"{name} is empty.", "It counts as a file without rows."
            yield Problem("empty-file", message, wanted.place, hint, severity="warning")
            continue
        missing = wanted.names.keys() - {*there, *extra} - told if whole else set()
        told |= missing
        yield from (_no_column(column, name, there, wanted) for column in sorted(missing))


def _no_file(root: Path, wanted: _Wanted) -> Problem:
    globbed = glob.has_magic(wanted.pattern)
    message = f"The {wanted.noun} reads {wanted.pattern}, but no such file is there."
    folder = (root / wanted.pattern).parent
    others = set()
    if not globbed and folder.is_dir():
        others = {_relative(root, path) for path in folder.iterdir() if path.is_file()}
    hint = nearest(wanted.pattern, others) if others else ""
    if (root / wanted.pattern).is_dir():
        return Problem(
            "missing-file", f"{wanted.pattern} is a folder.", wanted.place,
            f"Say which of its files, like {wanted.pattern.rstrip('/')}/*.csv.",
        )  # fmt: skip
    hint = hint if hint.startswith("Did") else "Paths are relative to the project's folder."
    return Problem("missing-file", message, wanted.place, hint)


def _no_column(column: str, name: str, there: list[str], wanted: _Wanted) -> Problem:
    message = f"{name} has no column '{column}'."
    folded = {other.lower(): other for other in there}
    same = folded.get(column.lower())
    hint = f"Did you mean '{same}'?" if same else nearest(column, there)
    return Problem("missing-column", message, wanted.names[column], hint)


def _all_columns(root: Path, pattern: str) -> set[str]:
    names: set[str] = set()
    for path in data_files(root, pattern)[:_MANY]:
        try:
            names.update(columns(path)[0])
        except Unreadable:
            continue  # told where the file itself is checked
    return names


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
