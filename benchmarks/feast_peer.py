"""Feast's feature server as the peer of profile reads: its SQLite and its Redis online store.

It gets fewer people than we (writing a million takes it long), which only helps it.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import live
import peers
from harness import SCALE, SIDES, say

PEOPLE = max(1_000, int(20_000 * SCALE))
VERSION = peers.FEAST[0].partition("==")[2]
_CONNECTIONS = 16


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, int]]:
    """Ports of the feature servers that run, by store; empty where Feast can't be installed."""
    python = peers.environment("feast", peers.FEAST)
    found: dict[str, int] = {}
    with ExitStack() as stack:
        if python is not None:
            sqlite = {"type": "sqlite", "path": str(folder / "sqlite" / "online.db")}
            found["SQLite"] = stack.enter_context(_server(python, folder / "sqlite", sqlite))
            redis = stack.enter_context(peers.redis(folder / "redis", "--appendonly", "no"))
            if redis is not None:
                at = {"type": "redis", "connection_string": f"127.0.0.1:{redis.port}"}
                found["Redis"] = stack.enter_context(_server(python, folder / "feast", at))
        yield found


@contextmanager
def _server(python: Path, folder: Path, online: dict[str, str]) -> Iterator[int]:
    folder.mkdir(parents=True)
    config = {
        "project": "bench", "registry": str(folder / "registry.db"), "provider": "local",
        "entity_key_serialization_version": 3, "offline_store": {"type": "file"},
        "online_store": online,
    }  # fmt: skip
    (folder / "feature_store.yaml").write_text(json.dumps(config))
    say(f"filling Feast's {online['type']} store with {PEOPLE} people")
    env = {**os.environ, "FEAST_USAGE": "False"}
    script = str(SIDES / "peer_feast.py")
    subprocess.run([str(python), script, str(folder), str(PEOPLE)], check=True, env=env)
    port = live.free_port()
    feast = str(python.with_name("feast"))
    # 0: else its workers start anew after a thousand requests and drop their connections
    words = [feast, "-c", str(folder), "serve", "--port", str(port), "--no-access-log",
             "--workers", "2", "--max-requests", "0"]  # fmt: skip
    log = (folder / "log").open("wb")
    with live.Process(words, port, "/health", env=env, stdout=log, stderr=log):
        yield port


def rate(port: int, seconds: float) -> float:
    """Reads a second of one person with all features, as fast as it answers."""
    body = json.dumps({"feature_service": "all", "entities": {"user_id": ["{user}"]}})
    request = (
        "POST /get-online-features HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {{length}}\r\n\r\n{body}"
    )
    stream = {
        "kind": "same", "port": port, "people": PEOPLE, "request": request,
        "connections": _CONNECTIONS,
    }  # fmt: skip
    told = live.load(seconds, stream)["request"]
    if told["bad"]:
        raise RuntimeError(f"Feast: {told['bad']} of {told['count']} answers were not good")
    return float(told["count"] / seconds)
