"""All definitions of all files by kind and name; what two files both define is a Problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from visavis.core.problems import Place, Problem, nearest
from visavis.project.convert import Unfit
from visavis.project.folder import MAIN, is_yaml
from visavis.project.keys import FILES, LATER, PROJECT
from visavis.project.section import Checker, Section
from visavis.project.shape import Shape
from visavis.project.text import Entry, Map, Scalar, Tree, read

Found = Mapping[str, dict[str, Section]]
"""Top-level key -> name -> definition, in the order of files and lines."""


def read_main(texts: Mapping[str, str], problems: list[Problem]) -> tuple[Section, dict[str, Tree]]:
    """visavis.yml, and the trees of all other files that are read."""
    trees = {}
    for file, text in texts.items():
        if file.split("/")[0] in LATER or not is_yaml(file):
            continue
        tree, found = read(file, text)
        problems.extend(found)
        if tree is not None:
            trees[file] = tree
    place = Place(MAIN)
    main = trees.pop(MAIN, None)
    if main is None and any(p.place and p.place.file == MAIN for p in problems):
        return Section(MAIN, place), trees
    empty = Map((), place)
    return Checker(problems).section(MAIN, place, main or empty, PROJECT), trees


def gather(trees: Mapping[str, Tree], checker: Checker, problems: list[Problem]) -> Found:
    """Every definition of the files."""
    found: dict[str, dict[str, Section]] = {key: {} for _, key, _ in FILES}
    for file, tree in trees.items():
        kinds = _kinds(file)
        for entry in _top(file, tree, kinds, problems):
            shape = kinds[entry.name]
            for section in _definitions(entry, shape, checker, problems):
                _add(found[entry.name], section, shape, problems)
    return found


def _kinds(file: str) -> dict[str, Shape]:
    """The top-level keys that a file of this folder may have."""
    folder = file.split("/")[0]
    return {key: shape for name, key, shape in FILES if name == folder}


def _top(
    file: str, tree: Tree, kinds: Mapping[str, Shape], problems: list[Problem]
) -> Iterator[Entry]:
    if isinstance(tree, Scalar) and tree.absent:
        return
    if not isinstance(tree, Map):
        keys = " or ".join(f"'{key}:'" for key in kinds)
        problems.append(Problem("wrong-value", f"This file must begin with {keys}.", tree.place))
        return
    for entry in tree.entries:
        if entry.name in kinds:
            yield entry
        else:
            message = f"A file in {file.split('/')[0]} has no key '{entry.name}'."
            problems.append(Problem("unknown-key", message, entry.place, _elsewhere(entry, kinds)))


def _elsewhere(entry: Entry, kinds: Mapping[str, Shape]) -> str:
    for folder, other, _ in FILES:
        if other == entry.name:
            return f"'{other}' belongs in {folder}{'' if '.' in folder else '/'}."
    return nearest(entry.name, kinds)


def _definitions(
    entry: Entry, shape: Shape, checker: Checker, problems: list[Problem]
) -> Iterator[Section]:
    if shape.alone:
        yield checker.section(entry.name, entry.place, entry.value, shape)
        return
    try:
        yield from checker.named(entry.value, shape, entry.name)
    except Unfit as unfit:
        problems.append(unfit.problem)


def _add(
    known: dict[str, Section], section: Section, shape: Shape, problems: list[Problem]
) -> None:
    first = known.setdefault(section.name, section)
    if first is not section:
        message = f"The {shape.noun} '{section.name}' is defined twice."
        hint = f"The first is at {first.place}; rename or remove one."
        problems.append(Problem("duplicate-name", message, section.place, hint))
