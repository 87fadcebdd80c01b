"""Which key a request carries: by precedence X-Write-Key, Basic user name, query, body.

Where a higher one is there, a lower one is not looked at.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from functools import lru_cache

from visavis.flow.live import Key, Keyring
from visavis.serve.http import Refused, Request

_IN_QUERY = ("writeKey", "write_key", "api_key", "token")


def outer_key(request: Request) -> str | None:
    """The key in the headers or the query; None when it may stand in the body."""
    headers = request.headers
    given = headers.get(b"x-write-key")
    if given:
        return _text(given)
    authorization = headers.get(b"authorization")
    if authorization:
        key = _authorized(authorization)
        if key:
            return key
    asked = request.asked()
    return next((asked[name] for name in _IN_QUERY if asked.get(name)), None)


def secret_key(request: Request) -> str | None:
    """A key that may be secret: it comes as Basic user name or Bearer, so that no log has it."""
    if request.headers.get(b"x-write-key"):
        return None
    return _authorized(request.headers.get(b"authorization", b""))


@lru_cache(maxsize=1024)
def _authorized(header: bytes) -> str | None:
    scheme, _, rest = header.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return _text(rest)
    if scheme.lower() != b"basic":
        return None
    try:
        plain = b64decode(rest.strip(), validate=True)
    except binascii.Error:
        return _text(rest) or None
    # clients write KEY:, and a key may itself have a colon in it
    name = plain[:-1] if plain.endswith(b":") else plain.partition(b":")[0]
    return _text(name)


def _text(header: bytes) -> str:
    try:
        return header.strip().decode()
    except UnicodeDecodeError:
        return header.strip().decode("latin-1")


def allowed(keyring: Keyring, text: str | None, kind: str, by_id: bool = False) -> Key:
    """The key, if it is one of the kind; raises Refused 401.

    `by_id`: of a text `id:secret`, which Jitsu's clients insist on, the id alone is the key.
    """
    if text:
        key = keyring.find(text)
        if key is None and by_id and ":" in text:
            key = keyring.find(text.partition(":")[0])
        if key is not None and key.kind == kind:
            return key
    raise Refused(401, "wrong-key", f"this needs a {kind} key of the project")
