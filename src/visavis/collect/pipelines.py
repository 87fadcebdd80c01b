"""Resources of the dlt library: any connector it has, read row by row into a file of JSON lines.

The library's telemetry is off, and nothing of its own is written.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from visavis.core.nouns import Source
from visavis.core.problems import Problem, ProblemsError, nearest

MARK = "dlt:"


def is_resource(source: Source) -> bool:
    """Whether the source is a dlt resource."""
    return source.origin.startswith(MARK)


def fetch(source: Source, root: Path, target: Path) -> tuple[int, str]:
    """Writes the resource's rows as JSON lines to `target`; how many, and a digest of them.

    Modules are looked for in the project folder too. Raises ProblemsError `missing-extra` without
    dlt, `no-connection` where the resource can't be found or read.
    """
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    try:
        import dlt  # noqa: F401
    except ImportError as error:
        raise ProblemsError([_extra(source)]) from error
    resource = _resource(source, root)
    rows = 0
    digest = sha256()
    with target.open("w", encoding="utf-8") as out:
        for item in _read(source, resource):
            line = json.dumps(item, default=str, ensure_ascii=False) + "\n"
            digest.update(line.encode())
            out.write(line)
            rows += 1
    return rows, digest.hexdigest()


def _resource(source: Source, root: Path) -> Iterable[Any]:
    module_name, name = source.origin.removeprefix(MARK).split(":")
    sys.path.insert(0, str(root))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        message = f"There is no module '{module_name}' for the source '{source.name}': {error}."
        raise ProblemsError([_problem(source, message, "")]) from error
    finally:
        sys.path.remove(str(root))
    if not hasattr(module, name):
        public = [n for n in vars(module) if not n.startswith("_")]
        message = f"The module '{module_name}' has no resource '{name}'."
        raise ProblemsError([_problem(source, message, nearest(name, public))])
    found = getattr(module, name)
    made: Iterable[Any] = found() if callable(found) else found
    return made


def _read(source: Source, resource: Iterable[Any]) -> Iterable[Mapping[str, Any]]:
    from dlt.common.exceptions import DltException

    try:
        for item in resource:
            yield from _rows(item)
    except (DltException, OSError) as error:
        message = f"The resource of the source '{source.name}' can't be read: {error}."
        raise ProblemsError([_problem(source, message, "")]) from error


def _rows(item: Any) -> Iterable[Mapping[str, Any]]:
    """A resource yields rows, pages of rows, or Arrow tables."""
    if isinstance(item, Mapping):
        yield item
    elif hasattr(item, "to_pylist"):
        yield from item.to_pylist()
    else:
        for part in item:
            yield from _rows(part)


def _extra(source: Source) -> Problem:
    return Problem(
        "missing-extra",
        f"The source '{source.name}' is a dlt resource, and dlt is not installed.",
        source.places.get("dlt", source.place),
        "Install visavis[dlt].",
    )


def _problem(source: Source, message: str, hint: str) -> Problem:
    return Problem("no-connection", message, source.places.get("dlt", source.place), hint)
