"""Every Problem of a project at once, also those beside its texts."""

from __future__ import annotations

from pathlib import Path

from visavis.core.problems import Place, Problem
from visavis.project.files import check_files
from visavis.project.folder import is_project, not_a_project, read_texts, unread
from visavis.project.load import load_texts


def check(root: Path) -> list[Problem]:
    """All Problems by file, line and column: of the texts, of missing files and columns."""
    if not is_project(root):
        return [not_a_project(root)]
    texts, problems = read_texts(root)
    project = load_texts(root, texts, problems)
    problems.extend(check_files(project))
    problems.extend(unread(root))
    return sorted(problems, key=lambda p: (p.place or Place(""), p.code, p.message))
