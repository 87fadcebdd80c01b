"""Peers of the live benchmarks: their own environment, and servers that are started for them.

Whatever is not on the machine is skipped with words: nothing here is needed to run visavis.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import SIDES, WORK, say
from live import Process, free_port

COLLECT = ("fastapi==0.165.0", "uvicorn[standard]==0.54.0", "asyncpg==0.32.0", "redis==8.1.0")
FEAST = ("feast[redis]==0.67.0",)


def environment(name: str, packages: Sequence[str]) -> Path | None:
    """The Python of a virtual environment with these packages; None where it can't be made.

    With VISAVIS_BENCH_PEERS=0, as in tests, nothing is fetched.
    """
    if os.environ.get("VISAVIS_BENCH_PEERS") == "0":
        say(f"skipped {name}: no peers are asked for")
        return None
    folder = WORK / f"peers-{name}"
    python = folder / "bin" / "python"
    done = folder / "-".join(p.replace("==", "") for p in packages).replace("[", "").replace(
        "]", ""
    )
    if done.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
        words = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*words, *packages], check=True, timeout=400, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        say(f"skipped {name}: its packages can't be installed ({type(error).__name__})")
        return None
    done.touch()
    return python


def version_of(words: Sequence[str]) -> str:
    """The first line a program says of its version."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split("\n")[0]


def _found(name: str) -> str | None:
    """A program on the path, or where Debian puts PostgreSQL's."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, places)])
    return shutil.which(name, path=path)


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, Process] | None]:
    """A PostgreSQL of its own with an empty table `events`, and its DSN; None where there is none.

    Durable as it comes (fsync and synchronous_commit on), with memory and WAL as its
    documentation advises for writing much.
    """
    initdb, server = _found("initdb"), _found("postgres")
    if initdb is None or server is None:
        say("skipped PostgreSQL: no 'initdb' and 'postgres' on this machine")
        yield None
        return
    port = free_port()
    user = "postgres" if os.getuid() == 0 else None
    folder.mkdir(parents=True, exist_ok=True)
    if user is not None and not _open_to_others(folder):
        say(f"skipped PostgreSQL: its user can't enter {folder}")
        yield None
        return
    data = folder / "pg"
    if user is not None:  # it refuses to run as root
        shutil.chown(folder, user)
    words = [initdb, "-D", str(data), "-A", "trust", "-U", "bench", "-E", "UTF8", "--no-sync"]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, user=user)
    settings = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": str(data),
        "shared_buffers": "512MB", "max_wal_size": "4GB", "wal_buffers": "16MB",
        "max_connections": 60,
    }  # fmt: skip
    more = [word for k, v in settings.items() for word in ("-c", f"{k}={v}")]
    log = (folder / "log").open("wb")
    with Process([server, "-D", str(data), *more], port, "", stderr=log, user=user) as process:
        dsn = f"postgresql://bench@127.0.0.1:{port}/postgres"
        _table(dsn)
        yield dsn, process
    shutil.rmtree(folder, ignore_errors=True)


def _open_to_others(folder: Path) -> bool:
    """Whether another user may pass through every folder above."""
    return all(above.stat().st_mode & 0o001 for above in folder.parents)


def _table(dsn: str) -> None:
    import time

    psql = _found("psql")
    assert psql is not None
    table = "CREATE TABLE events (message_id text, received timestamptz DEFAULT now(), body text)"
    for _ in range(100):  # it listens before it lets anybody in
        if not subprocess.run([psql, dsn, "-q", "-c", table], capture_output=True).returncode:
            return
        time.sleep(0.1)
    raise RuntimeError("PostgreSQL did not start")


@contextmanager
def fastapi(python: Path, dsn: str, workers: int = 2) -> Iterator[Process]:
    """The FastAPI application over a PostgreSQL."""
    port = free_port()
    words = [
        str(python), "-m", "uvicorn", "peer_fastapi:app", "--app-dir", str(SIDES), "--port",
        str(port), "--no-access-log", "--log-level", "warning", "--workers", str(workers),
    ]  # fmt: skip
    with Process(words, port, env={**os.environ, "PEER_DSN": dsn}) as process:
        yield process


@contextmanager
def collector(python: Path, port: int, workers: int = 2) -> Iterator[Process]:
    """The bare collector in front of a redis-server."""
    own = free_port()
    words = [
        str(python), "-m", "uvicorn", "peer_redis:app", "--app-dir", str(SIDES), "--port",
        str(own), "--no-access-log", "--log-level", "warning", "--workers", str(workers),
    ]  # fmt: skip
    with Process(words, own, env={**os.environ, "PEER_PORT": str(port)}) as process:
        yield process


@contextmanager
def redis(folder: Path, *more: str) -> Iterator[Process | None]:
    """A redis-server that has every command on disk before it answers."""
    server = shutil.which("redis-server")
    if server is None:
        say("skipped redis: no 'redis-server' on this machine")
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    words = [
        server, "--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--appendfsync",
        "always", "--save", "", "--auto-aof-rewrite-percentage", "0", *more,
    ]  # fmt: skip
    with Process(words, port, "", stdout=subprocess.DEVNULL) as process:
        yield process
    shutil.rmtree(folder, ignore_errors=True)
