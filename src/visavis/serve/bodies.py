"""Bodies as clients send them: in parts, gzipped or not, JSON or a form with JSON in it."""

from __future__ import annotations

import asyncio
import binascii
import zlib
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from visavis.serve.http import Refused, Request

SLOWEST_SECONDS = 20.0
"""A body has to be there within this time."""
MOST_RECEIVING = 64 * 1024**2
"""Bytes of bodies that may be half received at a time; beyond it the answer is 503."""
_GZIP, _ZLIB = b"\x1f\x8b", (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


async def body_of(request: Request, most: int, refusal: int = 400) -> bytes:
    """The body, unpacked; raises Refused when it is larger than `most` bytes or unreadable."""
    return plain(await _received(request, most, refusal), most, refusal)


def plain(raw: bytes, most: int, refusal: int = 400) -> bytes:
    """A body that is there, unpacked; raises Refused as `body_of`."""
    if len(raw) > most:
        raise too_large(most, refusal)
    raw = unpacked(raw, most, refusal)
    if raw.startswith(b"data="):
        raw = unpacked(_form(raw), most, refusal)
    return raw


async def _received(request: Request, most: int, refusal: int) -> bytes:
    length = request.headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > most:
        raise too_large(most, refusal)
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise Refused(400, "incomplete", "the request ended before its body")
    first: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return first
    try:
        async with asyncio.timeout(SLOWEST_SECONDS):
            return await _rest(request, [first], most, refusal)
    except TimeoutError:
        close = (b"connection", b"close")
        raise Refused(408, "too-slow", "the body did not come in time", close) from None


class _Receiving:
    """Bytes of bodies that are half received."""

    total = 0


async def _rest(request: Request, parts: list[bytes], most: int, refusal: int) -> bytes:
    size, more = len(parts[0]), True
    _Receiving.total += size
    try:
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "incomplete", "the request ended before its body")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            _Receiving.total += len(parts[-1])
            if size > most:
                raise too_large(most, refusal)
            more = message.get("more_body", False)
            if more and _Receiving.total > MOST_RECEIVING:
                headers = ((b"retry-after", b"1"), (b"connection", b"close"))
                raise Refused(503, "busy", "too much is coming in; send it again", *headers)
    finally:
        _Receiving.total -= size
    return b"".join(parts)


def too_large(most: int, refusal: int) -> Refused:
    """The refusal of a body beyond its limit."""
    close = (b"connection", b"close")
    return Refused(refusal, "too-large", f"a body has at most {most} bytes here", close)


def unpacked(raw: bytes, most: int, refusal: int = 400) -> bytes:
    """The body without gzip or deflate, told by its first bytes: clients forget the header."""
    if not raw.startswith((_GZIP, *_ZLIB)):
        return raw
    unpacker = zlib.decompressobj(wbits=47)  # either of the two
    try:
        found = unpacker.decompress(raw, most + 1)
    except zlib.error:
        raise Refused(400, "bad-gzip", "the body can't be unpacked") from None
    if len(found) > most:
        raise too_large(most, refusal)
    if not unpacker.eof:
        raise Refused(400, "bad-gzip", "the body can't be unpacked")
    return found


def _form(raw: bytes) -> bytes:
    """The field `data` of a form: JSON, or JSON or gzip in base64."""
    field = raw[5:].split(b"&", 1)[0]
    text = unquote_to_bytes(field.replace(b"+", b" ")).strip()
    if text[:1] in (b"{", b"["):
        return text
    packed = text.replace(b" ", b"+")
    try:
        return b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        raise Refused(400, "bad-form", "the field 'data' is neither JSON nor base64") from None
