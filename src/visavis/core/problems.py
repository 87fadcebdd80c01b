"""Problems: what is wrong, where, and what to do; collected and shown all at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]
MOST_NAMED = 20
"""So many valid names a hint lists; of more only the nearest."""
WIDEST = 120
"""So many characters of a line an excerpt shows."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A spot in a file of the project: path relative to the project, line and column from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake of the project or its data. `code` is stable and has a case in tests/broken."""

    code: str
    message: str
    place: Place | None = None
    hint: str = ""
    severity: Severity = "error"

    def as_json(self) -> dict[str, object]:
        """As in `visavis check --json`: code, severity, file, line, column, message, hint."""
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.place.file if self.place else None,
            "line": self.place.line if self.place else None,
            "column": self.place.column if self.place else None,
            "message": self.message,
            "hint": self.hint,
        }


class ProblemsError(Exception):
    """Raised where work can't go on; carries every Problem found so far."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(f"{p.code}: {p.message}" for p in self.problems))


def first_line(error: BaseException) -> str:
    """What another program says of an error, in one line without its full stop."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def nearest(name: str, valid: Iterable[str]) -> str:
    """A hint naming the valid name nearest to `name`, or naming them all when none is near."""
    names = sorted(set(valid))
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    shown = [n if any(c.isalnum() for c in n) else f"'{n}'" for n in names]
    return f"Valid here: {', '.join(shown)}." if names and len(names) <= MOST_NAMED else ""


def render(problem: Problem, lines: Mapping[str, Sequence[str]]) -> str:
    """The readable form: a heading, the line it is about with a caret under the column, the hint.

    `lines` maps a file's relative path to its text lines; without it no excerpt is drawn.
    """
    head = f"{problem.severity}[{problem.code}]: {problem.message}"
    parts = [head]
    if problem.place:
        place, text = problem.place, lines.get(problem.place.file, ())
        parts.append(f"  --> {place}")
        if 1 <= place.line <= len(text):
            number = str(place.line)
            excerpt, column = _window(text[place.line - 1].rstrip("\n"), place.column)
            parts.append(f"  {number} | {excerpt}")
            parts.append(f"  {' ' * len(number)} | {' ' * (column - 1)}^")
    if problem.hint:
        parts.append(f"  = {problem.hint}")
    return "\n".join(parts)


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a line around a column, and the column in it."""
    line = "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in line)
    start = max(0, column - WIDEST * 2 // 3) if len(line) > WIDEST else 0
    shown = line[start : start + WIDEST]
    before, after = "..." if start else "", "..." if start + WIDEST < len(line) else ""
    return f"{before}{shown}{after}", column - start + len(before)
