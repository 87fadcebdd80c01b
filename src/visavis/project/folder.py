"""Finds and reads the text files of a project folder; opens nothing else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from visavis.core.problems import Place, Problem
from visavis.project.keys import FILES, LATER, TEMPLATES
from visavis.project.text import decode

MAIN = "visavis.yml"
_SUFFIXES = (".yml", ".yaml")
_TEXTS = (".txt", ".md", ".liquid", ".mjml", ".html")


def is_project(root: Path) -> bool:
    """Whether the folder has a visavis.yml."""
    return (root / MAIN).is_file()


def not_a_project(root: Path) -> Problem:
    """What to say of a folder without one."""
    there = root.is_dir()
    message = f"There is no {MAIN} in this folder." if there else "There is no such folder."
    hint = "`visavis init DIR` makes a project; `-p DIR` says where one is."
    return Problem("not-a-project", message, Place(MAIN), hint)


def read_texts(root: Path) -> tuple[dict[str, str], list[Problem]]:
    """Relative path (with /) -> text in NFC of every definition file, sorted by path."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for path in sorted(_paths(root)):
        name = path.relative_to(root).as_posix()
        try:
            raw = path.read_bytes()
        except OSError as error:
            message = f"This file can't be read: {error.strerror}."
            problems.append(Problem("unreadable-file", message, Place(name), "Check its rights."))
            continue
        texts[name], found = decode(name, raw)
        problems.extend(found)
    return texts, problems


def _paths(root: Path) -> Iterator[Path]:
    folders = dict.fromkeys(folder for folder, _, _ in FILES)
    for name in (MAIN, *folders):
        path = root / name
        if name.endswith(".yml") and path.is_file():
            yield path
        elif path.is_dir():
            yield from _below(path, (*_SUFFIXES, *_TEXTS) if name in TEMPLATES else _SUFFIXES)
    for name in LATER:
        yield from _below(root / name, (*_SUFFIXES, *_TEXTS))


def unread(root: Path) -> Iterator[Problem]:
    """A warning for each file that looks like definitions, but lies where nobody reads it."""
    keys = "|".join(key for _, key, _ in FILES)
    known = {folder for folder, _, _ in FILES} | {MAIN}
    for path in sorted((*root.glob("*.y*ml"), *root.glob("[!.]*/*.y*ml"))):
        name = path.relative_to(root).as_posix()
        head = name.split("/")[0]
        if head in known or not path.is_file():
            continue
        found = re.search(rf"(?m)^({keys}|journeys):", path.read_text("utf-8", errors="replace"))
        if found and head in LATER:
            message, hint = f"This version has no {head}: the file is kept, not read.", ""
            yield Problem("unread-file", message, Place(name), hint, severity="warning")
        elif found:
            folder = next((f for f, key, _ in FILES if key == found[1]), found[1])
            message = f"This file defines {found[1]}, but is not read where it lies."
            hint = f"Move it to {folder}{'' if '.' in folder else '/'}."
            yield Problem("unread-file", message, Place(name), hint, severity="warning")


def _below(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in suffixes and path.is_file() and not hidden:
            yield path


def is_yaml(name: str) -> bool:
    """Whether a file of the project is YAML by its name; others are templates."""
    return name.lower().endswith(_SUFFIXES)


def definition_hash(texts: Mapping[str, str]) -> str:
    """Changes when any text of the project does."""
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(f"{name}\0{len(text)}\0{text}\0".encode())
    return digest.hexdigest()
