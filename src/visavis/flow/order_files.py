"""Which files `init --orders` means: a file, all of a folder, or those that a pattern names.

Of several, those that are no order lines are left out; a file that was named itself must be.
"""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from visavis.core.problems import Problem, ProblemsError

_TABLES = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".pq", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Asked:
    """One file; `pattern` is what named it among others, None where it was named itself."""

    path: Path
    pattern: str | None = None


def asked(given: Iterable[Path]) -> list[Asked]:
    """Each file once, in the order given; FileNotFoundError names what leads to none."""
    found: dict[Path, Asked] = {}
    for path in given:
        for one in _named(path):
            found.setdefault(one.path, one)
    return list(found.values())


def _named(path: Path) -> Sequence[Asked]:
    if path.is_file():
        return [Asked(path)]
    if path.is_dir():
        tables = [p for p in sorted(path.iterdir()) if p.is_file() and _ending(p)]
        several = [Asked(p, f"{glob.escape(str(path))}/*{_ending(p)}") for p in tables]
    else:
        matched = sorted(glob.glob(str(path), recursive=True))
        several = [Asked(Path(p), str(path)) for p in matched if Path(p).is_file()]
    if not several:
        raise FileNotFoundError(str(path))
    return several


def _ending(path: Path) -> str:
    """What the name of a table ends in; nothing for other files and hidden ones."""
    packed = ".gz" if path.name.lower().endswith(".gz") else ""
    ending = Path(path.name.removesuffix(path.suffix)).suffix if packed else path.suffix
    known = ending.lower() in _TABLES and not path.name.startswith(".")
    return f"{ending}{path.suffix if packed else ''}" if known else ""


class Refused:
    """Files that can't be order lines: Problems if they were named, else only left out."""

    def __init__(self, patterns: Collection[Path]) -> None:
        self.patterns = patterns
        self.problems: list[Problem] = []
        self.left_out: dict[Path, list[Problem]] = {}

    @contextmanager
    def told(self, *paths: Path) -> Iterator[None]:
        """Keeps the Problems of these files that come up inside."""
        try:
            yield
        except ProblemsError as error:
            if all(path in self.patterns for path in paths):
                self.left_out |= {path: list(error.problems) for path in paths}
            else:
                self.problems.extend(error.problems)

    def settle(self, some: bool) -> None:
        """Raises what was refused; also what else would be left out, where nothing remains."""
        if not some:
            self.problems += [p for listed in self.left_out.values() for p in listed]
        if self.problems:
            raise ProblemsError(dict.fromkeys(self.problems))

    def notes(self) -> list[str]:
        """What was left out, and why."""
        return [f"Left out: {listed[0].message}" for listed in self.left_out.values()]
