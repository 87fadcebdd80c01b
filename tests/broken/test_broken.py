"""Every Problem code has a tiny broken project whose readable text is pinned.

A folder with command.txt shows what those commands say; any other what `check` says.

`VISAVIS_REGENERATE=1 pytest tests/broken` writes the expected texts anew: read the diff.
"""

from __future__ import annotations

import ast
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from visavis.core.problems import render
from visavis.project.check import check
from visavis.project.folder import is_project, read_texts

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src" / "visavis"
CASES = sorted(path for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__")
MAKERS = frozenset(["Problem", "Finding", "problem", "_problem", "fail"])
PROJECTS = [case for case in CASES if not (case / "command.txt").exists()]
AT_WORK = {
    "chart-format": "tests/flow",
    "disk-full": "tests/crash",
    "locked": "tests/store",
    "missing-extra": "tests/flow",
    "no-chart": "tests/flow",
    "too-new": "tests/store",
}
"""Codes that need more than a project and one command, and where they are tested."""


def readable(root: Path) -> str:
    texts = read_texts(root)[0] if is_project(root) else {}
    lines = {name: text.splitlines() for name, text in texts.items()}
    return "\n\n".join(render(problem, lines) for problem in check(root)) + "\n"


def run(case: Path, work: Path) -> str:
    """What the last command of the case writes to standard error, in a copy of its folder."""
    shutil.copytree(case, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.txt"))
    told = ""
    for line in (case / "command.txt").read_text(encoding="utf-8").splitlines():
        start = [sys.executable, "-c", "from visavis.cli.main import main; main()", "--quiet"]
        told = subprocess.run(
            [*start, *shlex.split(line)], cwd=work, capture_output=True, text=True, check=False
        ).stderr
    return told


def compare(case: Path, text: str) -> None:
    assert f"[{case.name}]" in text
    expected = case / "expected.txt"
    if os.environ.get("VISAVIS_REGENERATE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_what_is_broken_is_told(case: Path, tmp_path: Path) -> None:
    compare(case, readable(case) if case in PROJECTS else run(case, tmp_path))


@pytest.mark.parametrize("case", PROJECTS, ids=lambda path: path.name)
def test_every_problem_has_a_place_and_says_it_once(case: Path) -> None:
    problems = check(case)
    assert all(problem.place is not None for problem in problems)
    assert len(set(problems)) == len(problems)
    assert all(p.message.endswith(".") and not p.message.endswith("..") for p in problems)


def codes() -> Iterator[str]:
    """Every code that src/ makes a Problem of."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                first = node.args[0]
                if name in MAKERS and isinstance(first, ast.Constant):
                    yield str(first.value)


def test_every_code_has_a_case() -> None:
    told = {case.name for case in CASES} | AT_WORK.keys()
    assert set(codes()) - told == set()
