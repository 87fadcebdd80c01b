"""A collector in front of redis-server's streams: a bare ASGI application on uvicorn, redis-py.

An event is one XADD, a batch one pipeline of them; 200 once Redis has answered, which with
appendfsync always is once they are on disk. Runs in the peers' venv.
"""

from __future__ import annotations

import json
import os
from typing import Any

import redis.asyncio as redis

_OK = [
    {"type": "http.response.start", "status": 200,
     "headers": [(b"content-type", b"application/json"), (b"content-length", b"16")]},
    {"type": "http.response.body", "body": b'{"success":true}'},
]  # fmt: skip
server = redis.Redis(port=int(os.environ["PEER_PORT"]), max_connections=64)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if body:
        await _store(scope["path"], body)
    for part in _OK:
        await send(part)


async def _store(path: str, body: bytes) -> None:
    said = json.loads(body)
    if path != "/v1/batch":
        await server.xadd("events", {"e": body})
        return
    pipeline = server.pipeline(transaction=False)
    for event in said["batch"]:
        pipeline.xadd("events", {"e": json.dumps(event)})
    await pipeline.execute()
