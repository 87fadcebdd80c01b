"""Signed links: what a person may do with nothing but a link that we sent them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from visavis.core.consent import Address

_LENGTH = 16


def unsubscribe_token(key: bytes, address: Address, channel: str, purpose: str) -> str:
    """The token that takes back consent for an address, a channel and a purpose (RFC 8058)."""
    said = json.dumps([*address, channel, purpose], ensure_ascii=False, separators=(",", ":"))
    body = said.encode()
    return _text(_sign(key, body) + body)


def read_token(key: bytes, token: str) -> tuple[Address, str, str] | None:
    """(address, channel, purpose) of a token that this project signed, else None."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        signature, body = raw[:_LENGTH], raw[_LENGTH:]
        if not hmac.compare_digest(signature, _sign(key, body)):
            return None
        kind, value, channel, purpose = json.loads(body)
    except (ValueError, UnicodeError):
        return None
    return (str(kind), str(value)), str(channel), str(purpose)


def _sign(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, b"unsubscribe\x1f" + body, hashlib.sha256).digest()[:_LENGTH]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
