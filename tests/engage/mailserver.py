"""A real SMTP server for tests, and servers that behave badly."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Received:
    """Keeps every message; answers as told by `answers` (recipient -> reply)."""

    def __init__(self, answers: dict[str, str] | None = None) -> None:
        self.answers = answers or {}
        self.mails: list[tuple[str, Any]] = []

    async def handle_RCPT(  # noqa: N802 - the server's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        for address in envelope.rcpt_tos:
            self.mails.append((address, message_from_bytes(envelope.content)))
        return "250 OK"

    def ids(self) -> list[str]:
        return [mail["X-Visavis-Message"] for _, mail in self.mails]


@contextmanager
def server(answers: dict[str, str] | None = None) -> Iterator[tuple[int, Received]]:
    """A mail server on a free port of this machine."""
    received = Received(answers)
    controller = Controller(received, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield controller.port, received
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def odd_server(at: str) -> Iterator[tuple[int, list[str]]]:
    """A server that takes the greeting, and at a stage ("connect", "rcpt", "data") says nothing
    more ("hang-...") or drops the line ("drop-...")."""
    listener = socket.create_server(("127.0.0.1", 0))
    bodies: list[str] = []
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_talk, args=(connection, at, bodies, stop), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1], bodies
    finally:
        stop.set()
        listener.close()


def _talk(connection: socket.socket, at: str, bodies: list[str], stop: threading.Event) -> None:
    how, _, stage = at.partition("-")

    def ends() -> bool:
        if how == "drop":
            connection.close()
        else:
            stop.wait(20)
        return True

    with connection:
        if stage == "connect" and ends():
            return
        connection.sendall(b"220 odd\r\n")
        file = connection.makefile("rb")
        for line in file:
            verb = line.split()[0].upper()
            if verb == b"RCPT" and stage == "rcpt" and ends():
                return
            if verb == b"DATA":
                connection.sendall(b"354 go\r\n")
                body = b""
                for part in file:
                    if part == b".\r\n":
                        break
                    body += part
                bodies.append(body.decode())
                if stage == "data" and ends():
                    return
            connection.sendall(b"250 OK\r\n")
