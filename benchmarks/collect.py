"""Collection: durable requests a second, single and in batches, beside what the disk itself takes.

The service and the load generator are two processes on this machine. The generator keeps a number
of connections busy and counts answers; an answer counts only if it is a 200.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import REPEATS, SCALE, WORK, emit, median, result, say

SECONDS = 4.0 * min(1.0, SCALE)
CONNECTIONS = 64
BATCH = 100
_SRC = Path(__file__).parent.parent / "src"
_MAIN = [sys.executable, "-c", "from visavis.cli.main import main; main()"]
_ENV = {**os.environ, "PYTHONPATH": str(_SRC)}


def event(number: int) -> dict[str, object]:
    """An event as a browser sends it, about 600 bytes."""
    return {
        "type": "track", "event": "Product Viewed", "userId": f"user-{number % 5000}",
        "anonymousId": f"485ce1ac-47a6-430e-b468-{number % 9999:012}",
        "messageId": f"ajs-next-1795289826079-{number:012}-e1ac47a6",
        "timestamp": "2026-11-21T19:37:06.079Z", "sentAt": "2026-11-21T19:37:06.100Z",
        "properties": {"product_id": f"p{number % 700}", "price": 12.75, "category": "tea"},
        "context": {"library": {"name": "analytics.js", "version": "npm:next-1.84.3"},
                    "page": {"path": "/tea", "url": "https://shop.example/tea", "title": "Tea"},
                    "userAgent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
                    "locale": "en-US", "timezone": "Europe/Berlin"},
    }  # fmt: skip


def request(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Write-Key: wk\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Sender(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last is in."""

    def __init__(self, requests: list[bytes], end: float, done: asyncio.Future[None]) -> None:
        self.requests, self.end, self.done = requests, end, done
        self.sent = self.good = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        # an answer's head and body may come apart: one head, one answer
        if b"HTTP/1.1 " not in data:
            return
        self.good += data.count(b"HTTP/1.1 200")
        if time.perf_counter() >= self.end:
            self.transport.close()
        else:
            self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        self.transport.write(self.requests[self.sent % len(self.requests)])
        self.sent += 1


async def _load(port: int, requests: list[bytes], seconds: float) -> int:
    loop = asyncio.get_running_loop()
    end = time.perf_counter() + seconds
    senders = []
    for i in range(CONNECTIONS):
        done = loop.create_future()
        own = requests[i::CONNECTIONS] or requests
        _, sender = await loop.create_connection(
            lambda own=own, done=done: _Sender(own, end, done), "127.0.0.1", port
        )
        senders.append(sender)
    await asyncio.gather(*(s.done for s in senders))
    return sum(s.good for s in senders)


def generate(port: int, path: str, batch: int, seconds: float) -> None:
    """The load generator: prints requests a second that were answered 200."""
    import uvloop

    if batch == 1:
        bodies = [json.dumps(event(i)).encode() for i in range(6400)]
    else:
        bodies = [
            json.dumps({"batch": [event(i * batch + j) for j in range(batch)]}).encode()
            for i in range(128)
        ]
    good = uvloop.run(_load(port, [request(path, body) for body in bodies], seconds))
    print(good / seconds)


def _served(root: Path, path: str, batch: int) -> tuple[float, float]:
    """Requests a second, and CPU seconds of the service per 1,000 requests."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    words = [*_MAIN, "-p", str(root), "--quiet", "serve", "--port", str(port)]
    with subprocess.Popen(words, env=_ENV) as server:
        _wait(port)
        own = [sys.executable, __file__, str(port), path, str(batch), str(SECONDS)]
        rate = float(subprocess.run(own, capture_output=True, text=True, check=True).stdout)
        server.terminate()
        _, _, usage = os.wait4(server.pid, 0)
        server.returncode = 0
    return rate, (usage.ru_utime + usage.ru_stime) / max(rate * SECONDS, 1) * 1000


def _wait(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("the service did not start")


def _bare(folder: Path, size: int) -> float:
    """Appends of a batch's bytes with fdatasync, a second, by a process that does only this."""
    data = os.urandom(size)
    file = os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    end, count = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end:
        os.write(file, data)
        os.fdatasync(file)
        count += 1
    os.close(file)
    (folder / "bare").unlink()
    return count / SECONDS


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        root = Path(name)
        (root / "visavis.yml").write_text("name: Bench\n")
        words = [*_MAIN, "-p", name, "keys", "create", "--kind", "write", "--key", "wk"]
        subprocess.run(words, env=_ENV, check=True, capture_output=True)
        size = len(json.dumps({"batch": [event(j) for j in range(BATCH)]}))
        single, batches, bare, cpu = [], [], [], []
        for _ in range(REPEATS):
            rate, spent = _served(root, "/v1/t", 1)
            single.append(rate)
            cpu.append(spent)
            batches.append(_served(root, "/v1/batch", BATCH)[0])
            bare.append(_bare(root, size))
            say(f"single {single[-1]:.0f}/s, batches {batches[-1]:.0f}/s, bare {bare[-1]:.0f}/s")
    emit(
        result(
            "collect single events, durable requests/s", median(single), None, peer_version="none",
            target=10_000, met=median(single) >= 10_000, spread=single,
            cpu_ms_per_request=round(median(cpu), 4),
        )
    )  # fmt: skip
    ratio = median(batches) / median(bare)
    emit(
        result(
            "collect batches of 100, durable requests/s", median(batches), median(bare),
            peer_version="append + fdatasync of the same bytes", target=">= 0.4",
            met=ratio >= 0.4, spread=batches, events_per_second=round(median(batches) * BATCH),
        )
    )  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) == 5:
        generate(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
