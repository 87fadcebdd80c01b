"""The usual assembly for collecting: FastAPI on uvicorn in front of PostgreSQL, by asyncpg.

A single event is one prepared INSERT, a batch one COPY; 200 once the transaction is committed. The
table has no index and no key, which only helps it: repeats are not told. Runs in the peers' venv.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI
from pydantic import BaseModel


class Event(BaseModel):
    type: str
    messageId: str  # noqa: N815
    userId: str | None = None  # noqa: N815
    anonymousId: str | None = None  # noqa: N815
    event: str | None = None
    timestamp: str | None = None
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Batch(BaseModel):
    batch: list[Event]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await asyncpg.create_pool(os.environ["PEER_DSN"], min_size=16, max_size=16)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)
_INSERT = "INSERT INTO events (message_id, body) VALUES ($1, $2)"


@app.get("/ready")
async def ready() -> dict[str, bool]:
    return {"ready": True}


@app.post("/v1/t")
async def one(event: Event) -> dict[str, bool]:
    await app.state.pool.execute(_INSERT, event.messageId, event.model_dump_json())
    return {"success": True}


@app.post("/v1/batch")
async def many(body: Batch) -> dict[str, bool]:
    rows = [(event.messageId, event.model_dump_json()) for event in body.batch]
    async with app.state.pool.acquire() as connection:
        await connection.copy_records_to_table(
            "events", records=rows, columns=["message_id", "body"]
        )
    return {"success": True}
