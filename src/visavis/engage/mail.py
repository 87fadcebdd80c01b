"""A rendered message as e-mail: text and HTML parts, and the headers that receivers ask for.

Written as bytes at once: the standard library's message objects cost more than all the rest of
sending together. Lines end in CRLF, none is longer than 998 bytes (RFC 5322).
"""

from __future__ import annotations

from binascii import b2a_base64, b2a_qp
from collections.abc import Mapping
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache

from visavis.core.clock import to_datetime
from visavis.core.offers import Channel

_LONGEST = 990
_NOT_IN_ADDRESS = frozenset('<>,;:()[]\\"')


def recipient(address: str) -> str:
    """An address as it can stand in an envelope: a foreign domain in its ASCII form (IDNA).

    Raises ValueError for what can't.
    """
    user, at, domain = address.rpartition("@")
    bad = "@" in user or any(c <= " " or c == "\x7f" or c in _NOT_IN_ADDRESS for c in address)
    if bad or not (user and at and domain):
        raise ValueError("not an address")
    if not domain.isascii():
        domain = domain.encode("idna").decode("ascii")
    return f"{user}@{domain}"


@lru_cache(maxsize=64)
def sender_of(channel_sender: str) -> tuple[str, str]:
    """The From header and the envelope's sender of a channel's `from`."""
    name, address = parseaddr(channel_sender)
    return formataddr((name, address), "utf-8"), address


def compose(
    message_id: str,
    to: str,
    parts: Mapping[str, str],
    channel: Channel,
    language: str,
    at_ms: int,
    unsubscribe: str | None,
) -> bytes:
    """The whole mail to an address that `recipient` gave.

    `unsubscribe` is the signed link of RFC 8058 (one click, no page).
    """
    sender, address = sender_of(channel.sender)
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {_subject(parts.get('subject', ''))}",
        f"Date: {_date(at_ms)}",
        f"Message-ID: <{message_id}@{address.rpartition('@')[2] or 'localhost'}>",
        f"Content-Language: {_one_line(language)}",
        f"X-Visavis-Message: {message_id}",
    ]
    if channel.reply_to:
        lines.append(f"Reply-To: {_one_line(channel.reply_to)}")
    if unsubscribe:
        lines.append(f"List-Unsubscribe: <{_one_line(unsubscribe)}>")
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    lines.append("MIME-Version: 1.0\r\n")
    head = "\r\n".join(lines).encode()
    html = parts.get("html")
    text = _part("plain", parts.get("text") or as_text(html or ""))
    if not html:
        return head + text
    edge = f"=_{message_id}".encode()
    return b"".join((
        head, b'Content-Type: multipart/alternative; boundary="', edge, b'"\r\n\r\n--', edge,
        b"\r\n", text, b"\r\n--", edge, b"\r\n", _part("html", html), b"\r\n--", edge, b"--\r\n",
    ))  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=256)
def _date(at_ms: int) -> str:
    return format_datetime(to_datetime(at_ms))


@lru_cache(maxsize=4096)
def _subject(text: str) -> str:
    """In words of RFC 2047 where it isn't plain ASCII, folded where it is long."""
    line = _one_line(text)
    if line.isascii() and line.isprintable() and len(line) < 60 and "=?" not in line:
        return line
    return Header(line, "utf-8", header_name="Subject").encode(linesep="\r\n")


def _part(kind: str, text: str) -> bytes:
    """A body with its headers: as it stands where it is ASCII of short lines, else encoded."""
    raw = "\r\n".join([*text.splitlines(), ""]).encode()
    how, shown = "7bit", raw
    if not text.isascii() or max(map(len, raw.split(b"\r\n"))) > _LONGEST:
        how, shown = _encoded(raw)
    charset = "us-ascii" if text.isascii() else "utf-8"
    return (
        f'Content-Type: text/{kind}; charset="{charset}"\r\n'
        f"Content-Transfer-Encoding: {how}\r\n\r\n"
    ).encode() + shown


def _encoded(raw: bytes) -> tuple[str, bytes]:
    """The shorter of the two: words with some accents stay readable, Chinese is base64."""
    quoted = b2a_qp(raw, istext=True)
    if len(quoted) * 3 < len(raw) * 4:
        return "quoted-printable", quoted
    chunks = (b2a_base64(raw[i : i + 57], newline=False) for i in range(0, len(raw), 57))
    return "base64", b"\r\n".join(chunks) + b"\r\n"


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
