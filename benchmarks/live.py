"""What the benchmarks of the live service share: a served project, the load, invented people."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import shop
from harness import SCALE, WORK, say

PEOPLE = max(int(1_000_000 * SCALE), 1_000)
EVENTS_EACH = 5
OFFERS = 200
WARM_SECONDS = max(3.0, 30.0 * min(1.0, SCALE))
_SRC = Path(__file__).parent.parent / "src"
MAIN = [sys.executable, "-c", "from visavis.cli.main import main; main()"]
ENV = {**os.environ, "PYTHONPATH": str(_SRC)}
_TICKS = os.sysconf("SC_CLK_TCK")
TRAITS = """traits:
  orders: {event: Order Completed, value: count()}
  revenue: {event: Order Completed, value: sum(revenue)}
  views: {event: Product Viewed, value: count()}
  views_7d: {event: Product Viewed, value: count(), within: 7 days}
  viewed_category: {event: Product Viewed, value: mode(category)}
  last_product: {event: Product Viewed, value: last(product_id)}
  dearest_view: {event: Product Viewed, value: max(price)}
  pages: {event: page, value: count()}
  email: {given: email}
"""
SEGMENTS = "segments:\n  browsing: views_7d > 0 and orders = 0\n"
LAYOUT = 3
"""Raised when `people_project` makes other files than before."""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Process:
    """A server process, waited for until it answers; `ready_seconds` is how long that took."""

    def __init__(self, words: list[str], port: int, path: str = "/ready", **options: Any) -> None:
        began = time.perf_counter()
        self.port = port
        self.process = subprocess.Popen(words, **options)
        _wait(self.process, port, path)
        self.ready_seconds = time.perf_counter() - began

    @property
    def cpu(self) -> float:
        """CPU seconds of all its threads and processes so far."""
        return sum(map(_cpu, _family(self.process.pid)))

    @property
    def mib(self) -> float:
        """Resident memory in MiB, pages of mapped files among it."""
        return self._status("VmRSS")

    @property
    def own_mib(self) -> float:
        """Resident memory in MiB without pages of files, which the system takes back at will."""
        return self._status("RssAnon")

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(x.split()[1]) / 1024 for x in text.splitlines() if x.startswith(name))

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Ends it and waits."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=60)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _family(pid: int) -> list[int]:
    """A process and those under it."""
    under = Path(f"/proc/{pid}/task").glob("*/children")
    return [
        pid,
        *(p for f in under for child in f.read_text().split() for p in _family(int(child))),
    ]


def _cpu(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / _TICKS


def _wait(process: subprocess.Popen[Any], port: int, path: str) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the service on port {port} ended with {process.returncode}")
        if _answers(port, path):
            return
        time.sleep(0.01)
    raise RuntimeError("the service did not start")


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            if not path:
                return True
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def served(root: Path) -> Process:
    """`visavis serve` on a project, ready."""
    port = free_port()
    words = [*MAIN, "-p", str(root), "--quiet", "serve", "--port", str(port)]
    return Process(words, port, env=ENV)


def load(seconds: float, *streams: Mapping[str, Any], seed: int = 7) -> dict[str, Any]:
    """Runs the load generator (load.py) in a process of its own; what it told."""
    spec = json.dumps({"seconds": seconds, "seed": seed, "streams": streams})
    words = [sys.executable, str(Path(__file__).with_name("load.py")), spec]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def warmed(*streams: Mapping[str, Any]) -> None:
    """The same load before anything counts: a service in use, not one that has just been started,
    and the disk read ahead."""
    load(WARM_SECONDS, *({**stream, "first": 98 * 10**7 + 10**9 * i}
                         for i, stream in enumerate(streams)), seed=98)  # fmt: skip


def command(root: Path, *words: str) -> None:
    """One visavis command on a project."""
    subprocess.run(
        [*MAIN, "-p", str(root), "--quiet", *words], env=ENV, check=True, stdout=subprocess.DEVNULL
    )


def keys(root: Path) -> None:
    """The write key `wk` and the secret key `sk`."""
    command(root, "keys", "create", "--kind", "write", "--key", "wk")
    command(root, "keys", "create", "--kind", "secret", "--key", "sk")


def empty_project(root: Path) -> Path:
    """A project with the traits and segments of a shop and its keys, and no people yet."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    (root / "visavis.yml").write_text("name: Bench\n")
    for kind, text in (("traits", TRAITS), ("segments", SEGMENTS)):
        (root / kind).mkdir()
        (root / kind / "shop.yml").write_text(text)
    keys(root)
    return root


def people_project(people: int = PEOPLE) -> Path:
    """A built project of invented people with 40 traits, 200 offers and a published history.

    Made once and kept for the benchmarks that follow; each starts from an empty tail.
    """
    root = WORK / f"live-{people}"
    done = root / f"done-{LAYOUT}"
    if not done.exists():
        shutil.rmtree(root, ignore_errors=True)
        say(f"making {people} people, once")
        _make(root, people)
        done.touch()
    shutil.rmtree(root / ".visavis" / "tail", ignore_errors=True)
    return root


def _make(root: Path, people: int) -> None:
    import duckdb
    import invented

    data = root / "data"
    invented.make(data, people * EVENTS_EACH, people)
    with duckdb.connect() as db:
        db.execute(
            f"copy (select 'u' || i as user_id, 'person' || i || '@mail.example' as email, "
            f"'Name ' || i % 5000 as first_name, 'City ' || i % 300 as city "
            f"from range({people}) t(i)) to '{data / 'people.parquet'}' (format parquet)"
        )
    shop.write(root, data)
    (root / "sources" / "people.yml").write_text(
        "sources:\n  people:\n    from: data/people.parquet\n    kind: records\n"
        "    identifiers: {user_id: user_id, email: email}\n"
        "    fields: {first_name: {type: text}, city: {type: text}}\n"
    )
    (root / "traits" / "given.yml").write_text(
        "traits:\n  first_name: {given: first_name}\n  city: {given: city}\n"
    )
    (root / "offers").mkdir()
    (root / "offers" / "offers.yml").write_text(_offers())
    keys(root)
    command(root, "build", "--as-of", shop.AS_OF)
    command(root, "history")


def _offers() -> str:
    """200 offers: conditions over several traits each, values by formula; ten for what was just
    seen."""
    lines = ["offers:"]
    for i in range(10):
        lines.append(
            f"  just_seen{i}: {{eligible: last_brand = 'seen{i}', value: 1000000, "
            f"placements: [home_hero], content: 'Still looking at {i}, {{{{ first_name }}}}?'}}"
        )
    tests = (
        "favourite_category = 'category {c}' and views_30d > {s}",
        "orders >= {s} and revenue_365d > {r}",
        "lifecycle = 'defecting' and favourite_channel = 'web' and revenue > {r}",
        "views > {s} and last_category = 'category {c}' and orders < 20",
        "city = 'City {p}' or viewed_category = 'category {c}'",
        "discount_share > 0.{s} and days_since_last_order > {r}",
    )
    values = ("revenue_90d / 10 + {s}", "{r}", "views_30d * {s}", "average_order_value + {s}")
    for i in range(OFFERS - 10):
        fill = {"c": i % 40, "s": i % 7, "r": i % 97, "p": i % 300}
        eligible = tests[i % len(tests)].format(**fill)
        value = values[i % len(values)].format(**fill)
        lines.append(
            f"  offer_{i}:\n    eligible: {eligible}\n    value: {value}\n"
            f"    placements: [home_hero]\n    content: 'Offer {i} for {{{{ first_name }}}}'"
        )
    return "\n".join(lines) + "\n"
