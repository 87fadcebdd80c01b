"""`check`: every Problem of a project, without opening a connection."""

from __future__ import annotations

from pathlib import Path

from visavis.core.problems import Problem
from visavis.project.check import check as check_project


def check(root: Path) -> list[Problem]:
    """Every Problem of the project in `root`, by file, line and column."""
    return check_project(root)
