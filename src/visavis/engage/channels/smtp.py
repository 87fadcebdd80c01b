"""E-mail by SMTP over kept connections. What the server did not clearly answer is uncertain.

From the moment the body is on its way until the server's answer nobody can tell whether it took
the message: a time-out or a dropped line there is uncertain, before it the message may be tried
again.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Sequence
from email.policy import SMTP as POLICY
from email.policy import SMTPUTF8

import aiosmtplib
from aiosmtplib import errors

from visavis.core.offers import Channel
from visavis.engage.channels import LONGEST, Fate, Outgoing
from visavis.store import crash

_NO_SUCH = (550, 551, 553)
_PLAIN = POLICY.clone(max_line_length=LONGEST)
_WIDE = SMTPUTF8.clone(max_line_length=LONGEST)
_GONE = (
    errors.SMTPServerDisconnected,
    errors.SMTPConnectError,
    errors.SMTPTimeoutError,
    errors.SMTPReadTimeoutError,
    OSError,
    asyncio.TimeoutError,
)


class Smtp:
    """One connection to the channel's server, opened when needed and kept."""

    knows = False

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.client: aiosmtplib.SMTP | None = None

    async def send(self, batch: Sequence[Outgoing]) -> list[Fate]:
        return [await self._one(message) for message in batch]

    async def close(self) -> None:
        client, self.client = self.client, None
        if client is None:
            return
        try:
            await client.quit(timeout=2)
        except (errors.SMTPException, *_GONE):
            client.close()

    async def _one(self, message: Outgoing) -> Fate:
        try:
            client = await self._connected()
            await self._envelope(client, message)
        except errors.SMTPAuthenticationError:
            return self._lost("later", "the server refused the user name or password")
        except errors.SMTPRecipientRefused as error:
            return await self._refused(error.code, recipient=True)
        except errors.SMTPResponseException as error:
            return await self._refused(error.code)
        except errors.SMTPException:
            return self._lost("later", "the server could not be spoken to")
        except _GONE:
            return self._lost("later", "the server could not be reached")
        return await self._body(client, message)

    async def _connected(self) -> aiosmtplib.SMTP:
        if self.client is None or not self.client.is_connected:
            self.client = await _connect(self.channel)
        return self.client

    async def _envelope(self, client: aiosmtplib.SMTP, message: Outgoing) -> None:
        wide = not message.recipient.isascii()
        options = (
            ["SMTPUTF8", "BODY=8BITMIME"] if wide and client.supports_extension("smtputf8") else []
        )
        sender = str(message.mail["From"].addresses[0].addr_spec)
        encoding = "utf-8" if options else "ascii"
        try:
            await client.mail(sender, options=options, encoding=encoding)
            await client.rcpt(message.recipient, encoding=encoding)
        except UnicodeEncodeError as error:
            raise errors.SMTPResponseException(553, "non-ASCII address") from error

    async def _body(self, client: aiosmtplib.SMTP, message: Outgoing) -> Fate:
        wide = not message.recipient.isascii()
        raw = message.mail.as_bytes(policy=_WIDE if wide else _PLAIN)
        crash.point("smtp-before-data")
        try:
            await client.data(raw)
        except errors.SMTPDataError as error:
            return await self._refused(error.code)
        except errors.SMTPResponseException as error:
            return await self._refused(error.code)
        except (errors.SMTPException, *_GONE):
            return self._lost("uncertain", "the line dropped before the server's answer")
        crash.point("smtp-after-data")
        return Fate("sent")

    async def _refused(self, code: int, recipient: bool = False) -> Fate:
        """A clear no: 4xx may be tried again, 5xx is for good; of a recipient it is a hard bounce,
        which suppresses the address."""
        if self.client is not None:
            try:
                await self.client.rset()
            except (errors.SMTPException, *_GONE):
                self._drop()
        if 400 <= code < 500:
            return Fate("later", f"the server answered {code}")
        hard = "hard: " if recipient and code in _NO_SUCH else ""
        return Fate("failed", f"{hard}the server answered {code}")

    def _lost(self, what: str, reason: str) -> Fate:
        self._drop()
        return Fate("uncertain" if what == "uncertain" else "later", reason)

    def _drop(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            client.close()


async def _connect(channel: Channel) -> aiosmtplib.SMTP:
    client = aiosmtplib.SMTP(
        hostname=channel.host,
        port=channel.port,
        timeout=channel.timeout_ms / 1000,
        use_tls=channel.security == "tls",
        start_tls=channel.security == "starttls",
        tls_context=ssl.create_default_context() if channel.security != "none" else None,
    )
    await client.connect()
    user = os.environ.get(channel.user_variable or "", "")
    password = os.environ.get(channel.password_variable or "", "")
    if user:
        await client.login(user, password)
    return client
