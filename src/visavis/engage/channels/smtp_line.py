"""The conversation that hands messages over: commands in groups where the server allows it
(pipelining, RFC 2920), each with its reply in order."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

_LONGEST_REPLY = 65_536


class LineLost(Exception):
    """The connection is gone, was too slow, or spoke no SMTP."""


class Line(asyncio.Protocol):
    """Takes over an open connection on which nothing is being waited for."""

    def __init__(
        self, transport: asyncio.BaseTransport, extensions: frozenset[str], timeout: float
    ) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.extensions, self.timeout = extensions, timeout
        self.lost = transport.is_closing()
        self.stale = False
        """Whether the last message was given up half way: the next one begins anew."""
        self._buffer = bytearray()
        self._codes: deque[int] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self.transport.set_protocol(self)

    async def ask(self, *commands: str) -> list[int]:
        """The reply codes to commands; they are sent at once where the server allows it."""
        lines = [command.encode() + b"\r\n" for command in commands]
        if self.stale:
            self.stale = False
            await self._all([b"RSET\r\n"])
        return await self._all(lines)

    async def _all(self, lines: list[bytes]) -> list[int]:
        if "pipelining" in self.extensions:
            self.write(b"".join(lines))
            return [await self.reply() for _ in lines]
        codes: list[int] = []
        for line in lines:
            if codes and codes[-1] >= 400:
                codes.append(codes[-1])
                continue
            self.write(line)
            codes.append(await self.reply())
        return codes

    def write(self, data: bytes) -> None:
        """Hands bytes to the connection; raises LineLost where there is none any more."""
        if self.lost or self.transport.is_closing():
            raise LineLost
        self.transport.write(data)

    async def reply(self) -> int:
        """The code of the next reply; raises LineLost."""
        while not self._codes:
            if self.lost:
                raise LineLost
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(self.timeout):
                    await self._waiter
            except TimeoutError as error:
                self.close()
                raise LineLost from error
            finally:
                self._waiter = None
        return self._codes.popleft()

    async def quit(self) -> None:
        """Says goodbye, and waits for no more than a moment."""
        self.timeout = min(self.timeout, 2.0)
        try:
            self.write(b"QUIT\r\n")
            await self.reply()
        except LineLost:
            pass
        self.close()

    def close(self) -> None:
        """Ends the connection at once."""
        self.lost = True
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if line[3:4] != b"-":
                self._take(line[:3])
        if len(self._buffer) > _LONGEST_REPLY:
            self.close()
        self._wake()

    def _take(self, code: bytes) -> None:
        if code.isdigit() and len(code) == 3:
            self._codes.append(int(code))
        else:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._wake()

    def eof_received(self) -> bool:
        self.lost = True
        self._wake()
        return False

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
