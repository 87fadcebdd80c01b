"""Every code block of README and guide is run: files are written, commands print what stands there.

In a `console` block a line `$ visavis ...` is run in the page's folder; the lines below it must
be what it prints (`...` stands for any lines). A block that begins `# file: NAME` is that file. A
page's blocks run in order in one empty folder. A `text` block is an excerpt and is not run; code
for client libraries (`python`, `js`) is run by tests/sdk/test_snippets.py.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = ("console", "yaml", "csv")
NOT_RUN = ("text",)
BY_CLIENTS = ("python", "js")
NOW = "2026-11-21T12:00:00Z"


@dataclass(frozen=True)
class Command:
    words: list[str]
    expected: list[str]


def commands(block: str) -> list[Command]:
    found: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(Command(shlex.split(line[2:], comments=True), []))
        elif found:
            found[-1].expected.append(line.rstrip())
    return found


def run(command: Command, folder: Path) -> None:
    if command.words[0] == "rm":
        (folder / command.words[1]).unlink()
        return
    assert command.words[0] == "visavis", f"{command.words[0]} is not run by this test"
    words = [str(Path(sys.executable).with_name("visavis")), *command.words[1:]]
    env = {**os.environ, "VISAVIS_NOW": NOW, "COLUMNS": "100", "NO_COLOR": "1"}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=env, timeout=120)
    shown = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
    name = " ".join(command.words)
    assert not command.expected or matches(command.expected, shown), (
        f"$ {name}\nexpected {command.expected}\ngot {shown}"
    )
    assert done.returncode in (0, 1), done.stderr


def matches(expected: list[str], shown: list[str]) -> bool:
    """Whether the expected lines are those shown; `...` takes any number of lines."""
    if not expected:
        return not any(shown)
    first, rest = expected[0], expected[1:]
    if first == "...":
        return any(matches(rest, shown[i:]) for i in range(len(shown) + 1))
    if not shown:
        return not any(expected)
    return first == shown[0] and matches(rest, shown[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_page(page: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    for language, text in blocks:
        assert language in (*RUN, *NOT_RUN, *BY_CLIENTS), f"a {language} block would not be run"
        first, _, rest = text.partition("\n")
        if language == "console":
            for command in commands(text):
                run(command, tmp_path)
        elif first.startswith("# file: "):
            target = tmp_path / first.removeprefix("# file: ").strip()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(rest, encoding="utf-8")
        else:
            elsewhere = language in (*NOT_RUN, *BY_CLIENTS)
            assert elsewhere, f"this {language} block names no file:\n{text}"
