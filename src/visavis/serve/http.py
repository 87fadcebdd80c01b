"""The small part of ASGI that the service speaks: requests in, answers out, errors as JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

_ESCAPES = frozenset(b"%+")
JSON_TYPE: Header = (b"content-type", b"application/json")


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A whole response."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = (JSON_TYPE,)


class Refused(Exception):
    """Ends a request with an error; `code` is stable, `message` is for people."""

    def __init__(self, status: int, code: str, message: str, *headers: Header) -> None:
        super().__init__(code)
        self.answer = error(status, code, message, *headers)


@dataclass(slots=True)
class Request:
    """A request: path parts by name in `parts`, header names in lower case."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    receive: Receive
    parts: Mapping[str, str] = field(default_factory=dict)

    def asked(self) -> dict[str, str]:
        """The fields of the query; of one given twice the last. Raw UTF-8 is read as escaped."""
        query = self.query
        if not query:
            return {}
        if _ESCAPES.isdisjoint(query) and query.isascii():
            pairs = [pair.partition("=") for pair in query.decode().split("&")]
            return {name: value for name, _, value in pairs if value}
        return dict(parse_qsl(query.decode("utf-8", "replace")))


def error(status: int, code: str, message: str, *headers: Header) -> Answer:
    """An error as every client can bear it: JSON with code and message."""
    body = json.dumps({"success": False, "code": code, "message": message}).encode()
    return Answer(status, body, (JSON_TYPE, *headers))


def as_json(value: Any, status: int = 200) -> Answer:
    """A value as JSON."""
    return Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


async def reply(send: Send, answer: Answer, more: tuple[Header, ...] = ()) -> None:
    """Sends a whole response."""
    length = (b"content-length", str(len(answer.body)).encode())
    headers = [*answer.headers, length, *more]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
