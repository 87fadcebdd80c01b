"""The projects that `visavis init` can make, as text files shipped with the package."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

_CHECKOUT = Path(__file__).parents[4] / "examples"
"""Where a source checkout keeps what a wheel ships as templates."""


def template_names() -> list[str]:
    """Every template by name."""
    return sorted(_folders())


def template_files(name: str) -> dict[str, str]:
    """Relative path (with /) -> text of a template; KeyError where there is none of the name."""
    if name not in template_names():
        raise KeyError(name)
    return dict(sorted(_files(_folders()[name], "")))


def _folders() -> dict[str, Traversable]:
    places: list[Traversable] = [resources.files(__name__)]
    if (_CHECKOUT.parent / "pyproject.toml").is_file():
        places.append(_CHECKOUT)
    found = {entry.name: entry for place in places for entry in place.iterdir() if entry.is_dir()}
    return {name: entry for name, entry in found.items() if not name.startswith(("_", "."))}


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.name == ".visavis":
            continue  # the state of somebody who built in the checkout
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".yml", ".md", ".csv", ".txt", ".html", ".liquid")):
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")
