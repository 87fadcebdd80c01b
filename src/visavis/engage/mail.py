"""A rendered message as e-mail: text and HTML parts, and the headers that receivers ask for."""

from __future__ import annotations

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from visavis.core.clock import to_datetime
from visavis.core.offers import Channel


def recipient(address: str) -> str:
    """An address that can stand in an envelope; raises ValueError for what can't."""
    if any(c in address for c in "\r\n\0 <>,;") or address.count("@") != 1:
        raise ValueError("not an address")
    user, _, domain = address.partition("@")
    if not user or not domain:
        raise ValueError("not an address")
    return address


def compose(
    message_id: str,
    to: str,
    parts: Mapping[str, str],
    channel: Channel,
    language: str,
    at_ms: int,
    unsubscribe: str | None,
) -> EmailMessage:
    """The whole mail. `unsubscribe` is the signed link of RFC 8058 (one click, no page).

    Raises ValueError for an address that is none.
    """
    mail = EmailMessage()
    name, sender = parseaddr(channel.sender)
    user, _, domain = sender.partition("@")
    mail["From"] = Address(name, user, domain)
    local, _, host = recipient(to).partition("@")
    mail["To"] = Address("", local, host)
    if channel.reply_to:
        mail["Reply-To"] = channel.reply_to
    mail["Subject"] = parts.get("subject", "")
    mail["Date"] = format_datetime(to_datetime(at_ms))
    mail["Message-ID"] = f"<{message_id}@{domain or 'localhost'}>"
    mail["Content-Language"] = language
    mail["X-Visavis-Message"] = message_id
    if unsubscribe:
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(parts.get("text") or as_text(parts.get("html", "")))
    if parts.get("html"):
        mail.add_alternative(parts["html"], subtype="html")
    return mail


def as_text(html: str) -> str:
    """The words of an HTML part, for readers without HTML."""
    from html.parser import HTMLParser

    class Words(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []
            self.hidden = 0

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.hidden += tag in ("style", "script", "head", "title")
            if tag in ("p", "br", "div", "tr", "li", "h1", "h2", "h3"):
                self.found.append("\n")

        def handle_endtag(self, tag: str) -> None:
            self.hidden -= tag in ("style", "script", "head", "title")

        def handle_data(self, data: str) -> None:
            if not self.hidden:
                self.found.append(data)

    words = Words()
    words.feed(html)
    lines = (" ".join(line.split()) for line in "".join(words.found).splitlines())
    return "\n".join(line for line in lines if line) + "\n"
