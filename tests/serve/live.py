"""A project served by a real process, and what its lake says after a build."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

import visavis
from visavis.core.progress import SILENT
from visavis.flow import ask, keys
from visavis.flow.build import build

MAIN = [sys.executable, "-c", "from visavis.cli.main import main; main()"]
SOURCE = {"PYTHONPATH": str(Path(visavis.__file__).parent.parent)}
FILES = {
    "visavis.yml": "name: Shop\ntime_zone: UTC\ncurrency: EUR\n",
    "traits/traits.yml": """\
traits:
  orders: {event: Order Completed, value: count()}
  revenue: {event: Order Completed, value: sum(revenue)}
  items: {event: Order Completed, each: products, value: sum(quantity)}
  views: {event: Product Viewed, value: count()}
  pages: {event: page, value: count()}
  email: {given: email}
  first_name: {given: first_name}
""",
}


def project(root: Path, **changes: str) -> Path:
    """A folder with a few traits; `changes` are further files, named with __ for / and _ for ."""
    more = {k.replace("__", "/").replace("_yml", ".yml"): v for k, v in changes.items()}
    for name, text in {**FILES, **more}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def command(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAIN, "-p", str(root), "--quiet", *words],
        env={**os.environ, **SOURCE, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def key(root: Path, value: str = "wk", kind: str = "write") -> str:
    return str(keys.create(root, kind, value, time.time_ns() // 1_000_000)["id"])


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Server:
    """`visavis serve` as a process of its own; `kill` is kill -9."""

    def __init__(
        self, root: Path, main: Sequence[str] = MAIN, port: int = 0, **environment: str
    ) -> None:
        self.root = root
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [*main, "-p", str(root), "--quiet", "serve", "--port", str(self.port)],
            env={**os.environ, **SOURCE, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.http = httpx.Client(base_url=self.url, timeout=30)
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                _, err = self.process.communicate()
                raise RuntimeError(err.decode())
            try:
                if self.http.get("/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise RuntimeError("the service did not get ready")

    def post(
        self, path: str, body: Any = None, key: str | None = "wk", **given: Any
    ) -> httpx.Response:
        content = body if isinstance(body, (bytes, str)) else json.dumps(body)
        auth = (key, "") if key else None
        return self.http.post(path, content=content, auth=auth, **given)

    def stop(self) -> str:
        """Ends it kindly; what it wrote to standard error."""
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=30)
        return err.decode()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def built(root: Path, as_of: int | None = None) -> Mapping[str, Any]:
    return build(root, as_of, time.time_ns() // 1_000_000, SILENT)


def rows(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with ask.query(root, sql) as batches:
        return [tuple(row.values()) for row in batches.read_all().to_pylist()]


def events(root: Path) -> list[str]:
    """The message ids in the published build."""
    return [str(r[0]) for r in rows(root, "select message_id from events order by 1")]
