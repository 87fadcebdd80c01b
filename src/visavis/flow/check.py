"""`check`: every Problem of a project, without opening a connection."""

from __future__ import annotations

from pathlib import Path

from visavis.core.problems import Problem
from visavis.project.load import load


def check(root: Path) -> list[Problem]:
    """Every Problem of the project in `root`, by file, line and column."""
    _, problems = load(root)
    return sorted(problems, key=lambda p: (p.place is None, p.place, p.code))
