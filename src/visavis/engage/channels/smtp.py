"""E-mail by SMTP over kept connections. What the server did not clearly answer is uncertain.

From the moment the body is on its way until the server's answer nobody can tell whether it took
the message: a time-out or a dropped line there is uncertain, before it the message may be tried
again.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Sequence

import aiosmtplib
from aiosmtplib import errors

from visavis.core.offers import Channel
from visavis.engage.channels import Fate, Outgoing
from visavis.engage.channels.smtp_line import Line, LineLost
from visavis.store import crash

_NO_SUCH = (550, 551, 553)
_CLOSING = 421
_DOT = re.compile(rb"(?m)^\.")
_GONE = (
    errors.SMTPServerDisconnected,
    errors.SMTPConnectError,
    errors.SMTPTimeoutError,
    errors.SMTPReadTimeoutError,
    OSError,
    asyncio.TimeoutError,
)


class _Down(Exception):
    """No connection on which messages could be handed over; why."""


class Smtp:
    """One connection to the channel's server, opened when needed and kept."""

    knows = False

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.line: Line | None = None

    async def send(self, batch: Sequence[Outgoing]) -> list[Fate]:
        fates: list[Fate] = []
        for message in batch:
            # a server that isn't there, or refuses the log-in, is not asked again for each message
            down = bool(fates) and fates[-1].down
            fates.append(fates[-1] if down else await self._one(message))
        return fates

    async def close(self) -> None:
        line, self.line = self.line, None
        if line is not None:
            await line.quit()

    async def _one(self, message: Outgoing) -> Fate:
        if self.line is None or self.line.lost:
            try:
                self.line = await _connect(self.channel)
            except _Down as error:
                return Fate("later", str(error), down=True)
        try:
            fate = await self._envelope(self.line, message)
        except (LineLost, OSError):
            return self._lost(Fate("later", "the line dropped before the message was on its way"))
        return fate or await self._body(self.line, message)

    async def _envelope(self, line: Line, message: Outgoing) -> Fate | None:
        """Asks whether the server takes a message for the address; what became of it if not."""
        wide = not message.recipient.isascii()
        if wide and "smtputf8" not in line.extensions:
            return Fate("failed", "the server takes no such address")
        options = " SMTPUTF8 BODY=8BITMIME" if wide else ""
        start = (f"MAIL FROM:<{message.sender}>{options}", f"RCPT TO:<{message.recipient}>", "DATA")
        mail, rcpt, data = await line.ask(*start)
        if data == 354 and mail < 400 and rcpt < 400:
            return None
        if data == 354:
            # taken up although there is nobody to send to: end it empty
            line.write(b".\r\n")
            await line.reply()
        line.stale = True
        code = mail if mail >= 400 else rcpt if rcpt >= 400 else data
        return self._refused(code, recipient=mail < 400 <= rcpt)

    async def _body(self, line: Line, message: Outgoing) -> Fate:
        crash.point("smtp-before-data")
        try:
            line.write(_DOT.sub(b"..", message.mail) + b".\r\n")
            code = await line.reply()
        except (LineLost, OSError):
            return self._lost(Fate("uncertain", "the line dropped before the server's answer"))
        crash.point("smtp-after-data")
        return Fate("sent") if code < 400 else self._refused(code)

    def _refused(self, code: int, recipient: bool = False) -> Fate:
        """A clear no: 4xx may be tried again, 5xx is for good; of a recipient it is a hard bounce,
        which suppresses the address."""
        if code == _CLOSING:
            self._drop()
        if 400 <= code < 500:
            return Fate("later", f"the server answered {code}")
        hard = "hard: " if recipient and code in _NO_SUCH else ""
        return Fate("failed", f"{hard}the server answered {code}")

    def _lost(self, fate: Fate) -> Fate:
        self._drop()
        return fate

    def _drop(self) -> None:
        line, self.line = self.line, None
        if line is not None:
            line.close()


async def _connect(channel: Channel) -> Line:
    """Greeting, TLS and login, until messages can be handed over."""
    client = aiosmtplib.SMTP(
        hostname=channel.host,
        port=channel.port,
        timeout=channel.timeout_ms / 1000,
        use_tls=channel.security == "tls",
        start_tls=channel.security == "starttls",
        tls_context=ssl.create_default_context() if channel.security != "none" else None,
    )
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
    except errors.SMTPResponseException as error:
        raise _Down(f"the server answered {error.code}") from error
    except (errors.SMTPException, ValueError, *_GONE) as error:
        raise _Down("the server could not be reached") from error
    await _login(client, channel)
    assert client.transport is not None
    names = frozenset(name.lower() for name in client.esmtp_extensions)
    return Line(client.transport, names, channel.timeout_ms / 1000)


async def _login(client: aiosmtplib.SMTP, channel: Channel) -> None:
    user = os.environ.get(channel.user_variable or "", "")
    password = os.environ.get(channel.password_variable or "", "")
    if not user:
        return
    try:
        await client.login(user, password)
    except (errors.SMTPException, ValueError, *_GONE) as error:
        client.close()
        raise _Down("the server refused the user name or password") from error
