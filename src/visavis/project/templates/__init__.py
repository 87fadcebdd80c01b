"""The projects that `visavis init` can make, as text files shipped with the package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable


def template_names() -> list[str]:
    """Every template by name."""
    here = resources.files(__name__)
    return sorted(t.name for t in here.iterdir() if t.is_dir() and not t.name.startswith("_"))


def template_files(name: str) -> dict[str, str]:
    """Relative path (with /) -> text of a template; KeyError where there is none of the name."""
    if name not in template_names():
        raise KeyError(name)
    return dict(sorted(_files(resources.files(__name__) / name, "")))


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif not entry.name.endswith((".py", ".pyc")):
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")
