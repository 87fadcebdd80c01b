"""Every snippet for a client library in README and guide, run as it stands but for the host."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from live import Server
from shop import HOST, Node, Pages, eventually, profile, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
PARTS = re.compile(r"^## (.+?)$|^```(python|js)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MOST_LINES = 5


def snippets(section: str) -> Iterator[str]:
    """The code blocks below a heading of the pages."""
    for page in DOCS:
        heading = ""
        for title, _, code in PARTS.findall(page.read_text(encoding="utf-8")):
            heading = title or heading
            if code and heading == section:
                yield code


def test_each_snippet_is_run() -> None:
    blocks = sum(bool(code) for d in DOCS for *_, code in PARTS.findall(d.read_text("utf-8")))
    found = {section: list(snippets(section)) for section in ("Python", "Node", "Browser")}
    assert sum(map(len, found.values())) == blocks
    assert {section: len(codes) for section, codes in found.items()} == {
        "Python": 5, "Node": 6, "Browser": 5,
    }  # fmt: skip
    for code in (code for codes in found.values() for code in codes):
        assert sum(map(bool, code.splitlines())) <= MOST_LINES, code


def here(code: str, server: Server) -> str:
    assert HOST in code
    return code.replace(HOST, server.url.removeprefix("http://"))


def arrived(server: Server, number: int, code: str) -> None:
    def came() -> bool:
        return profile(server, email="ann@example.com").get("views") == number

    eventually(came, f"nothing came of this snippet:\n{code}")
    assert profile(server, user_id="u1").get("views") == number


def test_python(server: Server) -> None:
    for number, code in enumerate(snippets("Python"), 1):
        done = subprocess.run(
            [sys.executable, "-c", here(code, server)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), code
        arrived(server, number, code)


def test_node(server: Server, node: Node) -> None:
    for number, code in enumerate(snippets("Node"), 1):
        node.say(here(code, server))
        arrived(server, number, code)


def test_browser(server: Server, node: Node, browser: Browser, pages: Pages) -> None:
    for number, code in enumerate(snippets("Browser"), 1):
        address = pages.add(node.bundle(here(code, server)))
        with visiting(browser) as page:
            page.goto(address)
            arrived(server, number, code)
