"""Every code block of README and guide is run: files are written, commands print what stands there.

In a `console` block a line `$ visavis ...` is run in the page's folder; the lines below it must
be what it prints (`...` stands for any lines); the README's and the first page's in processes of
their own, the others' in this one. A block that begins `# file: NAME` is that file. A
page's blocks run in order in one empty folder. A `text` block is an excerpt and is not run; code
for client libraries (`python`, `js`) is run by tests/sdk/test_snippets.py.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from visavis.cli.main import cli

Call = Callable[[list[str]], tuple[str, int]]
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


def as_process(words: list[str]) -> tuple[str, int]:
    """What the installed command prints, and how it ends."""
    program = str(Path(sys.executable).with_name("visavis"))
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr, done.returncode


def in_process(words: list[str]) -> tuple[str, int]:
    """The same without a start."""
    done = CliRunner().invoke(cli, words, prog_name="visavis")
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout + done.stderr, done.exit_code


def run(command: Command, folder: Path, call: Call) -> None:
    if command.words[0] == "rm":
        (folder / command.words[1]).unlink()
        return
    assert command.words[0] == "visavis", f"{command.words[0]} is not run by this test"
    printed, code = call(command.words[1:])
    shown = [line.rstrip() for line in printed.splitlines()]
    name = " ".join(command.words)
    assert not command.expected or matches(command.expected, shown), (
        f"$ {name}\nexpected {command.expected}\ngot {shown}"
    )
    assert code in (0, 1), printed


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
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (("VISAVIS_NOW", NOW), ("COLUMNS", "100"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
    call = as_process if page in PAGES[:2] else in_process
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    for language, text in blocks:
        assert language in (*RUN, *NOT_RUN, *BY_CLIENTS), f"a {language} block would not be run"
        first, _, rest = text.partition("\n")
        if language == "console":
            for command in commands(text):
                run(command, tmp_path, call)
        elif first.startswith("# file: "):
            target = tmp_path / first.removeprefix("# file: ").strip()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(rest, encoding="utf-8")
        else:
            elsewhere = language in (*NOT_RUN, *BY_CLIENTS)
            assert elsewhere, f"this {language} block names no file:\n{text}"
