"""A mail server that takes every message and keeps none: prints its port, ends with its parent.

Counts message ids; on the command REPORT it answers how many messages and how many distinct ones.
"""

from __future__ import annotations

import asyncio
import sys
from typing import ClassVar

EHLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 0\r\n"


class Sink(asyncio.Protocol):
    """One connection; answers what has come, all at once, as pipelining asks for."""

    ids: ClassVar[set[bytes]] = set()
    count: ClassVar[int] = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]
        self.buffer, self.body = b"", False
        self.transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answers = []
        while True:
            end = self.buffer.find(b"\r\n.\r\n" if self.body else b"\r\n")
            if end < 0:
                break
            if self.body:
                self._take(self.buffer[:end])
                self.buffer = self.buffer[end + 5 :]
                self.body = False
                answers.append(b"250 taken\r\n")
                continue
            line, self.buffer = self.buffer[:end].upper(), self.buffer[end + 2 :]
            answers.append(self._answer(line))
        if answers:
            self.transport.write(b"".join(answers))
        if self.transport.is_closing():
            return

    def _answer(self, line: bytes) -> bytes:
        if line.startswith(b"EHLO"):
            return EHLO
        if line == b"DATA":
            self.body = True
            return b"354 go\r\n"
        if line == b"QUIT":
            return b"221 bye\r\n"
        if line == b"REPORT":
            return f"250 {Sink.count} {len(Sink.ids)}\r\n".encode()
        return b"250 ok\r\n"

    def _take(self, body: bytes) -> None:
        Sink.count += 1
        start = body.lower().find(b"message-id:")
        Sink.ids.add(body[start : body.find(b"\r\n", start)])


async def main() -> None:
    """Serves until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


asyncio.run(main())
