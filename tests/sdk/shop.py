"""The shop that every client tells the same story to, and what must be known of it afterwards."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from live import Server, built, rows

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOST = "localhost:8000"
"""The host that stands in the guide."""
KEY, SECRET = "wk_shop", "sk_shop"
ANN = {"orders": 1, "revenue": 25.5, "views": 1, "email": "a@b.co", "first_name": "Ann"}


def profile(server: Server, **asked: str) -> dict[str, Any]:
    """The live profile; empty for nobody."""
    answer = server.http.get("/v1/profile", params=asked, auth=(SECRET, ""))
    return dict(answer.json()["traits"]) if answer.status_code == 200 else {}


def known(server: Server, calls: list[str], **changes: Any) -> None:
    """Ann is known, live and after a build, as one person; `calls` are the types that came."""
    expected = {**ANN, **changes}
    live = profile(server, user_id="u1")
    assert {k: live.get(k) for k in expected} == expected
    assert built(server.root)["quarantined"] == 0
    came = [t for (t,) in rows(server.root, "select type from events order by 1")]
    assert came == sorted(calls)
    said = rows(server.root, f"select {', '.join(expected)} from people")
    assert [dict(zip(expected, row, strict=True)) for row in said] == [expected]
    assert profile(server, user_id="u1") == live


def eventually(done: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Waits for something that another process does in its own time."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.02)


@dataclass(frozen=True)
class Node:
    """Node in the folder of the pinned client libraries."""

    program: str
    folder: Path

    def run(self, script: str, **environment: str) -> None:
        """Runs a script's file to its end; what it says on failure is the failure."""
        self._call([script], **environment)

    def say(self, code: str) -> None:
        """Runs code to its end."""
        self._call(["--input-type=module"], code)

    def bundle(self, code: str) -> bytes:
        """Code for the browser with the libraries that it imports, as a shop bundles it."""
        tool = self.folder / "node_modules" / "esbuild" / "bin" / "esbuild"
        words = ["--bundle", "--format=iife", "--minify", "--log-level=error"]
        return self._call([str(tool), *words, '--define:process.env.NODE_ENV="production"'], code)

    def _call(self, words: list[str], code: str = "", **environment: str) -> bytes:
        done = subprocess.run(
            [self.program, *words], cwd=self.folder, env={**os.environ, **environment},
            input=code.encode(), capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout


# a shop's visitors are people: some clients keep quiet in a browser that says it is driven
_VISITOR = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/150.0.0.0 Safari/537.36"
)
_NOT_DRIVEN = "Object.defineProperty(navigator, 'webdriver', {get: () => false})"


@contextmanager
def visiting(browser: Browser) -> Iterator[Page]:
    """A page of a visitor who was never there; on leaving, nothing may have failed there."""
    visitor = browser.new_context(user_agent=_VISITOR)
    visitor.add_init_script(_NOT_DRIVEN)
    page = visitor.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("response", lambda a: failed.append(f"{a.status} {a.url}") if a.status >= 400 else None)
    try:
        yield page
    finally:
        visitor.close()
    assert not failed


def leave(page: Page, call: str) -> None:
    """Runs a call and goes to another page at once; a visitor half gone can't be closed."""
    page.evaluate(f"() => {{ {call}(); location.href = '/gone' }}")
    page.wait_for_url("**/gone")


@dataclass
class Pages:
    """Pages by path, served from an origin of their own, as a shop's web site is."""

    content: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, script: bytes) -> str:
        """The address of a page that runs the script."""
        page = b"<!doctype html><title>Shop</title><script src=/script.js></script>"
        self.content["/"] = ("text/html", page)
        self.content["/script.js"] = ("text/javascript; charset=utf-8", script)
        return self.url

    def __enter__(self) -> Pages:
        content = self.content

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = content.get(self.path, ("text/html", b"<!doctype html>"))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
